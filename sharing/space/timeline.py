"""What the patient reads about a share: where it is and what to do (`head_of`), each step with its time (`steps_of`).

The words are those of the table « Words » of the design; `situation` is the one place that decides which apply.
Read shares through `with_facts`: the messages that left are large, and not needed here.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import moments
from prescriptions.policies import is_replaced
from sharing import naming, policies
from sharing.models import Delivery, Share
from sharing.space import mail_facts, silence
from sharing.states import DeliveryStatus
from sharing.states import ShareStatus as S


@dataclass(frozen=True)
class Head:
    """`code`: a Share status, or "queued", "late", "sent", "unopened", "silent" while the pharmacy has not read it."""

    code: str
    state: str  # ready, wait, stop, info, unknown
    icon: str
    word: str
    sentence: str
    time: datetime


@dataclass(frozen=True)
class Pill:
    """Takes the parameters of components/status.html."""

    state: str
    icon: str
    label: str


@dataclass(frozen=True)
class Step:
    code: str
    word: str
    sentence: str
    at: datetime | None
    state: str  # done, now, next, stop
    icon: str = ""


# code: (state, icon, word)
LOOKS = {
    "queued": ("info", "check-circle", gettext_lazy("Enregistrée")),
    "late": ("wait", "hourglass", gettext_lazy("Pas encore remise")),
    "sent": ("info", "mail-check", gettext_lazy("Remise")),
    "unopened": ("wait", "mail-x", gettext_lazy("Reçue, mais pas ouverte par leur logiciel")),
    "silent": ("wait", "clock", gettext_lazy("Pas encore lue")),
    S.OPENED: ("info", "mail-open", gettext_lazy("Lue")),
    S.PREPARING: ("wait", "package-open", gettext_lazy("En préparation")),
    S.PARTIALLY_READY: ("wait", "package", gettext_lazy("En partie prête")),
    S.READY: ("ready", "bag", gettext_lazy("Prête")),
    S.COLLECTED: ("ready", "package-check", gettext_lazy("Retirée")),
    S.REFUSED: ("stop", "package-x", gettext_lazy("La pharmacie ne peut pas la préparer")),
    S.REVOKED: ("unknown", "undo", gettext_lazy("Vous avez retiré cet envoi")),
    S.EXPIRED: ("stop", "hourglass", gettext_lazy("Expirée")),
    S.UNDELIVERABLE: ("stop", "mail-x", gettext_lazy("Non remise")),
}
# The short word where the one above is a sentence: pills of the lists.
LABELS = {
    "unopened": gettext_lazy("Pas encore lue"),
    S.REFUSED: gettext_lazy("Refusée"),
    S.REVOKED: gettext_lazy("Envoi retiré"),
}

STEP_WORDS = {
    S.SHARED: gettext_lazy("Enregistrée"),
    **mail_facts.STEP_WORDS,
    S.OPENED: gettext_lazy("Lue par la pharmacie"),
    S.PREPARING: gettext_lazy("En préparation"),
    S.PARTIALLY_READY: gettext_lazy("En partie prête"),
    S.READY: gettext_lazy("Prête"),
    S.COLLECTED: gettext_lazy("Retirée"),
    S.REFUSED: gettext_lazy("Refusée"),
    S.REVOKED: gettext_lazy("Envoi retiré"),
    S.EXPIRED: gettext_lazy("Expirée"),
    S.UNDELIVERABLE: gettext_lazy("Non remise"),
}
RANKS = {code: rank for rank, code in enumerate(STEP_WORDS)}
EXPECTED = (S.SHARED, "sent", "delivered", S.OPENED, S.PREPARING, S.READY, S.COLLECTED)
BAD_ENDS = (S.REFUSED, S.REVOKED, S.EXPIRED, S.UNDELIVERABLE)


def with_facts(shares):
    """Everything these functions read, at the price of three queries however many shares there are."""
    deliveries = Delivery.objects.defer("content", "envelope_from")
    return shares.select_related("pharmacy", "moved_to__pharmacy").prefetch_related(
        "events", Prefetch("deliveries", queryset=deliveries)
    )


def situation(share: Share, now: datetime) -> str:
    if share.status != S.SHARED:
        return share.status
    sent_at = _sent_at(share)
    if sent_at is None:
        return "late" if policies.is_late(share, now) else "queued"
    if mail_facts.is_left_unopened(share.first_delivery):
        return "unopened"
    if mail_facts.is_delayed(share.first_delivery):
        return "late"
    return "silent" if silence.is_silent_since(sent_at, now) else "sent"


def head_of(share: Share, now: datetime) -> Head:
    code = situation(share, now)
    state, icon, word = LOOKS[code]
    at = _sent_at(share) if code in {"sent", "silent", "unopened"} else share.status_at
    return Head(code, state, icon, str(word), _sentence(share, code), at)


def pill_of(share: Share, now: datetime) -> Pill:
    code = situation(share, now)
    state, icon, word = LOOKS[code]
    return Pill(state, icon, str(LABELS.get(code, word)))


def steps_of(share: Share) -> list[Step]:
    """What happened, in its order, the last one marked; then, while it is alive, what is still to come."""
    facts = sorted(_facts(share), key=lambda fact: (fact[1], RANKS[fact[0]]))
    last = len(facts) - 1
    done = [_step(share, code, at, is_last=index == last) for index, (code, at) in enumerate(facts)]
    return done + [_coming(code) for code in _still_to_come(share, facts)]


def coming_after(share: Share) -> list[Step]:
    """On the confirmation page: what happens next, and about when."""
    when = {
        "sent": _("Dans la minute qui vient."),
        S.OPENED: _("Le plus souvent dans l’heure, quand la pharmacie est ouverte. Vous verrez ici à quelle heure."),
        S.PREPARING: _("La pharmacie vous le dit, ou vous pose une question."),
        S.READY: _("Un e-mail vous prévient. Vous venez la chercher avec votre carte Vitale."),
    }
    saved = Step(S.SHARED, str(STEP_WORDS[S.SHARED]), "", share.created_at, "now")
    return [saved] + [Step(code, str(STEP_WORDS[code]), sentence, None, "next") for code, sentence in when.items()]


def version_of(share: Share, now: datetime) -> str:
    """Changes when what the live part of the page shows has changed. Tells nothing by itself."""
    facts = [situation(share, now), str(share.thread_closed_at), timezone.localdate().isoformat()]
    facts += [f"{code} {at.timestamp()}" for code, at in _facts(share)]
    facts += [str(message.pk) for message in share.messages.all()]
    facts += [f"{file.pk} {file.state}" for message in share.messages.all() for file in message.files.all()]
    facts += [f"{delivery.words_id} {delivery.status}" for delivery in share.deliveries.all() if delivery.words_id]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _sent_at(share: Share) -> datetime | None:
    return share.first_delivery and share.first_delivery.sent_at


def _facts(share: Share) -> Iterator[tuple[str, datetime]]:
    for event in share.events.all():
        yield event.status, event.at
    yield from mail_facts.facts(share.first_delivery)


def _still_to_come(share: Share, facts: list[tuple[str, datetime]]) -> list[str]:
    if not share.is_active() or not facts:
        return []
    happened = [code for code, _at in facts if code == S.SHARED or code in mail_facts.STEP_WORDS] + [share.status]
    furthest = max(RANKS[code] for code in happened)  # a pharmacy may take back « Prête »
    return [code for code in EXPECTED if RANKS[code] > furthest]


def _step(share: Share, code: str, at: datetime, *, is_last: bool) -> Step:
    state = "done"
    if is_last and code in BAD_ENDS:
        state = "stop"
    elif is_last and share.is_active():
        state = "now"
    return Step(code, str(STEP_WORDS[code]), _step_sentence(share, code), at, state)


def _coming(code: str) -> Step:
    return Step(code, str(STEP_WORDS[code]), "", None, "next")


def _step_sentence(share: Share, code: str) -> str:
    if code == S.PARTIALLY_READY and share.status == S.PARTIALLY_READY:
        return _what_is_missing(share)
    if code == "unprocessed":
        return mail_facts.software_said(share.first_delivery)
    if code == S.REFUSED:
        return share.get_refusal_display()
    return ""


def _preparing_sentence(share: Share) -> str:
    if any(event.status in (S.READY, S.PARTIALLY_READY) for event in share.events.all()):
        return _("La pharmacie l’avait dite prête, et la prépare encore. Attendez son prochain message pour venir.")
    return _("La pharmacie la prépare. Un e-mail vous préviendra dès qu’elle sera prête.")


def _sentence(share: Share, code: str) -> str:
    sentences = {
        "queued": _("Nous la remettons à la pharmacie. Vous pouvez fermer cette page, l’envoi continue."),
        "late": _(
            "La messagerie de la pharmacie ne répond pas pour l’instant. Rien n’est perdu, nous continuons d’essayer. "
            "Si cela presse, appelez la pharmacie, montrez le QR ou choisissez une autre pharmacie."
        ),
        "unopened": _(
            "La messagerie de la pharmacie l’a reçue, mais son logiciel n’a pas su l’ouvrir. Appelez la pharmacie, "
            "montrez le QR ou choisissez une autre pharmacie."
        ),
        S.OPENED: _("La pharmacie l’a ouverte. Elle dira ici quand elle la prépare."),
    }
    return sentences.get(code) or _SENTENCES[code](share)


def _sent_sentence(share: Share) -> str:
    return _("À la messagerie de la pharmacie, %(moment)s. Vous verrez ici quand elle la lit.") % {
        "moment": moments.moment(_sent_at(share))
    }


def _silent_sentence(share: Share) -> str:
    return _(
        "Remise %(moment)s, la pharmacie ne l’a pas encore ouverte. "
        "Vous pouvez l’appeler ou choisir une autre pharmacie."
    ) % {"moment": moments.moment(_sent_at(share))}


def _ready_sentence(share: Share) -> str:
    if share.ready_until is None:
        return _("Vous pouvez venir la chercher.")
    return _("Vous pouvez venir la chercher, jusqu’au %(day)s.") % {"day": moments.day(share.ready_until)}


def _what_is_missing(share: Share) -> str:
    if not share.missing:
        return _("La pharmacie vous dira quand le reste est arrivé.")
    if share.expected_on is None:
        return _("Il manque : %(missing)s.") % {"missing": share.missing}
    return _("Il manque : %(missing)s, attendu %(day)s.") % {
        "missing": share.missing,
        "day": moments.day_near(share.expected_on),
    }


def _collected_sentence(share: Share) -> str:
    return _("Vous l’avez retirée %(moment)s.") % {"moment": moments.moment(share.status_at)}


def _expired_sentence(share: Share) -> str:
    if share.prescription.cancelled_at:
        return _("Le prescripteur a annulé l’ordonnance. Demandez-lui-en une nouvelle si vous en avez besoin.")
    if is_replaced(share.prescription):
        return _("Le prescripteur a remplacé l’ordonnance par une autre. Envoyez la nouvelle à la pharmacie.")
    return _("L’ordonnance a pris fin avant d’être retirée. Demandez-en une nouvelle si vous en avez besoin.")


def _refused_sentence(share: Share) -> str:
    return _("Sa raison : %(reason)s. Choisissez une autre pharmacie.") % {"reason": share.get_refusal_display()}


def _revoked_sentence(share: Share) -> str:
    moved_to = getattr(share, "moved_to", None)
    recall = next((d for d in share.deliveries.all() if d.kind == Delivery.Kind.RECALL), None)
    if recall is not None and recall.status == DeliveryStatus.FAILED:
        return _(
            "La pharmacie n’y a plus accès à son comptoir, mais le message qui lui dit de ne pas en tenir compte "
            "n’a pas pu lui être remis. Prévenez-la par téléphone."
        )
    if moved_to is None and recall is not None:
        return _(
            "La pharmacie n’y a plus accès à son comptoir. Le message déjà reçu reste dans sa messagerie ; "
            "un second lui dit de ne pas en tenir compte."
        )
    if moved_to is None:
        return _("La pharmacie n’y a plus accès.")
    return _("La pharmacie n’y a plus accès. L’ordonnance est partie à %(pharmacy)s.") % {
        "pharmacy": naming.the(moved_to.pharmacy)
    }


_SENTENCES = {
    "sent": _sent_sentence,
    "silent": _silent_sentence,
    S.PREPARING: _preparing_sentence,
    S.PARTIALLY_READY: _what_is_missing,
    S.READY: _ready_sentence,
    S.COLLECTED: _collected_sentence,
    S.EXPIRED: _expired_sentence,
    S.REFUSED: _refused_sentence,
    S.REVOKED: _revoked_sentence,
    S.UNDELIVERABLE: lambda share: mail_facts.why_not_delivered(share.first_delivery),
}
