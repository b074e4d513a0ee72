"""Who sends what: a claim takes one due row in one statement, and a lease says until when it is taken.

Attempts are counted here, before anything is tried, so that a message that kills its process is seen.
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, QuerySet, Subquery, Value, When

from portal.clock import db_now
from sharing.models import Delivery
from sharing.outbox import breaker
from sharing.states import DUE, DeliveryStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    delivery: Delivery
    holder: str


def claim(delivery_id=None) -> Claim | None:
    """The next due delivery, or this one if it is due. None: nothing is due, or as many are leaving as may."""
    if not _claimable(db_now(), delivery_id).exists():
        return None  # seen without a lock: most rounds end here
    holder = f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(8)}"
    with transaction.atomic():
        route = breaker.locked_route()  # one claim at a time, so that the limits are exact
        now = db_now()
        if not breaker.lets_through(route, now) or not _take(_claimable(now, delivery_id), holder, now):
            return None
        breaker.note_claim(route, now)
    return Claim(Delivery.objects.select_related("share").get(lease_owner=holder), holder)


def _take(candidates: QuerySet, holder: str, now: datetime) -> bool:
    """One UPDATE … WHERE id = (SELECT … LIMIT 1 FOR UPDATE SKIP LOCKED); SQLite, one writer at a time, has no locks."""
    sending = Delivery.objects.filter(status=DeliveryStatus.SENDING, lease_until__gt=now)
    if sending.count() >= settings.DELIVERY_AT_ONCE:
        return False
    crowded = (
        sending.values("destination")
        .annotate(leaving=Count("id"))
        .filter(leaving__gte=settings.DELIVERY_PER_DESTINATION)
        .values("destination")
    )
    first = (
        candidates.exclude(destination__in=crowded)
        .order_by("next_attempt_at", "created_at")
        .select_for_update(skip_locked=True)
        .values("pk")[:1]
    )
    taken_over = When(status=DeliveryStatus.SENDING, then=Value(now))  # its last holder may have sent it, or be at it
    return bool(
        Delivery.objects.filter(pk=Subquery(first)).update(
            status=DeliveryStatus.SENDING,
            attempts=F("attempts") + 1,
            silent_claims=F("silent_claims") + 1,
            in_doubt_at=Case(taken_over, default=F("in_doubt_at")),
            lease_owner=holder,
            lease_until=now + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS),
        )
    )


def _claimable(now: datetime, delivery_id=None) -> QuerySet:
    """Due, not over, not silent too often, and nothing older of the same share still waiting: words follow the
    prescription, a recall follows both."""
    older = Delivery.objects.filter(share=OuterRef("share"), created_at__lt=OuterRef("created_at"), status__in=DUE)
    due = Delivery.objects.due(now).filter(
        ~Exists(older), give_up_at__gt=now, silent_claims__lt=settings.DELIVERY_MAX_CLAIMS_WITHOUT_OUTCOME
    )
    return due.filter(pk=delivery_id) if delivery_id else due


@contextmanager
def keeping_lease(claimed: Claim) -> Iterator[None]:
    """Renews the lease while the message leaves: RFC 5321 asks for ten minutes of patience after the final dot."""
    done = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(claimed, done), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renew_until(claimed: Claim, done: threading.Event) -> None:
    try:
        while not done.wait(settings.DELIVERY_RENEW_SECONDS):
            _renew_if_database_answers(claimed)
    finally:
        connection.close()  # this thread's own


def _renew_if_database_answers(claimed: Claim) -> None:
    try:
        renew(claimed)
    except OperationalError as error:  # restarted, perhaps: the next time may pass, or the lease runs out
        log.warning("lease of delivery %s not renewed: %s", claimed.delivery.pk, type(error).__name__)
        connection.close()


def renew(claimed: Claim) -> bool:
    """False: somebody else holds it by now."""
    lease_until = db_now() + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
    held = Delivery.objects.filter(pk=claimed.delivery.pk, status=DeliveryStatus.SENDING, lease_owner=claimed.holder)
    return bool(held.update(lease_until=lease_until))
