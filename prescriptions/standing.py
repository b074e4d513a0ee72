"""Where a prescription stands and until when it is good: one word, one sentence. Read through words.py."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import moments
from prescriptions import policies
from prescriptions.models import Prescription

EXPIRING_DAYS = 7


@dataclass(frozen=True)
class Standing:
    """`code`: to_dispense, partly_dispensed, dispensed, renewable, expiring, expired, too_late, cancelled, replaced,
    unknown, document, upload, report. `state`: ready, wait, stop, info, unknown."""

    code: str
    state: str
    word: str
    sentence: str


@dataclass(frozen=True)
class Deadline:
    word: str
    on: date  # the last day in time
    sentence: str
    state: str


def standing(prescription: Prescription) -> Standing:
    return _ended(prescription) or _not_from_registry(prescription) or _running(prescription)


def _ended(prescription: Prescription) -> Standing | None:
    if policies.is_exhausted(prescription) and not prescription.cancelled_at:
        return Standing("dispensed", "ready", _("Délivrée"), _("Tout ce qui était prescrit a été délivré."))
    reason = policies.why_not_valid(prescription)
    if reason is None:
        return None
    code, word = {
        "cancelled": ("cancelled", _("Annulée")),
        "replaced": ("replaced", _("Remplacée")),
        "expired": ("expired", _("Expirée")),
        "too-late-to-start": ("too_late", _("Délai dépassé")),
    }[reason.code]
    return Standing(code, "stop", word, reason.sentence)


def _not_from_registry(prescription: Prescription) -> Standing | None:
    if prescription.provenance == Prescription.Provenance.DOCUMENT:
        sentence = _("Transmise par un professionnel, sans numéro ni code. Apportez l’original à la pharmacie.")
        return Standing("document", "info", _("Document"), sentence)
    if prescription.provenance == Prescription.Provenance.REPORT:
        sentence = _("Ce qu’une pharmacie dit avoir délivré, d’une ordonnance qui n’est pas dans ce registre.")
        return Standing("report", "info", _("Compte rendu"), sentence)
    if prescription.provenance == Prescription.Provenance.UPLOAD:
        sentence = _("Elle sert à préparer seulement. Apportez l’original à la pharmacie.")
        return Standing("upload", "info", _("Photo"), sentence)
    return None


def _running(prescription: Prescription) -> Standing:
    limit = next_limit(prescription)
    days = (limit.on - timezone.localdate()).days if limit else None
    if days is not None and days <= EXPIRING_DAYS:
        return Standing("expiring", "wait", _say_days_left(days), limit.sentence)
    if policies.is_started(prescription):
        return _started(prescription, limit)
    if limit is None:
        return Standing("unknown", "unknown", _("Inconnu"), nothing_reported(prescription))
    return Standing("to_dispense", "ready", _("Valable"), f"{limit.sentence} {nothing_reported(prescription)}")


def _say_days_left(days: int) -> str:
    if days == 0:
        return _("Expire aujourd’hui")
    return ngettext("Expire demain", "Expire dans %(count)s jours", days) % {"count": days}


def _started(prescription: Prescription, limit: Deadline | None) -> Standing:
    until = limit.sentence if limit else ""
    if _something_is_missing(prescription):
        sentence = " ".join(filter(None, [_("Une partie reste à délivrer."), until]))
        return Standing("partly_dispensed", "wait", _("Délivrée en partie"), sentence)
    sentence = " ".join(filter(None, [_("Il reste au moins un renouvellement."), until]))
    return Standing("renewable", "ready", _("À renouveler"), sentence)


def _something_is_missing(prescription: Prescription) -> bool:
    """A line was never delivered, or its last delivery was a partial one."""
    for line in prescription.lines.all():
        if not line.is_for_pharmacy():
            continue
        dispensed = policies.dispensed_of(line)
        if not dispensed or dispensed[-1].completeness not in policies.COMPLETE:
            return True
    return False


def nothing_reported(prescription: Prescription) -> str:
    lines = prescription.lines.all()
    if lines and not any(line.is_for_pharmacy() for line in lines):
        return _("Personne n’a signalé que c’était fait.")
    return _("Personne n’a signalé de délivrance.")


# --- Until when -------------------------------------------------------------------------------------------------------


def next_limit(prescription: Prescription) -> Deadline | None:
    """The first day that counts now: of the first dispensing while nothing is started, else of the end."""
    dates = [d for d in (_first_dispensing(prescription), _end(prescription)) if d]
    return min(dates, key=lambda deadline: deadline.on, default=None)


def deadlines(prescription: Prescription) -> list[Deadline]:
    """In order of date. Empty when no date is known: no deadline is made up."""
    if prescription.cancelled_at or policies.is_replaced(prescription):
        return []
    known = [_secured(prescription), _first_dispensing(prescription), _end(prescription)]
    return sorted((d for d in known if d), key=lambda deadline: deadline.on)


def _state_on(day: date) -> str:
    days = (day - timezone.localdate()).days
    return "stop" if days < 0 else "wait" if days <= EXPIRING_DAYS else "info"


def _first_dispensing(prescription: Prescription) -> Deadline | None:
    on = prescription.first_dispensing_before
    if on is None or policies.is_started(prescription):
        return None
    if prescription.valid_until and prescription.valid_until <= on:
        return None  # the end comes first: one date is enough
    sentence = _("À présenter avant le %(date)s.") % {"date": moments.full_date(on)}
    return Deadline(_("Première délivrance"), on, sentence, _state_on(on))


def _end(prescription: Prescription) -> Deadline | None:
    on = prescription.valid_until
    if on is None:
        return None
    sentence = _("Valable jusqu’au %(date)s.") % {"date": moments.full_date(on)}
    return Deadline(_("Fin"), on, sentence, _state_on(on))


def _secured(prescription: Prescription) -> Deadline | None:
    """Which medicines of a secured prescription the three days hold for is not known here: said, not imposed."""
    on = prescription.authored_on + timedelta(days=policies.PRESENTATION_DAYS)
    if not prescription.has_flag(Prescription.Flag.SECURED) or policies.is_started(prescription):
        return None
    if on < timezone.localdate():
        return None
    sentence = _(
        "De préférence avant le %(date)s : pour certains médicaments, la pharmacie ne délivre ensuite "
        "que la durée qui reste."
    ) % {"date": moments.full_date(on)}
    return Deadline(_("Ordonnance sécurisée"), on, sentence, "wait")
