"""What can be done with a share. One verb, one function: keyword-only, author last, atomic, audit inside.

Nothing here touches the outside: messages and notices are rows that the sweep sends.
`by` is the person (User) who acts, or "system:…". `door` says how the act came in (ShareEvent.Door).
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal import audit, idempotency, notices
from portal.models import User
from portal.reasons import refuse_if
from prescriptions import documents
from prescriptions.models import Prescription
from prescriptions.policies import is_replaced
from prescriptions.telling import tell
from sharing import bell, joined, outbox, policies
from sharing.models import Pharmacy, PharmacyMember, Share, ShareEvent, ThreadMessage
from sharing.states import SHARE_MOVES, ShareStatus

Door = ShareEvent.Door


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


def share_prescription(
    *,
    prescription: Prescription,
    pharmacy: Pharmacy,
    message: str = "",
    wished_at: datetime | None = None,
    key: str = "",
    by,
) -> Share:
    """Writes the share, its delivery with the frozen message and the audit line, in one transaction.

    `key`: the form's one-time key; sent twice, it makes one share. Raises Refused with the policy's reason.
    """
    documents.for_message(prescription)  # drawn and composed before the transaction: each takes a tenth of a second
    share = _new_share(prescription, pharmacy, message, wished_at, by)
    composed = outbox.compose_ahead(share)
    return _once(
        prescription, pharmacy, message, wished_at, key, by, effect=lambda: _create_share(share, composed, by=by)
    )


def _once(prescription, pharmacy, message, wished_at, key, by, effect) -> Share:
    """The share that `effect` makes; the same one again for the same key."""
    refuse_if(policies.why_message_too_long(message))
    facts = {
        "prescription": prescription.pk,
        "pharmacy": pharmacy.pk,
        "message": message,
        "wished_at": wished_at,
    }
    answer = idempotency.once(
        scope=f"{audit.actor_name(by)}:share",
        key=key,
        request_facts=facts,
        effect=lambda: {"share": str(effect().pk)},
    )
    return prescription.shares.get(pk=answer["share"])


def _new_share(prescription, pharmacy, message, wished_at, by, moved_from=None) -> Share:
    now = timezone.now()
    return Share(
        prescription=prescription,
        patient=prescription.patient,
        pharmacy=pharmacy,
        shared_by=by,
        message=message,
        wished_at=wished_at,
        status_at=now,
        created_at=now,
        moved_from=moved_from,
    )


@transaction.atomic
def _create_share(share: Share, composed, *, by) -> Share:
    """`composed`: what outbox.compose_ahead gave."""
    Prescription.objects.select_for_update().get(pk=share.prescription_id)  # one at a time a prescription
    refuse_if(policies.why_not_share(share.prescription, share.pharmacy))
    try:
        with transaction.atomic():
            share.save(force_insert=True)
    except IntegrityError:
        refuse_if(policies.why_already_shared(share.prescription))
        raise
    share.events.create(status=ShareStatus.SHARED, at=share.created_at, door=Door.PORTAL)
    _remember_pharmacy(share, share.created_at)
    queued = outbox.enqueue_share(share, composed)  # before the audit: its chain is held as short as can be
    finess = share.pharmacy.finess
    audit.record(kind="share.created", by=by, patient_id=share.patient_id, subject=share, pharmacy=finess)
    bell.ring_on_commit(queued.pk)
    return share


def _remember_pharmacy(share: Share, now) -> None:
    share.patient.own_pharmacies.update_or_create(pharmacy=share.pharmacy, defaults={"last_used_at": now})


def move_share(
    *, share: Share, pharmacy: Pharmacy, message: str = "", wished_at: datetime | None = None, key: str = "", by
) -> Share:
    """Takes the share back and sends the prescription to another pharmacy, in one step: never two at once."""
    documents.for_message(share.prescription)
    moved = _new_share(share.prescription, pharmacy, message, wished_at, by, moved_from=share)
    composed = outbox.compose_ahead(moved)

    @transaction.atomic
    def effect() -> Share:
        refuse_if(policies.why_not_receive(pharmacy, share.prescription))
        revoke_share(share=share, by=by)
        return _create_share(moved, composed, by=by)

    return _once(share.prescription, pharmacy, message, wished_at, key, by, effect)


@transaction.atomic
def revoke_share(*, share: Share, by) -> Share:
    """The patient takes it back. Not yet claimed: never sent. Already leaving: a recall message follows."""
    share = _locked(share)
    _move(share, ShareStatus.REVOKED, by=by, door=Door.PORTAL)
    _recall(share)
    return share


@transaction.atomic
def open_share(*, share: Share, by, door: str = Door.DESK) -> Share:
    """The pharmacy reads it. The first time it becomes `opened`; every time is audited."""
    share = _locked(share)
    if share.status == ShareStatus.SHARED:
        return _move(share, ShareStatus.OPENED, by=by, door=door)
    audit.record(kind="share.read", by=by, patient_id=share.patient_id, subject=share)
    return share


@transaction.atomic
def take_share(*, share: Share, member: PharmacyMember | None, by) -> Share:
    """A member of the team says "mine", or its software says so (`member` None). A colleague may take it over."""
    share = _locked(share)
    refuse_if(policies.why_not_write(share))
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
    share = _locked(share)
    if answer.status:
        share.refusal = answer.refusal
        share.missing, share.expected_on = answer.missing, answer.expected_on
        share.ready_until = answer.ready_until
        _move(share, answer.status, by=by, door=door)
    elif door != Door.MAIL:
        refuse_if(policies.why_not_write(share))
    if answer.text or answer.files:
        words = _keep_words(share, ThreadMessage.Side.PHARMACY, answer.text, door, by, came_with=answer.status or "")
        joined.keep(answer.files, words)
    return share


def post_message(*, share: Share, text: str, key: str = "", by) -> None:
    """The patient writes to the pharmacy: in the thread, and by mail to its mailbox. `key`: one message a key."""
    refuse_if(policies.why_message_too_long(text))
    idempotency.once(
        scope=f"{audit.actor_name(by)}:message",
        key=key,
        request_facts={"share": share.pk, "text": text},
        effect=lambda: {"message": str(_post_message(share, text, by).pk)},
    )


@transaction.atomic
def _post_message(share: Share, text: str, by) -> ThreadMessage:
    share = _locked(share)
    refuse_if(policies.why_not_write(share))
    words = _keep_words(share, ThreadMessage.Side.PATIENT, text, Door.PORTAL, by)
    queued = outbox.enqueue_words(share, words)
    bell.ring_on_commit(queued.pk)
    return words


@transaction.atomic
def mark_undeliverable(*, share: Share, by: str) -> Share:
    """The mailbox refused it. If the pharmacy already reads it at its desk, the share stays alive."""
    share = _locked(share)
    if share.status == ShareStatus.SHARED:
        _move(share, ShareStatus.UNDELIVERABLE, by=by, door=Door.SYSTEM)
        _recall(share)  # an earlier attempt may have arrived
    return share


@transaction.atomic
def expire_share(*, share: Share, by: str) -> Share:
    """The prescription is over. When its prescriber cancelled or replaced it, the pharmacy is told not to dispense."""
    share = _locked(share)
    _move(share, ShareStatus.EXPIRED, by=by, door=Door.SYSTEM)
    if share.prescription.cancelled_at or is_replaced(share.prescription):
        _recall(share)
    return share


@transaction.atomic
def note_words_undelivered(*, share: Share, by: str) -> None:
    """The pharmacy's mailbox refused what the patient wrote after the prescription had gone."""
    audit.record(kind="share.message-undelivered", by=by, patient_id=share.patient_id, subject=share)
    _notify(share, notices.share_moved)


