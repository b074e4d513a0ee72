"""Never lost, never doubled: what is written with a share, and what each outcome makes of it."""

import pytest

from portal.models import Notice
from portal.reasons import Refused
from sharing import actions, delivery, outbox, sweep
from sharing.models import Delivery
from sharing.mssante import Kind, SendOutcome, Stage
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories
from tests.fakes.sink import DROP, TAKE_AND_DROP
from tests.mail import queued
from tests.sharing.delivery_rows import LATER, SENT, audit_kinds, now_is, traces

pytestmark = pytest.mark.django_db


# --- One transaction, frozen bytes, the same at every attempt -------------------------------------------------------
def test_a_share_and_its_frozen_message_are_written_together(alice, market, prescription):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    row = share.first_delivery
    assert (row.status, row.attempts, row.kind) == (D.QUEUED, 0, Delivery.Kind.SHARE)
    assert row.message_id.startswith(f"<{share.token}.")
    assert f"Message-ID: {row.message_id}".encode() in row.content
    assert row.content_sha256 and row.size == len(row.content)
    assert row.destination == market.mailbox.address.partition("@")[2]


def test_when_the_message_cannot_be_composed_there_is_no_share(alice, market, prescription, settings):
    settings.MSSANTE_MAX_BYTES = 2000
    with pytest.raises(Refused) as refused:
        actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    assert refused.value.reason.code == "message-too-large"
    assert not prescription.shares.exists()


def test_every_attempt_sends_the_same_bytes_under_the_same_message_id(open_sink, later):
    sink = open_sink(lambda stage, turn: TAKE_AND_DROP if stage == "dot" and turn < 3 else None)
    row = queued()
    for _ in range(3):
        delivery.sweep_once()
        later(minutes=5)
    assert now_is(row).status == D.SENT
    assert len(sink.accepted) == 3
    assert {mail.message_id for mail in sink.accepted} == {row.message_id}
    assert {mail.sha256 for mail in sink.accepted} == {row.content_sha256}


# --- What is written down of it -------------------------------------------------------------------------------------
def test_the_one_asked_for_leaves_and_no_other_under_its_own_envelope_id(open_sink):
    """As the bell asks. The operator's reports carry the envelope id back (RFC 3461)."""
    sink = open_sink()
    first, asked = queued("a@pharma.mssante.test"), queued("b@pharma.mssante.test")
    assert delivery.deliver(str(asked.pk)) == D.SENT
    assert (now_is(first).status, [mail.message_id for mail in sink.accepted]) == (D.QUEUED, [asked.message_id])
    assert f"ENVID={asked.envid}" in sink.accepted[0].options


def test_each_attempt_is_told_with_its_stage_its_answer_and_its_number(later):
    row = queued()
    delivery.settle(outbox.claim(), LATER)
    later(minutes=1)
    delivery.settle(outbox.claim(), SENT)
    assert traces(row) == [
        ("delivery.not-sent", "system:delivery", {"stage": "rcpt", "code": "451 4.7.1", "attempts": 1}),
        ("delivery.sent", "system:delivery", {"attempts": 2}),
    ]


def test_a_refusal_for_good_is_told_with_its_answer():
    row = queued()
    delivery.settle(outbox.claim(), SendOutcome(Stage.RCPT, "550 5.1.1", Kind.RECIPIENT))
    assert traces(row) == [
        ("delivery.failed", "system:delivery", {"stage": "rcpt", "code": "550 5.1.1", "attempts": 1})
    ]
    assert now_is(row).ended_at is not None


def test_a_bounce_is_told_once_and_the_time_it_had_left_stays():
    row = queued()
    delivery.settle(outbox.claim(), SENT)
    assert [outbox.bounced(row, "5.1.1"), outbox.bounced(row, "5.1.1")] == [True, False]
    assert traces(row)[1:] == [("delivery.bounced", "system:delivery", {"code": "5.1.1"})]
    left = now_is(row)
    assert left.sent_at and left.ended_at and (left.last_stage, left.last_code) == ("done", "5.1.1")


def test_what_is_taken_back_before_it_leaves_is_told_as_cancelled(alice):
    row = queued()
    actions.revoke_share(share=row.share, by=alice)
    assert traces(row) == [("delivery.cancelled", "system:delivery", {})]
    assert (now_is(row).status, now_is(row).ended_at is None) == (D.CANCELLED, False)


