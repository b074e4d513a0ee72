"""What pharmacies said they delivered, in plain words; what nobody reported is unknown. Read through words.py."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import moments
from prescriptions import policies
from prescriptions.amounts import say_quantity
from prescriptions.models import Dispensing, DispensingLine, Prescription
from prescriptions.standing import nothing_reported


@dataclass(frozen=True)
class ToldLine:
    """One line of a dispensing: what was prescribed, and what became of it. `is_done`: something was handed over."""

    name: str
    facts: list[str]
    is_done: bool

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.facts)})"


def dispensings_words(prescription: Prescription) -> list[dict]:
    """Steps for components/timeline.html, each with `lines`: what was delivered, said. Never empty."""
    steps = [_say_dispensing(dispensing) for dispensing in prescription.dispensings.all()]
    if not policies.is_started(prescription):
        return [*steps, _unknown(nothing_reported(prescription))]
    return [*steps, *_say_unreported(prescription)]


def _unknown(sentence: str) -> dict:
    return {"word": _("Inconnu"), "sentence": sentence, "at": None, "lines": [], "state": "unknown", "icon": "unknown"}


def _say_unreported(prescription: Prescription) -> list[dict]:
    """Lines that a pharmacy may deliver and of which none said anything."""
    said = {told.line_id for one in policies.reported_dispensings(prescription) for told in one.lines.all()}
    lines = [line for line in prescription.lines.all() if line.is_for_pharmacy() and line.pk not in said]
    if not lines:
        return []
    names = ", ".join(line.name for line in lines)
    return [_unknown(_("Personne n’a signalé de délivrance pour : %(names)s.") % {"names": names})]


def _say_dispensing(dispensing: Dispensing) -> dict:
    lines = [str(say_told(told)) for told in dispensing.lines.all()]
    if dispensing.undone_at:
        sentence = _("%(pharmacy)s. Annulée par la pharmacie.") % {"pharmacy": dispensing.pharmacy_name}
        step = {"word": _("Délivrance annulée"), "sentence": sentence, "state": "stop", "icon": "undo"}
    else:
        sentence = "\u00a0: ".join([dispensing.pharmacy_name, ", ".join(lines)]) if lines else dispensing.pharmacy_name
        step = {"word": _("Délivrance"), "sentence": sentence, "state": "done", "icon": "check"}
        step["place"] = dispensing.pharmacy_name
    return step | {"at": dispensing.dispensed_at, "lines": lines}


def say_told(told: DispensingLine) -> ToldLine:
    name = told.line.name
    if not told.quantity:
        return ToldLine(name, [_("non délivré : %(why)s") % {"why": told.not_dispensed_reason}], is_done=False)
    facts = [ngettext("%(count)s boîte", "%(count)s boîtes", told.quantity) % {"count": told.quantity}]
    facts += filter(None, [_say_substitution(told), _say_change(told)])
    if told.completeness not in policies.COMPLETE:
        facts.append(_("en partie"))
    return ToldLine(name, facts, is_done=True)


def say_report(prescription: Prescription) -> list[ToldLine]:
    """What a report that carries out no prescription of ours says was delivered, as it was written."""
    return [_say_delivered(delivered) for delivered in (prescription.source or {}).get("delivered", [])]


def _say_delivered(delivered: dict) -> ToldLine:
    quantity = Decimal(delivered["quantity"]) if delivered.get("quantity") else None
    expiry = date.fromisoformat(delivered["expires_on"]) if delivered.get("expires_on") else None
    facts = [
        say_quantity(quantity, delivered.get("quantity_unit", "")),
        _("à la place de ce qui était prescrit") if delivered.get("substitution") else "",
        _("lot %(lot)s") % {"lot": delivered["lot"]} if delivered.get("lot") else "",
        _("périme le %(date)s") % {"date": moments.full_date(expiry)} if expiry else "",
        delivered.get("note", ""),
    ]
    return ToldLine(delivered["name"], [fact for fact in facts if fact], is_done=True)


def _say_substitution(told: DispensingLine) -> str:
    kinds = DispensingLine.Substitution
    name = told.delivered_name if told.delivered_name != told.line.name else ""
    said = {
        "": ("", ""),
        kinds.GENERIC: (_("remplacé par le générique"), _("remplacé par le générique %(name)s")),
        kinds.EQUIVALENT: (_("remplacé par un équivalent"), _("remplacé par l’équivalent %(name)s")),
        kinds.THERAPEUTIC: (_("remplacé, faute de stock"), _("remplacé, faute de stock, par %(name)s")),
    }
    without, with_name = said[told.substitution]
    return with_name % {"name": name} if name else without


def _say_change(told: DispensingLine) -> str:
    if not told.change:
        return ""
    said = _("modifié : %(what)s ; raison : %(why)s") % {"what": told.change, "why": told.change_reason}
    if not told.prescriber_agreed_on:
        return said
    agreed = _("avec l’accord du prescripteur le %(date)s") % {"date": moments.full_date(told.prescriber_agreed_on)}
    return f"{said}, {agreed}"