@transaction.atomic
def note_not_processed(*, share: Share, by: str) -> None:
    """It is in the pharmacy's mailbox, and its software could not take it."""
    audit.record(kind="share.not-processed", by=by, patient_id=share.patient_id, subject=share)
    _notify(share, notices.share_moved)


@transaction.atomic
def close_thread(*, share: Share, by) -> Share:
    """The professional has the last word (X-MSS-MES: FIN): nobody adds to the thread any more."""
    share = _locked(share)
    if share.thread_closed_at is None:
        share.thread_closed_at = timezone.now()
        share.save(update_fields=["thread_closed_at"])
        audit.record(kind="share.thread-closed", by=by, patient_id=share.patient_id, subject=share)
    return share


@transaction.atomic
def note_reading(*, prescription: Prescription, by) -> None:
    """Somebody opened the prescription of a patient they act for."""
    audit.record(kind="prescription.read", by=by, patient_id=prescription.patient_id, subject=prescription)


def _locked(share: Share) -> Share:
    return Share.objects.select_for_update().get(pk=share.pk)


def _move(share: Share, status: str, *, by, door: str) -> Share:
    """The one place where Share.status changes: table, event, audit, notice."""
    refuse_if(policies.why_not_move(share, status))
    move = SHARE_MOVES[share.status, status]
    share.status, share.status_at = status, timezone.now()
    share.save()
    share.events.create(status=status, at=share.status_at, door=door)
    audit.record(kind=move.audit, by=by, patient_id=share.patient_id, subject=share, door=str(door))
    if not share.is_active():
        outbox.cancel_pending(share)  # what has not left has no reason to leave any more
    if move.notice:
        _notify(share, getattr(notices, move.notice))
    return share


def _recall(share: Share) -> None:
    """The pharmacy is told, unless nothing can have reached it."""
    recall = outbox.cancel_or_recall(share)
    if recall is not None:
        bell.ring_on_commit(recall.pk)


def _keep_words(share, side, text, door, by, came_with="") -> ThreadMessage:
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
        _notify(share, notices.new_message)
    return words


def _notify(share: Share, notice) -> None:
    """Everybody who may see this share in the patient's space, and nobody else."""
    tell(share.prescription, notice, path=f"/partages/{share.pk}/")
