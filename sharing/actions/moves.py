"""What the acts have in common: a share held alone, its moves, the words it gathers, and who is told."""

from django.utils import timezone

from portal import audit, notices
from portal.models import User
from portal.reasons import refuse_if
from prescriptions.telling import tell
from sharing import bell, outbox, policies
from sharing.models import Share, ShareEvent, ThreadMessage
from sharing.states import SHARE_MOVES

Door = ShareEvent.Door


def locked(share: Share) -> Share:
    return Share.objects.select_for_update().get(pk=share.pk)


def move(share: Share, status: str, *, by, door: str) -> Share:
    """The one place where Share.status changes: table, event, audit, notice."""
    refuse_if(policies.why_not_move(share, status))
    step = SHARE_MOVES[share.status, status]
    share.status, share.status_at = status, timezone.now()
    share.save()
    share.events.create(status=status, at=share.status_at, door=door)
    audit.record(kind=step.audit, by=by, patient_id=share.patient_id, subject=share, door=str(door))
    if not share.is_active():
        outbox.cancel_pending(share)  # what has not left has no reason to leave any more
    if step.notice:
        notify(share, getattr(notices, step.notice))
    return share


def recall(share: Share) -> None:
    """The pharmacy is told, unless nothing can have reached it."""
    told = outbox.cancel_or_recall(share)
    if told is not None:
        bell.ring_on_commit(told.pk)


def keep_words(share, side, text, door, by, came_with="") -> ThreadMessage:
    """`came_with`: the state said in the same act, of which the patient already gets a notice."""
    words = ThreadMessage(
        share=share,
        side=side,
        author=by if isinstance(by, User) else None,  # software and mail have no person
        body=text,
        came_with=came_with,
        door=door,
        created_at=timezone.now(),
        after_end=not share.is_active(),
    )
    words.save(force_insert=True)
    audit.record(kind="share.message", by=by, patient_id=share.patient_id, subject=share, side=str(side))
    if side == ThreadMessage.Side.PHARMACY and not came_with:
        notify(share, notices.new_message)
    return words


def notify(share: Share, notice) -> None:
    """Everybody who may see this share in the patient's space, and nobody else."""
    tell(share.prescription, notice, path=f"/partages/{share.pk}/")
