"""Things that happen at the same instant: taken back while it leaves, claimed by many, sent twice."""

import threading

import pytest
from django.db import connection, transaction

from portal.database import DATABASE_AWAY
from sharing import actions, delivery, mssante, outbox
from sharing.models import Delivery
from sharing.mssante import Kind, SendOutcome, Stage
from sharing.outbox.claim import _renew_if_database_answers, renew
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories
from tests.fakes.sink import DROP, HOLD, TAKE_AND_DROP
from tests.mail import queued, recall_of

PATIENCE = 30


def at_the_same_time(*works) -> list:
    """Runs them in threads that start together; their answers in order. What one raises is raised here."""
    ready, answers, errors = threading.Barrier(len(works)), [None] * len(works), []

    def run(place, work):
        try:
            ready.wait(PATIENCE)
            answers[place] = work()
        except BaseException as error:
            errors.append(error)
            raise
        finally:
            _leave()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not errors, errors
    return answers


def in_background(work):
    thread = threading.Thread(target=lambda: [work(), _leave()])
    thread.start()
    return thread


def _leave() -> None:
    mssante.hang_up()
    connection.close()


def shared(by) -> Delivery:
    share = actions.share_prescription(
        prescription=factories.prescription(), pharmacy=factories.market_pharmacy(), by=by
    )
    return share.first_delivery


def kinds(share) -> list[tuple]:
    return list(share.deliveries.order_by("created_at").values_list("kind", "status"))


# --- Taken back -----------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_taken_back_before_the_claim_it_never_leaves(open_sink, alice):
    sink = open_sink()
    row = shared(alice)
    actions.revoke_share(share=row.share, by=alice)
    delivery.sweep_once()
    assert (kinds(row.share), sink.accepted) == ([("share", D.CANCELLED)], [])


@pytest.mark.django_db
def test_taken_back_after_it_left_a_recall_follows_in_the_same_conversation(open_sink, alice):
    sink = open_sink()
    row = shared(alice)
    delivery.sweep_once()
    actions.revoke_share(share=row.share, by=alice)
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.SENT), ("recall", D.SENT)]
    first, recall = sink.accepted
    assert recall.recipient == first.recipient
    assert f"In-Reply-To: {first.message_id}\r\n".encode() in recall.content
    assert f"References: {first.message_id}\r\n".encode() in recall.content


@pytest.mark.django_db(transaction=True)
def test_taken_back_while_it_is_leaving_the_recall_waits_for_it_then_follows(open_sink, alice):
    sink = open_sink(lambda stage, turn: HOLD if stage == "dot" and turn == 1 else None)
    row = shared(alice)
    leaving = in_background(delivery.deliver)
    sink.wait_until(lambda sink: sink.held == 1)
    actions.revoke_share(share=row.share, by=alice)
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.SENDING), ("recall", D.QUEUED)]
    sink.release()
    leaving.join(PATIENCE)
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.SENT), ("recall", D.SENT)]
    assert [mail.message_id for mail in sink.accepted][0] == row.message_id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("what", "recall"), [("451 4.7.1 Later", D.CANCELLED), (DROP, D.SENT)], ids=["refused", "unknown"]
)
def test_taken_back_while_an_attempt_fails_it_is_not_tried_again(open_sink, alice, what, recall):
    """Refused: nothing has arrived, so there is nothing to recall. Unknown: it may have."""
    held = threading.Event()
    go_on = threading.Event()

    def behave(stage, turn):
        if stage != "dot" or turn != 1:
            return None
        held.set()
        go_on.wait(PATIENCE)
        return what

    sink = open_sink(behave)
    row = shared(alice)
    leaving = in_background(delivery.deliver)
    assert held.wait(PATIENCE)
    actions.revoke_share(share=row.share, by=alice)
    go_on.set()
    leaving.join(PATIENCE)
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.CANCELLED), ("recall", recall)]
    assert row.message_id not in {mail.message_id for mail in sink.accepted}


@pytest.mark.django_db
def test_taken_back_between_two_attempts_one_of_which_may_have_arrived_it_is_recalled(open_sink, alice):
    open_sink(lambda stage, turn: DROP if stage == "dot" and turn == 1 else None)
    row = shared(alice)
    delivery.sweep_once()
    actions.revoke_share(share=row.share, by=alice)
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.CANCELLED), ("recall", D.SENT)]


