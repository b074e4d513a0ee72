"""One delivery looked at by each rule of the law: a sentence when it speaks against, None otherwise.

Which rule holds since when, by which text, and how hard, is the table of prescriptions/law/rules.py. What is not known
never speaks against. Conditions of a medicine are the texts of CIS_CPD_bdpm, in lower case.
"""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import moments
from prescriptions import dispensing, policies, reach
from prescriptions.dispensing import Handed
from prescriptions.medicine import lookup
from prescriptions.models import DispensingLine, Prescription, PrescriptionLine

TOTAL_MONTHS = 12
MONTH = 28  # days that a delivery covers: four weeks, or the month that most packs hold
THREE_MONTHS = 84
EARLY = 7  # days before the end of the last delivery: nobody runs out on a Sunday
NARCOTIC_DAYS = 28
LONG_PACK = re.compile(r"\b(84|90|91)\s*(comprim|gélul|capsul|dose)|\b(3|trois) mois\b", re.IGNORECASE)
LIMIT = re.compile(r"prescription limitée à (\d+) (jour|semaine|mois|an)")
FRACTION = re.compile(r"délivrance fractionnée de (\d+) jours")
DAYS = {"jour": 1, "semaine": 7, "mois": 30, "an": 365}

# Arrêté of 7 October 1991, by substance: for a line whose medicine the database does not know.
HYPNOTICS = ("zolpidem", "zopiclone", "lormetazepam", "loprazolam", "estazolam", "nitrazepam", "temazepam")
ANXIOLYTICS = ("alprazolam", "bromazepam", "lorazepam", "oxazepam", "prazepam", "clorazepate", "diazepam", "clobazam")
ANXIOLYTICS += ("nordazepam", "clotiazepam")
HYPNOTIC_DAYS, ANXIOLYTIC_DAYS = 28, 84
ISOTRETINOIN = ("isotretinoin", "curacne", "procuta", "contracne", "acnetrait", "roaccutane")
CHILD_BEARING = range(10, 61)  # years of age


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

    def written(self) -> str:
        """The prescriber's own words on this line, in lower case."""
        return f"{self.line.dispenser_note} {self.line.dosage_text} {self.prescription.comment}".lower()

    def dispensed(self) -> list[DispensingLine]:
        return policies.dispensed_of(self.line)


def _days(count: int) -> str:
    return ngettext("%(count)s jour", "%(count)s jours", count) % {"count": count}


def too_late_to_start(case: Case) -> str | None:
    reason = policies.why_too_late_to_start(case.prescription, case.on)
    return reason and reason.sentence


def past_twelve_months(case: Case) -> str | None:
    last = policies.months_later(case.prescription.authored_on, TOTAL_MONTHS)
    if case.on <= last:
        return None
    return _(
        "Une ordonnance ne se délivre plus après douze mois : celle-ci s’est arrêtée le %(date)s. "
        "Une nouvelle est nécessaire."
    ) % {"date": moments.full_date(last)}


def narcotic_again(case: Case) -> str | None:
    if not dispensing.completed(case.line):
        return None
    return _("Un stupéfiant ne se renouvelle pas : il faut une nouvelle ordonnance.")


def _days_gone(case: Case) -> int:
    return (case.on - case.prescription.authored_on).days


def narcotic_over(case: Case) -> str | None:
    if case.dispensed() or _days_gone(case) < case.line.duration_days:
        return None
    return _("La durée prescrite de ce stupéfiant est écoulée : il faut une nouvelle ordonnance.")


def presented_late(case: Case) -> str | None:
    gone = _days_gone(case)
    if gone <= policies.PRESENTATION_DAYS or policies.is_started(case.prescription):
        return None
    left = (case.line.duration_days or 0) - gone
    if left > 0:
        return _(
            "Ordonnance sécurisée présentée plus de trois jours après sa date : si c’est un stupéfiant, délivrez "
            "seulement pour la durée qui reste (%(days)s), sauf intervention programmée."
        ) % {"days": _days(left)}
    return _(
        "Ordonnance sécurisée présentée plus de trois jours après sa date : si c’est un stupéfiant, délivrez "
        "seulement pour la durée qui reste, sauf intervention programmée."
    )


def narcotic_too_long(case: Case) -> str | None:
    if (case.line.duration_days or 0) <= NARCOTIC_DAYS:
        return None
    return _("Un stupéfiant se prescrit pour 28 jours au plus : vérifiez la durée avec le prescripteur.")


def narcotic_overlap(case: Case) -> str | None:
    """This pharmacy's own deliveries only: the rule is for "the same practitioners"."""
    if "chevauchement" in case.written():
        return None
    earlier = reach.delivered_to(case.prescription.patient_id, case.pharmacy_finess).exclude(
        line__prescription=case.prescription
    )
    ends = [_narcotic_until(told) for told in earlier if _is_same_or_narcotic(told, case)]
    until = max(filter(None, ends), default=None)
    if until is None or case.on >= until:
        return None
    return _(
        "Une ordonnance précédente de stupéfiant, délivrée ici, couvre ce patient jusqu’au %(date)s : pas de "
        "chevauchement, sauf mention expresse du prescripteur."
    ) % {"date": moments.full_date(until - timedelta(days=1))}


