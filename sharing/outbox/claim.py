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
from django.db import connection, transaction

from portal.clock import db_now
from portal.database import DATABASE_AWAY
from sharing.models import Delivery
from sharing.outbox import breaker
from sharing.states import DeliveryStatus

log = logging.getLogger(__name__)


# What may be due, each found in the order of an index of its own: one query for both reads and sorts every row that
# waits (85 ms with 10,000 of them, and claims go one by one). Those whose holder died come first: few, and late.
_LEFT_BEHIND = ("d.status = 'sending' AND d.lease_until <= %(now)s", "d.lease_until", "delivery_leases")
_WAITING = (
    "d.status IN ('queued', 'retry') AND d.next_attempt_at <= %(now)s",
    "d.next_attempt_at, d.created_at",
    "delivery_due",
)
_BY_INDEX = {"postgresql": "", "sqlite": "INDEXED BY {index}"}  # SQLite would take the index of the status, and sort
# Not over, not silent too often, and nothing older of the same share still waiting: words follow the prescription, a
# recall follows both.
_FIRST = """
    SELECT d.id FROM sharing_delivery d {by_index}
    WHERE {may_be_due} {this_one}
      AND d.give_up_at > %(now)s
      AND d.silent_claims < %(most_silent)s
      AND NOT EXISTS (
          SELECT 1 FROM sharing_delivery older
          WHERE older.share_id = d.share_id AND older.created_at < d.created_at
            AND older.status IN ('queued', 'retry', 'sending'))
      {within_limits}
    ORDER BY {order} LIMIT 1
"""
_THIS_ONE = "AND d.id = %(id)s"
_LEAVING = "FROM sharing_delivery WHERE status = 'sending' AND lease_until > %(now)s"
_WITHIN_LIMITS = f"""
      AND (SELECT count(*) {_LEAVING}) < %(at_once)s
      AND d.destination NOT IN (
          SELECT destination {_LEAVING} GROUP BY destination HAVING count(*) >= %(per_destination)s)
"""  # noqa: S608 - nothing but constants
# An attempt taken over is in doubt: its last holder may have sent it, or be at it.
_TAKE = """
    UPDATE sharing_delivery
    SET status = 'sending', attempts = attempts + 1, silent_claims = silent_claims + 1,
        in_doubt_at = CASE WHEN status = 'sending' THEN %(now)s ELSE in_doubt_at END,
        lease_owner = %(holder)s, lease_until = %(lease_until)s
    WHERE id = ({first} {pass_over_locked})
    RETURNING id
"""
_PASS_OVER_LOCKED = {"postgresql": "FOR UPDATE OF d SKIP LOCKED", "sqlite": ""}  # SQLite has one writer at a time


@dataclass(frozen=True)
class Claim:
    delivery: Delivery
    holder: str


def claim(delivery_id=None) -> Claim | None:
    """The next due delivery, or this one if it is due. None: nothing is due, or as many are leaving as may.

    Plain SQL on purpose: it is the hottest query of the site, and the ORM took ten times as long to write it.
    """
    if _found(_firsts(delivery_id), db_now(), delivery_id) is None:
        return None  # seen without a lock: most rounds end here
    holder = f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(8)}"
    with transaction.atomic():
        route = breaker.locked_route()  # one claim at a time, so that the limits are exact
        now = db_now()
        taken = _found(_takes(delivery_id), now, delivery_id, holder) if breaker.lets_through(route, now) else None
        if taken is None:
            return None
        breaker.note_claim(route, now)
    return Claim(Delivery.objects.select_related("share").get(pk=taken), holder)


def _firsts(delivery_id, within_limits: str = "") -> Iterator[str]:
    this_one = _THIS_ONE if delivery_id else ""
    for may_be_due, order, index in (_LEFT_BEHIND, _WAITING):
        by_index = "" if delivery_id else _BY_INDEX[connection.vendor].format(index=index)
        yield _FIRST.format(
            may_be_due=may_be_due, this_one=this_one, within_limits=within_limits, order=order, by_index=by_index
        )


def _takes(delivery_id) -> Iterator[str]:
    for first in _firsts(delivery_id, _WITHIN_LIMITS):
        yield _TAKE.format(first=first, pass_over_locked=_PASS_OVER_LOCKED[connection.vendor])


def _found(statements: Iterator[str], now: datetime, delivery_id=None, holder: str = ""):
    """The id that the first of them to find one gives; None when none does."""
    as_kept = connection.ops.adapt_datetimefield_value  # times and ids as this database keeps them
    facts = {
        "now": as_kept(now),
        "lease_until": as_kept(now + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)),
        "holder": holder,
        "id": Delivery._meta.pk.get_db_prep_value(delivery_id, connection),
        "most_silent": settings.DELIVERY_MAX_CLAIMS_WITHOUT_OUTCOME,
        "at_once": settings.DELIVERY_AT_ONCE,
        "per_destination": settings.DELIVERY_PER_DESTINATION,
    }
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, facts)
            row = cursor.fetchone()
            if row is not None:
                return row[0]
    return None


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
    except DATABASE_AWAY as error:  # restarted, perhaps: the next time may pass, or the lease runs out
        log.warning("lease of delivery %s not renewed: %s", claimed.delivery.pk, type(error).__name__)
        connection.close()


def renew(claimed: Claim) -> bool:
    """False: somebody else holds it by now."""
    lease_until = db_now() + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
    held = Delivery.objects.filter(pk=claimed.delivery.pk, status=DeliveryStatus.SENDING, lease_owner=claimed.holder)
    return bool(held.update(lease_until=lease_until))
