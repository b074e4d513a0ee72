"""What a pharmacy may record: never more than what is left, each line delivered or the reason why not.

The law's time rules and conditions are one dated table of their own: prescriptions/law/rules.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.reasons import Reason
from prescriptions import numbers, policies
from prescriptions.models import Dispensing, DispensingLine, Prescription, PrescriptionLine

Completeness = DispensingLine.Completeness
WHOLE_OR_NOTHING = {*policies.COMPLETE, ""}
BOXES = ("", "boîte", "boite", "flacon", "tube", "stylo", "seringue", "{box}")
CLOCKS_APART = timedelta(minutes=5)
TOLD_LATE = timedelta(days=7)  # the network was down: said later, of a prescription that has ended since
MAX_BOXES = 999


@dataclass(frozen=True)
class OfLine(Reason):
    """What speaks against one line."""

    line_id: UUID | None = None


@dataclass(frozen=True)
class Handed:
    """What was done with one line: boxes handed over, or why not. `complete`: all that this delivery was due.

    `substitution`: a code of DispensingLine.Substitution. `override_reason`: why the pharmacist goes past the soft
    rules that speak against it.
    """

    line: PrescriptionLine
    quantity: int = 0
    complete: bool = True
    cip13: str = ""
    delivered_name: str = ""
    lot: str = ""
    expires_on: date | None = None
    substitution: str = ""
    substitution_reason: str = ""
    change: str = ""
    change_reason: str = ""
    prescriber_agreed_on: date | None = None
    override_reason: str = ""
    not_dispensed_reason: str = ""


def as_it_stands(prescription: Prescription, handed: Sequence[Handed]) -> list[Handed]:
    """The same with the prescription's lines read now; what the caller read before the lock may be out of date."""
    now = {line.pk: line for line in prescription.lines.all()}
    return [replace(item, line=now.get(item.line.pk, item.line)) for item in handed]


# --- Why not ----------------------------------------------------------------------------------------------------------


def why_not_record(
    prescription: Prescription, handed: Sequence[Handed], finess: str, dispensed_at: datetime
) -> Reason | None:
    return (
        policies.why_ended(prescription, _day_that_counts(dispensed_at))
        or _why_not_authentic(prescription)
        or numbers.why_not_finess(finess)
        or _why_not_then(prescription, dispensed_at)
        or _why_not_lines(prescription, handed)
        or next(_of_lines(handed, timezone.localdate(dispensed_at)), None)
    )


def _of_lines(handed: Sequence[Handed], on: date) -> Iterator[OfLine]:
    for item in handed:
        if reason := _why_not_line(item, on):
            yield OfLine(reason.code, reason.sentence, item.line.pk)


def _day_that_counts(dispensed_at: datetime) -> date:
    """The day it was handed over, when that is told soon enough; else today."""
    is_fresh = timezone.now() - dispensed_at <= TOLD_LATE
    return timezone.localdate(dispensed_at) if is_fresh else timezone.localdate()


def _why_not_authentic(prescription: Prescription) -> Reason | None:
    if prescription.is_authentic():
        return None
    return Reason(
        "not-authentic",
        _("Une photo ou un document seul ne se délivre pas ici : demandez l’original ou le numéro de l’ordonnance."),
    )


def _why_not_then(prescription: Prescription, dispensed_at: datetime) -> Reason | None:
    if dispensed_at > timezone.now() + CLOCKS_APART:
        return Reason("future-date", _("La date de délivrance est dans l’avenir. Corrigez-la."))
    if timezone.localdate(dispensed_at) < prescription.authored_on:
        return Reason("before-prescription", _("La délivrance serait antérieure à l’ordonnance. Corrigez sa date."))
    return None


def _why_not_lines(prescription: Prescription, handed: Sequence[Handed]) -> Reason | None:
    named = [item.line.pk for item in handed]
    if not named:
        return Reason("no-line", _("Indiquez au moins une ligne délivrée, ou pourquoi elle ne l’a pas été."))
    if len(set(named)) != len(named):
        return Reason("line-twice", _("La même ligne est déclarée deux fois. Gardez-en une."))
    if not set(named) <= {line.pk for line in prescription.lines.all()}:
        return Reason(
            "foreign-line", _("Une ligne n’est pas de cette ordonnance. Relisez l’ordonnance et recommencez.")
        )
    return None


def _why_not_line(item: Handed, on: date) -> Reason | None:
    if not item.line.is_for_pharmacy():
        return Reason("not-for-pharmacy", _("Cette ligne ne se délivre pas en pharmacie."))
    if bool(item.quantity) == bool(item.not_dispensed_reason) or not 0 <= item.quantity <= MAX_BOXES:
        return Reason(
            "delivered-or-why-not",
            _("Pour chaque ligne, indiquez une quantité délivrée, ou la raison pour laquelle rien ne l’a été."),
        )
    if not item.quantity:
        return _why_not_said(item)
    return _why_too_much(item) or _why_not_box(item, on) or _why_not_said(item)


def _why_not_box(item: Handed, on: date) -> Reason | None:
    if item.cip13 and (reason := numbers.why_not_cip13(item.cip13)):
        return reason
    if item.expires_on and item.expires_on < on:
        return Reason("box-expired", _("Cette boîte est périmée. Délivrez-en une autre, ou corrigez la date."))
    return None