def test_a_second_receipt_does_not_move_the_time_of_the_first(later):
    row = queued()
    delivery.settle(outbox.claim(), SENT)
    outbox.reported_read(row)
    first = now_is(row)
    later(hours=1)
    outbox.reported_read(row)
    assert (now_is(row).read_at, now_is(row).delivered_at) == (first.read_at, first.delivered_at)
    assert first.read_at and first.delivered_at


# --- Outcomes -------------------------------------------------------------------------------------------------------
def test_a_temporary_refusal_is_tried_again_by_itself(open_sink, later):
    sink = open_sink(lambda stage, turn: "451 4.7.1 Later" if stage == "rcpt" and turn == 1 else None)
    row = queued()
    delivery.sweep_once()
    assert (now_is(row).status, now_is(row).last_stage, now_is(row).last_code) == (D.RETRY, "rcpt", "451 4.7.1")
    later(seconds=40)
    delivery.sweep_once()
    assert (now_is(row).status, now_is(row).attempts, len(sink.accepted)) == (D.SENT, 2, 1)


def test_an_unknown_outcome_is_sent_again_and_remembered(open_sink, later):
    open_sink(lambda stage, turn: DROP if stage == "dot" and turn == 1 else None)
    row = queued()
    delivery.sweep_once()
    assert (now_is(row).status, now_is(row).last_stage) == (D.RETRY, "sent-dot")
    assert now_is(row).in_doubt_at is not None
    later(seconds=40)
    delivery.sweep_once()
    assert now_is(row).status == D.SENT
    assert now_is(row).in_doubt_at  # that it passed now says nothing of the first attempt


def test_a_refused_mailbox_fails_at_once_and_the_patient_is_told(open_sink, alice):
    open_sink(lambda stage, turn: "550 5.1.1 Unknown" if stage == "rcpt" else None)
    row = queued()
    delivery.sweep_once()
    assert (now_is(row).status, now_is(row).attempts) == (D.FAILED, 1)
    assert now_is(row).share.status == S.UNDELIVERABLE
    assert Notice.objects.get().user == alice
    assert audit_kinds(row) == ["delivery.failed"]


def test_a_refused_mailbox_does_not_end_a_share_the_pharmacy_reads_at_its_desk(open_sink, chloe):
    open_sink(lambda stage, turn: "550 5.1.1 Unknown" if stage == "rcpt" else None)
    row = queued()
    actions.open_share(share=row.share, by=chloe)
    delivery.sweep_once()
    assert (now_is(row).status, now_is(row).share.status) == (D.FAILED, S.OPENED)


def test_words_that_a_mailbox_refuses_are_told_to_the_patient(open_sink, alice):
    open_sink(lambda stage, turn: "550 5.1.1 Unknown" if stage == "rcpt" else None)
    share = factories.share(status=S.PREPARING)
    actions.post_message(share=share, text="Je passerai demain.", by=alice)
    delivery.sweep_once()
    assert share.deliveries.get().status == D.FAILED
    assert share.messages.get().delivery.status == D.FAILED
    share.refresh_from_db()
    assert share.status == S.PREPARING
    assert Notice.objects.filter(user=alice, kind="share_moved").exists()


# --- The sweep alone is enough --------------------------------------------------------------------------------------
def test_nothing_is_claimed_while_no_operator_is_named(settings):
    settings.MSSANTE_SMTP_HOST = ""
    row = queued()
    assert delivery.deliver() == delivery.NOTHING
    assert now_is(row).attempts == 0


@pytest.mark.django_db(transaction=True)
def test_the_standing_sweep_sends_what_nobody_rang_for(open_sink, settings):
    settings.SWEEP_SECONDS = settings.COLLECT_SECONDS = 0.02
    sink = open_sink()
    rows = [queued() for _ in range(5)]
    standing = sweep.Sweep(senders=2).start()
    try:
        sink.wait_until(lambda sink: len(sink.accepted) == 5)
    finally:
        assert standing.stop()
    assert {mail.message_id for mail in sink.accepted} == {row.message_id for row in rows}
    assert sorted(now_is(row).status for row in rows) == [D.SENT] * 5