@pytest.mark.django_db
def test_what_arrives_after_the_patient_was_told_it_would_not_is_recalled(open_sink, later, alice):
    row = shared(alice)
    slow = outbox.claim()
    later(seconds=61)
    quick = outbox.claim()
    delivery.settle(quick, SendOutcome(Stage.RCPT, "550 5.1.1", Kind.RECIPIENT))
    assert Delivery.objects.get(pk=row.pk).status == D.FAILED
    delivery.settle(slow, SendOutcome(Stage.DONE, "250", Kind.SENT))
    row.share.refresh_from_db()
    assert row.share.status == S.UNDELIVERABLE
    assert kinds(row.share) == [("share", D.SENT), ("recall", D.QUEUED)]


@pytest.mark.django_db
def test_given_up_when_its_last_attempt_was_never_heard_of_again_it_is_recalled(open_sink, later, alice):
    open_sink()
    row = shared(alice)
    outbox.claim()  # and its process dies: before or after the mailbox took it, nobody knows
    later(days=6)
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.FAILED), ("recall", D.SENT)]
    assert "il l’a peut-être envoyée ailleurs" in recall_of(row.share)


@pytest.mark.django_db
def test_what_arrives_after_the_end_of_the_prescription_is_recalled(open_sink, alice):
    open_sink()
    row = shared(alice)
    slow = outbox.claim()
    actions.expire_share(share=row.share, by="system:sweep")
    assert kinds(row.share) == [("share", D.SENDING)]
    delivery.settle(slow, SendOutcome(Stage.DONE, "250", Kind.SENT))
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.SENT), ("recall", D.SENT)]
    assert "après la fin de sa validité" in recall_of(row.share)


@pytest.mark.django_db
def test_words_that_fail_while_it_is_taken_back_do_not_take_the_recall_with_them(open_sink, alice):
    open_sink()
    row = shared(alice)
    delivery.sweep_once()
    actions.post_message(share=row.share, text="Merci.", by=alice)
    words = outbox.claim()
    actions.revoke_share(share=row.share, by=alice)
    delivery.settle(words, SendOutcome(Stage.RCPT, "451 4.7.1", Kind.TEMPORARY))
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.SENT), ("message", D.CANCELLED), ("recall", D.SENT)]


@pytest.mark.django_db
def test_refused_in_the_end_when_an_earlier_attempt_may_have_arrived_it_is_recalled(open_sink, later, alice):
    """Alice reads that it was not delivered and sends it elsewhere: whoever has it all the same must know."""

    def behave(stage, turn):
        if (stage, turn) == ("dot", 1):
            return TAKE_AND_DROP
        return "550 5.1.1 Unknown" if (stage, turn) == ("rcpt", 2) else None

    sink = open_sink(behave)
    row = shared(alice)
    delivery.sweep_once()
    later(minutes=1)
    delivery.sweep_once()
    row.share.refresh_from_db()
    assert row.share.status == S.UNDELIVERABLE
    assert kinds(row.share) == [("share", D.FAILED), ("recall", D.SENT)]
    assert [mail.message_id for mail in sink.accepted][0] == row.message_id


@pytest.mark.django_db
def test_a_copy_that_bounces_after_one_that_may_have_arrived_is_recalled(open_sink, later, alice):
    sink = open_sink(lambda stage, turn: TAKE_AND_DROP if (stage, turn) == ("dot", 1) else None)
    row = shared(alice)
    delivery.sweep_once()
    later(minutes=1)
    delivery.sweep_once()
    assert len(sink.accepted) == 2
    with transaction.atomic():
        assert outbox.bounced(row, "5.2.2")
        delivery.tell(row, row.share)
    assert kinds(row.share) == [("share", D.FAILED), ("recall", D.QUEUED)]


@pytest.mark.django_db
def test_words_written_before_it_was_taken_back_do_not_leave(open_sink, alice):
    sink = open_sink()
    row = shared(alice)
    actions.post_message(share=row.share, text="Merci.", by=alice)
    actions.revoke_share(share=row.share, by=alice)
    delivery.sweep_once()
    assert kinds(row.share) == [("share", D.CANCELLED), ("message", D.CANCELLED)]
    assert sink.accepted == []


