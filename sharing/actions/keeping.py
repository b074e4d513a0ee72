"""What the patient keeps from others: a prescription masked, a professional shut out. Both can be undone."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from portal import audit
from portal.reasons import refuse_if
from prescriptions.locks import lock_patient
from prescriptions.locks import locked as lock_prescription
from prescriptions.models import Patient, Prescription
from sharing import policies


@transaction.atomic
def mask_prescription(*, prescription: Prescription, by) -> None:
    """No professional finds it any more, nor whoever acts for the patient. Raises Refused while it is sent."""
    prescription = lock_prescription(prescription)
    refuse_if(policies.why_not_mask(prescription))
    if prescription.masked_at is None:
        _set_masked(prescription, timezone.now(), "prescription.masked", by)


@transaction.atomic
def unmask_prescription(*, prescription: Prescription, by) -> None:
    prescription = lock_prescription(prescription)
    if prescription.masked_at is not None:
        _set_masked(prescription, None, "prescription.unmasked", by)


def _set_masked(prescription: Prescription, at: datetime | None, kind: str, by) -> None:
    prescription.masked_at = at
    prescription.save(update_fields=["masked_at"])
    audit.record(kind=kind, by=by, patient_id=prescription.patient_id, subject=prescription)


@transaction.atomic
def block_professional(*, patient: Patient, identifier: str, by) -> None:
    """`identifier`: RPPS or FINESS, which opens none of the patient's prescriptions any more. Raises Refused while one
    is sent there."""
    lock_patient(patient)  # nothing is being sent there meanwhile
    refuse_if(policies.why_not_block(patient, identifier))
    blocked, is_new = patient.blocked_professionals.get_or_create(identifier=identifier)
    if is_new:
        audit.record(
            kind="patient.professional_blocked", by=by, patient_id=patient.pk, subject=blocked, professional=identifier
        )


@transaction.atomic
def unblock_professional(*, patient: Patient, identifier: str, by) -> None:
    blocked = patient.blocked_professionals.select_for_update().filter(identifier=identifier).first()
    if blocked is None:
        return
    audit.record(
        kind="patient.professional_unblocked", by=by, patient_id=patient.pk, subject=blocked, professional=identifier
    )
    blocked.delete()
