"""POST /api/fhir/DocumentReference: one document, filed in the patient's space without a number."""

import base64
import hashlib

from django.conf import settings
from django.utils import timezone
from rest_framework.response import Response

from portal.api_access import for_software
from portal.models import SoftwareClient
from prescriptions import reach
from prescriptions.api import answers, dispensed
from prescriptions.api.base import FHIR_JSON, FhirParser, FhirView
from prescriptions.fhir.document import PRESCRIPTION, REPORT
from prescriptions.files import photos
from prescriptions.intake.handing_in import hand_in_prescription, hand_in_report
from prescriptions.models import Document, Prescription

NOT_OURS = {"contentType": "application/pdf"}  # it is here already, and not by this structure
MAX_BYTES = photos.MAX_BYTES * 4 // 3 + 256 * 1024  # the largest document in base64, and what goes around it


class DocumentParser(FhirParser):
    media_type = FHIR_JSON
    most = MAX_BYTES


class DocumentParserOfPlainJSON(DocumentParser):
    media_type = "application/json"


class Documents(FhirView):
    """From prescribing software, a prescription (CDA or PDF); from pharmacy software, a report of dispensing (CDA)."""

    parser_classes = [DocumentParser, DocumentParserOfPlainJSON]
    permission_classes = [for_software("prescriptions.write", "lap") | for_software("dispensings.write", "lgo")]

    def post(self, request):
        hand_in = hand_in_report if self.software.kind == "lgo" else hand_in_prescription
        started = timezone.now()
        filed = hand_in(data=request.data, key=request.headers.get("Idempotency-Key", ""), by=self.software)
        is_new = _since(filed, self.software.kind) >= started
        place = f"{settings.SITE_URL}/api/fhir/DocumentReference/{filed.pk}"
        return Response(
            document_reference(filed, self.software),
            status=201 if is_new else 200,
            headers={"Location": place} if _may_read_back(filed, self.software) else {},
        )


def _may_read_back(filed: Prescription, software: SoftwareClient) -> bool:
    """Not what another structure had handed in before, nor what another one wrote in the registry."""
    places = [reach.handed_in_by(software.structure_finess)]
    places += [reach.written_in(software)] if software.kind == "lap" else []
    return any(place.filter(pk=filed.pk).exists() for place in places)


def _since(filed: Prescription, kind: str):
    """When it came: a report may have been recorded on a prescription that is older."""
    recorded = [dispensing.created_at for dispensing in filed.dispensings.all()] if kind == "lgo" else []
    return max([filed.created_at, *recorded])


def document_reference(prescription: Prescription, software: SoftwareClient, *, with_bytes: bool = False) -> dict:
    """What this software's structure handed in. `masterIdentifier`: only when the registry has that prescription,
    and not for a pharmacy from which the patient keeps it; `context`: what its pharmacy dispensed of it."""
    is_report, finess = software.kind == "lgo", software.structure_finess
    own = list(reach.documents_of(finess).filter(prescription=prescription))
    resource = {
        "resourceType": "DocumentReference",
        "id": str(prescription.pk),
        "status": "superseded" if hasattr(prescription, "replaced_by") else "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": REPORT if is_report else PRESCRIPTION}]},
        "subject": {"reference": f"Patient/{prescription.patient_id}"},
        "date": (own[-1] if own else prescription).created_at.isoformat(timespec="milliseconds"),
        "content": [{"attachment": told} for told in [_attachment(one, with_bytes) for one in own] or [NOT_OURS]],
    }
    if prescription.number and (not is_report or reach.to_dispense(finess).filter(pk=prescription.pk).exists()):
        resource["masterIdentifier"] = answers.number_of(prescription)
    if is_report and (recorded := reach.dispensed_by(finess).filter(prescription=prescription)):
        ids = [dispensed.id_of(one, line) for one in recorded for line in one.lines.all()]
        resource["context"] = {"related": [{"reference": f"MedicationDispense/{id}"} for id in ids]}
    return resource


def _attachment(document: Document, with_bytes: bool) -> dict:
    content = bytes(document.content)
    digest = hashlib.sha1(content, usedforsecurity=False).digest()  # what FHIR asks for: it tells damage
    told = {
        "contentType": document.content_type,
        "size": len(content),
        "hash": base64.b64encode(digest).decode(),
    }
    return told | ({"data": base64.b64encode(content).decode()} if with_bytes else {})
