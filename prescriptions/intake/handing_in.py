"""A document that registered software hands in for a patient: no number, no code, but in the right space at once.

Prescribing software hands in prescriptions, pharmacy software its reports of dispensing. A patient not yet known gets
a space that waits to be claimed, as with a deposit; a document that is refused leaves nothing behind.
"""

from collections.abc import Callable

from django.db import transaction

from portal import idempotency
from portal.models import SoftwareClient
from portal.reasons import Refused
from prescriptions import actions
from prescriptions.fhir import FhirError
from prescriptions.fhir.document import NAME, SentDocument, read_document
from prescriptions.intake import identities, strict
from prescriptions.intake.received import file_received
from prescriptions.intake.reported import take_report
from prescriptions.models import Patient, Prescription

ATTACHMENT = f"{NAME}.content[0].attachment"
PLACES = {"other-patient": f"{NAME}.subject", "structure-not-yours": f"{NAME}.author"}


def hand_in_prescription(*, data: dict, key: str, by: SoftwareClient) -> Prescription:
    """`key`: the Idempotency-Key; without one, the document is its own key. Raises FhirError or Refused."""
    sent = read_document(data)
    strict.check_patient(sent.people, sent.patient, f"{NAME}.subject")
    strict.check_prescriber(sent.people, sent.author, f"{NAME}.author", structure_finess=by.structure_finess)

    def file(patient: Patient) -> Prescription:
        return file_received(
            patient=patient,
            content=sent.content,
            author=sent.author,
            written_on=sent.written_on,
            by=by,
        )

    return _once(data, key, sent, file, by)


def hand_in_report(*, data: dict, key: str, by: SoftwareClient) -> Prescription:
    """The prescription of the registry that it carries out, where it is now recorded; else the report, to be shown."""
    sent = read_document(data)
    strict.check_patient(sent.people, sent.patient, f"{NAME}.subject")

    def file(patient: Patient) -> Prescription:
        return take_report(patient=patient, content=sent.content, finess=by.structure_finess, by=by)

    return _once(data, key, sent, file, by)


def _once(
    data: dict, key: str, sent: SentDocument, file: Callable[[Patient], Prescription], by: SoftwareClient
) -> Prescription:
    content = actions.content_key(data)
    answer = idempotency.once(
        scope=f"software:{by.pk}:document",
        key=key or content,
        request_facts={"document": content},
        effect=lambda: {"prescription": str(_filed(sent, file, by).pk)},
    )
    return Prescription.objects.with_content().get(pk=answer["prescription"])


@transaction.atomic
def _filed(sent: SentDocument, file: Callable[[Patient], Prescription], by: SoftwareClient) -> Prescription:
    """A refusal of what the document holds names the field that brought it."""
    patient = identities.patient_for(sent.patient, named=None, by=by)
    try:
        return file(patient)
    except Refused as refused:
        reason = refused.reason
        raise FhirError(PLACES.get(reason.code, f"{ATTACHMENT}.data"), reason.sentence, reason.code) from None
