"""FHIR bundles as a prescribing software sends them, in the shape of the ANS examples. Plain dicts, to be altered."""

import copy

MEDICABASE = "http://BogusSystemMedicabase.com"
NUMBER = "urn:oid:1.2.250.1.215.500.1.1"


def medicine(name="PARACETAMOL 500 mg gélule", id="line-1", **fields) -> dict:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": MEDICABASE, "code": "MV00000557", "display": name}]},
        "subject": {"reference": "Patient/14602"},
        "authoredOn": "2026-11-20T10:33:00+01:00",
        "requester": {"reference": "Practitioner/7"},
        "dosageInstruction": [
            {
                "timing": {"repeat": {"when": ["MORN"]}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "gélule"}}],
            }
        ],
    } | fields


def bundle(*resources: dict) -> dict:
    entries = [{"resource": copy.deepcopy(r)} for r in resources or (medicine(),)]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def numbered(value: str, **fields) -> dict:
    return medicine(groupIdentifier={"system": NUMBER, "value": value}, **fields)


def alice_as_fhir(ins: str) -> dict:
    return {
        "resourceType": "Patient",
        "id": "alice",
        "identifier": [{"use": "official", "system": "urn:oid:1.2.250.1.213.1.4.10", "value": ins}],
        "name": [{"use": "official", "family": "MOREAU", "given": ["ALICE"]}],
        "gender": "female",
        "birthDate": "1988-03-14",
    }


def emma_as_fhir(rpps: str) -> list[dict]:
    """Practitioner, her role and her practice."""
    return [
        {
            "resourceType": "Practitioner",
            "id": "emma",
            "identifier": [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": f"8{rpps}"}],
            "name": [{"family": "Rousseau", "given": ["Emma"], "prefix": ["Dr"]}],
            "telecom": [{"system": "email", "value": "emma@ordolien.test"}],
        },
        {
            "resourceType": "PractitionerRole",
            "id": "role",
            "practitioner": {"reference": "Practitioner/emma"},
            "organization": {"reference": "Organization/practice"},
            "code": [{"coding": [{"code": "10", "display": "Médecin"}]}],
            "specialty": [{"coding": [{"code": "SM54", "display": "Médecine générale"}]}],
        },
        {
            "resourceType": "Organization",
            "id": "practice",
            "identifier": [{"system": "urn:oid:1.2.250.1.71.4.2.2", "value": "1699900015"}],
            "name": "Cabinet médical des Tilleuls",
            "address": [{"line": ["12 rue des Tilleuls"], "postalCode": "69003", "city": "Lyon"}],
            "telecom": [{"system": "phone", "value": "+33 1 99 00 12 34"}],
        },
    ]
