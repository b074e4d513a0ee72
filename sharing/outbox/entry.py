"""What enters the queue and what leaves it unsent. Called inside the transaction of the action it belongs to."""

import hashlib

from django.db import transaction

from portal import audit
from portal.clock import db_now
from portal.reasons import refuse_if
from sharing import policies
from sharing.models import Delivery, Share, ThreadMessage
from sharing.outbox import backoff
from sharing.outbox.moves import move
from sharing.outgoing import message
from sharing.states import DeliveryStatus

Kind = Delivery.Kind
UNSENT = (DeliveryStatus.QUEUED, DeliveryStatus.RETRY, DeliveryStatus.QUARANTINED)


def compose_ahead(share: Share) -> message.Composed | None:
    """Of a share not saved yet, outside any transaction: nothing is locked while it is written. None when it would be
    refused: its action says why. What is being moved is still shared with another, and may be all the same."""
    prescription = share.prescription
    is_taken = share.moved_from is None and policies.why_already_shared(prescription)
    if is_taken or policies.why_not_send(prescription) or policies.why_not_receive(share.pharmacy, prescription):
        return None
    return message.compose_share(share)


def enqueue_share(share: Share, composed: message.Composed | None = None) -> Delivery:
    """The prescription's own message, frozen now: every attempt sends the same bytes."""
    return _enqueue(share, Kind.SHARE, composed or message.compose_share(share))


def enqueue_words(share: Share, words: ThreadMessage) -> Delivery:
    return _enqueue(share, Kind.MESSAGE, message.compose_words(share, words), words)


def enqueue_recall(share: Share) -> Delivery:
    """Tells the pharmacy that what it received is taken back. One a share."""
    known = share.deliveries.filter(kind=Kind.RECALL).first()
    return known or _enqueue(share, Kind.RECALL, message.compose_recall(share))


def _enqueue(share: Share, kind: str, composed: message.Composed, words: ThreadMessage | None = None) -> Delivery:
    now = db_now()
    delivery = Delivery(
        share=share,
        kind=kind,
        words=words,
        message_id=composed.message_id,
        envid=composed.envid,
        envelope_from=composed.envelope_from,
        envelope_to=composed.envelope_to,
        destination=composed.envelope_to.rpartition("@")[2],
        content=composed.content,
        content_sha256=hashlib.sha256(composed.content).hexdigest(),
        size=len(composed.content),
        next_attempt_at=now,
        give_up_at=backoff.give_up_at(share, kind, now),
        created_at=now,
    )
    delivery.save(force_insert=True)
    return delivery


def cancel_or_recall(share: Share) -> Delivery | None:
    """The patient takes it back. What has not left never will; when something has, or may have, a recall follows.

    Returns the recall's row, or None when there is nothing to recall. The share is locked by the caller.
    """
    cancel_pending(share)
    carried = share.deliveries.exclude(kind=Kind.RECALL)
    return enqueue_recall(share) if any(may_have_arrived(delivery) for delivery in carried) else None


def cancel_pending(share: Share) -> None:
    """What waits to leave never will."""
    for delivery in share.deliveries.select_for_update().filter(status__in=UNSENT).exclude(kind=Kind.RECALL):
        cancel(delivery)


def cancel(delivery: Delivery) -> None:
    """Nobody holds it: what is leaving is recalled instead."""
    move(delivery, DeliveryStatus.CANCELLED, ended_at=db_now())
    note(delivery, "cancelled", by="system:delivery")


def may_have_arrived(delivery: Delivery) -> bool:
    """Sent, leaving at this moment, reported to be there, or an attempt ended without our knowing."""
    if delivery.status in {DeliveryStatus.SENDING, DeliveryStatus.SENT}:
        return True
    return bool(delivery.in_doubt_at or delivery.delivered_at)


@transaction.atomic
def try_again(*, delivery: Delivery, by) -> Delivery:
    """The back office puts a delivery in trouble back in the queue, at once. Same message, same Message-ID.

    Raises Refused when it is not in trouble, its time is over, or its share has ended.
    """
    Share.objects.select_for_update().get(pk=delivery.share_id)
    delivery = Delivery.objects.select_for_update().select_related("share").get(pk=delivery.pk)
    now = db_now()
    refuse_if(policies.why_not_try_again(delivery, now))
    move(delivery, DeliveryStatus.QUEUED, next_attempt_at=now, silent_claims=0, sent_at=None, ended_at=None)
    note(delivery, "tried-again", by=by)
    return Delivery.objects.get(pk=delivery.pk)


def note(delivery: Delivery, what: str, *, by, **detail) -> None:
    """The trace the profile asks for (ECO.4.1): when, who, what, the server's answer."""
    audit.record(kind=f"delivery.{what}", by=by, patient_id=delivery.share.patient_id, subject=delivery, **detail)
