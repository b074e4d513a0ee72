"""What came of an attempt, and what the row becomes. Called inside the caller's transaction, the share locked.

A success is recorded whoever reports it; anything else only by the one who holds the lease.
"""

from datetime import datetime

from django.conf import settings

from portal.clock import db_now
from sharing.models import Delivery, Share
from sharing.mssante import Kind, SendOutcome, Stage
from sharing.outbox import backoff, breaker
from sharing.outbox.claim import Claim
from sharing.outbox.entry import cancel, note
from sharing.outbox.moves import move
from sharing.states import DUE, DeliveryStatus

BY = "system:delivery"
REFUSALS = {Kind.RECIPIENT, Kind.REFUSED}
BEFORE_ANY_MESSAGE = {Stage.CONNECT, Stage.TLS, Stage.EHLO, Stage.AUTH}


def record(claimed: Claim, outcome: SendOutcome, share: Share) -> str:
    """Returns the row's new DeliveryStatus, or "" when the report came too late to count."""
    without_content = Delivery.objects.select_for_update().select_related("share").defer("content")
    delivery = without_content.get(pk=claimed.delivery.pk)
    now = db_now()
    if outcome.kind == Kind.SENT:
        breaker.accepted(now)
        return _sent(delivery, outcome, now)
    if delivery.lease_owner != claimed.holder:
        return ""
    return _not_sent(delivery, outcome, share, now)


def _sent(delivery: Delivery, outcome: SendOutcome, now: datetime) -> str:
    """The doubt about an earlier attempt stays: should this copy bounce, that one may be there."""
    if delivery.status != DeliveryStatus.SENT:
        _end_attempt(delivery, DeliveryStatus.SENT, outcome, sent_at=now, ended_at=None)
        note(delivery, "sent", by=BY, attempts=delivery.attempts)
    return DeliveryStatus.SENT


def _not_sent(delivery: Delivery, outcome: SendOutcome, share: Share, now: datetime) -> str:
    if _is_final(delivery, outcome, now):
        return _failed(delivery, outcome, now)
    facts = {"next_attempt_at": _when_again(delivery, outcome, now)}
    if outcome.kind == Kind.UNKNOWN:
        facts["in_doubt_at"] = now
    if outcome.kind in REFUSALS:
        facts["refused_at"] = now
    _end_attempt(delivery, DeliveryStatus.RETRY, outcome, **facts)
    note(delivery, "not-sent", by=BY, stage=outcome.stage, code=outcome.code, attempts=delivery.attempts)
    return _drop_if_share_ended(delivery, share)


def _is_final(delivery: Delivery, outcome: SendOutcome, now: datetime) -> bool:
    """Refused for good by a server that takes others: said of its mailbox, or said again after another one passed.
    With nobody to compare, a second refusal counts once the patient reads that it is late."""
    if outcome.kind not in REFUSALS:
        return False
    if breaker.is_a_run(delivery.envelope_to, now):
        return False
    is_late = (now - delivery.created_at).total_seconds() > settings.DELIVERY_LATE_SECONDS
    is_again = delivery.last_stage == outcome.stage and delivery.last_code.startswith("5")
    return outcome.kind == Kind.RECIPIENT or is_again and (is_late or _another_passed(delivery))


def _another_passed(delivery: Delivery) -> bool:
    return delivery.refused_at is not None and breaker.has_accepted_since(delivery.refused_at)


def _when_again(delivery: Delivery, outcome: SendOutcome, now: datetime) -> datetime:
    """What is nobody's mailbox's fault waits for the breaker alone, however often it was tried."""
    if outcome.kind in REFUSALS:
        return backoff.after_a_pause(now)
    if outcome.kind == Kind.CONFIGURATION:
        breaker.pause(outcome.stage, now)
        return backoff.after_a_pause(now)
    if outcome.kind == Kind.TEMPORARY and outcome.stage in BEFORE_ANY_MESSAGE and breaker.is_out_of_reach(now):
        return backoff.after_a_pause(now)
    breaker.stay_open(now)
    return backoff.next_attempt(delivery.attempts, now)


