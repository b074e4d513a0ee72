"""What the insurer finds in one place: a prescription, what was dispensed of it, under which invoice, and what does not
fit. That is what replaces the scanned copy sent with each bill.

An anomaly is a fact to look at, never a judgement: each has a stable code and a sentence.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import audit
from prescriptions import dispensing, numbers, policies, reach
from prescriptions.models import Dispensing, Prescription

AT_MOST = 500  # numbers in one request


@dataclass(frozen=True)
class Anomaly:
    """`dispensing_id`, `line`: where it is, when it is somewhere (the line by its position, from 1)."""

    code: str
    sentence: str
    dispensing_id: UUID | None = None
    line: int | None = None


@dataclass(frozen=True)
class Checked:
    """`number` as it was asked. `prescription` None: the registry does not know it."""

    number: str
    prescription: Prescription | None = None
    anomalies: list[Anomaly] = field(default_factory=list)


@transaction.atomic
def check(*, asked: list[str], by) -> list[Checked]:
    """One answer a number, in the order asked. Each patient finds in their history that it was looked at."""
    keys = [numbers.normalise_number(number) for number in asked]
    found = {prescription.number: prescription for prescription in reach.for_insurer(keys)}
    audit.record_each(
        kind="prescription.checked_by_insurer",
        by=by,
        about=[(prescription.patient_id, prescription) for prescription in found.values()],
    )
    twice = _billed_twice(found.values())
    return [
        Checked(number, found[key], anomalies(found[key], twice)) if key in found else Checked(number)
        for number, key in zip(asked, keys, strict=True)
    ]


def _billed_twice(prescriptions: Iterable[Prescription]) -> set[tuple[str, str]]:
    """(pharmacy, billing reference) said by two dispensings that still count, on these prescriptions or any other."""
    references = {d.billing_reference for p in prescriptions for d in policies.reported_dispensings(p)} - {""}
    rows = Dispensing.objects.filter(billing_reference__in=references, undone_at=None)
    times = Counter(rows.order_by().values_list("pharmacy_finess", "billing_reference"))
    return {key for key, count in times.items() if count > 1}


def anomalies(prescription: Prescription, twice: set[tuple[str, str]]) -> list[Anomaly]:
    reported = policies.reported_dispensings(prescription)
    about_dispensings = [a for told in reported for a in _of_dispensing(prescription, told, twice)]
    return [*_too_late_to_start(prescription, reported), *about_dispensings, *_over_delivered(prescription)]


def _of_dispensing(prescription: Prescription, told: Dispensing, twice: set) -> Iterator[Anomaly]:
    on = timezone.localdate(told.dispensed_at)
    if on < prescription.authored_on:
        yield Anomaly("dispensed-before-prescription", _("Délivrée avant la date de l’ordonnance."), told.pk)
    if prescription.valid_until and on > prescription.valid_until:
        yield Anomaly("dispensed-after-end", _("Délivrée après la fin de validité."), told.pk)
    if prescription.cancelled_at and told.dispensed_at > prescription.cancelled_at:
        yield Anomaly("dispensed-after-cancellation", _("Délivrée après l’annulation par le prescripteur."), told.pk)
    if policies.is_replaced(prescription) and told.dispensed_at > prescription.replaced_by.created_at:
        yield Anomaly("dispensed-after-replacement", _("Délivrée après son remplacement par une autre."), told.pk)
    if not told.billing_reference and any(line.quantity for line in told.lines.all()):
        yield Anomaly("billing-reference-missing", _("Délivrée sans référence de facture."), told.pk)
    if (told.pharmacy_finess, told.billing_reference) in twice:
        sentence = _("La même référence de facture sert à deux délivrances de cette pharmacie.")
        yield Anomaly("billing-reference-twice", sentence, told.pk)


def _too_late_to_start(prescription: Prescription, reported: list[Dispensing]) -> Iterator[Anomaly]:
    deadline = prescription.first_dispensing_before
    first = min(reported, key=lambda told: told.dispensed_at, default=None)
    if deadline and first and timezone.localdate(first.dispensed_at) > deadline:
        yield Anomaly("first-dispensed-too-late", _("Première délivrance après le délai légal."), first.pk)


def _over_delivered(prescription: Prescription) -> Iterator[Anomaly]:
    for line in prescription.lines.all():
        boxes = sum(told.quantity for told in policies.dispensed_of(line))
        too_often = dispensing.completed(line) > 1 + line.renewals
        if too_often or dispensing.counts_boxes(line) and boxes > line.quantity * (1 + line.renewals):
            yield Anomaly("over-delivered", _("Délivrée au-delà de ce qui est prescrit."), line=line.position)
