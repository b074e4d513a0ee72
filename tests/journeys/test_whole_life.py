"""The whole life of a prescription over HTTP, each by their own door: prescribing software, patient, two pharmacies'
software, prescriber, insurer. Nothing is reached from the inside but the sending of what is due."""

import base64
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from prescriptions.models import Prescription
from tests import factories
from tests.software import ANSM, Program, amoxicillin, bundle

CIP = "3400930000014"
LASTING = {
    "medicationCodeableConcept": {"text": "LEVOTHYROX 75 microgrammes, comprimé sécable"},
    "dosageInstruction": [
        {
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["ACM"]}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "comprimé"}}],
        }
    ],
    "dispenseRequest": {"quantity": {"value": 1, "unit": "boîte"}, "numberOfRepeatsAllowed": 0},
}


@pytest.fixture
def people(client, market):
    finess = factories.emma().prescriber.structure_finess
    bridge = factories.pharmacy(name="Pharmacie du Pont")
    return {
        "lap": Program(client, kind="lap", finess=finess, name="LogiDoc"),
        "market": Program(client, kind="lgo", finess=market.finess, name="LogiPharma"),
        "bridge": Program(client, kind="lgo", finess=bridge.finess, name="OfficiNet"),
        "insurer": Program(client, kind="insurer", finess=factories.with_luhn("75990009"), name="Caisse"),
        "finess": finess,
    }


def resource_of(answer) -> dict:
    return answer.json()["entry"][-1]["resource"]


def handed(line_id: str, billing: str, pharmacy: str = "Pharmacie du Marché") -> dict:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {
                    "resourceType": "MedicationDispense",
                    "status": "completed",
                    "medicationCodeableConcept": {"coding": [{"system": f"{ANSM}Presentation", "code": CIP}]},
                    "authorizingPrescription": [{"reference": f"MedicationRequest/{line_id}"}],
                    "quantity": {"value": 1, "unit": "boîte"},
                    "whenHandedOver": timezone.now().isoformat(),
                    "location": {"display": pharmacy},
                    "supportingInformation": [{"identifier": {"value": billing}}],
                },
                "request": {"method": "POST", "url": "MedicationDispense"},
            }
        ],
    }


def share_in_four_pages(client, prescription, pharmacy) -> str:
    """As a browser without JavaScript does; the receipt is on the last page."""
    base = f"/ordonnances/{prescription.pk}/partager/"
    assert client.get(base).status_code == 200
    client.post(base, {"pharmacy": str(pharmacy.pk)})
    client.post(f"{base}message/", {"message": "Bonjour", "when": ""})
    page = client.get(f"{base}verifier/")
    key = page.content.decode().split('name="key" value="')[1].split('"')[0]
    done = client.post(f"{base}verifier/", {"key": key}, follow=True)
    assert done.status_code == 200
    return done.content.decode()


def test_from_the_deposit_to_the_cancellation(people, client, market):
    alice, patient = factories.alice(), factories.alice_patient()
    lap, insurer = people["lap"], people["insurer"]

    # Deposited: a number, a signed code, the documents.
    day = (timezone.localdate() - timedelta(days=1)).isoformat()
    sent = bundle(
        day, amoxicillin(), amoxicillin(**LASTING),
        ins=patient.ins, finess=people["finess"], rpps=factories.emma().prescriber.rpps,
    )  # fmt: skip
    answer = lap.post("/api/fhir/", sent)
    assert answer.status_code == 201, answer.content
    document = resource_of(answer)
    number = document["masterIdentifier"]["value"]
    files = {c["attachment"]["title"]: base64.b64decode(c["attachment"]["data"]) for c in document["content"]}

    # Seen and shared by the patient.
    prescription = Prescription.objects.get(number=number)
    client.force_login(alice)
    assert client.get(f"/ordonnances/{prescription.pk}/").status_code == 200
    assert prescription.shares.count() == 0
    share_in_four_pages(client, prescription, market)
    assert prescription.shares.get().pharmacy == market

    # Listed, read and prepared by the pharmacy's software.
    (task,) = people["market"].get("/api/fhir/Task", {"status": "requested"}).json()["entry"]
    read = people["market"].get(f"/api/fhir/Task/{task['resource']['id']}").json()
    lines = [r["id"] for r in read["contained"] if r["resourceType"] == "MedicationRequest"]
    ready = people["market"].put(
        f"/api/fhir/Task/{task['resource']['id']}", {"resourceType": "Task", "status": "ready"}
    )
    assert ready.status_code == 200

    # Dispensed in two steps at two pharmacies; the same line twice is refused.
    first = people["market"].post("/api/fhir/", handed(lines[0], "FAC-1"))
    assert first.status_code == 201, first.content
    asked = urlencode({"qr": files["qr.txt"].decode()})
    found = people["bridge"].post(
        "/api/fhir/MedicationRequest/_search", asked, content_type="application/x-www-form-urlencoded"
    )
    assert found.status_code == 200
    assert people["bridge"].post("/api/fhir/", handed(lines[0], "FAC-2", "Pharmacie du Pont")).status_code == 409
    second = people["bridge"].post("/api/fhir/", handed(lines[1], "FAC-3", "Pharmacie du Pont"))
    assert second.status_code == 201, second.content
    page = client.get(f"/ordonnances/{prescription.pk}/").content.decode()
    assert "Pharmacie du Marché" in page and "Pharmacie du Pont" in page

    # Read by the prescriber, checked by the insurer with both invoices.
    told = lap.get("/api/fhir/MedicationDispense").json()["entry"]
    assert len(told) == 2
    checked = insurer.post("/api/insurer/check/", {"numbers": [number]}, content_type="application/json")
    assert checked.status_code == 200, checked.content
    said = json.dumps(checked.json())
    assert "FAC-1" in said and "FAC-3" in said and patient.ins not in said

    # The patient objects, by their insurer: the prescriber reads nothing more.
    objection = {"ins": patient.ins, "oid": patient.ins_oid, "opposed": True, "numbers": [number]}
    done = insurer.post("/api/insurer/opposition/", objection, content_type="application/json")
    assert done.status_code == 200, done.content
    assert lap.get("/api/fhir/MedicationDispense").json()["entry"] == []

    # Another one, cancelled before anything was delivered: verified as cancelled, refused at the counter.
    other = resource_of(lap.post("/api/fhir/", sent | {"entry": [*sent["entry"][:5], *sent["entry"][6:]]}))
    other_number = other["masterIdentifier"]["value"]
    assert other_number != number
    cancel = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "number", "valueIdentifier": {"value": other_number}},
            {"name": "prescriber", "valueIdentifier": {"value": factories.emma().prescriber.rpps}},
            {"name": "reason", "valueString": "Doublon"},
        ],
    }
    assert lap.post("/api/fhir/MedicationRequest/$cancel", cancel).status_code == 200
    text = next(base64.b64decode(c["attachment"]["data"]).decode() for c in other["content"]
                if c["attachment"]["title"] == "qr.txt")  # fmt: skip
    verdict = client.post("/api/verify/", json.dumps({"text": text}), content_type="application/json").json()
    assert verdict["code"] == "cancelled"
    line = Prescription.objects.get(number=other_number).lines.first()
    refused = people["market"].post("/api/fhir/", handed(str(line.pk), "FAC-4"))
    assert refused.status_code == 409