def _why_not_said(item: Handed) -> Reason | None:
    """Facts that go together."""
    if item.substitution not in {"", *DispensingLine.Substitution.values}:
        return Reason("substitution-unknown", _("Cette sorte de substitution n’existe pas. Choisissez-en une autre."))
    if (item.substitution and not item.quantity) or (item.substitution_reason and not item.substitution):
        return Reason(
            "substitution-of-nothing", _("Une substitution se note sur une ligne délivrée, avec sa sorte (générique…).")
        )
    if bool(item.change) != bool(item.change_reason) or (item.prescriber_agreed_on and not item.change):
        return Reason("change-unsaid", _("Notez ce qui a été modifié, et pourquoi : l’un ne va pas sans l’autre."))
    return None


def _why_too_much(item: Handed) -> Reason | None:
    """By deliveries (the first and the renewals), and by boxes when the prescriber gave a number of boxes."""
    line = item.line
    if completed(line) >= 1 + line.renewals:
        return Reason("nothing-left", _("Tout ce qui était prescrit sur cette ligne a déjà été délivré."))
    boxes = boxes_left(line)
    if boxes is None or item.quantity <= boxes:
        return None
    return Reason(
        "too-many",
        _("La quantité dépasse ce qui reste à délivrer sur cette ligne. Corrigez-la."),
    )


# --- What is left -----------------------------------------------------------------------------------------------------


def completed(line: PrescriptionLine) -> int:
    return sum(told.completeness in policies.COMPLETE for told in policies.dispensed_of(line))


def counts_boxes(line: PrescriptionLine) -> bool:
    """The prescriber gave a number of boxes, not of tablets or millilitres."""
    unit = line.quantity_unit.lower().rstrip("s")
    return line.quantity is not None and (not unit or unit.startswith(BOXES[1:]))


def boxes_left(line: PrescriptionLine) -> Decimal | None:
    """None: the prescription does not say it in boxes."""
    if not counts_boxes(line):
        return None
    return max(Decimal(0), line.quantity * (1 + line.renewals) - _handed_over(line))


def _handed_over(line: PrescriptionLine) -> int:
    return sum(told.quantity for told in policies.dispensed_of(line))


def boxes_in_all(line: PrescriptionLine) -> int | None:
    return int(line.quantity * (1 + line.renewals)) if counts_boxes(line) else None


def boxes_before(item: Handed) -> int | None:
    """Counted from those that still count; the last one is undone first, so no two begin at the same box."""
    return _handed_over(item.line) if item.quantity else None


def boxes_due(line: PrescriptionLine) -> Decimal | None:
    """To finish the delivery that is under way; None when the prescription does not say it in boxes."""
    left = boxes_left(line)
    return None if left is None else left - line.quantity * max(0, line.renewals - completed(line))


def completeness_of(item: Handed) -> str:
    """FFC and FFP until the first delivery is complete, RFC and RFP after (JDV_CompletudeDispensation_CISIS)."""
    if not item.quantity:
        return ""
    if completed(item.line):
        return Completeness.REFILL_COMPLETE if item.complete else Completeness.REFILL_PARTIAL
    return Completeness.FIRST_COMPLETE if item.complete else Completeness.FIRST_PARTIAL


def whole_ones() -> QuerySet[Dispensing]:
    """Something was handed over, nothing in part. What was not delivered has no completeness."""
    told = DispensingLine.objects.filter(dispensing=OuterRef("pk"))
    complete, part = told.filter(completeness__in=policies.COMPLETE), told.exclude(completeness__in=WHOLE_OR_NOTHING)
    return Dispensing.objects.filter(Exists(complete), ~Exists(part))


def completes(item: Handed) -> int | None:
    """Which delivery of its line this finishes, 1 being the first; None for a part or for nothing."""
    return completed(item.line) + 1 if item.quantity and item.complete else None


# --- Undoing ----------------------------------------------------------------------------------------------------------


def why_not_undo(dispensing: Dispensing, finess: str) -> Reason | None:
    """Within the day it was recorded, by who recorded it, the last one first. Its prescription is locked."""
    if dispensing.pharmacy_finess != finess:
        return Reason("not-yours", _("Cette délivrance est celle d’une autre pharmacie : elle seule peut l’annuler."))
    if dispensing.undone_at:
        return Reason("already-undone", _("Cette délivrance est déjà annulée."))
    if timezone.localdate(dispensing.created_at) != timezone.localdate():
        return Reason(
            "undo-too-late",
            _("Une délivrance ne s’annule que le jour même. Appelez le prescripteur s’il y a eu une erreur."),
        )
    if _has_a_follower(dispensing):
        return Reason("undo-last-first", _("Une autre délivrance a suivi : annulez d’abord la plus récente."))
    return None


def _has_a_follower(dispensing: Dispensing) -> bool:
    lines = dispensing.lines.filter(quantity__gt=0).values("line")
    later = DispensingLine.objects.filter(line__in=lines, quantity__gt=0, dispensing__undone_at=None)
    return later.exclude(dispensing=dispensing).filter(dispensing__created_at__gt=dispensing.created_at).exists()
