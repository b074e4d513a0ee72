"""What a deposit says beside its lines reaches pharmacy software as it was said; its own software reads it back."""

from urllib.parse import urlencode

import pytest
from django.utils import timezone

from portal.models import AuditEvent
from prescriptions.api import answers
from prescriptions.models import Prescription
from tests import factories
from tests.software import Program, amoxicillin, bundle

pytestmark = pytest.mark.django_db
BASE = "/api/fhir"
SEARCH = f"{BASE}/MedicationRequest/_search"
FORM = "application/x-www-form-urlencoded"
LOCUM, REPLACED = factories.with_luhn("9900000777"), factories.with_luhn("9900000778")
OF_ALL = ["MED-1096", "MED-1097", "MED-1098", "MED-1094", "MED-1095"]
OF_LINE = ["ALD", "AT/MP", "NR", "HORS-AMM"]


@pytest.fixture
def finess(emma):
    return emma.prescriber.structure_finess


@pytest.fixture
def lap(client, finess):
    return Program(client, kind="lap", finess=finess)


@pytest.fixture
def lgo(client, market):
    return Program(client, kind="lgo", finess=market.finess)


def said(codes) -> list[dict]:
    return [{"coding": [{"code": code}]} for code in codes]


def everything(finess: str) -> dict:
    """Written by a locum, with all that the domain knows of beside the medicine."""
    line = amoxicillin(
        category=said(OF_ALL + OF_LINE),
        priority="urgent",
        substitution={"allowedBoolean": False, "reason": {"coding": [{"code": "CIF"}]}},
        dispenseRequest={
            "quantity": {"value": 1, "unit": "boîte"},
            "numberOfRepeatsAllowed": 2,
            "performer": {"display": "Pharmacie du Marché"},
        },
    )
    stick = {
        "resourceType": "DeviceRequest",
        "status": "active",
        "intent": "order",
        "codeCodeableConcept": {
            "coding": [{"system": "urn:oid:1.2.250.1.215.200.2.1", "code": "1215702"}],
            "text": "Canne",
        },
        "extension": [{"url": "urn:x", "valueCodeableConcept": concept} for concept in said(["ALD"])],
    }
    ins = factories.ins_with_key("2790312345678")
    sent = bundle(timezone.localdate().isoformat(), line, stick, ins=ins, finess=finess, rpps=LOCUM)
    replaced = {
        "resourceType": "Practitioner",
        "id": "away",
        "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": REPLACED}],
        "name": [{"family": "Martin", "given": ["Jean"], "prefix": ["Dr"]}],
    }
    measures = [("29463-7", 72.5, "kg"), ("8302-2", 178, "cm")]
    sent["entry"] += [{"resource": replaced}, {"resource": _role_of_the_replaced()}]
    sent["entry"] += [
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "valueQuantity": {"value": value, "code": unit},
            }
        }
        for code, value, unit in measures
    ]
    provenance = next(e["resource"] for e in sent["entry"] if e["resource"]["resourceType"] == "Provenance")
    provenance["agent"].append(
        {
            "type": {"coding": [{"code": "author"}]},
            "who": {"reference": "Practitioner/doc"},
            "onBehalfOf": {"reference": "PractitionerRole/away"},
        }
    )
    return sent


def _role_of_the_replaced() -> dict:
    contact = [{"system": "phone", "value": "+33 1 99 00 12 35"}, {"system": "email", "value": "jean@cabinet.test"}]
    return {
        "resourceType": "PractitionerRole",
        "id": "away",
        "practitioner": {"reference": "Practitioner/away"},
        "organization": {"reference": "Organization/place"},
        "specialty": [{"text": "médecine générale"}],
        "telecom": contact,
    }


def resources(answer) -> list[dict]:
    assert answer.status_code == 200, answer.content
    return [entry["resource"] for entry in answer.json()["entry"]]


def of_kind(found, kind: str) -> list[dict]:
    return [resource for resource in found if resource["resourceType"] == kind]


def codes_of(concepts) -> set[str]:
    return {coding["code"] for concept in concepts for coding in concept["coding"]}


def find(program, number: str):
    return program.post(SEARCH, urlencode({"group-identifier": number}), content_type=FORM)


