"""Rows that time ends: those that kill their process, and those whose limit has come."""

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from portal.clock import db_now
from sharing.models import Delivery, Share
from sharing.outbox.entry import note
from sharing.outbox.moves import move
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
    return sum(_quarantine(pk, share_id, silent) for pk, share_id in _some(silent))


@transaction.atomic
def _quarantine(pk, share_id, silent: QuerySet) -> bool:
    """A holder that comes back to life at this instant keeps its row. One whose share has ended is not tried again."""
    share, delivery = _locked(pk, share_id, silent)
    if delivery is None:
        return False
    now = db_now()
    is_over = delivery.kind != Delivery.Kind.RECALL and not share.is_active()
    status, what = (DeliveryStatus.CANCELLED, "cancelled") if is_over else (DeliveryStatus.QUARANTINED, "quarantined")
    move(delivery, status, ended_at=now, in_doubt_at=now)
    note(delivery, what, by=BY, attempts=delivery.attempts)
    log.error("delivery %s is put aside: %s claims and never an outcome", pk, delivery.silent_claims)
    return True


def give_up_overdue(on_given_up) -> int:
    """Five days, or the end of the prescription's validity: failed, and `on_given_up(delivery, share)` tells it, in the
    same transaction."""
    over = Q(status__in=[DeliveryStatus.QUEUED, DeliveryStatus.RETRY, DeliveryStatus.QUARANTINED])
    leaving = Q(status=DeliveryStatus.SENDING, lease_until__lte=db_now())
    overdue = Delivery.objects.filter(over | leaving, give_up_at__lte=db_now())
    return sum(_give_up(pk, share_id, overdue, on_given_up) for pk, share_id in _some(overdue))


@transaction.atomic
def _give_up(pk, share_id, overdue: QuerySet, on_given_up) -> bool:
    share, delivery = _locked(pk, share_id, overdue)
    if delivery is None:
        return False
    now = db_now()
    doubt = {"in_doubt_at": now} if delivery.status == DeliveryStatus.SENDING else {}  # its holder may have sent it
    move(delivery, DeliveryStatus.FAILED, last_code="given up", ended_at=now, **doubt)
    note(delivery, "given-up", by=BY, attempts=delivery.attempts)
    on_given_up(delivery, share)
    return True


def _some(rows: QuerySet) -> list[tuple]:
    return list(rows.values_list("pk", "share_id")[:AT_ONCE])


def _locked(pk, share_id, still: QuerySet) -> tuple[Share, Delivery | None]:
    """The share, then its delivery; None when it is no more among `still`."""
    share = Share.objects.select_for_update().get(pk=share_id)
    return share, still.select_for_update(of=["self"]).select_related("share").filter(pk=pk).first()
