"""What a code, or a typed number, is worth: first what it proves by itself, then what the registry knows of it.

Says no name, no medicine, no date of prescription: whoever holds a code may be a stranger.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from portal import limits, moments
from prescriptions import numbers, policies
from prescriptions.code import keys, signed
from prescriptions.code.canonical import content_hash
from prescriptions.models import Prescription

VALID = "valid"
CHECKS, SECONDS = 30, 60  # from one address, whichever of the doors it asks at


@dataclass(frozen=True)
class Verdict:
    """`code`: valid; altered, unknown_key, revoked_key, not_ours (the code itself); cancelled, replaced, expired,
    exhausted, unknown_number (the registry); number_known (a typed number: proves nothing).

    `offline`: the signature was checked. `online`: the registry was asked. `prescription_id` is for a page that has
    already established who asks (the pharmacy's desk); never for a stranger.
    """

    code: str
    state: str  # ready, wait, stop, info, unknown
    icon: str
    word: str
    sentence: str
    offline: bool = False
    online: bool = False
    at: datetime = field(default_factory=timezone.now)
    prescription_id: UUID | None = field(default=None, repr=False)

    @property
    def is_valid(self) -> bool:
        return self.code == VALID


def is_asked_too_often(request) -> bool:
    """Counts this request, of the page or of the API."""
    return limits.is_too_often(request, "verify", times=CHECKS, seconds=SECONDS)


def check(text: str) -> Verdict:
    """A scanned or pasted code, or a typed number."""
    if signed.is_signed_code(text):
        return _check_code(text)
    if numbers.why_not_number(text) is None:
        return _check_number(numbers.normalise_number(text))
    return _say("not_ours")


def _check_code(text: str) -> Verdict:
    reading = signed.read(text, keys.key_set(), now=timezone.now())
    if reading.claims is None:
        return _say(reading.code, offline=reading.code == "altered")
    prescription = _find(reading.claims.number)
    if prescription is None:
        why = _("Ce code est bien signé, mais le registre ne connaît pas son numéro. Appelez le prescripteur.")
        return _say("unknown_number", why, offline=True, online=True)
    code, why = _in_the_registry(prescription, reading)
    return _say(code, why, offline=True, online=True, prescription_id=prescription.pk)


def _find(number: str) -> Prescription | None:
    return Prescription.objects.with_content().filter(number=number).first()


def _in_the_registry(prescription: Prescription, reading: signed.Reading) -> tuple[str, str]:
    if content_hash(prescription) != reading.claims.content:
        return "altered", ""
    return _standing(prescription) or (reading.code, "")


def _standing(prescription: Prescription) -> tuple[str, str] | None:
    """(code, sentence) of what stops it, the prescriber's act first."""
    reason = policies.why_not_valid(prescription)
    if reason is not None and reason.code in {"cancelled", "replaced"}:
        return reason.code, ""
    if policies.is_exhausted(prescription):
        return "exhausted", ""
    if reason is None:
        return None
    return "expired", _say_since_when(prescription)


def _say_since_when(prescription: Prescription) -> str:
    if prescription.valid_until and prescription.valid_until < timezone.localdate():
        return _("Elle n’est plus valable depuis le %(date)s.") % {"date": moments.full_date(prescription.valid_until)}
    return _("Son délai de première délivrance est passé.")


def _check_number(number: str) -> Verdict:
    prescription = _find(number)
    if prescription is None or prescription.masked_at:  # whoever types a number may have guessed it
        return _say("unknown_number", online=True)
    stopped = _standing(prescription)
    word = _words()[stopped[0] if stopped else "in_force"][2]
    sentence = _("Le registre indique : « %(word)s ». %(proof)s") % {"word": word, "proof": _words()["number_known"][3]}
    return _say("number_known", sentence, online=True, prescription_id=prescription.pk)


def _say(code: str, why: str = "", **facts) -> Verdict:
    state, icon, word, sentence = _words()[code]
    return Verdict(code, state, icon, word, why or sentence, **facts)


def _words() -> dict[str, tuple[str, str, str, str]]:
    """code: (state, icon, word, sentence)"""
    return {
        "valid": (
            "ready",
            "seal",
            _("Authentique et en cours"),
            _("Ce code a été émis par le registre, il est intact, et l’ordonnance est toujours valable."),
        ),
        "expired": (
            "wait",
            "hourglass",
            _("Authentique, mais expirée"),
            _("Ce code est intact, mais l’ordonnance n’est plus valable."),
        ),
        "exhausted": (
            "wait",
            "package-check",
            _("Authentique, déjà entièrement délivrée"),
            _("Ce code est intact, mais il ne reste rien à délivrer."),
        ),
        "cancelled": (
            "stop",
            "ban",
            _("Annulée : ne pas délivrer"),
            _("Ce code est intact, mais le prescripteur a annulé l’ordonnance."),
        ),
        "replaced": (
            "stop",
            "repeat",
            _("Remplacée : ne pas délivrer"),
            _("Ce code est intact, mais le prescripteur a remplacé l’ordonnance par une autre. Demandez la nouvelle."),
        ),
        "altered": (
            "stop",
            "alert",
            _("Modifiée : ne pas délivrer"),
            _(
                "Ce code ne correspond pas à ce que le registre a signé. Présentez-le de nouveau ; "
                "si rien ne change, appelez le prescripteur."
            ),
        ),
        "unknown_key": (
            "stop",
            "key",
            _("Clé inconnue : ne pas délivrer"),
            _("Ce code est signé par une clé que ce registre ne connaît pas. Il a pu être fabriqué ailleurs."),
        ),
        "revoked_key": (
            "stop",
            "key",
            _("Clé révoquée : ne pas délivrer"),
            _(
                "La clé qui a signé ce code n’est plus acceptée. Demandez au patient d’ouvrir son ordonnance : "
                "un nouveau code l’y attend."
            ),
        ),
        "unknown_number": (
            "stop",
            "help",
            _("Numéro inconnu du registre"),
            _("Aucune ordonnance ne porte ce numéro ici. Relisez-le caractère par caractère."),
        ),
        "number_known": (
            "info",
            "info",
            _("Numéro connu du registre"),
            _("N’importe qui peut recopier un numéro : seul le code QR prouve que l’ordonnance est authentique."),
        ),
        "in_force": ("ready", "check", _("En cours"), ""),
        "not_ours": (
            "unknown",
            "unknown",
            _("Ce n’est pas un code d’ordonnance"),
            _("Ce que vous avez donné n’est ni un code de ce registre, ni un numéro d’ordonnance."),
        ),
    }
