"""Prescribing software deposits over HTTP, and every wrong deposit is refused with its field and stores nothing."""

import base64
import io
import json

import pytest
from django.utils import timezone

from portal.models import AuditEvent
from prescriptions import words
from prescriptions.code import qr
from prescriptions.models import Patient, Prescription
from tests import factories
from tests.software import Program, amoxicillin, bundle

FINESS = factories.with_luhn("69990001")
RPPS = factories.with_luhn("9900000042"[:10])
INS = factories.ins_with_key("2790369383001")


@pytest.fixture
def lap(db, client):
    return Program(client, kind="lap", finess=FINESS)


def today() -> str:
    return timezone.localdate().isoformat()


def deposit_of(*requests, day="", **changes) -> dict:
    return bundle(day or today(), *requests, **({"ins": INS, "finess": FINESS, "rpps": RPPS} | changes))


def issue_of(answer) -> dict:
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", body
    return body["issue"][0]


def code_of(answer) -> str:
    return issue_of(answer)["details"]["coding"][0]["code"]


def attachments(answer) -> dict:
    document = answer.json()["entry"][-1]["resource"]
    return {
        content["attachment"]["title"]: base64.b64decode(content["attachment"]["data"])
        for content in document["content"]
    } | {"number": document["masterIdentifier"]["value"]}


def test_a_deposit_gives_the_number_the_code_the_pdf_and_the_cda(lap):
    answer = lap.post("/api/fhir/", deposit_of())
    assert answer.status_code == 201, answer.content
    assert answer["Content-Type"].startswith("application/fhir+json")
    given = attachments(answer)
    prescription = Prescription.objects.get(number=given["number"])
    assert len(given["number"]) == 18
    assert given["qr.txt"].decode() == qr.text_of(prescription)
    assert given["qr.svg"].startswith(b"<svg") and given["qr.png"].startswith(b"\x89PNG")
    assert given["ordonnance.pdf"].startswith(b"%PDF")
    assert given["number"].encode() in given["ordonnance-cda.xml"]


def test_the_document_is_in_the_space_of_a_patient_who_is_here_at_once(lap, client):
    alice, patient = factories.alice(), factories.alice_patient()
    answer = lap.post("/api/fhir/", deposit_of(ins=patient.ins))
    number = attachments(answer)["number"]
    client.force_login(alice)
    assert (
        words.number_in_groups(number)
        in client.get(f"/ordonnances/{Prescription.objects.get(number=number).pk}/").content.decode()
    )


def test_a_patient_not_yet_known_gets_a_space_that_waits(lap):
    lap.post("/api/fhir/", deposit_of())
    patient = Patient.objects.get(ins_index=Patient.index_of(INS, factories.INS_TEST_OID))
    assert patient.family_name == "DURAND" and not patient.accesses.exists()


def test_a_number_of_the_software_is_kept_and_serves_once(lap):
    first = lap.post("/api/fhir/", deposit_of(number="01S2TBPZ2JCNZZYGHZ"))
    assert first.status_code == 201 and attachments(first)["number"] == "01S2TBPZ2JCNZZYGHZ"
    again = lap.post("/api/fhir/", deposit_of(number="01S2TBPZ2JCNZZYGHZ"))
    assert again.status_code == 200, "the same deposit once more is the same prescription"
    other = amoxicillin(dispenseRequest={"quantity": {"value": 3, "unit": "boîte"}})
    clash = lap.post("/api/fhir/", deposit_of(other, number="01S2TBPZ2JCNZZYGHZ"))
    assert clash.status_code == 409 and code_of(clash) == "number-taken"
    assert Prescription.objects.count() == 1


def test_the_same_idempotency_key_is_one_deposit(lap):
    key = {"Idempotency-Key": "dep-1"}
    first = lap.post("/api/fhir/", deposit_of(), **key)
    second = lap.post("/api/fhir/", deposit_of(), **key)
    assert attachments(first)["number"] == attachments(second)["number"]
    other = lap.post("/api/fhir/", deposit_of(certification="LAP-2"), **key)
    assert other.status_code == 422 and code_of(other) == "idempotency-other-body"


