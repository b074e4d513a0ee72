"""Rows that time ends: those that kill their process, and those whose limit has come."""

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from portal.clock import db_now
from sharing.models import Delivery, Share
from sharing.outbox.entry import note
from sharing.states import DeliveryStatus

log = logging.getLogger(__name__)
BY = "system:sweep"
AT_ONCE = 50


def quarantine_silent() -> int:
    """Ten claims and never an outcome: it is put aside for the back office, and the others go on."""
    now = db_now()
    silent = Delivery.objects.filter(
        status=DeliveryStatus.SENDING,
        lease_until__lte=now,
        silent_claims__gte=settings.DELIVERY_MAX_CLAIMS_WITHOUT_OUTCOME,
    )
    count = 0
    for pk in list(silent.values_list("pk", flat=True)[:AT_ONCE]):
        count += _quarantine(pk, now)
    return count


@transaction.atomic
def _quarantine(pk, now) -> bool:
    """A holder that comes back to life at this instant keeps its row."""
    silent = Delivery.objects.filter(pk=pk, status=DeliveryStatus.SENDING, lease_until__lte=now)
    if not silent.update(
        status=DeliveryStatus.QUARANTINED, ended_at=now, in_doubt_at=now, lease_owner="", lease_until=None
    ):
        return False
    delivery = Delivery.objects.select_related("share").get(pk=pk)
    note(delivery, "quarantined", by=BY, attempts=delivery.attempts)
    log.error("delivery %s is put aside: %s claims and never an outcome", pk, delivery.silent_claims)
    return True


def give_up_overdue(on_given_up) -> int:
    """Five days, or the end of the prescription's validity: failed, and `on_given_up(delivery, share)` tells it, in the
    same transaction."""
    over = Q(status__in=[DeliveryStatus.QUEUED, DeliveryStatus.RETRY, DeliveryStatus.QUARANTINED])
    leaving = Q(status=DeliveryStatus.SENDING, lease_until__lte=db_now())
    overdue = Delivery.objects.filter(over | leaving, give_up_at__lte=db_now())
    count = 0
    for pk, share_id in list(overdue.values_list("pk", "share_id")[:AT_ONCE]):
        count += _give_up(pk, share_id, overdue, on_given_up)
    return count


@transaction.atomic
def _give_up(pk, share_id, overdue, on_given_up) -> bool:
    share = Share.objects.select_for_update().get(pk=share_id)
    delivery = overdue.select_for_update().select_related("share").filter(pk=pk).first()
    if delivery is None:
        return False
    now = db_now()
    doubt = {"in_doubt_at": now} if delivery.status == DeliveryStatus.SENDING else {}  # its holder may have sent it
    Delivery.objects.filter(pk=pk).update(
        status=DeliveryStatus.FAILED, last_code="given up", ended_at=now, lease_owner="", lease_until=None, **doubt
    )
    note(delivery, "given-up", by=BY, attempts=delivery.attempts)
    on_given_up(delivery, share)
    return True
