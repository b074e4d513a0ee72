"""What the patient, or whoever acts for them, does with a share."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal import audit, idempotency
from portal.reasons import refuse_if
from prescriptions.files import documents
from prescriptions.locks import lock_patient
from prescriptions.locks import locked as lock_prescription
from prescriptions.models import Prescription
from sharing import bell, outbox, policies
from sharing.actions.moves import Door, keep_words, locked, move, recall
from sharing.models import Pharmacy, Share, ThreadMessage
from sharing.states import ShareStatus


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
    lock_patient(share.patient)
    share.prescription = lock_prescription(share.prescription)  # judged as it stands: it was read before composing
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
        lock_patient(share.patient)
        lock_prescription(share.prescription)
        _remember_pharmacy(moved, moved.created_at)  # a row that other shares wait for: before taking back writes audit
        refuse_if(policies.why_not_receive(pharmacy, share.prescription))
        revoke_share(share=share, by=by)
        return _create_share(moved, composed, by=by)

    return _once(share.prescription, pharmacy, message, wished_at, key, by, effect)


@transaction.atomic
def revoke_share(*, share: Share, by) -> Share:
    """The patient takes it back. Not yet claimed: never sent. Already leaving: a recall message follows."""
    share = locked(share)
    move(share, ShareStatus.REVOKED, by=by, door=Door.PORTAL)
    recall(share)
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
    share = locked(share)
    refuse_if(policies.why_not_write(share))
    words = keep_words(share, ThreadMessage.Side.PATIENT, text, Door.PORTAL, by)
    queued = outbox.enqueue_words(share, words)
    bell.ring_on_commit(queued.pk)
    return words


@transaction.atomic
def note_reading(*, prescription: Prescription, by) -> None:
    """Somebody opened the prescription of a patient they act for."""
    audit.record(kind="prescription.read", by=by, patient_id=prescription.patient_id, subject=prescription)
