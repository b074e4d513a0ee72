"""What the registry answers in FHIR R4, one literal a resource, to lay beside the specification."""

import base64

from prescriptions import cda
from prescriptions.api import facts
from prescriptions.code import qr
from prescriptions.fhir.codes import NUMBER_SYSTEM, SYSTEM_OF
from prescriptions.files import documents
from prescriptions.models import Prescription


def deposited(prescription: Prescription, *, is_new: bool, is_short: bool = False) -> dict:
    """transaction-response: where each line is, then the DocumentReference that holds number, QR, PDF and CDA.

    `is_short`: where each is, and nothing drawn.
    """
    status = "201 Created" if is_new else "200 OK"
    moment = prescription.created_at.isoformat(timespec="milliseconds")
    lines = [
        {
            "response": {
                "status": status,
                "location": f"{request_kind(line)}/{line.pk}",
                "lastModified": moment,
            }
        }
        for line in prescription.lines.all()
    ]
    document = {
        "fullUrl": f"urn:uuid:{prescription.pk}",
        "response": {"status": status, "location": f"DocumentReference/{prescription.pk}", "lastModified": moment},
    }
    if not is_short:
        document["resource"] = document_reference(prescription)
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": [*lines, document]}


def document_reference(prescription: Prescription) -> dict:
    """The prescription as documents. attachment.title says which: qr.txt, qr.svg, qr.png, ordonnance.pdf, …"""
    text = qr.text_of(prescription)
    pdf = documents.printable(prescription)
    contents = [
        ("qr.txt", "text/plain", text.encode()),
        ("qr.svg", "image/svg+xml", qr.svg(text).encode()),
        ("qr.png", "image/png", qr.png(text)),
        ("ordonnance.pdf", "application/pdf", bytes(pdf.content)),
        ("ordonnance-cda.xml", "application/xml", cda.document_of(prescription)),
    ]
    return {
        "resourceType": "DocumentReference",
        "id": str(prescription.pk),
        "masterIdentifier": number_of(prescription),
        "status": "superseded" if hasattr(prescription, "replaced_by") else "current",
        "type": {"coding": [_type_of(prescription)]},
        "date": prescription.created_at.isoformat(timespec="milliseconds"),
        "content": [
            {"attachment": {"contentType": kind, "title": name, "data": base64.b64encode(content).decode()}}
            for name, kind, content in contents
        ],
    }


def _type_of(prescription: Prescription) -> dict:
    """That of its CDA document: LOINC, else the ANS's own codes."""
    code = cda.type_of(prescription)
    system = "http://loinc.org" if code["codeSystemName"] == "LOINC" else f"urn:oid:{code['codeSystem']}"
    return {"system": system, "code": code["code"]}


def number_of(prescription: Prescription) -> dict:
    """Empty for what is not in the registry."""
    if not prescription.number:
        return {}
    return {"system": NUMBER_SYSTEM, "value": prescription.number}


def patient(person) -> dict:
    names = [{"use": "official", "family": person.birth_name, "given": person.given_names.split(" ")}]
    if person.used_name or person.used_given_name:
        names.append({"use": "usual", "family": person.family_name, "given": [person.given_name]})
    return {
        "resourceType": "Patient",
        "id": str(person.pk),
        "identifier": [{"system": f"urn:oid:{person.ins_oid}", "value": person.ins}],
        "name": names,
        "gender": {"F": "female", "M": "male"}.get(person.sex, "unknown"),
        "birthDate": person.birth_date,
    }


def request_kind(line) -> str:
    return {"medicine": "MedicationRequest", "device": "DeviceRequest"}.get(line.kind, "ServiceRequest")


def requests_of(prescription: Prescription) -> list[dict]:
    """Each line, whatever its kind: MedicationRequest, DeviceRequest or ServiceRequest of one number."""
    return [request_of(prescription, line) for line in prescription.lines.all()]


def codings(codes: dict) -> list[dict]:
    return [{"system": SYSTEM_OF[name], "code": code} for name, code in codes.items() if name in SYSTEM_OF]


def request_of(prescription: Prescription, line) -> dict:
    concept = {"coding": codings(line.codes), "text": line.name}
    status = "cancelled" if prescription.cancelled_at else "active"
    author = prescription.prescriber_id  # not always known, of a document that was received
    common = {
        "id": str(line.pk),
        "status": status,
        "intent": "order",
        "subject": {"reference": f"Patient/{prescription.patient_id}"},
        "authoredOn": prescription.authored_on.isoformat(),
        "requester": {"reference": f"Practitioner/{author}"} if author else None,
        "note": [{"text": text} for text in (line.dispenser_note, prescription.comment) if text],
    } | facts.of_line(prescription, line)
    if line.kind == line.Kind.MEDICINE:
        return without_empty(
            {
                "resourceType": "MedicationRequest",
                "groupIdentifier": number_of(prescription),
                "medicationCodeableConcept": concept,
                "dosageInstruction": line.dosage or ([{"text": line.dosage_text}] if line.dosage_text else []),
                "dispenseRequest": _dispense_request(prescription, line),
                "substitution": _substitution(line),
                **common,
            }
        )
    if line.kind == line.Kind.DEVICE:
        return without_empty(
            {
                "resourceType": "DeviceRequest",
                "groupIdentifier": number_of(prescription),
                "codeCodeableConcept": concept,
            }
            | common
        )
    return without_empty(
        {"resourceType": "ServiceRequest", "requisition": number_of(prescription), "code": concept} | common
    )


def _dispense_request(prescription: Prescription, line) -> dict:
    end = prescription.valid_until
    return without_empty(
        {
            "validityPeriod": without_empty(
                {"start": prescription.authored_on.isoformat(), "end": end.isoformat() if end else None}
            ),
            "numberOfRepeatsAllowed": line.renewals,
            "performer": {"display": prescription.named_pharmacy} if prescription.named_pharmacy else None,
            "quantity": {"value": float(line.quantity), "unit": line.quantity_unit} if line.quantity else None,
            "expectedSupplyDuration": {"value": line.duration_days, "unit": "d"} if line.duration_days else None,
        }
    )


def _substitution(line) -> dict:
    if not line.no_substitution:
        return {"allowedBoolean": True}
    return {"allowedBoolean": False, "reason": {"coding": [{"code": line.no_substitution}]}}


def without_empty(resource: dict) -> dict:
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}


def searchset(
    found: list[dict], *, url: str, next_url: str | None = None, included=(), base: str = "urn:uuid:"
) -> dict:
    """A page. No `total`: counting would slow with depth. `base`: what stands before the id in a fullUrl."""
    links = [{"relation": "self", "url": url}] + ([{"relation": "next", "url": next_url}] if next_url else [])
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": links,
        "entry": [
            {"fullUrl": f"{base}{resource['id']}", "resource": resource, "search": {"mode": mode}}
            for mode, resources in (("match", found), ("include", included))
            for resource in resources
        ],
    }
