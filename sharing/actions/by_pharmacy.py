"""What the pharmacy does with a share: at its desk, by its software, or by answering the mail."""

from dataclasses import asdict, dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from portal import audit, idempotency
from portal.reasons import refuse_if
from prescriptions import actions as registry
from prescriptions.dispensing import whole_ones
from prescriptions.locks import locked as lock_prescription
from prescriptions.models import Dispensing, Prescription
from sharing import policies
from sharing.actions.moves import Door, keep_words, locked, move
from sharing.incoming import joined
from sharing.models import Pharmacy, PharmacyMember, Share, ThreadMessage
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
    original_seen: bool = False  # of a photo, when it is collected
    files: tuple[joined.Joined, ...] = ()  # by mail only


@transaction.atomic
def open_share(*, share: Share, by, door: str = Door.DESK) -> Share:
    """The pharmacy reads it. The first time it becomes `opened`; every time is audited."""
    share = locked(share)
    if share.status == ShareStatus.SHARED:
        return move(share, ShareStatus.OPENED, by=by, door=door)
    audit.record(kind="share.read", by=by, patient_id=share.patient_id, subject=share)
    return share


def take_share(*, share: Share, member: PharmacyMember | None, key: str = "", expected_version: str = "", by) -> Share:
    """A member of the team says "mine", or its software says so (`member` None). A colleague may take it over.

    `key`, `expected_version`: as record_reply takes them.
    """
    idempotency.once(
        scope=f"{audit.actor_name(by)}:take",
        key=key,
        request_facts={"share": share.pk, "member": member and member.pk},
        effect=lambda: {"share": str(_take_share(share, member, expected_version, by).pk)},
    )
    return Share.objects.get(pk=share.pk)


@transaction.atomic
def _take_share(share: Share, member: PharmacyMember | None, expected_version: str, by) -> Share:
    share = _as_read(share, expected_version)
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


def record_reply(*, share: Share, answer: Answer, door: str, key: str = "", expected_version: str = "", by) -> Share:
    """The pharmacy's answer, from the desk, the API or by mail: words, a new state, or both.

    `key`: the form's one-time key; pressed twice, it is one answer. `expected_version`: Share.version as whoever
    answers has read it; Refused if a colleague came first.
    """
    refuse_if(policies.why_message_too_long(answer.text))
    idempotency.once(
        scope=f"{audit.actor_name(by)}:reply",
        key=key,
        request_facts={"share": share.pk, "answer": asdict(answer)},
        effect=lambda: {"share": str(_record_reply(share, answer, door, expected_version, by).pk)},
    )
    return Share.objects.get(pk=share.pk)


@transaction.atomic
def _record_reply(share: Share, answer: Answer, door: str, expected_version: str, by) -> Share:
    share = _as_read(share, expected_version)
    if door != Door.MAIL:  # what came by mail is said already: it is kept
        refuse_if(policies.why_not_reply(share, answer))
    if answer.status:
        _say(share, answer, door, by)
    if answer.text or answer.files:
        words = keep_words(share, ThreadMessage.Side.PHARMACY, answer.text, door, by, came_with=answer.status or "")
        joined.keep(answer.files, words)
    return share


def _as_read(share: Share, expected_version: str) -> Share:
    share = locked(share)
    refuse_if(policies.why_moved_on(share, expected_version))
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
def dispense(*, prescription: Prescription, pharmacy: Pharmacy, by, **said) -> Dispensing:
    """At the desk: what was delivered, and the share it answers, both or neither. A share of which a part is still owed
    stays open. `said`: as prescriptions.actions.record_dispensing takes it; Refused as it does."""
    lock_prescription(prescription)
    sent_here = Share.objects.active().filter(prescription=prescription, pharmacy=pharmacy)
    share = sent_here.select_for_update().first()  # held before the dispensing writes its line of audit
    dispensing = registry.record_dispensing(
        prescription=prescription, pharmacy_finess=pharmacy.finess, pharmacy_name=pharmacy.name, by=by, **said
    )
    if share is not None and whole_ones().filter(pk=dispensing.pk).exists():
        _say(share, Answer(status=ShareStatus.COLLECTED), Door.DESK, by)
    return dispensing


@transaction.atomic
def close_thread(*, share: Share, by) -> Share:
    """The professional has the last word (X-MSS-MES: FIN): nobody adds to the thread any more."""
    share = locked(share)
    if share.thread_closed_at is None:
        share.thread_closed_at = timezone.now()
        share.save(update_fields=["thread_closed_at"])
        audit.record(kind="share.thread-closed", by=by, patient_id=share.patient_id, subject=share)
    return share