def _failed(delivery: Delivery, outcome: SendOutcome, now: datetime) -> str:
    _end_attempt(delivery, DeliveryStatus.FAILED, outcome, ended_at=now)
    note(delivery, "failed", by=BY, stage=outcome.stage, code=outcome.code, attempts=delivery.attempts)
    return DeliveryStatus.FAILED


def _drop_if_share_ended(delivery: Delivery, share: Share) -> str:
    """Taken back while it was leaving, and this attempt did not arrive: there is no other. When no attempt can have
    arrived, the recall that waits behind it has nothing to recall."""
    if share.is_active() or delivery.kind == Delivery.Kind.RECALL:
        return DeliveryStatus.RETRY
    cancel(delivery)
    carried = share.deliveries.exclude(kind=Delivery.Kind.RECALL)
    if not carried.exclude(in_doubt_at=None, status=DeliveryStatus.CANCELLED).exists():
        for recall in share.deliveries.filter(kind=Delivery.Kind.RECALL, attempts=0):
            cancel(recall)
    return DeliveryStatus.CANCELLED


def _end_attempt(delivery: Delivery, status: str, outcome: SendOutcome, **facts) -> None:
    told = {"last_stage": outcome.stage, "last_code": outcome.code[:20], "silent_claims": 0}
    move(delivery, status, **told, **facts)


def is_leaving(delivery: Delivery) -> bool:
    """Somebody sends it at this moment: a report may speak of this very attempt, before its outcome is written."""
    return Delivery.objects.select_for_update().values_list("status").get(pk=delivery.pk) == (DeliveryStatus.SENDING,)


def bounced(delivery: Delivery, code: str) -> bool:
    """A report says that the mailbox did not get what the operator had accepted. False: that was known, or another copy
    is there, or it leaves again anyway."""
    delivery = Delivery.objects.select_for_update().select_related("share").get(pk=delivery.pk)
    if delivery.status != DeliveryStatus.SENT or delivery.delivered_at:
        return False
    _end_attempt(delivery, DeliveryStatus.FAILED, SendOutcome(Stage.DONE, code, Kind.RECIPIENT), ended_at=db_now())
    note(delivery, "bounced", by=BY, code=code)
    return True


def reported_delivered(delivery: Delivery) -> None:
    """A report says that it is in the mailbox: also when the answer to an attempt was lost. Nothing is sent again."""
    delivery = Delivery.objects.select_for_update().select_related("share").get(pk=delivery.pk)
    now = db_now()
    if delivery.delivered_at is None:
        Delivery.objects.filter(pk=delivery.pk).update(delivered_at=now)
    if delivery.status in {*DUE, DeliveryStatus.QUARANTINED}:
        _sent(delivery, SendOutcome(Stage.DONE, "reported", Kind.SENT), now)


def reported_read(delivery: Delivery) -> None:
    reported_delivered(delivery)
    Delivery.objects.filter(pk=delivery.pk, read_at=None).update(read_at=db_now())


def reported_delayed(delivery: Delivery, code: str) -> None:
    """The operator has it and still tries. What has arrived meanwhile is not late."""
    if Delivery.objects.filter(pk=delivery.pk, delivered_at=None, delayed_at=None).update(delayed_at=db_now()):
        note(delivery, "delayed", by=BY, code=code)


def reported_processed(delivery: Delivery) -> None:
    """The pharmacy's software has taken it, if not at once."""
    reported_delivered(delivery)
    if Delivery.objects.filter(pk=delivery.pk, processed_at=None).update(processed_at=db_now()):
        note(delivery, "processed", by=BY)


def reported_unprocessed(delivery: Delivery, code: str, words: str) -> bool:
    """The pharmacy's software could not take it. False: that was known, or it has taken it since."""
    reported_delivered(delivery)
    delivery = Delivery.objects.select_for_update().select_related("share").get(pk=delivery.pk)
    if delivery.unprocessed_at or delivery.processed_at:
        return False
    delivery.unprocessed_at, delivery.unprocessed_code, delivery.unprocessed_words = db_now(), code[:20], words
    delivery.save(update_fields=["unprocessed_at", "unprocessed_code", "unprocessed_words"])
    note(delivery, "unprocessed", by=BY, code=code[:20])
    return True
