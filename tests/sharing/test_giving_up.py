"""How long it is tried, how it ends, and what may be tried again all the same."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.clock import db_now
from portal.models import Notice
from portal.reasons import Refused
from sharing import actions, delivery, outbox, sweep
from sharing.models import Delivery, Share
from sharing.mssante import Kind, SendOutcome, Stage
from sharing.outbox import backoff
from sharing.space import timeline
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories
from tests.mail import queued
from tests.sharing.delivery_rows import LATER, SENT, audit_kinds, now_is, traces

pytestmark = pytest.mark.django_db


# --- Back-off, and the end ------------------------------------------------------------------------------------------
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
    assert [row.kind for row in share.deliveries.all()] == ["share"]  # it never left: nobody is told to disregard it


@pytest.mark.parametrize(
    ("kind", "valid_for"), [("share", None), ("share", 30), ("message", 1), ("recall", 1), ("recall", None)]
)
def test_what_follows_a_prescription_and_what_has_no_end_are_tried_for_five_days(alice, market, kind, valid_for):
    last_day = None if valid_for is None else timezone.localdate() + timedelta(days=valid_for)
    share = factories.share(factories.prescription(valid_until=last_day), market, by=alice)
    now = db_now()
    assert backoff.give_up_at(share, kind, now) == now + timedelta(days=5)


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


def test_a_recall_that_cannot_be_handed_over_is_told_and_stays_in_sight_while_it_may_leave(alice, dan, later):
    row = queued()
    delivery.settle(outbox.claim(), SENT)
    actions.revoke_share(share=row.share, by=alice)
    recall = outbox.claim()
    delivery.settle(recall, SendOutcome(Stage.RCPT, "550 5.1.1", Kind.RECIPIENT))
    share = timeline.with_facts(Share.objects.all()).get()
    assert "Prévenez-la par téléphone" in timeline.head_of(share, timezone.now()).sentence
    assert Notice.objects.filter(user=alice, kind="share_moved").count() == 1
    assert [row.kind for row in Delivery.objects.in_trouble()] == ["recall"]
    assert delivery.try_again(delivery=recall.delivery, by=dan).status == D.QUEUED
    later(days=6)
    delivery.give_up_overdue()
    assert not Delivery.objects.in_trouble().exists()


# --- The back office ------------------------------------------------------------------------------------------------
def test_what_is_in_trouble_can_be_tried_again(open_sink, dan):
    row = queued()
    Delivery.objects.filter(pk=row.pk).update(status=D.QUARANTINED, silent_claims=10)
    delivery.try_again(delivery=row, by=dan)
    open_sink()
    delivery.sweep_once()
    assert now_is(row).status == D.SENT
    assert audit_kinds(row) == ["delivery.tried-again", "delivery.sent"]


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