def _is_same_or_narcotic(told: DispensingLine, case: Case) -> bool:
    same = slugify(told.line.name).split("-")[0] == slugify(case.line.name).split("-")[0]
    texts = lookup.conditions_of(told.line.codes) or lookup.conditions_of({"cip13": told.cip13})
    return same or any("stupéfiant" in text.lower() for text in texts)


def _narcotic_until(told: DispensingLine) -> date | None:
    """The first day that the earlier prescription does not cover; late or in parts, it ends on the same day."""
    line = told.line
    start = line.starts_on or line.prescription.authored_on
    return start + timedelta(days=line.duration_days) if line.duration_days else None


def is_isotretinoin_for_a_woman(case: Case) -> bool:
    patient, name = case.prescription.patient, slugify(case.line.name)
    return (
        patient.sex == patient.Sex.FEMALE
        and any(word in name for word in ISOTRETINOIN)
        and case.on.year - int(patient.birth_year) in CHILD_BEARING
    )


def isotretinoin_too_long(case: Case) -> str | None:
    if (case.line.duration_days or 0) <= DAYS["mois"] and not case.line.renewals:
        return None
    return _(
        "Pour une femme en âge d’avoir des enfants, l’isotrétinoïne se prescrit pour un mois, sans renouvellement."
    )


def not_by_fractions(case: Case) -> str | None:
    days = min(int(found[1]) for text in case.conditions if (found := FRACTION.search(text)))
    if not case.item.complete or (case.line.duration_days or 0) <= days or "seule fois" in case.written():
        return None
    return _(
        "Ce médicament se délivre par fractions de %(days)s, sauf si le prescripteur a écrit "
        "« délivrance en une seule fois ». Notez une délivrance partielle."
    ) % {"days": _days(days)}


def limit_of(case: Case) -> int:
    """Days for which it may be prescribed; 0 when nothing limits it."""
    known = [int(found[1]) * DAYS[found[2]] for text in case.conditions if (found := LIMIT.search(text))]
    if known or case.conditions:
        return min(known, default=0)
    name = slugify(case.line.name)
    if any(substance in name for substance in HYPNOTICS):
        return HYPNOTIC_DAYS
    return ANXIOLYTIC_DAYS if any(substance in name for substance in ANXIOLYTICS) else 0


def past_its_limit(case: Case) -> str | None:
    limit = limit_of(case)
    if (case.line.duration_days or 0) > limit:
        return _("Ce médicament se prescrit pour %(days)s au plus : l’ordonnance va au-delà.") % {"days": _days(limit)}
    if _days_gone(case) >= limit and case.dispensed():
        return _(
            "Ce médicament se prescrit pour %(days)s au plus : cette durée est passée depuis la date de l’ordonnance."
        ) % {"days": _days(limit)}
    return None


def _covered_until(case: Case) -> date | None:
    """The day the last complete delivery runs out, as far as one can tell."""
    complete = [told for told in case.dispensed() if told.completeness in policies.COMPLETE]
    if not complete:
        return None
    last = complete[-1]
    days = THREE_MONTHS if LONG_PACK.search(f"{last.delivered_name} {case.line.name}") else MONTH
    days = min(days, case.line.duration_days or days)
    return timezone.localdate(last.dispensing.dispensed_at) + timedelta(days=days)


def too_soon(case: Case) -> str | None:
    until = _covered_until(case)
    if until is None or case.on >= until - timedelta(days=EARLY):
        return None
    return _(
        "Renouvellement demandé tôt : la délivrance précédente couvre le traitement jusqu’au %(date)s environ."
    ) % {"date": moments.full_date(until)}


def more_than_a_delivery(case: Case) -> str | None:
    if case.item.quantity <= case.line.quantity:
        return None
    return _("Cela dépasse ce qui est prescrit pour une délivrance : un mois de traitement à la fois.")


def finess_named(case: Case) -> str:
    found = re.search(r"\b[0-9][0-9AB][0-9]{7}\b", case.prescription.named_pharmacy)
    return found[0] if found else ""


def names_another_pharmacy(case: Case) -> str | None:
    if finess_named(case) == case.pharmacy_finess:
        return None
    return _(
        "Cette ordonnance désigne une autre pharmacie, seule à pouvoir la délivrer. "
        "Le patient peut en désigner une autre au prescripteur, qui l’inscrit."
    )


def names_another_name(case: Case) -> str | None:
    named, ours = (set(slugify(text).split("-")) for text in (case.prescription.named_pharmacy, case.pharmacy_name))
    if ours and (named <= ours or ours <= named):
        return None
    return _("Cette ordonnance désigne « %(name)s » : vérifiez que c’est bien votre pharmacie.") % {
        "name": case.prescription.named_pharmacy
    }


def not_to_be_replaced(case: Case) -> str | None:
    if case.item.prescriber_agreed_on:
        return None
    return _(
        "Le prescripteur a écrit « non substituable » sur cette ligne (%(code)s). "
        "Délivrez ce médicament, ou notez le changement avec l’accord du prescripteur."
    ) % {"code": case.line.no_substitution}


def changed_alone(case: Case) -> str | None:
    if case.item.prescriber_agreed_on:
        return None
    return _("Une modification demande l’accord du prescripteur, sauf urgence et dans l’intérêt du patient.")


def only_in_hospital(case: Case) -> str | None:
    return _("Ce médicament est réservé à l’usage hospitalier : une pharmacie de ville ne le délivre pas d’ordinaire.")
