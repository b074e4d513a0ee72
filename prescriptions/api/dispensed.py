"""What the registry answers of dispensings, one literal a resource, to lay beside FHIR R4 MedicationDispense.

A resource is one line of a dispensing: its id is `<dispensing>.<position of the line>`.
"""

from django.conf import settings

from prescriptions import dispensing as counting
from prescriptions import policies
from prescriptions.api import answers, facts
from prescriptions.api.handed import BASE, CHANGE, OVERRIDE
from prescriptions.models import Dispensing, DispensingLine, Prescription, PrescriptionLine

COMPLETENESS = "https://ordolien.test/fhir/CodeSystem/completeness"  # codes of JDV_CompletudeDispensation_CISIS
SUBSTITUTION = "http://terminology.hl7.org/CodeSystem/v3-substanceAdminSubstitution"
FINESS, RPPS = "https://finess.esante.gouv.fr", "https://rpps.esante.gouv.fr"
BILLING = f"{settings.SITE_URL}/billing-reference"
LEFT = f"{BASE}/deliveries-left"  # valueUnsignedInt: complete deliveries still due, the first one included
BOXES_LEFT = f"{BASE}/boxes-left"  # valueDecimal, when the prescriber counted boxes


def page(resources: list[dict], *, url: str, next_url: str | None = None) -> dict:
    return answers.searchset(
        resources, url=url, next_url=next_url, base=f"{settings.SITE_URL}/api/fhir/MedicationDispense/"
    )


def resources_of(dispensing: Dispensing) -> list[dict]:
    return [medication_dispense(dispensing, told) for told in dispensing.lines.all()]


def id_of(dispensing: Dispensing, told: DispensingLine) -> str:
    return f"{dispensing.pk}.{told.line.position}"


def medication_dispense(dispensing: Dispensing, told: DispensingLine) -> dict:
    prescription, line = dispensing.prescription, told.line
    return answers.without_empty(
        {
            "resourceType": "MedicationDispense",
            "id": id_of(dispensing, told),
            "meta": {"lastUpdated": (dispensing.undone_at or dispensing.created_at).isoformat(timespec="milliseconds")},
            "contained": _batch(told),
            "extension": _extensions(told),
            "status": _status(dispensing, told),
            "statusReasonCodeableConcept": _text(dispensing.undone_reason or told.not_dispensed_reason),
            "medicationCodeableConcept": _product(told),
            "subject": {"reference": f"Patient/{prescription.patient_id}"},
            "supportingInformation": _billing(dispensing),
            "performer": _performers(dispensing),
            "location": {
                "identifier": {"system": FINESS, "value": dispensing.pharmacy_finess},
                "display": dispensing.pharmacy_name,
            },
            "authorizingPrescription": [
                {"reference": f"{answers.request_kind(line)}/{line.pk}", "identifier": answers.number_of(prescription)}
            ],
            "type": {"coding": [{"system": COMPLETENESS, "code": told.completeness}]} if told.completeness else None,
            "quantity": {"value": told.quantity, "unit": "boîte"} if told.quantity else None,
            "whenHandedOver": dispensing.dispensed_at.isoformat(timespec="milliseconds"),
            "substitution": _substitution(told),
        }
    )


def _status(dispensing: Dispensing, told: DispensingLine) -> str:
    if dispensing.undone_at:
        return "entered-in-error"
    return "completed" if told.quantity else "declined"


def _product(told: DispensingLine) -> dict:
    if told.cip13:
        return {"coding": answers.codings({"cip13": told.cip13}), "text": told.delivered_name}
    return {"text": told.delivered_name or told.line.name}


def _batch(told: DispensingLine) -> list[dict]:
    if not (told.lot or told.expires_on):
        return []
    expiry = told.expires_on.isoformat() if told.expires_on else None
    return [
        {
            "resourceType": "Medication",
            "id": "box",
            "code": _product(told),
            "batch": answers.without_empty({"lotNumber": told.lot, "expirationDate": expiry}),
        }
    ]


def _extensions(told: DispensingLine) -> list[dict]:
    found = []
    if told.change:
        said = [{"url": "what", "valueString": told.change}, {"url": "why", "valueString": told.change_reason}]
        if told.prescriber_agreed_on:
            said.append({"url": "agreed", "valueDate": told.prescriber_agreed_on.isoformat()})
        found.append({"url": CHANGE, "extension": said})
    if told.override_reason:
        found.append({"url": OVERRIDE, "valueString": told.override_reason})
    return found


def _billing(dispensing: Dispensing) -> list[dict]:
    if not dispensing.billing_reference:
        return []
    return [{"identifier": {"system": BILLING, "value": dispensing.billing_reference}}]


def _performers(dispensing: Dispensing) -> list[dict]:
    if not (dispensing.dispenser or dispensing.dispenser_rpps):
        return []
    rpps = {"system": RPPS, "value": dispensing.dispenser_rpps} if dispensing.dispenser_rpps else None
    return [{"actor": answers.without_empty({"identifier": rpps, "display": dispensing.dispenser})}]


def _substitution(told: DispensingLine) -> dict:
    if not told.substitution:
        return {"wasSubstituted": False} if told.quantity else {}
    return answers.without_empty(
        {
            "wasSubstituted": True,
            "type": {"coding": [{"system": SUBSTITUTION, "code": told.substitution}]},
            "reason": [{"text": told.substitution_reason}] if told.substitution_reason else [],
        }
    )


def _text(text: str) -> dict | None:
    return {"text": text} if text else None


# --- A prescription found by a pharmacy -------------------------------------------------------------------------------


def found(prescription: Prescription | None, *, url: str) -> dict:
    """The lines with what is left of each, then the patient and the prescriber."""
    matches, included = [], []
    if prescription is not None:
        matches = [_with_what_is_left(prescription, line) for line in prescription.lines.all()]
        people = [p for p in (prescription.prescriber, prescription.replaced_prescriber) if p]
        included = [answers.patient(prescription.patient), *(practitioner(person) for person in people)]
        included += facts.measures(prescription)
    return answers.searchset(matches, url=url, included=included)


def _with_what_is_left(prescription: Prescription, line: PrescriptionLine) -> dict:
    resource = answers.request_of(prescription, line)
    if line.is_for_pharmacy():
        left = policies.left_of(line)
        left = 1 + line.renewals if left is None else left
        resource["extension"] = [*resource.get("extension", []), {"url": LEFT, "valueUnsignedInt": left}]
        boxes = counting.boxes_left(line)
        if boxes is not None:
            resource["extension"].append({"url": BOXES_LEFT, "valueDecimal": float(boxes)})
    if policies.why_not_valid(prescription):
        resource["status"] = "cancelled" if prescription.cancelled_at else "stopped"
    elif line.is_for_pharmacy() and left == 0:
        resource["status"] = "completed"
    return resource


def practitioner(prescriber) -> dict:
    return {
        "resourceType": "Practitioner",
        "id": str(prescriber.pk),
        "identifier": [{"system": RPPS, "value": prescriber.rpps}],
        "name": [{"family": prescriber.family_name, "given": [prescriber.given_name], "prefix": [prescriber.title]}],
        "telecom": [{"system": "phone", "value": prescriber.phone}],
        "qualification": [{"code": {"text": prescriber.speciality}}],
    }
