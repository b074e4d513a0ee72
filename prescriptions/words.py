"""A prescription in the patient's words, in the active language. Adds nothing: what is not known is said to be unknown.

`standing` and `deadlines` (whole prescription) come from standing.py and are read from here by every page.
"""

import re
from dataclasses import dataclass, replace

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from portal import moments
from prescriptions import policies, posology
from prescriptions.amounts import say_quantity
from prescriptions.medicine import lookup
from prescriptions.models import Prescription, PrescriptionLine
from prescriptions.standing import Deadline, Standing, deadlines, standing
from prescriptions.told import ToldLine, dispensings_words, say_report, say_told

__all__ = [
    "Deadline",
    "LineWords",
    "Note",
    "Standing",
    "ToldLine",
    "deadlines",
    "dispensings_words",
    "flags",
    "number_in_groups",
    "say_dosage",
    "say_line",
    "say_report",
    "say_told",
    "say_lines",
    "standing",
    "title_of",
]

ICONS = {
    PrescriptionLine.Kind.MEDICINE: "pill",
    PrescriptionLine.Kind.DEVICE: "bandage",
    PrescriptionLine.Kind.NURSING: "syringe",
    PrescriptionLine.Kind.PHYSIOTHERAPY: "activity",
    PrescriptionLine.Kind.BIOLOGY: "flask",
    PrescriptionLine.Kind.OTHER: "prescription",
}
NAMES_IN_A_TITLE = 2


@dataclass(frozen=True)
class Note:
    title: str
    sentence: str


@dataclass(frozen=True)
class LineWords:
    """One line, said. `left` is None when nobody knows; `components` is not repeated in `notes`."""

    name: str
    kind: str
    kind_label: str
    icon: str  # of static/img/icons.svg
    components: list[str]
    dosage: str
    is_own_text: bool  # the dosage is the prescriber's own wording
    duration: str
    quantity: str
    renewals: str
    total: int  # deliveries in all: the first one and the renewals
    left: int | None
    notes: list[Note]
    steps: list[str]  # of the dosage: more than one when it changes with time
    card: str = ""  # CIS of the medicine's card, where the public database has it; set by say_lines


def number_in_groups(number: str) -> str:
    """01S2TBPZ2JCNZZYGHZ → 01S2 TBPZ 2JCN ZZYG HZ"""
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


# --- The title --------------------------------------------------------------------------------------------------------


def title_of(prescription: Prescription) -> str:
    """What it is for in three words: « Metformine, Ramipril +2 »."""
    names = list(dict.fromkeys(_short_name(line.name) for line in prescription.lines.all()))
    if not names:
        said = "" if prescription.provenance == Prescription.Provenance.REPORT else prescription.comment
        return said.partition("\n")[0] or prescription.get_provenance_display()
    more = len(names) - NAMES_IN_A_TITLE
    return ", ".join(names[:NAMES_IN_A_TITLE]) + (f" +{more}" if more > 0 else "")


def _short_name(name: str) -> str:
    """The words before the strength or the form. Capitals become a capital."""
    words = re.split(r"[,;(+/]|\s\d", name, maxsplit=1)[0].split()[:3] or [name]
    short = " ".join(words)
    return short.capitalize() if short.isupper() and len(short) > 4 else short


def flags(said: Prescription | PrescriptionLine) -> list[str]:
    """What it carries, in its own order. A code that nothing names here is not shown."""
    known = dict(said.Flag.choices)
    return [str(known[flag]) for flag in said.flags if flag in known]


# --- A line -----------------------------------------------------------------------------------------------------------


def say_lines(prescription: Prescription) -> list[LineWords]:
    """Each line, with the card of its medicine."""
    lines = list(prescription.lines.all())
    cards = lookup.cards_for(lines)
    return [replace(say_line(line), card=cards.get(line.pk, "")) for line in lines]


def say_line(line: PrescriptionLine) -> LineWords:
    dosage = say_dosage(line)
    return LineWords(
        name=line.name,
        kind=line.kind,
        kind_label=line.get_kind_display(),
        icon=ICONS[line.kind],
        components=[_say_component(component) for component in line.components],
        dosage=dosage.sentence if dosage else "",
        is_own_text=bool(dosage and dosage.in_own_words),
        duration=say_duration(line),
        quantity=say_quantity(line.quantity, line.quantity_unit),
        renewals=_say_renewals(line),
        total=1 + line.renewals,
        left=policies.left_of(line),
        notes=_notes(line, dosage),
        steps=list(dosage.parts) if dosage else [],
    )


