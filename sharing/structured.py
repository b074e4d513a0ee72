"""The structured attachment: a FHIR R4 Bundle that the pharmacy's software can read (interop §4.3).

The deposit is passed on as it was received when it speaks of this prescription alone; else the bundle is written from
the rows. Who it is for and who wrote it are added when they are missing.
"""

import json

from prescriptions.fhir.codes import NUMBER_SYSTEM, SERVICE_KINDS
from prescriptions.models import Patient, Prescriber, Prescription, PrescriptionLine

REQUESTS = {"MedicationRequest", "DeviceRequest", "ServiceRequest"}
RPPS_SYSTEM = "urn:oid:1.2.250.1.71.4.2.1"
CODE_SYSTEMS = {  # of PrescriptionLine.codes
    "cis": "http://data.esante.gouv.fr/ansm/medicament/SpecialitePharmaceutique",
    "cip13": "http://data.esante.gouv.fr/ansm/medicament/Presentation",
    "ucd": "http://data.esante.gouv.fr/ansm/medicament/UCD",
    "sms": "http://data.esante.gouv.fr/ansm/medicament/codeSMS",
    "mv": "https://www.medicabase.fr",
    "lpp": "urn:oid:1.2.250.1.215.200.2.1",
    "nabm": "urn:oid:1.2.250.1.215.200.3.2",
}
SNOMED = "http://snomed.info/sct"
GENDERS = {Patient.Sex.FEMALE: "female", Patient.Sex.MALE: "male", Patient.Sex.UNKNOWN: "unknown"}


def bundle_of(prescription: Prescription) -> bytes:
    """UTF-8 JSON. The same rows always give the same bytes."""
    entries = _deposited(prescription) or [{"resource": _request(line)} for line in prescription.lines.all()]
    present = {entry["resource"].get("resourceType") for entry in entries}
    if "Patient" not in present:
        entries.append({"resource": _patient(prescription.patient)})
    if prescription.prescriber and "Practitioner" not in present:
        entries.append({"resource": _practitioner(prescription.prescriber)})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if prescription.number:
        bundle["identifier"] = _number(prescription)
    return json.dumps(bundle, ensure_ascii=False, indent=1).encode()


def _deposited(prescription: Prescription) -> list[dict]:
    """The entries received, untouched; nothing when they hold another prescription, which is not being shared."""
    source = prescription.source or {}
    entries = [entry for entry in source.get("entry") or [] if entry.get("resource")]
    requests = [entry for entry in entries if entry["resource"].get("resourceType") in REQUESTS]
    return entries if requests and len(requests) == prescription.lines.count() else []


def _request(line: PrescriptionLine) -> dict:
    shape = {PrescriptionLine.Kind.MEDICINE: _medicine, PrescriptionLine.Kind.DEVICE: _device}
    resource = {"id": str(line.pk), "status": "active", "intent": "order"} | shape.get(line.kind, _act)(line)
    prescription = line.prescription
    resource["subject"] = {"reference": f"Patient/{prescription.patient_id}"}
    resource["authoredOn"] = prescription.authored_on.isoformat()
    if prescription.prescriber_id:
        resource["requester"] = {"reference": f"Practitioner/{prescription.prescriber_id}"}
    if prescription.number:
        resource["groupIdentifier"] = _number(prescription)
    notes = [text for text in (line.instructions, line.dispenser_note) if text]
    return resource | ({"note": [{"text": text} for text in notes]} if notes else {})


def _medicine(line: PrescriptionLine) -> dict:
    supply = {"numberOfRepeatsAllowed": line.renewals}
    if line.quantity is not None:
        supply["quantity"] = {"value": float(line.quantity), "unit": line.quantity_unit}
    if line.duration_days:
        supply["expectedSupplyDuration"] = {"value": line.duration_days, "unit": "j", "code": "d"}
    resource = {
        "resourceType": "MedicationRequest",
        "medicationCodeableConcept": _coded(line),
        "dosageInstruction": line.dosage or [{"text": line.dosage_text or line.name}],
        "dispenseRequest": supply,
    }
    if line.no_substitution:
        reason = {"text": f"{line.no_substitution} : {line.get_no_substitution_display()}"}
        resource["substitution"] = {"allowedBoolean": False, "reason": reason}
    return resource


def _device(line: PrescriptionLine) -> dict:
    return {"resourceType": "DeviceRequest", "codeCodeableConcept": _coded(line)} | _occurrence(line)


def _act(line: PrescriptionLine) -> dict:
    codes = [code for code, kind in SERVICE_KINDS.items() if kind == line.kind]
    category = {"category": [{"coding": [{"system": SNOMED, "code": code} for code in codes]}]} if codes else {}
    return {"resourceType": "ServiceRequest", "code": _coded(line)} | category | _occurrence(line)


def _occurrence(line: PrescriptionLine) -> dict:
    timing = next((dosage["timing"] for dosage in line.dosage if "timing" in dosage), None)
    words = {"note": [{"text": line.dosage_text}]} if line.dosage_text else {}
    return words | ({"occurrenceTiming": timing} if timing else {})


def _coded(line: PrescriptionLine) -> dict:
    coding = [{"system": CODE_SYSTEMS[name], "code": code} for name, code in line.codes.items() if name in CODE_SYSTEMS]
    return {"text": line.name} | ({"coding": coding} if coding else {})


def _patient(patient: Patient) -> dict:
    names = [{"use": "official", "family": patient.birth_name, "given": patient.given_names.split(" ")}]
    if patient.used_name:
        names.append({"use": "usual", "family": patient.used_name, "given": [patient.given_name]})
    return {
        "resourceType": "Patient",
        "id": str(patient.pk),
        "identifier": [{"system": f"urn:oid:{patient.ins_oid}", "value": patient.ins}],
        "name": names,
        "gender": GENDERS[patient.sex],
        "birthDate": patient.birth_date,
    }


def _practitioner(prescriber: Prescriber) -> dict:
    return {
        "resourceType": "Practitioner",
        "id": str(prescriber.pk),
        "identifier": [{"system": RPPS_SYSTEM, "value": prescriber.rpps}],
        "name": [{"family": prescriber.family_name, "given": [prescriber.given_name], "prefix": [prescriber.title]}],
    }


def _number(prescription: Prescription) -> dict:
    return {"system": NUMBER_SYSTEM, "value": prescription.number}