def test_cancelled_by_who_wrote_it_and_by_nobody_else(lap, client):
    number = attachments(lap.post("/api/fhir/", deposit_of()))["number"]
    stranger = Program(client, kind="lap", finess=factories.with_luhn("75990002"))
    asked = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "number", "valueIdentifier": {"value": number}},
            {"name": "prescriber", "valueIdentifier": {"value": RPPS}},
            {"name": "reason", "valueString": "Erreur de dosage"},
        ],
    }
    assert stranger.post("/api/fhir/MedicationRequest/$cancel", asked).status_code == 422
    answer = lap.post("/api/fhir/MedicationRequest/$cancel", asked)
    assert answer.status_code == 200
    assert answer.json()["entry"][0]["resource"]["status"] == "cancelled"
    assert AuditEvent.objects.filter(
        kind="prescription.cancelled", actor=f"softwareclient:{lap.installation.pk}"
    ).exists()


def cancelling(made: Prescription) -> dict:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "number", "valueIdentifier": {"value": made.number}},
            {"name": "prescriber", "valueIdentifier": {"value": made.prescriber.rpps}},
            {"name": "reason", "valueString": "Doublon"},
        ],
    }


@pytest.mark.parametrize("kept_by", ["masking", "objecting"])
def test_cancelling_tells_nothing_of_what_the_patient_keeps_from_the_prescriber(lap, market, kept_by):
    lap.post("/api/fhir/", deposit_of())
    made = Prescription.objects.get()
    facts = {"masked_at": timezone.now()} if kept_by == "masking" else {"opposed": True}
    Prescription.objects.update(**facts)
    factories.dispensing(made, market, quantity=2)
    refused = lap.post("/api/fhir/MedicationRequest/$cancel", cancelling(made))
    assert code_of(refused) == "too-late-to-cancel" and "délivr" not in refused.content.decode()
    made.dispensings.all().delete()
    done = lap.post("/api/fhir/MedicationRequest/$cancel", cancelling(made))
    assert done.status_code == 200 and (done.json()["entry"] == []) == (kept_by == "masking")
    made.refresh_from_db()
    assert made.cancelled_at


