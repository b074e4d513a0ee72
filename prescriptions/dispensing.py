"""What a pharmacy may record: never more than what is left, each line delivered or the reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.reasons import Reason
from prescriptions import numbers, policies
from prescriptions.models import DispensingLine, Prescription, PrescriptionLine

Completeness = DispensingLine.Completeness
BOXES = ("", "boîte", "boite", "flacon", "tube", "stylo", "seringue", "{box}")
CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True)
class Handed:
    """What was done with one line: boxes handed over, or why not. `complete`: all that this delivery was due."""

    line: PrescriptionLine
    quantity: int = 0
    complete: bool = True
    cip13: str = ""
    delivered_name: str = ""
    lot: str = ""
    substituted: bool = False
    not_dispensed_reason: str = ""


def as_it_stands(prescription: Prescription, handed: Sequence[Handed]) -> list[Handed]:
    """The same with the prescription's lines read now; what the caller read before the lock may be out of date."""
    now = {line.pk: line for line in prescription.lines.all()}
    return [replace(item, line=now.get(item.line.pk, item.line)) for item in handed]


def why_not_record(
    prescription: Prescription, handed: Sequence[Handed], finess: str, dispensed_at: datetime
) -> Reason | None:
    return (
        policies.why_not_valid(prescription)
        or _why_not_authentic(prescription)
        or numbers.why_not_finess(finess)
        or _why_not_then(prescription, dispensed_at)
        or _why_not_lines(prescription, handed)
        or next(filter(None, (_why_not_line(item) for item in handed)), None)
    )


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


def _why_not_line(item: Handed) -> Reason | None:
    if not item.line.is_for_pharmacy():
        return Reason("not-for-pharmacy", _("Cette ligne ne se délivre pas en pharmacie."))
    if bool(item.quantity) == bool(item.not_dispensed_reason) or item.quantity < 0:
        return Reason(
            "delivered-or-why-not",
            _("Pour chaque ligne, indiquez une quantité délivrée, ou la raison pour laquelle rien ne l’a été."),
        )
    if not item.quantity:
        return None
    return _why_too_much(item) or (numbers.why_not_cip13(item.cip13) if item.cip13 else None)


def _why_too_much(item: Handed) -> Reason | None:
    """By deliveries (the first and the renewals), and by boxes when the prescriber gave a number of boxes."""
    line = item.line
    if completed(line) >= 1 + line.renewals:
        return Reason("nothing-left", _("Tout ce qui était prescrit sur cette ligne a déjà été délivré."))
    if line.quantity is None or not line.quantity_unit.lower().rstrip("s").startswith(BOXES[1:]) and line.quantity_unit:
        return None
    already = sum(told.quantity for told in policies.deliveries_of(line))
    if Decimal(already + item.quantity) <= line.quantity * (1 + line.renewals):
        return None
    return Reason(
        "too-many",
        _("La quantité dépasse ce qui reste à délivrer sur cette ligne. Corrigez-la."),
    )


def completed(line: PrescriptionLine) -> int:
    return sum(told.completeness in policies.COMPLETE for told in policies.deliveries_of(line))


def completeness_of(item: Handed) -> str:
    """FFC and FFP until the first delivery is complete, RFC and RFP after (JDV_CompletudeDispensation_CISIS)."""
    if not item.quantity:
        return ""
    if completed(item.line):
        return Completeness.REFILL_COMPLETE if item.complete else Completeness.REFILL_PARTIAL
    return Completeness.FIRST_COMPLETE if item.complete else Completeness.FIRST_PARTIAL
