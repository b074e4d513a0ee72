"""What a prescriber reads of their own prescriptions: what became of each line, changes and agreements included.

Where the patient objected, the dispensings are not even loaded (reach.dispensings_for_prescribers), and the words do
not let them be guessed.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from portal import audit
from portal.paging import Page, page_from
from prescriptions import policies, reach, words
from prescriptions.models import Dispensing, Prescription, PrescriptionQuerySet
from prescriptions.standing import Standing

PAGE = 20


@dataclass(frozen=True)
class Card:
    """`who`: initials and year of birth; the name is on the page that one opens."""

    prescription: Prescription
    who: str
    title: str
    standing: Standing


@dataclass(frozen=True)
class Delivered:
    """One dispensing. `lines`: (what was said of the line, the reason a pharmacist gave for going past a rule)."""

    dispensing: Dispensing
    lines: list[tuple[words.ToldLine, str]]


def with_execution(prescriptions: PrescriptionQuerySet) -> PrescriptionQuerySet:
    told = reach.dispensings_for_prescribers(prescriptions).order_by("dispensed_at", "pk")
    rows = prescriptions.select_related("patient", "prescriber", "replaced_by").defer("source", "replaced_by__source")
    return rows.prefetch_related("lines", Prefetch("dispensings", queryset=told.prefetch_related("lines__line")))


def page_of(prescriptions: PrescriptionQuerySet, *, after: Prescription | None) -> Page[Card]:
    """The page that follows `after`, the newest first."""
    rows = with_execution(prescriptions)
    if after is not None:
        rows = rows.older_than(after)
    return page_from(map(_card, rows[: PAGE + 1]), PAGE)


def _card(prescription: Prescription) -> Card:
    patient = prescription.patient
    who = _("%(initials)s, né en %(year)s") if patient.sex == "M" else _("%(initials)s, née en %(year)s")
    return Card(
        prescription,
        who % {"initials": patient.initials, "year": patient.birth_year},
        words.title_of(prescription),
        standing(prescription),
    )


def standing(prescription: Prescription) -> Standing:
    """Where the patient objected, only what the prescriber's own acts and the calendar say. `prescription` comes from
    reach, which says whether (`objected`)."""
    if not prescription.objected:
        return words.standing(prescription)
    reason = policies.why_ended(prescription)
    if reason is None:
        return Standing("unknown", "unknown", _("Délivrances non consultables"), objection())
    word = {"cancelled": _("Annulée"), "replaced": _("Remplacée"), "expired": _("Expirée")}[reason.code]
    return Standing(reason.code, "stop", word, objection())


def delivered(prescription: Prescription) -> list[Delivered]:
    """Oldest first; as loaded by `with_execution`."""
    return [
        Delivered(told, [(words.say_told(line), line.override_reason) for line in told.lines.all()])
        for told in prescription.dispensings.all()
    ]


def objection() -> str:
    return _("Le patient s’est opposé à cette consultation.")


@transaction.atomic
def note_reading(*, prescription: Prescription, by) -> None:
    audit.record(
        kind="prescription.read_by_prescriber",
        by=by,
        patient_id=prescription.patient_id,
        subject=prescription,
        opposed=prescription.objected,
    )
