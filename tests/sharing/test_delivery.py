"""Never lost, never doubled: the queue's rows, one rule after the other (reliability.md)."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from portal.clock import db_now
from portal.models import AuditEvent, Notice
from portal.reasons import Refused
from sharing import actions, delivery, outbox, sweep
from sharing.models import Delivery
from sharing.mssante import Kind, SendOutcome, Stage
from sharing.outbox import backoff, overdue
from sharing.outbox.claim import renew
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories
from tests.fakes.sink import DROP, TAKE_AND_DROP
from tests.mail import queued

pytestmark = pytest.mark.django_db
LATER = SendOutcome(Stage.RCPT, "451 4.7.1", Kind.TEMPORARY)
SENT = SendOutcome(Stage.DONE, "250 2.0.0", Kind.SENT)


def now_is(row: Delivery) -> Delivery:
    return Delivery.objects.get(pk=row.pk)


def audit_kinds(row) -> list[str]:
    return list(AuditEvent.objects.filter(subject=f"delivery:{row.pk}").values_list("kind", flat=True))


# --- Rules 1, 6: one transaction, frozen bytes, the same at every attempt -------------------------------------------
def test_a_share_and_its_frozen_message_are_written_together(alice, market, prescription):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    row = share.first_delivery
    assert (row.status, row.attempts, row.kind) == (D.QUEUED, 0, Delivery.Kind.SHARE)
    assert row.message_id.startswith(f"<{share.token}.")
    assert f"Message-ID: {row.message_id}".encode() in row.content
    assert row.content_sha256 and row.size == len(row.content)


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
def traces(row) -> list[tuple]:
    lines = AuditEvent.objects.filter(subject=f"delivery:{row.pk}", patient=row.share.patient_id).order_by("position")
    return list(lines.values_list("kind", "actor", "detail"))


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


# --- Rules 2, 3: claims ---------------------------------------------------------------------------------------------
def test_a_row_is_claimed_once_and_its_attempt_is_counted_at_once():
    row = queued()
    claimed = outbox.claim()
    assert claimed.delivery.pk == row.pk
    assert (now_is(row).status, now_is(row).attempts, now_is(row).lease_owner) == (D.SENDING, 1, claimed.holder)
    assert outbox.claim() is None


def test_the_bell_claims_its_own_row_and_no_other():
    queued()
    second = queued()
    assert outbox.claim(str(second.pk)).delivery.pk == second.pk
    assert outbox.claim(str(second.pk)) is None


def test_the_workers_clock_does_not_count():
    queued(next_attempt_at=db_now() + timedelta(hours=1))
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert outbox.claim() is None
    queued()
    with time_machine.travel(timezone.now() - timedelta(days=2)):
        assert outbox.claim() is not None


def test_the_oldest_due_goes_first():
    first, second = queued(), queued()
    Delivery.objects.filter(pk=second.pk).update(next_attempt_at=first.next_attempt_at - timedelta(seconds=5))
    assert [outbox.claim().delivery.pk, outbox.claim().delivery.pk] == [second.pk, first.pk]


def test_after_ten_claims_without_an_outcome_it_is_put_aside_and_the_others_go_on(open_sink, later, caplog):
    open_sink()
    poison = queued()
    for _ in range(10):  # each time its process dies: nobody settles
        assert outbox.claim().delivery.pk == poison.pk
        later(seconds=61)
    good = queued()
    delivery.sweep_once()
    assert (now_is(poison).status, now_is(poison).attempts) == (D.QUARANTINED, 10)
    assert now_is(good).status == D.SENT
    assert f"delivery {poison.pk} is put aside" in caplog.text
    assert "delivery.quarantined" in audit_kinds(poison)


def silent(to: str, claims: int) -> Delivery:
    """Claimed so many times, the last of which has just run out."""
    past = db_now() - timedelta(seconds=1)
    row = queued(to)
    Delivery.objects.filter(pk=row.pk).update(
        status=D.SENDING, attempts=claims, silent_claims=claims, lease_owner="w", lease_until=past
    )
    return row


def test_what_is_put_aside_is_in_doubt_and_told_and_nothing_else_is():
    poison, other = silent("a@pharma.mssante.test", 10), silent("b@pharma.mssante.test", 9)
    assert (outbox.quarantine_silent(), outbox.quarantine_silent()) == (1, 0)
    put_aside = now_is(poison)
    assert (put_aside.status, put_aside.lease_owner, put_aside.lease_until) == (D.QUARANTINED, "", None)
    assert put_aside.in_doubt_at and put_aside.ended_at == put_aside.in_doubt_at
    assert traces(poison) == [("delivery.quarantined", "system:sweep", {"attempts": 10})]
    assert (now_is(other).status, traces(other)) == (D.SENDING, [])


def test_a_holder_that_comes_back_to_life_at_that_instant_keeps_its_row():
    row = silent("a@pharma.mssante.test", 10)
    Delivery.objects.filter(pk=row.pk).update(lease_until=db_now() + timedelta(seconds=60))
    assert not overdue._quarantine(row.pk, db_now())
    assert (now_is(row).status, now_is(row).lease_owner) == (D.SENDING, "w")


def test_an_outcome_starts_the_count_of_silent_claims_again(later):
    row = queued()
    for _ in range(12):
        delivery.settle(outbox.claim(), LATER)
        later(hours=1)
    assert (now_is(row).status, now_is(row).attempts, now_is(row).silent_claims) == (D.RETRY, 12, 0)


# --- Rules 4, 5: leases ---------------------------------------------------------------------------------------------
def test_a_crash_is_recovered_within_a_minute(later):
    row = queued()
    first = outbox.claim()
    later(seconds=59)
    assert outbox.claim() is None
    later(seconds=2)
    second = outbox.claim()
    assert second.delivery.pk == row.pk
    assert second.holder != first.holder
    assert now_is(row).in_doubt_at is not None


def test_a_renewed_lease_is_kept(later):
    queued()
    claimed = outbox.claim()
    later(seconds=50)
    assert renew(claimed)
    later(seconds=50)
    assert outbox.claim() is None


def test_who_lost_the_lease_cannot_renew_it(later):
    queued()
    first = outbox.claim()
    later(seconds=61)
    second = outbox.claim()
    assert not renew(first)
    assert renew(second)


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_renewed_while_the_server_takes_its_time(open_sink, settings):
    settings.DELIVERY_RENEW_SECONDS = 0.01
    row = queued()
    seen = []

    def behave(stage, turn):
        if stage == "dot":
            seen.extend(_leases_until_three(row))

    open_sink(behave)
    assert delivery.deliver() == D.SENT
    assert len(set(seen)) == 3


def _leases_until_three(row) -> set:
    """Runs in the sink's thread: returns once the sender's lease has been seen at three different times."""
    seen = set()
    try:
        while len(seen) < 3:
            seen.add(Delivery.objects.values_list("lease_until", flat=True).get(pk=row.pk))
    finally:
        connection.close()
    return seen


def test_success_counts_even_from_a_holder_whose_lease_ran_out(later):
    row = queued()
    first = outbox.claim()
    later(seconds=61)
    second = outbox.claim()
    assert delivery.settle(first, SENT) == D.SENT
    assert delivery.settle(second, LATER) == ""
    assert now_is(row).status == D.SENT


def test_a_failure_counts_only_from_the_present_holder(later):
    row = queued()
    first = outbox.claim()
    later(seconds=61)
    second = outbox.claim()
    assert delivery.settle(first, LATER) == ""
    assert (now_is(row).status, now_is(row).lease_owner) == (D.SENDING, second.holder)


def test_two_successes_are_one():
    row = queued()
    claimed = outbox.claim()
    assert [delivery.settle(claimed, SENT), delivery.settle(claimed, SENT)] == [D.SENT, D.SENT]
    assert audit_kinds(row) == ["delivery.sent"]


# --- Rules 6, 7: outcomes -------------------------------------------------------------------------------------------
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
    assert (now_is(row).status, now_is(row).in_doubt_at) == (D.SENT, None)


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


# --- Rule 8: one message one recipient, and limits ------------------------------------------------------------------
def test_few_leave_at_once_to_one_destination():
    for number in range(4):
        queued(f"pharmacie{number}@lente.mssante.test")
    quick = queued("pharmacie@vive.mssante.test")
    taken = [outbox.claim(), outbox.claim(), outbox.claim()]
    assert [claimed.delivery.destination for claimed in taken] == ["lente.mssante.test"] * 2 + ["vive.mssante.test"]
    assert taken[2].delivery.pk == quick.pk
    assert outbox.claim() is None


def test_few_leave_at_once_in_all(settings):
    settings.DELIVERY_AT_ONCE = 3
    for number in range(5):
        queued(f"pharmacie@d{number}.mssante.test")
    assert [outbox.claim() is not None for _ in range(5)] == [True, True, True, False, False]


def test_a_lease_that_ran_out_gives_its_place_back(settings, later):
    settings.DELIVERY_AT_ONCE = 1
    queued(), queued()
    outbox.claim()
    assert outbox.claim() is None
    later(seconds=61)
    assert outbox.claim() is not None


# --- Rule 9: back-off, and the end ----------------------------------------------------------------------------------
def test_waits_grow_to_half_an_hour_and_stay_there(later):
    row = queued()
    waits = []
    for _ in range(9):
        before = db_now()
        delivery.settle(outbox.claim(), LATER)
        waits.append((now_is(row).next_attempt_at - before).total_seconds())
        later(minutes=40)
    expected = [30, 60, 120, 300, 600, 1200, 1800, 1800, 1800]
    assert all(abs(wait - wanted) <= wanted * 0.2 + 1 for wait, wanted in zip(waits, expected, strict=True)), waits


def test_waits_are_not_all_the_same_and_stay_near_the_one_meant():
    now = db_now()
    waits = {(backoff.next_attempt(1, now) - now).total_seconds() for _ in range(200)}
    assert len(waits) > 100
    assert 24 <= min(waits) < 27 and 33 < max(waits) <= 36


def test_after_five_days_it_says_so(open_sink, later, alice):
    open_sink(lambda stage, turn: "451 4.7.1 Later" if stage == "rcpt" else None)
    row = queued()
    delivery.sweep_once()
    later(days=4, hours=23)
    delivery.sweep_once()
    assert now_is(row).status == D.RETRY
    later(hours=2)
    delivery.sweep_once()
    assert (now_is(row).status, now_is(row).last_code) == (D.FAILED, "given up")
    assert now_is(row).share.status == S.UNDELIVERABLE
    assert Notice.objects.filter(user=alice).count() == 1


def test_it_gives_up_what_its_worker_has_left_in_the_middle(later, alice):
    row, other = queued(), queued(give_up_at=db_now() + timedelta(days=30))
    outbox.claim(str(row.pk))
    later(days=6)
    assert delivery.give_up_overdue() == 1
    given_up = now_is(row)
    assert (given_up.status, given_up.lease_owner, given_up.lease_until) == (D.FAILED, "", None)
    assert given_up.ended_at is not None
    assert traces(row) == [("delivery.given-up", "system:sweep", {"attempts": 1})]
    assert (now_is(other).status, traces(other)) == (D.QUEUED, [])


def test_given_up_on_the_last_day_of_the_prescription_it_is_not_delivered_rather_than_expired(alice, market, later):
    prescription = factories.prescription(valid_until=timezone.localdate() + timedelta(days=6))
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    Delivery.objects.update(give_up_at=db_now() + timedelta(days=6))
    later(days=6)
    delivery.sweep_once()
    share.refresh_from_db()
    assert share.status == S.UNDELIVERABLE


def test_it_gives_up_at_the_end_of_the_prescription_when_that_comes_first(alice, market):
    prescription = factories.prescription(valid_until=timezone.localdate() + timedelta(days=1))
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    end = timezone.localtime(share.first_delivery.give_up_at)
    assert end.date() == timezone.localdate() + timedelta(days=2)
    assert (end.hour, end.minute) == (0, 0)


def test_a_message_that_outlives_its_prescription_expires_with_it(alice, market, later):
    prescription = factories.prescription(valid_until=timezone.localdate() + timedelta(days=1))
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    later(days=2)
    delivery.sweep_once()
    share.refresh_from_db()
    assert (share.status, share.first_delivery.status) == (S.EXPIRED, D.FAILED)


def test_what_was_put_aside_also_ends_in_words(later):
    row = queued()
    Delivery.objects.filter(pk=row.pk).update(status=D.QUARANTINED)
    later(days=6)
    delivery.sweep_once()
    assert (now_is(row).status, now_is(row).share.status) == (D.FAILED, S.UNDELIVERABLE)


# --- Rule 10: the sweep alone is enough -----------------------------------------------------------------------------
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


# --- The back office ------------------------------------------------------------------------------------------------
def test_what_is_in_trouble_can_be_tried_again(open_sink, dan):
    row = queued()
    Delivery.objects.filter(pk=row.pk).update(status=D.QUARANTINED, silent_claims=10)
    delivery.try_again(delivery=row, by=dan)
    open_sink()
    delivery.sweep_once()
    assert now_is(row).status == D.SENT
    assert audit_kinds(row) == ["delivery.sent", "delivery.tried-again"]


def test_what_bounced_leaves_again_at_once_when_the_back_office_says_so(chloe, dan, later):
    """The pharmacy reads it at its desk, its mailbox is mended: the same message, as if it had never left."""
    row = queued()
    actions.open_share(share=row.share, by=chloe)
    delivery.settle(outbox.claim(), SENT)
    outbox.bounced(row, "5.2.1")
    later(days=1)
    again = delivery.try_again(delivery=row, by=dan)
    assert (again.status, again.sent_at, again.ended_at, again.silent_claims) == (D.QUEUED, None, None, 0)
    assert abs((again.next_attempt_at - db_now()).total_seconds()) < 10
    assert traces(row)[-1] == ("delivery.tried-again", f"user:{dan.pk}", {})
    assert outbox.claim().delivery.content == row.content


@pytest.mark.parametrize(
    ("fields", "share_status", "code"),
    [
        ({"status": D.QUEUED}, S.SHARED, "not-in-trouble"),
        ({"status": D.FAILED}, S.UNDELIVERABLE, "share-ended"),
        ({"status": D.RETRY, "give_up_at": timezone.now()}, S.SHARED, "delivery-over"),
    ],
)
def test_what_cannot_be_tried_again_is_refused_with_a_reason(dan, fields, share_status, code):
    row = queued(share=factories.share(status=share_status), **fields)
    with pytest.raises(Refused) as refused:
        delivery.try_again(delivery=row, by=dan)
    assert refused.value.reason.code == code
    assert now_is(row).status == fields["status"]


# --- Time ends shares -----------------------------------------------------------------------------------------------
def test_a_share_ends_with_its_prescription_and_leaves_nothing_to_send(later):
    prescription = factories.prescription(valid_until=timezone.localdate() + timedelta(days=1))
    row = queued(share=factories.share(prescription))
    assert sweep.expire_shares() == 0
    later(days=2)
    assert sweep.expire_shares() == 1
    assert (now_is(row).status, now_is(row).share.status) == (D.CANCELLED, S.EXPIRED)


def test_a_cancelled_prescription_is_recalled_from_the_pharmacy_that_has_it(open_sink, prescription, market, alice):
    sink = open_sink()
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    delivery.sweep_once()
    prescription.cancelled_at, prescription.cancelled_reason = timezone.now(), "erreur"
    prescription.save()
    sweep.expire_shares()
    delivery.sweep_once()
    share.refresh_from_db()
    assert share.status == S.EXPIRED
    assert f"In-Reply-To: {share.first_delivery.message_id}".encode() in sink.accepted[1].content
    assert "annul=C3=A9e par le prescripteur" in sink.accepted[1].content.decode()
