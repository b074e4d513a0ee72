"""What each kind of registered software may reach. A right is a query here, never a condition in a template."""

from datetime import date, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Prefetch
from django.utils import timezone

from portal import audit
from portal.models import SoftwareClient
from prescriptions import objection
from prescriptions.models import (
    Dispensing,
    DispensingLine,
    Document,
    Patient,
    Prescriber,
    Prescription,
    PrescriptionQuerySet,
)

REGISTRY = Prescription.Provenance.REGISTRY
STILL_AT_THE_COUNTER = timedelta(days=1)


def of_registry() -> PrescriptionQuerySet:
    return Prescription.objects.filter(provenance=REGISTRY)


def to_dispense(finess: str) -> PrescriptionQuerySet:
    """What a pharmacy may find by code or number: not what the patient masked, nor once they blocked it."""
    return of_registry().open_to_professional(finess)


def to_record(finess: str, **which) -> Prescription | None:
    """The one on which a pharmacy may say what it delivered: what it may find; and, whatever the patient masked or
    blocked meanwhile, what it opened at its counter or delivered within the day, so that no box is counted twice."""
    found = of_registry().with_content().filter(**which).first()
    if found is None or to_dispense(finess).filter(pk=found.pk).exists() or _was_here_lately(found, finess):
        return found
    return None


def _was_here_lately(prescription: Prescription, finess: str) -> bool:
    since = timezone.now() - STILL_AT_THE_COUNTER
    opened = audit.of_subject(prescription, kind="prescription.opened_at_counter", since=since)
    delivered = prescription.dispensings.filter(pharmacy_finess=finess, created_at__gte=since)
    return delivered.exists() or any(event.detail.get("pharmacy") == finess for event in opened)


def written_in(software: SoftwareClient) -> PrescriptionQuerySet:
    """Those of the prescribers of this software's structure, as each of them reads their own page: without what the
    patient masked, nor once they shut out the structure or that prescriber. Cancelling stays possible by the number."""
    own = of_registry().filter(prescriber__structure_finess=software.structure_finess)
    return _with_objection(_open_to(own, software.structure_finess))


def reads(software: SoftwareClient, prescription: Prescription) -> bool:
    return written_in(software).filter(pk=prescription.pk).exists()


def reads_execution(software: SoftwareClient, prescription: Prescription) -> bool:
    return written_in(software).filter(pk=prescription.pk, objected=False).exists()


def _open_to(rows: PrescriptionQuerySet, finess: str) -> PrescriptionQuerySet:
    """Not once the patient shut out the structure, or who wrote it."""
    return rows.open_to_professional(finess).exclude(patient__blocked_professionals__identifier=F("prescriber__rpps"))


def handed_in_by(finess: str) -> PrescriptionQuerySet:
    """Where the documents went that this structure handed in: in the patient's space by themselves, or, of a report of
    dispensing, on the prescription that it carries out."""
    own = documents_of(finess).filter(prescription=OuterRef("pk"))
    return _open_to(Prescription.objects.filter(Exists(own)), finess)


def documents_of(finess: str):
    """Those that this structure handed in, as they came."""
    return Document.objects.filter(handed_in_by=finess)


def written_by(prescriber: Prescriber) -> PrescriptionQuerySet:
    """Their own, but for what the patient masked, and not once the patient shut them out."""
    own = of_registry().filter(prescriber=prescriber)
    return _with_objection(own.open_to_professional(prescriber.rpps, prescriber.structure_finess))


def _with_objection(rows: PrescriptionQuerySet) -> PrescriptionQuerySet:
    """`objected`: of their execution, prescribers read nothing."""
    return rows.annotate(objected=objection.in_force())


def dispensings_for_prescribers(prescriptions):
    """What prescribers read of the execution of their own prescriptions: nothing where the patient objected, to this
    one or to all (CSP R4071-3). It is in the query, so that no page can forget it."""
    open_ones = Dispensing.objects.filter(prescription__in=prescriptions.values("pk"), prescription__opposed=False)
    return open_ones.exclude(objection.by_person("prescription__patient")).order_by("-dispensed_at", "-pk")


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


def of_insured(patient: Patient) -> PrescriptionQuerySet:
    return of_registry().filter(patient=patient)
