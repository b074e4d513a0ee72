"""What each kind of registered software may reach. A right is a query here, never a condition in a template."""

from datetime import date
from uuid import UUID

from django.db.models import Prefetch

from portal.models import SoftwareClient
from prescriptions.models import Dispensing, DispensingLine, Patient, Prescriber, Prescription, PrescriptionQuerySet

REGISTRY = Prescription.Provenance.REGISTRY


def of_registry() -> PrescriptionQuerySet:
    return Prescription.objects.filter(provenance=REGISTRY)


def to_dispense(finess: str) -> PrescriptionQuerySet:
    """What a pharmacy may find by code or number: not what the patient masked, nor once they blocked it."""
    return of_registry().open_to_professional(finess)


def written_in(software: SoftwareClient) -> PrescriptionQuerySet:
    """The prescriptions of the prescribers of this software's structure."""
    return of_registry().filter(prescriber__structure_finess=software.structure_finess)


def written_by(prescriber: Prescriber) -> PrescriptionQuerySet:
    """Their own, but for what the patient masked, and not once the patient shut them out."""
    own = of_registry().filter(prescriber=prescriber)
    return own.open_to_professional(prescriber.rpps, prescriber.structure_finess)


def dispensings_for_prescribers(prescriptions):
    """What prescribers read of the execution of their own prescriptions: nothing where the patient objected
    (CSP R4071-3 and domain.md §1.9). The objection is in the query, so that no page can forget it."""
    return Dispensing.objects.filter(prescription__in=prescriptions, prescription__opposed=False).order_by(
        "-dispensed_at", "-pk"
    )


def dispensed_by(finess: str):
    return Dispensing.objects.filter(pharmacy_finess=finess)


def delivered_to(patient_id: UUID, finess: str):
    """What one pharmacy handed over to one patient, and that counts still."""
    lines = DispensingLine.objects.filter(dispensing__prescription__patient=patient_id, quantity__gt=0)
    return lines.filter(dispensing__pharmacy_finess=finess, dispensing__undone_at=None).select_related(
        "line__prescription"
    )


def for_insurer(numbers: list[str]) -> PrescriptionQuerySet:
    lines = Dispensing.objects.prefetch_related("lines__line").order_by("dispensed_at", "pk")
    return (
        of_registry()
        .filter(number__in=numbers)
        .select_related("prescriber", "replaced_by")
        .prefetch_related("lines", Prefetch("dispensings", queryset=lines))
    )


def written_between(start: date, end: date) -> PrescriptionQuerySet:
    return of_registry().filter(authored_on__gte=start, authored_on__lte=end)


def of_insured(ins: str, oid: str) -> PrescriptionQuerySet:
    return of_registry().filter(patient__ins_index=Patient.index_of(ins, oid))
