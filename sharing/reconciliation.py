"""What must add up, counted by itself. Every count is 0, or somebody has to look."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from portal.clock import db_now
from portal.models import AuditEvent
from sharing.models import Delivery, InboundMail, Share
from sharing.states import ACTIVE, DeliveryStatus, ShareStatus

CHUNK = 500
NAMED = 10  # rows, in the command
UNREAD_FOR = timedelta(minutes=10)
Kind = Delivery.Kind


def counts(since: datetime | None = None) -> dict[str, int]:
    """`since`: only what was made from then on (the deep health check); None: everything."""
    return {name: len(rows) if isinstance(rows, list) else rows.count() for name, rows in _found(since).items()}


def some(name: str) -> list[str]:
    """Which rows the count speaks of, the first of them: `share:<id>`, `delivery:<id>`, `inboundmail:<id>`."""
    rows = _found(None)[name]
    if isinstance(rows, list):
        return rows[:NAMED]
    return [f"{rows.model._meta.model_name}:{pk}" for pk in rows.order_by("pk").values_list("pk", flat=True)[:NAMED]]


def _found(since: datetime | None) -> dict[str, QuerySet | list[str]]:
    made = {"created_at__gte": since} if since else {}
    deliveries, shares = Delivery.objects.filter(**made), Share.objects.filter(**made)
    return {
        "shares_without_delivery": shares.filter(~Exists(_of_share(Kind.SHARE))),
        "sent_without_trace": _without_trace(deliveries.filter(status=DeliveryStatus.SENT)),
        "failed_and_not_told": deliveries.filter(
            kind=Kind.SHARE, status=DeliveryStatus.FAILED, share__status=ShareStatus.SHARED
        ),
        "ended_and_still_leaving": deliveries.exclude(kind=Kind.RECALL)
        .exclude(share__status__in=ACTIVE)
        .filter(status__in=[DeliveryStatus.QUEUED, DeliveryStatus.RETRY]),
        "taken_back_and_not_recalled": shares.filter(
            Exists(_of_share(Kind.SHARE, status=DeliveryStatus.SENT)),
            ~Exists(_of_share(Kind.RECALL)),
            status=ShareStatus.REVOKED,
        ),
        "answers_not_understood_in_time": InboundMail.objects.filter(
            status=InboundMail.Status.STORED, received_at__lt=db_now() - UNREAD_FOR
        ),
    }


def _of_share(kind: str, **facts) -> QuerySet:
    return Delivery.objects.filter(share=OuterRef("pk"), kind=kind, **facts)


def _without_trace(sent: QuerySet) -> list[str]:
    return [subject for chunk in _in_chunks(sent) for subject in _not_told(chunk)]


def _in_chunks(sent: QuerySet) -> Iterator[list]:
    chunk = []
    for pk in sent.order_by("pk").values_list("pk", flat=True).iterator(CHUNK):
        chunk.append(f"delivery:{pk}")
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk


def _not_told(subjects: list[str]) -> list[str]:
    told = AuditEvent.objects.filter(kind="delivery.sent", subject__in=subjects).values_list("subject", flat=True)
    return sorted(set(subjects) - set(told))
