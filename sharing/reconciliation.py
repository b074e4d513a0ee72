"""What must add up, counted by itself (reliability.md, rule 15). Every count is 0, or somebody has to look."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from portal.clock import db_now
from portal.models import AuditEvent
from sharing.models import Delivery, InboundMail, Share
from sharing.states import ACTIVE, DeliveryStatus, ShareStatus

CHUNK = 500
UNREAD_FOR = timedelta(minutes=10)
Kind = Delivery.Kind


def counts(since: datetime | None = None) -> dict[str, int]:
    """`since`: only what was made from then on (the deep health check); None: everything."""
    made = {"created_at__gte": since} if since else {}
    deliveries, shares = Delivery.objects.filter(**made), Share.objects.filter(**made)
    return {
        "shares_without_delivery": shares.filter(~Exists(_of_share(Kind.SHARE))).count(),
        "sent_without_trace": _without_trace(deliveries.filter(status=DeliveryStatus.SENT)),
        "failed_and_not_told": deliveries.filter(
            kind=Kind.SHARE, status=DeliveryStatus.FAILED, share__status=ShareStatus.SHARED
        ).count(),
        "ended_and_still_leaving": deliveries.exclude(kind=Kind.RECALL)
        .exclude(share__status__in=ACTIVE)
        .filter(status__in=[DeliveryStatus.QUEUED, DeliveryStatus.RETRY])
        .count(),
        "taken_back_and_not_recalled": shares.filter(
            Exists(_of_share(Kind.SHARE, status=DeliveryStatus.SENT)),
            ~Exists(_of_share(Kind.RECALL)),
            status=ShareStatus.REVOKED,
        ).count(),
        "answers_not_understood_in_time": InboundMail.objects.filter(
            status=InboundMail.Status.STORED, received_at__lt=db_now() - UNREAD_FOR
        ).count(),
    }


def _of_share(kind: str, **facts) -> QuerySet:
    return Delivery.objects.filter(share=OuterRef("pk"), kind=kind, **facts)


def _without_trace(sent: QuerySet) -> int:
    return sum(_count_without_trace(chunk) for chunk in _in_chunks(sent))


def _in_chunks(sent: QuerySet) -> Iterator[list]:
    chunk = []
    for pk in sent.order_by("pk").values_list("pk", flat=True).iterator(CHUNK):
        chunk.append(f"delivery:{pk}")
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk


def _count_without_trace(subjects: list[str]) -> int:
    told = AuditEvent.objects.filter(kind="delivery.sent", subject__in=subjects).values_list("subject", flat=True)
    return len(set(subjects) - set(told))
