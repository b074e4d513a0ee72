"""A deposit that names a medicine by its code: once the public database is there, the code must be in it."""

import pytest
from django.utils import timezone

from prescriptions.models import Prescription
from tests import factories
from tests.prescriptions import bdpm_files as source
from tests.software import ANSM, Program, amoxicillin, bundle

FINESS = factories.with_luhn("69990001")
SYSTEMS = {"cis": f"{ANSM}SpecialitePharmaceutique", "cip13": f"{ANSM}Presentation", "ucd": f"{ANSM}UCD"}


@pytest.fixture
def lap(db, client):
    return Program(client, kind="lap", finess=FINESS)


def deposit(lap, *lines: dict):
    requests = [
        amoxicillin(
            medicationCodeableConcept={
                "coding": [{"system": SYSTEMS[name], "code": code} for name, code in codes.items()],
                "text": "Un médicament",
            }
        )
        for codes in lines
    ]
    facts = {
        "ins": factories.ins_with_key("2790369383001"),
        "finess": FINESS,
        "rpps": factories.with_luhn("9900000042"),
    }
    return lap.post("/api/fhir/", bundle(timezone.localdate().isoformat(), *requests, **facts))


@pytest.mark.parametrize(
    "codes", [{"cis": source.GENERIC}, {"cip13": source.NARCOTIC_14}, {"ucd": "3400892065366"}], ids=str
)
def test_a_known_medicine_is_taken(lap, catalogue, codes):
    assert deposit(lap, codes).status_code == 201


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ([{"cis": "69999999"}], "coding[0]"),
        ([{"cip13": source.cip13("9999999")}], "coding[0]"),
        ([{"cis": source.GENERIC, "cip13": source.cip13("9999999")}], "coding[1]"),
        ([{"cis": source.GENERIC}, {"ucd": "1", "cis": "1234"}], "coding[1]"),
    ],
    ids=["cis", "cip13", "second-code", "second-line"],
)
def test_an_unknown_one_is_refused_with_its_place_and_stores_nothing(lap, catalogue, lines, place):
    answer = deposit(lap, *lines)
    assert answer.status_code == 422
    issue = answer.json()["issue"][0]
    assert issue["details"]["coding"][0]["code"] == "medicine-unknown"
    assert f"{place}.code" in issue["expression"][0] and "medicationCodeableConcept" in issue["expression"][0]
    assert not any(code in issue["diagnostics"] for line in lines for code in line.values())
    assert not Prescription.objects.exists()


def test_without_the_database_every_code_is_taken(lap):
    assert deposit(lap, {"cis": "69999999"}).status_code == 201
