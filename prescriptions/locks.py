"""A patient, a prescription, held alone until the transaction ends: the first in the order of locks, the patient before
the prescription (docs/architecture.md)."""

from prescriptions.models import Patient, Prescription


def lock_patient(patient: Patient) -> None:
    """For what is true of the person, whatever is written about them meanwhile. Rows that point at them may come."""
    list(Patient.objects.select_for_update(no_key=True).filter(pk=patient.pk).values_list("pk", flat=True))


def locked(prescription: Prescription) -> Prescription:
    """As it stands, now that nobody else is at work on it."""
    return Prescription.objects.select_for_update().get(pk=prescription.pk)


def lock_all_of(patient: Patient) -> None:
    """For what may touch several of them, and knows which only once it has begun to write."""
    list(patient.prescriptions.select_for_update().order_by("pk").values_list("pk", flat=True))