@pytest.mark.django_db
def test_words_wait_for_the_prescription_they_follow(open_sink, alice, later):
    sink = open_sink(lambda stage, turn: "451 4.7.1 Later" if stage == "rcpt" and turn == 1 else None)
    row = shared(alice)
    actions.post_message(share=row.share, text="Merci.", by=alice)
    delivery.sweep_once()
    assert (kinds(row.share), sink.accepted) == ([("share", D.RETRY), ("message", D.QUEUED)], [])
    later(minutes=1)
    delivery.sweep_once()
    assert [mail.message_id for mail in sink.accepted] == [
        delivery.message_id for delivery in row.share.deliveries.order_by("created_at")
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", range(6))
def test_claim_and_taking_back_never_both_win(alice, time):
    row = shared(alice)
    claimed, _revoked = at_the_same_time(outbox.claim, lambda: actions.revoke_share(share=row.share, by=alice))
    found = kinds(row.share)
    assert found == ([("share", D.SENDING), ("recall", D.QUEUED)] if claimed else [("share", D.CANCELLED)])


# --- Many claimers --------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_many_senders_send_each_message_once(open_sink, settings):
    settings.DELIVERY_PER_DESTINATION = settings.DELIVERY_AT_ONCE = 50
    sink = open_sink()
    rows = [queued(f"pharmacie@d{number}.mssante.test") for number in range(24)]
    at_the_same_time(*[delivery.sweep_once] * 6)
    assert sorted(mail.message_id for mail in sink.accepted) == sorted(row.message_id for row in rows)
    assert set(Delivery.objects.values_list("status", "attempts")) == {(D.SENT, 1)}


@pytest.mark.django_db(transaction=True)
def test_the_limits_hold_when_many_claim_at_once(settings):
    settings.DELIVERY_PER_DESTINATION, settings.DELIVERY_AT_ONCE = 2, 5
    for number in range(12):
        queued(f"pharmacie{number}@d{number % 4}.mssante.test")
    taken = [claimed for claimed in at_the_same_time(*[outbox.claim] * 12) if claimed]
    by_destination = [claimed.delivery.destination for claimed in taken]
    assert len({claimed.delivery.pk for claimed in taken}) == len(taken) <= 5
    assert all(by_destination.count(name) <= 2 for name in by_destination)
    assert Delivery.objects.filter(status=D.SENDING).count() == len(taken)


@pytest.mark.django_db(transaction=True)
def test_one_trial_at_a_time_while_the_way_is_closed(open_sink, settings, later):
    settings.DELIVERY_PER_DESTINATION = settings.DELIVERY_AT_ONCE = 50
    sink = open_sink(lambda stage, turn: "554 5.7.1 Go away" if stage == "mail" else None)
    for number in range(8):
        queued(f"pharmacie@d{number}.mssante.test")
    delivery.sweep_once()
    later(seconds=3)
    claims = at_the_same_time(*[outbox.claim] * 6)
    assert len([claimed for claimed in claims if claimed]) == 1
    assert sink.turns == 1


@pytest.mark.django_db(transaction=True)
def test_two_outcomes_of_one_message_at_once_make_one_story(later):
    row = queued()
    first = outbox.claim()
    later(seconds=61)
    second = outbox.claim()
    sent = SendOutcome(Stage.DONE, "250", Kind.SENT)
    at_the_same_time(lambda: delivery.settle(first, sent), lambda: delivery.settle(second, sent))
    assert Delivery.objects.get(pk=row.pk).status == D.SENT


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_locked_row_is_passed_over_not_waited_for():
    """PostgreSQL: an action at work on one delivery does not hold the others back (SKIP LOCKED)."""
    first, second = queued(), queued("pharmacie@vive.mssante.test")
    locked, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Delivery.objects.select_for_update().get(pk=first.pk)
            locked.set()
            done.wait(PATIENCE)

    holding = in_background(hold)
    assert locked.wait(PATIENCE)
    try:
        assert outbox.claim().delivery.pk == second.pk
    finally:
        done.set()
        holding.join(PATIENCE)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", DATABASE_AWAY)
def test_a_database_that_is_away_for_a_moment_does_not_end_the_renewing_of_a_lease(error):
    def away(*_args):
        raise error

    queued()
    claimed = outbox.claim()
    with connection.execute_wrapper(away):
        _renew_if_database_answers(claimed)
    assert renew(claimed)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_database_restarted_while_a_message_leaves_does_not_send_it_twice(open_sink, later):
    """PostgreSQL cuts every connection after the message was accepted and before that was written."""
    row = queued()

    def behave(stage, turn):
        if stage == "dot":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            connection.close()

    sink = open_sink(behave)
    delivery.deliver()
    later(minutes=5)
    delivery.sweep_once()
    assert (Delivery.objects.get(pk=row.pk).status, len(sink.accepted)) == (D.SENT, 1)
