"""What sharing says in the deep health check: is the sweep awake, does anything wait too long, does it all add up."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from portal.clock import db_now
from portal.health import Finding
from sharing import mssante, reconciliation
from sharing.models import Delivery, Heartbeat, Route
from sharing.outbox.breaker import ROUTE
from sharing.states import DeliveryStatus
from sharing.sweep import BEAT_SECONDS, HEARTBEAT

ASLEEP_SECONDS = 6 * BEAT_SECONDS
LOOK_BACK = timedelta(days=1)


def deliveries() -> Iterator[Finding]:
    age = _oldest_pending_seconds()
    yield Finding("oldest_pending_seconds", age, age < settings.DELIVERY_LATE_SECONDS)
    yield Finding("pending", Delivery.objects.pending().count())
    quarantined = Delivery.objects.filter(status=DeliveryStatus.QUARANTINED).count()
    yield Finding("quarantined", quarantined, quarantined == 0)
    route = Route.objects.filter(name=ROUTE).first()
    closed = route.reason if route and route.opened_at else None
    yield Finding("way_out_closed_by", closed, closed is None)
    yield Finding("operator_configured", mssante.is_configured(), mssante.is_configured())


def _oldest_pending_seconds() -> int:
    oldest = Delivery.objects.pending().order_by("created_at").values_list("created_at", flat=True).first()
    return round((db_now() - oldest).total_seconds()) if oldest else 0


def sweep() -> Iterator[Finding]:
    beat = Heartbeat.objects.filter(name=HEARTBEAT).first()
    age = round((db_now() - beat.at).total_seconds()) if beat else None
    yield Finding("sweep_seconds_ago", age, age is not None and age <= ASLEEP_SECONDS)


def reconciled() -> Iterator[Finding]:
    for name, count in reconciliation.counts(since=db_now() - LOOK_BACK).items():
        yield Finding(name, count, count == 0)