def test_every_flag_is_carried_to_the_pharmacy_s_software(lap, lgo, finess):
    assert lap.post(f"{BASE}/", everything(finess)).status_code == 201
    prescription = Prescription.objects.get()
    assert prescription.replaced_prescriber.rpps == REPLACED
    found = resources(find(lgo, prescription.number))
    (medicine,), (stick,) = of_kind(found, "MedicationRequest"), of_kind(found, "DeviceRequest")
    assert codes_of(medicine["category"]) == {*OF_ALL, *OF_LINE} and medicine["priority"] == "urgent"
    assert medicine["substitution"]["reason"]["coding"][0]["code"] == "CIF"
    assert medicine["dispenseRequest"]["performer"]["display"] == "Pharmacie du Marché"
    assert medicine["dispenseRequest"]["numberOfRepeatsAllowed"] == 2
    concepts = [e["valueCodeableConcept"] for e in stick["extension"] if "valueCodeableConcept" in e]
    assert codes_of(concepts) == {*OF_ALL, "ALD"}
    assert {o["valueQuantity"]["value"] for o in of_kind(found, "Observation")} == {72.5, 178}
    assert {p["identifier"][0]["value"] for p in of_kind(found, "Practitioner")} == {LOCUM, REPLACED}


def test_what_the_registry_answers_can_be_deposited_again(lap, lgo, finess):
    """The flags of an answer are read as they were in the deposit."""
    lap.post(f"{BASE}/", everything(finess))
    first = Prescription.objects.get()
    sent = everything(finess)
    (medicine,) = of_kind(resources(find(lgo, first.number)), "MedicationRequest")
    request = next(e["resource"] for e in sent["entry"] if e["resource"]["resourceType"] == "MedicationRequest")
    request["category"] = medicine["category"]
    assert lap.post(f"{BASE}/", sent).status_code == 201
    second = Prescription.objects.exclude(pk=first.pk).get()
    assert set(second.flags) == set(first.flags)
    assert set(second.lines.first().flags) == set(first.lines.first().flags) == set(OF_LINE)


def test_a_locum_s_replaced_prescriber_without_an_identifier_is_named(lap, finess):
    sent = everything(finess)
    away = next(e["resource"] for e in sent["entry"] if e["resource"].get("id") == "away")
    away["identifier"][0]["value"] = "123"
    answer = lap.post(f"{BASE}/", sent)
    assert answer.status_code == 422 and not Prescription.objects.exists()


def test_its_own_software_reads_back_what_it_deposited(lap, lgo, client, finess, alice, market):
    done = lap.post(f"{BASE}/", everything(finess)).json()
    line, stick, document = (entry["response"]["location"] for entry in done["entry"])
    assert lap.get(f"{BASE}/{line}").json()["resourceType"] == "MedicationRequest"
    assert lap.get(f"{BASE}/{stick}").json()["resourceType"] == "DeviceRequest"
    assert lap.get(f"{BASE}/{document}").json() == done["entry"][-1]["resource"]
    number = done["entry"][-1]["resource"]["masterIdentifier"]["value"]
    found = resources(find(lap, number))
    assert len(of_kind(found, "MedicationRequest")) == 1 and "extension" not in found[0], "not what was delivered of it"
    assert AuditEvent.objects.filter(kind="prescription.read_by_prescriber").count() == 4

    stranger = Program(client, kind="lap", finess=factories.with_luhn("69990077"))
    for address, to_a_pharmacy in ((line, 403), (stick, 403), (document, 404)):  # it reads the documents it handed in
        assert stranger.get(f"{BASE}/{address}").status_code == 404
        assert lgo.get(f"{BASE}/{address}").status_code == to_a_pharmacy
    assert resources(find(stranger, number)) == resources(stranger.get(f"{BASE}/MedicationRequest")) == []


def test_its_list_goes_on_by_key(lap, alice):
    made = [factories.prescription() for _ in range(3)]
    page = lap.get(f"{BASE}/MedicationRequest", {"_count": "2"})
    assert len(resources(page)) == 2
    (following,) = [link["url"] for link in page.json()["link"] if link["relation"] == "next"]
    assert len(resources(lap.get(following))) == 1 and len(made) == 3
    by_number = lap.get(f"{BASE}/MedicationRequest", {"group-identifier": made[0].number})
    assert by_number.status_code == 422 and "_search" in by_number.content.decode()


def test_a_flag_that_nothing_names_here_is_told_by_its_code(emma):
    line = factories.amoxicillin(flags=["UNHEARD-OF"])
    (resource,) = answers.requests_of(factories.prescription(flags=["MED-9999"], lines=[line]))
    assert [concept["text"] for concept in resource["category"]] == ["MED-9999", "UNHEARD-OF"]
