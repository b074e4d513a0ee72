"""The law's rules on dispensing, in one dated table (domain.md §1.10 and §1.11): when, how much, where, by whose wish.

Each rule says since when it holds, where it is written, whether a pharmacist may go past it, when it applies, and in
words why it speaks against a delivery. A hard rule refuses. A soft one warns: with a reason, which is recorded, the
pharmacist goes on. What is not known (which medicine exactly, whether something was dispensed elsewhere) never refuses.

Conditions of a medicine are the texts of CIS_CPD in the public database of medicines (domain §5), lower case.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.reasons import Reason
from prescriptions import dispensing, policies
from prescriptions.dispensing import Handed
from prescriptions.models import DispensingLine, Prescription, PrescriptionLine

HARD, SOFT = "hard", "soft"
TOTAL_MONTHS = 12
MONTH = 28  # days that a delivery covers: four weeks, or the month that most packs hold
THREE_MONTHS = 84
EARLY = 7  # days before the end of the last delivery: nobody runs out on a Sunday
NARCOTIC_DAYS = 28
PRESENTATION_DAYS = 3  # after the day of issue, which does not count
LONG_PACK = re.compile(r"\b(84|90|91)\s*(comprim|gélul|capsul|dose)|\b(3|trois) mois\b", re.IGNORECASE)
LIMIT = re.compile(r"prescription limitée à (\d+) (jour|semaine|mois|an)")
FRACTION = re.compile(r"délivrance fractionnée de (\d+) jours")
DAYS = {"jour": 1, "semaine": 7, "mois": 30, "an": 365}

# Arrêté of 7 October 1991, by substance: for a line whose medicine the database does not know.
HYPNOTICS = ("zolpidem", "zopiclone", "lormetazepam", "loprazolam", "estazolam", "nitrazepam", "temazepam")
ANXIOLYTICS = ("alprazolam", "bromazepam", "lorazepam", "oxazepam", "prazepam", "clorazepate", "diazepam", "clobazam")
ANXIOLYTICS += ("nordazepam", "clotiazepam")
HYPNOTIC_DAYS, ANXIOLYTIC_DAYS = 28, 84


@dataclass(frozen=True)
class Warned(Reason):
    """A soft rule that speaks against one line."""

    line_id: UUID | None = None


@dataclass(frozen=True)
class Case:
    """One line about to be handed over: what the rules look at."""

    prescription: Prescription
    item: Handed
    on: date
    pharmacy_finess: str
    pharmacy_name: str = ""
    conditions: tuple[str, ...] = field(default=())

    @property
    def line(self) -> PrescriptionLine:
        return self.item.line

    def is_medicine(self) -> bool:
        return self.line.kind == PrescriptionLine.Kind.MEDICINE

    def says(self, words: str) -> bool:
        return any(words in condition for condition in self.conditions)

    def is_narcotic(self) -> bool:
        return self.says("stupéfiant")

    def is_secured(self) -> bool:
        return self.is_narcotic() or self.prescription.has_flag(Prescription.Flag.SECURED)

    def deliveries(self) -> list[DispensingLine]:
        return policies.deliveries_of(self.line)


@dataclass(frozen=True)
class Rule:
    code: str  # stable
    level: str
    valid_from: date
    source: str
    applies_when: Callable[[Case], bool]
    why: Callable[[Case], str | None]  # the sentence, when it speaks against
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
) -> list[Warned]:
    """Soft rules, line by line."""
    return list(_broken(SOFT, prescription, items, pharmacy_finess, at, pharmacy_name))


def why_override(warned: Sequence[Warned], items: Sequence[Handed]) -> Reason | None:
    """A soft rule holds back a line for which the pharmacist gave no reason."""
    given = {item.line.pk for item in items if item.override_reason.strip()}
    for warning in warned:
        if warning.line_id not in given:
            sentence = _("%(why)s Pour délivrer malgré tout, notez votre raison.") % {"why": warning.sentence}
            return Reason(warning.code, sentence)
    return None


def _broken(level, prescription, items, finess, at, name):
    for item in items:
        if not item.quantity:
            continue
        case = Case(prescription, item, timezone.localdate(at), finess, name, conditions_of(item))
        for rule in RULES:
            if rule.level == level and rule.holds_on(case.on) and rule.applies_when(case):
                sentence = rule.why(case)
                if sentence:
                    yield Warned(rule.code, sentence, item.line.pk)


def conditions_of(item: Handed) -> tuple[str, ...]:
    """Of what was prescribed and of the box in hand."""
    texts = _known_conditions(item.line.codes)
    if item.cip13 and item.cip13 != item.line.codes.get("cip13"):
        texts = [*texts, *_known_conditions({"cip13": item.cip13})]
    return tuple(text.lower() for text in texts)


def _known_conditions(codes: dict) -> list[str]:
    if find_spec("prescriptions.medicines") is None:
        return []
    return import_module("prescriptions.medicines").conditions_of(codes)


# --- The reasons ------------------------------------------------------------------------------------------------------


def _always(case: Case) -> bool:
    return True


def _days(count: int) -> str:
    return ngettext("%(count)s jour", "%(count)s jours", count) % {"count": count}


def _too_late_to_start(case: Case) -> str | None:
    reason = policies.why_too_late_to_start(case.prescription, case.on)
    return reason and reason.sentence


def _past_twelve_months(case: Case) -> str | None:
    last = policies.months_later(case.prescription.authored_on, TOTAL_MONTHS)
    if case.on <= last:
        return None
    return _(
        "Une ordonnance ne se délivre plus après douze mois : celle-ci s’est arrêtée le %(date)s. "
        "Une nouvelle est nécessaire."
    ) % {"date": date_format(last)}


def _narcotic_again(case: Case) -> str | None:
    if not dispensing.completed(case.line):
        return None
    return _("Un stupéfiant ne se renouvelle pas : il faut une nouvelle ordonnance.")


def _days_gone(case: Case) -> int:
    return (case.on - case.prescription.authored_on).days


def _narcotic_over(case: Case) -> str | None:
    if case.deliveries() or _days_gone(case) < case.line.duration_days:
        return None
    return _("La durée prescrite de ce stupéfiant est écoulée : il faut une nouvelle ordonnance.")


def _presented_late(case: Case) -> str | None:
    gone = _days_gone(case)
    if gone <= PRESENTATION_DAYS or policies.is_started(case.prescription):
        return None
    left = (case.line.duration_days or 0) - gone
    if left > 0:
        return _(
            "Ordonnance sécurisée présentée plus de trois jours après sa date : si c’est un stupéfiant, "
            "délivrez seulement pour la durée qui reste (%(days)s)."
        ) % {"days": _days(left)}
    return _(
        "Ordonnance sécurisée présentée plus de trois jours après sa date : si c’est un stupéfiant, "
        "délivrez seulement pour la durée qui reste."
    )


def _narcotic_too_long(case: Case) -> str | None:
    if (case.line.duration_days or 0) <= NARCOTIC_DAYS:
        return None
    return _("Un stupéfiant se prescrit pour 28 jours au plus : vérifiez la durée avec le prescripteur.")


def _not_by_fractions(case: Case) -> str | None:
    days = min(int(found[1]) for text in case.conditions if (found := FRACTION.search(text)))
    told = f"{case.line.dispenser_note} {case.line.dosage_text} {case.prescription.comment}".lower()
    if not case.item.complete or (case.line.duration_days or 0) <= days or "seule fois" in told:
        return None
    return _(
        "Ce médicament se délivre par fractions de %(days)s, sauf si le prescripteur a écrit "
        "« délivrance en une seule fois ». Notez une délivrance partielle."
    ) % {"days": _days(days)}


def _limit_of(case: Case) -> int:
    """Days for which it may be prescribed; 0 when nothing limits it."""
    known = [int(found[1]) * DAYS[found[2]] for text in case.conditions if (found := LIMIT.search(text))]
    if known or case.conditions:
        return min(known, default=0)
    name = slugify(case.line.name)
    if any(substance in name for substance in HYPNOTICS):
        return HYPNOTIC_DAYS
    return ANXIOLYTIC_DAYS if any(substance in name for substance in ANXIOLYTICS) else 0


def _past_its_limit(case: Case) -> str | None:
    limit = _limit_of(case)
    if (case.line.duration_days or 0) > limit:
        return _("Ce médicament se prescrit pour %(days)s au plus : l’ordonnance va au-delà.") % {"days": _days(limit)}
    if _days_gone(case) >= limit and case.deliveries():
        return _(
            "Ce médicament se prescrit pour %(days)s au plus : cette durée est passée depuis la date de l’ordonnance."
        ) % {"days": _days(limit)}
    return None


def _covered_until(case: Case) -> date | None:
    """The day the last complete delivery runs out, as far as one can tell."""
    complete = [told for told in case.deliveries() if told.completeness in policies.COMPLETE]
    if not complete:
        return None
    last = complete[-1]
    days = THREE_MONTHS if LONG_PACK.search(f"{last.delivered_name} {case.line.name}") else MONTH
    days = min(days, case.line.duration_days or days)
    return timezone.localdate(last.dispensing.dispensed_at) + timedelta(days=days)


def _too_soon(case: Case) -> str | None:
    until = _covered_until(case)
    if until is None or case.on >= until - timedelta(days=EARLY):
        return None
    return _(
        "Renouvellement demandé tôt : la délivrance précédente couvre le traitement jusqu’au %(date)s environ."
    ) % {"date": date_format(until)}


def _more_than_a_delivery(case: Case) -> str | None:
    if case.item.quantity <= case.line.quantity:
        return None
    return _("Cela dépasse ce qui est prescrit pour une délivrance : un mois de traitement à la fois.")


def _finess_named(case: Case) -> str:
    found = re.search(r"\b[0-9][0-9AB][0-9]{7}\b", case.prescription.named_pharmacy)
    return found[0] if found else ""


def _names_another_pharmacy(case: Case) -> str | None:
    if _finess_named(case) == case.pharmacy_finess:
        return None
    return _(
        "Cette ordonnance désigne une autre pharmacie, seule à pouvoir la délivrer. "
        "Le prescripteur peut en désigner une autre."
    )


def _names_another_name(case: Case) -> str | None:
    named, ours = (set(slugify(text).split("-")) for text in (case.prescription.named_pharmacy, case.pharmacy_name))
    if ours and (named <= ours or ours <= named):
        return None
    return _("Cette ordonnance désigne « %(name)s » : vérifiez que c’est bien votre pharmacie.") % {
        "name": case.prescription.named_pharmacy
    }


def _not_to_be_replaced(case: Case) -> str | None:
    if case.item.prescriber_agreed_on:
        return None
    return _(
        "Le prescripteur a écrit « non substituable » sur cette ligne (%(code)s). "
        "Délivrez ce médicament, ou notez le changement avec l’accord du prescripteur."
    ) % {"code": case.line.no_substitution}


def _changed_alone(case: Case) -> str | None:
    if case.item.prescriber_agreed_on:
        return None
    return _("Une modification demande l’accord du prescripteur, sauf urgence et dans l’intérêt du patient.")


def _only_in_hospital(case: Case) -> str | None:
    return _("Ce médicament est réservé à l’usage hospitalier : une pharmacie de ville ne le délivre pas d’ordinaire.")


# --- The table --------------------------------------------------------------------------------------------------------

CODIFIED = date(2004, 8, 8)  # part IV of the regulations of the code de la santé publique (décret 2004-802)
RULES = (
    Rule("too-late-to-start", HARD, CODIFIED, "CSP R5132-22", Case.is_medicine, _too_late_to_start),
    Rule("twelve-months", HARD, CODIFIED, "CSP R5132-21", Case.is_medicine, _past_twelve_months),
    Rule("narcotic-not-renewable", HARD, CODIFIED, "CSP R5132-30", Case.is_narcotic, _narcotic_again),
    Rule(
        "narcotic-over",
        HARD,
        CODIFIED,
        "CSP R5132-33",
        lambda case: case.is_narcotic() and bool(case.line.duration_days),
        _narcotic_over,
    ),
    Rule(
        "named-dispenser",
        HARD,
        CODIFIED,
        "CSS L162-4-2; eP-MED-DM (domain §1.6)",
        lambda case: bool(_finess_named(case)),
        _names_another_pharmacy,
    ),
    Rule(
        "not-substitutable",
        HARD,
        date(2020, 1, 1),
        "CSP L5125-23; arrêté of 12 November 2019",
        lambda case: bool(case.line.no_substitution and case.item.substitution),
        _not_to_be_replaced,
    ),
    Rule(
        "named-dispenser-name",
        SOFT,
        CODIFIED,
        "CSS L162-4-2; eP-MED-DM (domain §1.6)",
        lambda case: bool(case.prescription.named_pharmacy) and not _finess_named(case),
        _names_another_name,
    ),
    Rule("presented-late", SOFT, CODIFIED, "CSP R5132-33", Case.is_secured, _presented_late),
    Rule("narcotic-28-days", SOFT, CODIFIED, "CSP R5132-30", Case.is_narcotic, _narcotic_too_long),
    Rule(
        "by-fractions",
        SOFT,
        CODIFIED,
        "CSP R5132-30; CIS_CPD",
        lambda case: case.says("délivrance fractionnée de"),
        _not_by_fractions,
    ),
    Rule(
        "limited-duration",
        SOFT,
        date(1991, 10, 7),
        "arrêté of 7 October 1991; CIS_CPD",
        lambda case: bool(_limit_of(case)),
        _past_its_limit,
    ),
    Rule(
        "too-soon",
        SOFT,
        CODIFIED,
        "service-public F33967",
        lambda case: case.is_medicine() and case.line.renewals > 0,
        _too_soon,
    ),
    Rule(
        "a-month-at-a-time",
        SOFT,
        CODIFIED,
        "CSP R5132-12; service-public F33967",
        lambda case: case.is_medicine() and case.line.renewals > 0 and dispensing.counts_boxes(case.line),
        _more_than_a_delivery,
    ),
    Rule(
        "change-not-agreed",
        SOFT,
        CODIFIED,
        "CSP L5125-23",
        lambda case: bool(case.item.change),
        _changed_alone,
    ),
    Rule(
        "hospital-only",
        SOFT,
        CODIFIED,
        "CIS_CPD",
        lambda case: case.says("réservé à l'usage hospitalier"),
        _only_in_hospital,
    ),
)
