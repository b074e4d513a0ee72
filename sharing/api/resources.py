"""A share as FHIR R4 Task, its words as Communication: one literal each, to lay beside the specification.

Task.status says it in FHIR's words, Task.businessStatus in ours (ShareStatus). A listing carries no identity and no
medicine: reading one Task is opening the share, and the patient is told so.
"""

from django.conf import settings
from django.db.models import Q

from prescriptions.api import answers, facts
from prescriptions.files import documents
from sharing.models import Share, ThreadMessage
from sharing.states import ShareStatus as S

BUSINESS_STATUS = "https://ordolien.test/fhir/CodeSystem/share-status"
REFUSALS = "https://ordolien.test/fhir/CodeSystem/share-refusal"
FINESS = "https://finess.esante.gouv.fr"
ADDRESS = f"{settings.SITE_URL}/api/fhir/Task"

# Share.status → Task.status. `accepted` is a share somebody took before saying more.
TASK_STATUS = {
    S.SHARED: "requested",
    S.OPENED: "received",
    S.PREPARING: "in-progress",
    S.PARTIALLY_READY: "in-progress",
    S.READY: "ready",
    S.COLLECTED: "completed",
    S.REFUSED: "rejected",
    S.REVOKED: "cancelled",
    S.EXPIRED: "failed",
    S.UNDELIVERABLE: "failed",
}


TAKEN = Q(status__in=[S.SHARED, S.OPENED], taken_at__isnull=False)


def task_status(share: Share) -> str:
    if share.status in (S.SHARED, S.OPENED) and share.taken_at:
        return "accepted"
    return TASK_STATUS[share.status]


def of_task_status(wanted: set[str]) -> Q:
    """The shares of which `task_status` says one of these."""
    said = Q(status__in=[state for state, name in TASK_STATUS.items() if name in wanted]) & ~TAKEN
    return said | TAKEN if "accepted" in wanted else said


def task(share: Share, *, whole: bool = False) -> dict:
    """`whole`: with the patient and the prescription in it, for a share that the pharmacy may read."""
    resource = {
        "resourceType": "Task",
        "id": str(share.pk),
        "meta": {"versionId": share.version, "lastUpdated": moment(share.status_at)},
        "identifier": [{"system": "https://ordolien.test/receipt", "value": share.receipt}],
        "status": task_status(share),
        "businessStatus": {"coding": [{"system": BUSINESS_STATUS, "code": str(share.status)}]},
        "intent": "order",
        "code": {"text": "Préparer une ordonnance"},
        "owner": {"identifier": {"system": FINESS, "value": share.pharmacy.finess}},
        "authoredOn": moment(share.created_at),
        "lastModified": moment(share.status_at),
    }
    if share.wished_at:
        resource["restriction"] = {"period": {"end": moment(share.wished_at)}}
    if share.refusal:
        resource["statusReason"] = {"coding": [{"system": REFUSALS, "code": share.refusal}]}
    if whole and share.is_readable:
        resource |= _content(share)
    return resource


def _content(share: Share) -> dict:
    prescription = share.prescription
    content = {
        "contained": [
            answers.patient(prescription.patient),
            *answers.requests_of(prescription),
            *facts.measures(prescription),
        ],
        "input": [
            {
                "type": {"text": "document"},
                "valueAttachment": {
                    "contentType": file.content_type,
                    "url": f"{ADDRESS}/{share.pk}/$document?n={place}",
                },
            }
            for place, file in enumerate(documents.for_message(prescription), start=1)
        ],
        "for": {"reference": f"#{prescription.patient_id}"},
        "note": [{"text": share.message}] if share.message else [],
    }
    if prescription.number:
        content["groupIdentifier"] = answers.number_of(prescription)
    if prescription.provenance == prescription.Provenance.UPLOAD:
        content["reasonCode"] = {"text": "Photo : préparation seulement, original à présenter."}
    return {name: value for name, value in content.items() if value}


def communication(words: ThreadMessage) -> dict:
    from_patient = words.side == ThreadMessage.Side.PATIENT
    return {
        "resourceType": "Communication",
        "id": str(words.pk),
        "status": "completed",
        "basedOn": [{"reference": f"Task/{words.share_id}"}],
        "sender": {"display": "patient" if from_patient else "pharmacy"},
        "sent": moment(words.created_at),
        "payload": [{"contentString": words.body}],
    }


def moment(at) -> str:
    return at.isoformat(timespec="milliseconds")
