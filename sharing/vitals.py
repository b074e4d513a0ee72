"""How the deliveries, the sweep, the mail and the directory are doing: one number a question, for the deep health check
and the metrics. Nothing here says anything of anybody."""

import math
from datetime import date, datetime, timedelta
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.core.cache import caches
from django.db.models import Count, Max, Min, Sum

from portal.clock import db_now
from sharing import directory, heartbeats, mssante, reconciliation
from sharing.models import Delivery, InboundMail, Route
from sharing.outbox.breaker import ROUTE
from sharing.states import DeliveryStatus

WAITING = (DeliveryStatus.QUEUED, DeliveryStatus.RETRY, DeliveryStatus.SENDING, DeliveryStatus.QUARANTINED)
TO_LOOK_AT = (InboundMail.Status.STORED, InboundMail.Status.UNMATCHED, InboundMail.Status.REFUSED)
LOOK_BACK = timedelta(days=1)
RECONCILED_FOR_SECONDS = 300  # the dearest question: a second for 20,000 messages a day


def _age(at: datetime | None) -> float | None:
    """Seconds, or None when it never was."""
    return (db_now() - at).total_seconds() if at else None


def oldest_pending_seconds() -> float:
    return _age(Delivery.objects.pending().aggregate(at=Min("created_at"))["at"]) or 0


def waiting() -> dict[str, int]:
    """How many in each status of what has not ended."""
    rows = Delivery.objects.filter(status__in=WAITING).order_by()
    return dict.fromkeys(WAITING, 0) | dict(rows.values_list("status").annotate(count=Count("pk")))


def most_attempts() -> int:
    """Of the message that has been tried most often and still waits."""
    return Delivery.objects.filter(status__in=WAITING).aggregate(most=Max("attempts"))["most"] or 0


def last_day() -> dict[str, tuple[int, int]]:
    """{status: (deliveries, attempts)} of what was made in the last 24 hours."""
    rows = Delivery.objects.filter(created_at__gte=db_now() - LOOK_BACK).order_by()
    counted = rows.values_list("status").annotate(count=Count("pk"), attempts=Sum("attempts"))
    return {status: (count, attempts) for status, count, attempts in counted}


def sweep_seconds_ago() -> float | None:
    return heartbeats.seconds_ago(heartbeats.SWEEP)


def mailbox_read_seconds_ago() -> float | None:
    """None: there is none to read. Infinite: never."""
    if not settings.MSSANTE_IMAP_HOST:
        return None
    ago = heartbeats.seconds_ago(heartbeats.MAILBOX)
    return math.inf if ago is None else ago


def way_out_closed() -> Route | None:
    """The breaker, when it is open."""
    return Route.objects.filter(name=ROUTE, opened_at__isnull=False).first()


def way_out_closed_seconds() -> float:
    route = way_out_closed()
    return _age(route.opened_at) if route else 0


def unreconciled() -> dict[str, int]:
    """What does not add up, over the last day. Kept in the process: it must be told when Redis is away."""
    since = db_now() - LOOK_BACK
    return caches["process"].get_or_set(
        "unreconciled", lambda: reconciliation.counts(since=since), RECONCILED_FOR_SECONDS
    )


def inbound() -> dict[str, int]:
    rows = InboundMail.objects.filter(status__in=TO_LOOK_AT).order_by()
    return dict.fromkeys(TO_LOOK_AT, 0) | dict(rows.values_list("status").annotate(count=Count("pk")))


def directory_date() -> date | None:
    return directory.freshness().establishments_on


def mailboxes_date() -> date | None:
    """None too when no national directory was ever taken."""
    copy = directory.freshness()
    return copy.mailboxes_on if copy.is_national else None


def certificate_days() -> float | None:
    """Until the certificate by which the operator knows us ends. None: there is none, or it cannot be read."""
    if not settings.MSSANTE_CLIENT_CERT:
        return None
    try:
        ends = x509.load_pem_x509_certificate(Path(settings.MSSANTE_CLIENT_CERT).read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
    return (ends - db_now()).total_seconds() / 86_400


def crl_hours() -> float | None:
    """Until the list by which the operator's certificate is judged ends, and nobody is trusted any more. None: there is
    none."""
    ends = mssante.crl_ends_at()
    return (ends - db_now()).total_seconds() / 3600 if ends else None


def is_operator_configured() -> bool:
    return mssante.is_configured()
