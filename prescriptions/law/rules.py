"""The law's rules on dispensing, in one dated table: when, how much, where, by whose wish.

Each rule says since when it holds, where it is written, whether a pharmacist may go past it, when it applies, and in
words why it speaks against a delivery. A hard rule refuses. A soft one warns: with a reason, which is recorded, the
pharmacist goes on. What is not known (which medicine exactly, whether something was dispensed elsewhere) never refuses.

What each rule looks at, and its words, are in prescriptions/law/against.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.reasons import Reason
from prescriptions import dispensing
from prescriptions.dispensing import Handed, OfLine
from prescriptions.law import against
from prescriptions.medicine import lookup
from prescriptions.models import Prescription

HARD, SOFT = "hard", "soft"


@dataclass(frozen=True)
class Rule:
    code: str  # stable
    level: str
    valid_from: date
    source: str
    applies_when: Callable[[against.Case], bool]
    why: Callable[[against.Case], str | None]  # the sentence, when it speaks against
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


# --- Asking -----------------------------------------------------------------------------------------------------------


def why_not_dispense(
    prescription: Prescription, items: Sequence[Handed], pharmacy_finess: str, at: datetime, *, pharmacy_name: str = ""
) -> Reason | None:
    """The first hard rule that speaks against it. Nothing handed over breaks no rule."""
    return next(_broken(HARD, prescription, items, pharmacy_finess, at, pharmacy_name), None)


def warnings(
    prescription: Prescription, items: Sequence[Handed], pharmacy_finess: str, at: datetime, *, pharmacy_name: str = ""
) -> list[OfLine]:
    """Soft rules, line by line."""
    return list(_broken(SOFT, prescription, items, pharmacy_finess, at, pharmacy_name))


def why_override(warned: Sequence[OfLine], items: Sequence[Handed]) -> Reason | None:
    """A soft rule holds back a line for which the pharmacist gave no reason."""
    given = {item.line.pk for item in items if item.override_reason.strip()}
    for warning in warned:
        if warning.line_id not in given:
            sentence = _("%(why)s Pour délivrer malgré tout, notez votre raison.") % {"why": warning.sentence}
            return replace(warning, sentence=sentence)
    return None


def _broken(level, prescription, items, finess, at, name):
    for item in items:
        if not item.quantity:
            continue
        case = against.Case(prescription, item, timezone.localdate(at), finess, name, conditions_of(item))
        for rule in RULES:
            if rule.level == level and rule.holds_on(case.on) and rule.applies_when(case):
                sentence = rule.why(case)
                if sentence:
                    yield OfLine(rule.code, sentence, item.line.pk)


def conditions_of(item: Handed) -> tuple[str, ...]:
    """Of what was prescribed and of the box in hand."""
    texts = lookup.conditions_of(item.line.codes)
    if item.cip13 and item.cip13 != item.line.codes.get("cip13"):
        texts = [*texts, *lookup.conditions_of({"cip13": item.cip13})]
    return tuple(text.lower() for text in texts)


# --- The table --------------------------------------------------------------------------------------------------------

CODIFIED = date(2004, 8, 8)  # part IV of the regulations of the code de la santé publique (décret 2004-802)
RULES = (
    Rule("too-late-to-start", HARD, CODIFIED, "CSP R5132-22", against.Case.is_medicine, against.too_late_to_start),
    Rule("twelve-months", HARD, CODIFIED, "CSP R5132-21", against.Case.is_medicine, against.past_twelve_months),
    Rule("narcotic-not-renewable", HARD, CODIFIED, "CSP R5132-30", against.Case.is_narcotic, against.narcotic_again),
    Rule(
        "narcotic-over",
        HARD,
        CODIFIED,
        "CSP R5132-33",
        lambda case: case.is_narcotic() and bool(case.line.duration_days),
        against.narcotic_over,
    ),
    Rule(
        "named-dispenser",
        HARD,
        CODIFIED,
        "CSS L162-4-2; CDA eP-MED-DM 2024.01",
        lambda case: bool(against.finess_named(case)),
        against.names_another_pharmacy,
    ),
    Rule(
        "not-substitutable",
        HARD,
        date(2020, 1, 1),
        "CSP L5125-23; arrêté of 12 November 2019",
        lambda case: bool(case.line.no_substitution and case.item.substitution),
        against.not_to_be_replaced,
    ),
    Rule(
        "named-dispenser-name",
        SOFT,
        CODIFIED,
        "CSS L162-4-2; CDA eP-MED-DM 2024.01",
        lambda case: bool(case.prescription.named_pharmacy) and not against.finess_named(case),
        against.names_another_name,
    ),
    Rule("presented-late", SOFT, CODIFIED, "CSP R5132-33", against.Case.is_secured, against.presented_late),
    Rule("narcotic-28-days", SOFT, CODIFIED, "CSP R5132-30", against.Case.is_narcotic, against.narcotic_too_long),
    Rule("narcotic-overlap", SOFT, CODIFIED, "CSP R5132-33", against.Case.is_narcotic, against.narcotic_overlap),
    Rule(
        "isotretinoin-a-month",
        SOFT,
        CODIFIED,
        "marketing authorisations of oral isotretinoin",
        against.is_isotretinoin_for_a_woman,
        against.isotretinoin_too_long,
    ),
    Rule(
        "by-fractions",
        SOFT,
        CODIFIED,
        "CSP R5132-30; CIS_CPD",
        lambda case: case.says("délivrance fractionnée de"),
        against.not_by_fractions,
    ),
    Rule(
        "limited-duration",
        SOFT,
        date(1991, 10, 7),
        "arrêté of 7 October 1991; CIS_CPD",
        lambda case: bool(against.limit_of(case)),
        against.past_its_limit,
    ),
    Rule(
        "too-soon",
        SOFT,
        CODIFIED,
        "service-public F33967",
        lambda case: case.is_medicine() and case.line.renewals > 0,
        against.too_soon,
    ),
    Rule(
        "a-month-at-a-time",
        SOFT,
        CODIFIED,
        "CSP R5132-12; service-public F33967",
        lambda case: case.is_medicine() and case.line.renewals > 0 and dispensing.counts_boxes(case.line),
        against.more_than_a_delivery,
    ),
    Rule(
        "change-not-agreed",
        SOFT,
        CODIFIED,
        "CSP L5125-23",
        lambda case: bool(case.item.change),
        against.changed_alone,
    ),
    Rule(
        "hospital-only",
        SOFT,
        CODIFIED,
        "CIS_CPD",
        lambda case: case.says("réservé à l'usage hospitalier"),
        against.only_in_hospital,
    ),
)