def test_cancelled_again_with_the_same_key_is_the_same_answer(lap):
    lap.post("/api/fhir/", deposit_of())
    body = cancelling(Prescription.objects.get())
    first, again = (lap.post("/api/fhir/MedicationRequest/$cancel", body, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    assert lap.post("/api/fhir/MedicationRequest/$cancel", body).status_code == 409


def test_replaced_by_a_new_one(lap):
    number = attachments(lap.post("/api/fhir/", deposit_of()))["number"]
    newer = lap.post("/api/fhir/", deposit_of(certification="LAP-2026-0043", prior=number))
    assert newer.status_code == 201, newer.content
    old = Prescription.objects.get(number=number)
    assert old.replaced_by.number == attachments(newer)["number"]
    assert words.standing(old).code == "replaced"


def taken(**changes) -> dict:
    repeat = {"frequency": 2, "period": 1, "periodUnit": "d"} | changes
    return amoxicillin(dosageInstruction=[{"timing": {"repeat": repeat}, "text": "2 par jour"}])


def with_another_patient(data: dict) -> dict:
    other = deposit_of(ins=factories.ins_with_key("1900212345678"))["entry"][0]["resource"]
    return data | {"entry": [*data["entry"], {"resource": other | {"id": "q"}}]}


BAD = {
    "ins-key": (lambda: deposit_of(ins=INS[:-2] + "00"), "ins"),
    "rpps": (lambda: deposit_of(rpps="99000000420"[:10] + "9"), "rpps"),
    "finess": (lambda: deposit_of(finess="690000000"), "finess"),
    "cip13": (
        lambda: deposit_of(
            amoxicillin(
                medicationCodeableConcept={
                    "coding": [
                        {"system": "http://data.esante.gouv.fr/ansm/medicament/Presentation", "code": "3400932320970"}
                    ],
                    "text": "AMOXICILLINE",
                }
            )
        ),
        "cip13",
    ),
    "certification": (lambda: deposit_of(certification=""), "certification-missing"),
    "dose": (
        lambda: deposit_of(amoxicillin(dosageInstruction=[{"doseAndRate": [{"doseQuantity": {"value": -1}}]}])),
        "dose-impossible",
    ),
    "rhythm": (
        lambda: deposit_of(
            amoxicillin(dosageInstruction=[{"timing": {"repeat": {"frequency": 0, "period": 1, "periodUnit": "d"}}}])
        ),
        "dose-impossible",
    ),
    "unit of time": (lambda: deposit_of(taken(periodUnit="jour")), "dose-impossible"),
    "more than its most": (lambda: deposit_of(taken(frequencyMax=1)), "dose-impossible"),
    "future": (lambda: deposit_of(day="2999-01-01"), "future-date"),
    "somebody else beside": (lambda: with_another_patient(deposit_of()), "several-patients"),
    "no-line": (lambda: {"resourceType": "Bundle", "type": "transaction", "entry": []}, ""),
    "not-a-bundle": (lambda: {"resourceType": "Patient"}, ""),
    "10,000 lines": (lambda: deposit_of(*[amoxicillin()] * 10_000), ""),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_deposit_names_its_field_and_stores_nothing(lap, case):
    make, code = BAD[case]
    body = json.dumps(make())
    answer = lap.post("/api/fhir/", body)
    assert 400 <= answer.status_code < 500, answer.content
    issue = issue_of(answer)
    assert issue["diagnostics"] and issue["expression"] and (code in code_of(answer))
    assert not Prescription.objects.exists() and not Patient.objects.exists()


def test_two_patients_in_one_bundle(lap):
    data = deposit_of(amoxicillin(), amoxicillin())
    data["entry"].append({"resource": data["entry"][0]["resource"] | {"id": "q"}})
    data["entry"][-3]["resource"]["subject"] = {"reference": "Patient/q"}
    answer = lap.post("/api/fhir/", data)
    assert answer.status_code == 422 and issue_of(answer)["expression"]


@pytest.mark.parametrize(
    "body",
    [
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe",
        b"",
        b"[]",
        b'{"resourceType":"Bundle","type":1}',
        b'{"resourceType":"Bundle","type":"transaction","x":' + b"9" * 400_000 + b"}",
        b'{"resourceType":"Bundle","type":"transaction","entry":[' + b"{}," * 1_000_000 + b"{}]}",
    ],
    ids=["braces", "brackets", "deep", "not-utf8", "empty", "list", "type", "digits", "a million entries"],
)
def test_bombs_and_rubbish_are_answered_as_outcomes(lap, body):
    answer = lap.post("/api/fhir/", body)
    assert 400 <= answer.status_code < 500
    assert issue_of(answer)["diagnostics"] and issue_of(answer)["expression"]


def test_a_pile_of_entries_is_refused_before_any_is_looked_at(lap):
    """Its first entry holds what is refused where values are looked at one by one: the pile is told instead."""
    entries = b'{"a":"\\u0000"}' + b",{}" * 2_000
    answer = lap.post("/api/fhir/", b'{"resourceType":"Bundle","type":"transaction","entry":[' + entries + b"]}")
    assert issue_of(answer)["expression"] == ["Bundle.entry"]


@pytest.mark.parametrize("address", ["Patient/1", "MedicationRequest/%00", "nowhere/at/all"])
def test_an_address_that_is_not_served_is_an_outcome_too(lap, address):
    for answer in (lap.get(f"/api/fhir/{address}"), lap.post(f"/api/fhir/{address}", {})):
        assert answer.status_code == 404 and code_of(answer) == "not-found"


def test_too_large_is_413(lap):
    answer = lap.post("/api/fhir/", io.BytesIO(b" " * (5 * 1024 * 1024 + 10)).getvalue())
    assert answer.status_code == 413 and code_of(answer) == "too-large"


def test_nobody_deposits_without_a_token_nor_with_another_kinds(lap, client):
    nameless = client.post("/api/fhir/", json.dumps(deposit_of()), content_type="application/fhir+json")
    assert nameless.status_code == 401 and "Bearer" in nameless["WWW-Authenticate"]
    pharmacy = Program(client, kind="lgo", finess=FINESS)
    assert pharmacy.post("/api/fhir/", deposit_of()).status_code == 403
    assert not Prescription.objects.exists()
