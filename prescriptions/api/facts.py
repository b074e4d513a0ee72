"""What goes with a line or a prescription in FHIR, as deposits say it: flags, urgency, named dispenser, weight, height.

Flags are `category` codings; DeviceRequest has none in R4 and carries them in an extension of the same meaning.
"""

from prescriptions.models import Prescription, PrescriptionLine

FLAGS = "urn:oid:1.2.250.1.213.1.1.4.322"  # TA_ASIP: sub-types of eP-MED-DM
LINE_FLAGS = "https://ordolien.test/fhir/CodeSystem/line-flags"
CATEGORY = "https://ordolien.test/fhir/StructureDefinition/category"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
SNOMED = "http://snomed.info/sct"
SERVICES = {"biology": "108252007", "nursing": "9632001", "physiotherapy": "91251008"}


def of_line(prescription: Prescription, line: PrescriptionLine) -> dict:
    """`category` or `extension`, and `priority`."""
    concepts = _concepts(prescription, line)
    found = {"priority": "urgent"} if prescription.has_flag(Prescription.Flag.URGENT) else {}
    if line.kind == line.Kind.DEVICE:
        said = [{"url": CATEGORY, "valueCodeableConcept": concept} for concept in concepts]
        return found | ({"extension": said} if said else {})
    return found | ({"category": concepts} if concepts else {})


def _concepts(prescription: Prescription, line: PrescriptionLine) -> list[dict]:
    labels = dict(Prescription.Flag.choices) | dict(PrescriptionLine.Flag.choices)
    coded = [(FLAGS, code) for code in prescription.flags] + [(LINE_FLAGS, code) for code in line.flags]
    concepts = [
        {"coding": [{"system": system, "code": code}], "text": str(labels.get(code, code))} for system, code in coded
    ]
    service = SERVICES.get(line.kind)
    return ([{"coding": [{"system": SNOMED, "code": service}]}] if service else []) + concepts


def measures(prescription: Prescription) -> list[dict]:
    """Weight and height, as Observation, when the prescriber gave them."""
    known = [
        ("29463-7", prescription.weight_kg, "kg", "weight"),
        ("8302-2", prescription.height_cm, "cm", "height"),
    ]
    return [
        {
            "resourceType": "Observation",
            "id": f"{prescription.pk}-{name}",
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": loinc}]},
            "subject": {"reference": f"Patient/{prescription.patient_id}"},
            "valueQuantity": {"value": float(value), "unit": unit, "system": UCUM, "code": unit},
        }
        for loinc, value, unit, name in known
        if value is not None
    ]
