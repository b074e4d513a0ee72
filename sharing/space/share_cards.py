"""The patient's shares as cards: those that go on, then the past ones by pages."""

from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from portal import moments
from portal.paging import Page, page_from
from prescriptions import words
from sharing import naming
from sharing.models import Share
from sharing.space import timeline
from sharing.states import ACTIVE, ENDED

PAGE = 20


@dataclass(frozen=True)
class ShareCard:
    share: Share
    title: str
    pharmacy: str
    the_pharmacy: str  # inside a sentence
    pill: timeline.Pill
    moment: str
    url: str


def going_on(shares) -> list[ShareCard]:
    return [card_of(share) for share in with_all_for_cards(shares.filter(status__in=ACTIVE))]


def recent(shares, at_most: int) -> list[ShareCard]:
    return [card_of(share) for share in with_all_for_cards(shares)[:at_most]]


def past(shares, after: Share | None = None) -> Page[ShareCard]:
    """The page that follows `after`, the newest first."""
    rows = with_all_for_cards(shares.filter(status__in=ENDED))
    if after is not None:
        rows = rows.filter(Q(created_at__lt=after.created_at) | Q(created_at=after.created_at, pk__lt=after.pk))
    return page_from(map(card_of, rows[: PAGE + 1]), PAGE)


def with_all_for_cards(shares):
    return (
        timeline.with_facts(shares)
        .select_related("prescription")
        .defer("prescription__source")
        .prefetch_related("prescription__lines")
    )


def card_of(share: Share) -> ShareCard:
    return ShareCard(
        share=share,
        title=words.title_of(share.prescription),
        pharmacy=share.pharmacy.name,
        the_pharmacy=naming.the(share.pharmacy),
        pill=timeline.pill_of(share, timezone.now()),
        moment=moments.moment(share.created_at),
        url=reverse("share", args=[share.pk]),
    )
