"""The way out to the operator, and its breaker.

When the operator refuses everybody, or our certificate, or our greeting, or is out of reach, the trouble is nobody's
mailbox: the way closes, nothing is claimed and nothing is marked failed. One message at a time is then tried again, and
the first one accepted opens the way for all. Always called inside a transaction.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from sharing.models import Route

log = logging.getLogger(__name__)
ROUTE = "mssante"
REFUSED_BY_ALL, OUT_OF_REACH = "refused-by-all", "out-of-reach"


def locked_route() -> Route:
    return Route.objects.select_for_update().get_or_create(name=ROUTE)[0]


def lets_through(route: Route, now: datetime) -> bool:
    return route.closed_until is None or route.closed_until <= now


def note_claim(route: Route, now: datetime) -> None:
    """A message is leaving. While the breaker is open it is the only one, until its lease would have run out."""
    if route.opened_at is None:
        return
    route.trials += 1
    route.closed_until = now + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
    route.save()


def accepted(now: datetime) -> None:
    """The operator took a message: whatever was wrong is over."""
    if not Route.objects.filter(name=ROUTE).exclude(opened_at=None, refused_at=None, missed=0).exists():
        return
    route = locked_route()
    if route.refused_at:
        route.refused, route.refused_at, route.accepted_at = [], None, now
    _close(route)


def pause(reason: str, now: datetime) -> None:
    """Connection, TLS, sender: the operator or ourselves. `reason`: a stage or a short word."""
    _open(locked_route(), reason, now)


def is_out_of_reach(now: datetime) -> bool:
    """One more connection has failed. Whether it is one too many: none of the last ones got as far as a message."""
    route = locked_route()
    route.missed += 1
    if route.missed < settings.DELIVERY_RUN:
        route.save()
        return False
    _open(route, OUT_OF_REACH, now)
    return True


def stay_open(now: datetime) -> None:
    """A trial that shows nothing either way: the next one after the usual pause."""
    if Route.objects.filter(name=ROUTE).exclude(opened_at=None).exists():
        route = locked_route()
        if route.opened_at is not None:
            _open(route, route.reason, now)


def has_accepted_since(refused_at: datetime) -> bool:
    """Whether the operator took another message after that refusal."""
    return Route.objects.filter(name=ROUTE, accepted_at__gte=refused_at).exists()


def is_a_run(mailbox: str, now: datetime) -> bool:
    """Whether this refusal is one of too many: several mailboxes refused, and none accepted between."""
    route = locked_route()
    route.refused, route.refused_at = list(dict.fromkeys([*_refused(route, now), mailbox]))[-10:], now
    if len(route.refused) >= settings.DELIVERY_RUN:
        _open(route, REFUSED_BY_ALL, now)
        return True
    _close(route)  # it speaks of mailboxes: connection, TLS and sender were good
    return False


def _refused(route: Route, now: datetime) -> list[str]:
    """They grow old, but not while nothing leaves: there was nobody who could have been accepted."""
    if route.opened_at is not None or route.refused_at is None:
        return route.refused
    is_old = (now - route.refused_at).total_seconds() > settings.DELIVERY_RUN_SECONDS
    return [] if is_old else route.refused


def _open(route: Route, reason: str, now: datetime) -> None:
    if route.opened_at is None:
        route.opened_at, route.trials = now, 0
        log.error("nothing leaves any more by %s: %s. It is tried again by itself.", route.name, reason)
    pauses = settings.DELIVERY_PAUSE_SECONDS
    route.reason = reason
    route.closed_until = now + timedelta(seconds=pauses[min(route.trials, len(pauses) - 1)])
    route.save()


def _close(route: Route) -> None:
    if route.opened_at is not None:
        log.warning("messages leave by %s again after %s trials", route.name, route.trials)
    route.opened_at = route.closed_until = None
    route.reason, route.trials, route.missed = "", 0, 0
    route.save()
