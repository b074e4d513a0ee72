"""From the row to the mailbox: claim, send outside any transaction, settle what came of it.

The sweep (sweep.py) is the engine and the bell (tasks.py) only speed: both come here.
"""

import logging
import time

from django.db import connection, transaction
from django.utils import timezone

from portal.clock import db_now
from portal.database import DATABASE_AWAY
from sharing import actions, mssante, outbox
from sharing.models import Delivery, Share
from sharing.outbox import try_again
from sharing.states import DeliveryStatus, ShareStatus

__all__ = ["deliver", "give_up_overdue", "settle", "sweep_once", "tell", "try_again"]

log = logging.getLogger(__name__)
BY = "system:delivery"
NOTHING = "nothing-due"
SETTLE_AGAIN_SECONDS = (0.1, 0.2, 0.5, *[1] * 600)  # however long PostgreSQL is away: nobody else claims meanwhile


def deliver(delivery_id=None) -> str:
    """Sends this delivery if it is due, or the next one that is. Returns its new DeliveryStatus, "" when another
    holder's word counts, or NOTHING."""
    if not mssante.is_configured():
        return NOTHING
    claimed = outbox.claim(delivery_id)
    if claimed is None:
        return NOTHING
    delivery = claimed.delivery
    with outbox.keeping_lease(claimed):
        outcome = mssante.send(
            envelope_from=delivery.envelope_from,
            envelope_to=delivery.envelope_to,
            content=delivery.content,
            envid=delivery.envid,
        )
        log.info("delivery %s: %s at %s %s", delivery.pk, outcome.kind, outcome.stage, outcome.code)
        return _settled(claimed, outcome)


def _settled(claimed: outbox.Claim, outcome: mssante.SendOutcome) -> str:
    """The outcome is worth some patience: unwritten, the message would leave a second time."""
    for seconds in SETTLE_AGAIN_SECONDS:
        try:
            return settle(claimed, outcome)
        except DATABASE_AWAY as error:
            log.warning("delivery %s not settled: %s", claimed.delivery.pk, type(error).__name__)
            connection.close()
            time.sleep(seconds)
    return settle(claimed, outcome)


@transaction.atomic
def settle(claimed: outbox.Claim, outcome: mssante.SendOutcome) -> str:
    """Writes the outcome and what it means for the share, together. The share is locked first, as in every action."""
    share = Share.objects.select_for_update().get(pk=claimed.delivery.share_id)
    status = outbox.record(claimed, outcome, share)
    if status == DeliveryStatus.FAILED:
        tell(claimed.delivery, share)
    elif status == DeliveryStatus.SENT:
        _recall_if_taken_back(claimed.delivery, share)
    return status


def tell(delivery: Delivery, share: Share) -> None:
    """The mailbox did not get it: the patient reads it at once."""
    if delivery.kind == Delivery.Kind.SHARE:
        actions.mark_undeliverable(share=share, by=BY)
    elif delivery.kind == Delivery.Kind.MESSAGE:
        actions.note_words_undelivered(share=share, by=BY)
    elif share.status == ShareStatus.REVOKED:
        actions.note_recall_undelivered(share=share, by=BY)


def _recall_if_taken_back(delivery: Delivery, share: Share) -> None:
    """It arrived after all, when the patient had already been told that it would not."""
    over = {ShareStatus.REVOKED, ShareStatus.UNDELIVERABLE, ShareStatus.EXPIRED}
    if delivery.kind == Delivery.Kind.SHARE and share.status in over:
        outbox.enqueue_recall(share)


def give_up_overdue() -> int:
    return outbox.give_up_overdue(_tell_given_up)


def _tell_given_up(delivery: Delivery, share: Share) -> None:
    last_day = share.prescription.valid_until
    is_over = last_day is not None and last_day < timezone.localdate(db_now())
    if delivery.kind == Delivery.Kind.SHARE and is_over and share.status == ShareStatus.SHARED:
        actions.expire_share(share=share, by=BY)
    else:
        tell(delivery, share)


def sweep_once() -> None:
    """Everything that time asks of the deliveries, one after the other, in this thread."""
    outbox.quarantine_silent()
    give_up_overdue()
    while deliver() != NOTHING:
        pass
