"""What happens to a share while nobody looks."""

from django.db import transaction

from portal import audit, notices
from prescriptions.policies import is_replaced
from sharing.actions.moves import Door, locked, move, notify, recall
from sharing.models import Share
from sharing.states import ShareStatus


@transaction.atomic
def mark_undeliverable(*, share: Share, by: str) -> Share:
    """The mailbox refused it. If the pharmacy already reads it at its desk, the share stays alive."""
    share = locked(share)
    if share.status == ShareStatus.SHARED:
        move(share, ShareStatus.UNDELIVERABLE, by=by, door=Door.SYSTEM)
        recall(share)  # an earlier attempt may have arrived
    return share


@transaction.atomic
def expire_share(*, share: Share, by: str) -> Share:
    """The prescription is over. When its prescriber cancelled or replaced it, the pharmacy is told not to dispense."""
    share = locked(share)
    move(share, ShareStatus.EXPIRED, by=by, door=Door.SYSTEM)
    if share.prescription.cancelled_at or is_replaced(share.prescription):
        recall(share)
    return share


@transaction.atomic
def note_words_undelivered(*, share: Share, by: str) -> None:
    """The pharmacy's mailbox refused what the patient wrote after the prescription had gone."""
    audit.record(kind="share.message-undelivered", by=by, patient_id=share.patient_id, subject=share)
    notify(share, notices.share_moved)


@transaction.atomic
def note_recall_undelivered(*, share: Share, by: str) -> None:
    """The pharmacy may have the prescription that the patient took back, and could not be told so by mail."""
    audit.record(kind="share.recall-undelivered", by=by, patient_id=share.patient_id, subject=share)
    notify(share, notices.share_moved)


@transaction.atomic
def note_not_processed(*, share: Share, by: str) -> None:
    """It is in the pharmacy's mailbox, and its software could not take it."""
    audit.record(kind="share.not-processed", by=by, patient_id=share.patient_id, subject=share)
    notify(share, notices.share_moved)