def say_dosage(line: PrescriptionLine) -> posology.Posology | None:
    """None when nothing was said of what has no dosage by nature (stockings, a blood test)."""
    said = posology.explain(
        line.dosage,
        own_text=line.dosage_text or None,
        language=get_language(),
        unit_hint=line.form or None,
        medicine=line.name,
    )
    return None if said.missing and line.kind != PrescriptionLine.Kind.MEDICINE else said


def _say_component(component: dict) -> str:
    said = " ".join(filter(None, [component.get("name"), component.get("strength")]))
    return _("%(component)s (solvant)") % {"component": said} if component.get("diluent") else said


def say_duration(line: PrescriptionLine) -> str:
    """« 12 semaines (84 jours), à partir du 3 mars 2026 »; empty when the prescriber said none."""
    days = _say_days(line.duration_days) if line.duration_days else ""
    if not line.starts_on or line.starts_on == line.prescription.authored_on:
        return days
    start = _("à partir du %(date)s") % {"date": moments.full_date(line.starts_on)}
    return f"{days}, {start}" if days else start


def _say_days(days: int) -> str:
    said = ngettext("%(count)s jour", "%(count)s jours", days) % {"count": days}
    if days >= 60 and days % 30 == 0:
        return _("%(days)s, environ %(months)s mois") % {"days": said, "months": days // 30}
    if days >= 14 and days % 7 == 0:
        return _("%(weeks)s semaines (%(days)s)") % {"weeks": days // 7, "days": said}
    return said


def _say_renewals(line: PrescriptionLine) -> str:
    if not line.renewals:
        return ""
    said = ngettext("Renouvelable %(count)s fois", "Renouvelable %(count)s fois", line.renewals) % {
        "count": line.renewals
    }
    left = policies.left_of(line)
    return said if left is None else f"{said}\u00a0; {_say_renewals_left(min(left, line.renewals))}"


def _say_renewals_left(left: int) -> str:
    if not left:
        return _("il n’en reste plus")
    return ngettext("il reste %(count)s renouvellement", "il reste %(count)s renouvellements", left) % {"count": left}


# --- Notes ------------------------------------------------------------------------------------------------------------


def say_instructions(line: PrescriptionLine, dosage: posology.Posology | None) -> str:
    """The prescriber's instructions, with those of the structure that the sentence shown does not hold."""
    besides = [text for text in (dosage.besides if dosage else ()) if text not in line.instructions]
    return "\n".join(filter(None, [line.instructions, *besides]))


def _notes(line: PrescriptionLine, dosage: posology.Posology | None) -> list[Note]:
    notes = [_why_no_substitution(line.no_substitution)] if line.no_substitution else []
    notes += [note for flag in line.flags if (note := _say_flag(flag))]
    if instructions := say_instructions(line, dosage):
        notes.append(Note(_("Consigne du prescripteur"), instructions))
    return notes


def _why_no_substitution(code: str) -> Note:
    why = {
        PrescriptionLine.NoSubstitution.MTE: _(
            "Le prescripteur demande de garder exactement ce médicament : votre traitement est bien réglé avec lui, "
            "et un petit écart de dose peut compter."
        ),
        PrescriptionLine.NoSubstitution.EFG: _(
            "Aucun générique n’a une forme adaptée à un enfant de moins de 6 ans. "
            "Le prescripteur demande donc de garder ce médicament."
        ),
        PrescriptionLine.NoSubstitution.CIF: _(
            "Les génériques contiennent un ingrédient qui vous est contre-indiqué. "
            "Le prescripteur demande donc de garder ce médicament."
        ),
    }
    return Note(_("Non substituable : pas de générique à la place"), why[code])


def _say_flag(flag: str) -> Note | None:
    return {
        PrescriptionLine.Flag.ALD: Note(
            _("Affection de longue durée"),
            _("Prescrit en rapport avec votre affection de longue durée reconnue."),
        ),
        PrescriptionLine.Flag.WORK: Note(
            _("Travail"), _("Prescrit en rapport avec un accident du travail ou une maladie professionnelle.")
        ),
        PrescriptionLine.Flag.PREVENTION: Note(_("Prévention"), _("Prescrit pour prévenir, et non pour soigner.")),
        PrescriptionLine.Flag.NOT_REIMBURSED: Note(
            _("Non remboursable"), _("L’Assurance Maladie ne rembourse pas cette ligne.")
        ),
        PrescriptionLine.Flag.OFF_LABEL: Note(
            _("Hors autorisation de mise sur le marché"),
            _("Prescrit pour un usage que son autorisation ne prévoit pas. Le prescripteur peut vous en parler."),
        ),
    }.get(flag)
