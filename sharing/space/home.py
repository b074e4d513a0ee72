"""What the patient has to do now: at most three things, the most pressing first, one verb each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import moments
from prescriptions import words
from sharing import naming, policies, thread
from sharing.models import Share, ThreadMessage
from sharing.space import listing, timeline
from sharing.states import ACTIVE
from sharing.states import ShareStatus as S

AT_MOST = 3
# How long a share that failed is still something to do.
FAILED_DAYS = timedelta(days=14)

# The most pressing first.
ORDER = ("undeliverable", "refused", "question", "ready", "partially_ready", "unopened", "late", "silent", "expiring")


@dataclass(frozen=True)
class Task:
    """Takes the parameters of components/task.html."""

    code: str
    state: str
    icon: str
    title: str
    text: str
    url: str
    action: str


def to_do(*, shares, cards: list[listing.Card], now: datetime) -> list[Task]:
    """`shares`: all that this person may see of this patient; `cards`: the current prescriptions."""
    tasks = [*_about_shares(shares, now), *_about_prescriptions(cards)]
    return sorted(tasks, key=lambda task: ORDER.index(task.code))[:AT_MOST]


def _about_shares(shares, now: datetime) -> Iterator[Task]:
    for share in _latest_of_each(shares, now):
        yield from filter(None, [_question(share), _by_situation(share, timeline.head_of(share, now))])


def _latest_of_each(shares, now: datetime) -> list[Share]:
    """Alive, or failed lately with nothing sent since."""
    told = Prefetch("messages", queryset=ThreadMessage.objects.defer("body"))
    rows = (
        timeline.with_facts(shares.filter(Q(status__in=ACTIVE) | Q(created_at__gte=now - FAILED_DAYS)))
        .select_related("prescription__replaced_by")
        .defer("prescription__source", "prescription__replaced_by__source")
        .prefetch_related("prescription__lines", "prescription__dispensings__lines", told)
    )
    latest: dict = {}
    for share in rows:  # newest first
        latest.setdefault(share.prescription_id, share)
    return list(latest.values())


def _question(share: Share) -> Task | None:
    asked = thread.unanswered(share)
    if asked is None:
        return None
    return Task(
        code="question",
        state="info",
        icon="message",
        title=_("%(pharmacy)s vous a écrit") % {"pharmacy": naming.first_the(share.pharmacy)},
        text=f"{words.title_of(share.prescription)}, {moments.moment(asked.created_at)}.",
        url=reverse("share", args=[share.pk]) + "#messages",
        action=_("Lire et répondre"),
    )


def _by_situation(share: Share, head: timeline.Head) -> Task | None:
    if head.code in (S.REFUSED, S.UNDELIVERABLE):
        return _choose_another(share, head)
    title = {
        S.READY: _("Prête à %(pharmacy)s"),
        S.PARTIALLY_READY: _("En partie prête à %(pharmacy)s"),
        "late": _("Pas encore remise à %(pharmacy)s"),
        "unopened": _("Pas encore lue par %(pharmacy)s"),
        "silent": _("Pas encore lue par %(pharmacy)s"),
    }.get(head.code)
    if title is None:
        return None
    url, action = _to_share(share), _("Voir que faire")
    if head.code in (S.READY, S.PARTIALLY_READY):
        url, action = _to_present(share)
    return _task(share, head, title % {"pharmacy": naming.the(share.pharmacy)}, url, action)


def _choose_another(share: Share, head: timeline.Head) -> Task | None:
    if policies.why_not_send(share.prescription):
        return None
    if head.code == S.UNDELIVERABLE:
        title = _("Non remise à %(pharmacy)s") % {"pharmacy": naming.the(share.pharmacy)}
    else:
        title = _("%(pharmacy)s ne peut pas la préparer") % {"pharmacy": naming.first_the(share.pharmacy)}
    url = reverse("share-pharmacy", args=[share.prescription_id])
    return _task(share, head, title, url, _("Choisir une autre pharmacie"))


def _task(share: Share, head: timeline.Head, title: str, url: str, action: str) -> Task:
    text = f"{words.title_of(share.prescription)}. {_short(share, head)}"
    return Task(head.code, head.state, head.icon, title, text, url, action)


def _short(share: Share, head: timeline.Head) -> str:
    """What to do is on the button."""
    return {
        S.REFUSED: _("Sa raison : %(reason)s.") % {"reason": share.get_refusal_display()},
        S.UNDELIVERABLE: _("Sa messagerie l’a refusée."),
        "late": _("Sa messagerie ne répond pas pour l’instant."),
        "unopened": _("Son logiciel n’a pas su l’ouvrir."),
        "silent": _("Remise %(moment)s.") % {"moment": moments.moment(head.time)},
    }.get(head.code, head.sentence)


def _to_share(share: Share) -> str:
    return reverse("share", args=[share.pk])


def _to_present(share: Share) -> tuple[str, str]:
    """Only what the registry knows has a code to show."""
    if not share.prescription.is_authentic():
        return _to_share(share), _("Voir l’envoi")
    return reverse("prescription-present", args=[share.prescription_id]), _("Voir le code à présenter")


def _about_prescriptions(cards: list[listing.Card]) -> Iterator[Task]:
    for card in cards:
        if card.standing.code == "expiring" and card.action and not card.is_shared:
            yield Task(
                code="expiring",
                state="wait",
                icon="hourglass",
                title=card.standing.word,
                text=f"{card.title}. {card.standing.sentence}",
                url=card.action_url,
                action=card.action,
            )
