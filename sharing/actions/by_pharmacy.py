"""What the pharmacy does with a share: at its desk, by its software, or by answering the mail."""

from dataclasses import asdict, dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from portal import audit, idempotency
from portal.reasons import refuse_if
from sharing import joined, policies
from sharing.actions.moves import Door, keep_words, locked, move
from sharing.models import PharmacyMember, Share, ThreadMessage
from sharing.states import ShareStatus


@dataclass(frozen=True)
class Answer:
    """What a pharmacy answers, by whatever door. `status` None: only words."""

    status: str | None = None
    text: str = ""
    missing: str = ""
    expected_on: date | None = None
    refusal: str = ""
    ready_until: date | None = None
    files: tuple[joined.Joined, ...] = ()  # by mail only


@transaction.atomic
def open_share(*, share: Share, by, door: str = Door.DESK) -> Share:
    """The pharmacy reads it. The first time it becomes `opened`; every time is audited."""
    share = locked(share)
    if share.status == ShareStatus.SHARED:
        return move(share, ShareStatus.OPENED, by=by, door=door)
    audit.record(kind="share.read", by=by, patient_id=share.patient_id, subject=share)
    return share


@transaction.atomic
def take_share(*, share: Share, member: PharmacyMember | None, by) -> Share:
    """A member of the team says "mine", or its software says so (`member` None). A colleague may take it over."""
    share = locked(share)
    refuse_if(policies.why_not_answer(share) or policies.why_not_write(share))
    share.taken_by, share.taken_at = member, timezone.now()
    share.save(update_fields=["taken_by", "taken_at"])
    audit.record(kind="share.taken", by=by, patient_id=share.patient_id, subject=share)
    return share


@transaction.atomic
def read_document(*, share: Share, by) -> Share:
    """The pharmacy opens the file of the prescription."""
    audit.record(kind="share.document_read", by=by, patient_id=share.patient_id, subject=share)
    return share


def record_reply(*, share: Share, answer: Answer, door: str, key: str = "", by) -> Share:
    """The pharmacy's answer, from the desk, the API or by mail: words, a new state, or both.

    `key`: the form's one-time key; pressed twice, it is one answer.
    """
    refuse_if(policies.why_message_too_long(answer.text))
    idempotency.once(
        scope=f"{audit.actor_name(by)}:reply",
        key=key,
        request_facts={"share": share.pk, "answer": asdict(answer)},
        effect=lambda: {"share": str(_record_reply(share, answer, door, by).pk)},
    )
    return Share.objects.get(pk=share.pk)


@transaction.atomic
def _record_reply(share: Share, answer: Answer, door: str, by) -> Share:
    share = locked(share)
    if door != Door.MAIL:  # what came by mail is said already: it is kept
        refuse_if(policies.why_not_answer(share))
    if answer.status:
        _say(share, answer, door, by)
    elif door != Door.MAIL:
        refuse_if(policies.why_not_write(share))
    if answer.text or answer.files:
        words = keep_words(share, ThreadMessage.Side.PHARMACY, answer.text, door, by, came_with=answer.status or "")
        joined.keep(answer.files, words)
    return share


def _say(share: Share, answer: Answer, door: str, by) -> Share:
    share.refusal = answer.refusal
    share.missing, share.expected_on = answer.missing, answer.expected_on
    share.ready_until = answer.ready_until
    return move(share, answer.status, by=by, door=door)


@transaction.atomic
def note_collected(*, share: Share, door: str, by) -> Share:
    """The registry knows that this pharmacy delivered all of it, whatever the patient masked or blocked since."""
    return _say(locked(share), Answer(status=ShareStatus.COLLECTED), door, by)


@transaction.atomic
def close_thread(*, share: Share, by) -> Share:
    """The professional has the last word (X-MSS-MES: FIN): nobody adds to the thread any more."""
    share = locked(share)
    if share.thread_closed_at is None:
        share.thread_closed_at = timezone.now()
        share.save(update_fields=["thread_closed_at"])
        audit.record(kind="share.thread-closed", by=by, patient_id=share.patient_id, subject=share)
    return share
