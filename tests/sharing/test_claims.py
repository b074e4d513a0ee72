"""Who may send what, and when: claims, leases, limits."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from portal.clock import db_now
from sharing import actions, delivery, outbox
from sharing.models import Delivery
from sharing.mssante import Kind, SendOutcome, Stage
from sharing.outbox import overdue
from sharing.outbox.claim import renew
from sharing.states import DeliveryStatus as D
from tests.mail import queued
from tests.sharing.delivery_rows import LATER, SENT, audit_kinds, now_is, traces

pytestmark = pytest.mark.django_db


# --- Claims ---------------------------------------------------------------------------------------------------------
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


def test_at_its_tenth_claim_it_still_has_its_lease():
    row = silent("a@pharma.mssante.test", 10)
    Delivery.objects.filter(pk=row.pk).update(lease_until=db_now() + timedelta(seconds=60))
    assert outbox.quarantine_silent() == 0
    assert now_is(row).status == D.SENDING


def test_what_was_taken_back_meanwhile_is_not_put_aside_for_anybody(alice):
    row = silent("a@pharma.mssante.test", 10)
    actions.revoke_share(share=row.share, by=alice)
    assert outbox.quarantine_silent() == 1
    assert (now_is(row).status, now_is(row).in_doubt_at is None) == (D.CANCELLED, False)
    assert traces(row) == [("delivery.cancelled", "system:sweep", {"attempts": 10})]
    assert outbox.claim().delivery.kind == Delivery.Kind.RECALL


def test_a_holder_that_comes_back_to_life_at_that_instant_keeps_its_row():
    row = silent("a@pharma.mssante.test", 10)
    was_silent = Delivery.objects.filter(lease_until__lte=db_now())
    Delivery.objects.filter(pk=row.pk).update(lease_until=db_now() + timedelta(seconds=60))
    assert not overdue._quarantine(row.pk, row.share_id, was_silent)
    assert (now_is(row).status, now_is(row).lease_owner) == (D.SENDING, "w")


def test_an_outcome_starts_the_count_of_silent_claims_again(later):
    row = queued()
    for _ in range(12):
        delivery.settle(outbox.claim(), LATER)
        later(hours=1)
    assert (now_is(row).status, now_is(row).attempts, now_is(row).silent_claims) == (D.RETRY, 12, 0)


# --- Leases ---------------------------------------------------------------------------------------------------------
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


def test_success_counts_even_after_a_refusal_was_told(later):
    row = queued()
    slow = outbox.claim()
    later(seconds=61)
    delivery.settle(outbox.claim(), SendOutcome(Stage.RCPT, "550 5.1.1", Kind.RECIPIENT))
    assert (now_is(row).status, now_is(row).ended_at is None) == (D.FAILED, False)
    assert delivery.settle(slow, SENT) == D.SENT
    assert (now_is(row).status, now_is(row).ended_at) == (D.SENT, None)


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


# --- One message one recipient, and limits --------------------------------------------------------------------------
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
