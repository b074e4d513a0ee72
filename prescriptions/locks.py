"""Prescriptions held alone until the transaction ends. They come first in the order of locks (docs/architecture.md)."""

from prescriptions.models import Patient, Prescription


def locked(prescription: Prescription) -> Prescription:
    """As it stands, now that nobody else is at work on it."""
    return Prescription.objects.select_for_update().get(pk=prescription.pk)


def lock_all_of(patient: Patient) -> None:
    """For what may touch several of them, and knows which only once it has begun to write."""
    list(patient.prescriptions.select_for_update().order_by("pk").values_list("pk", flat=True))
