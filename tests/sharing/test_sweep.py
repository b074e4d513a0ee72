"""The standing sweep: nothing stops it but being asked to."""

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from portal.clock import db_now
from portal.models import Notice
from sharing import actions, mssante, sweep
from sharing.desk import counter
from sharing.models import Delivery, Heartbeat, Share
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories
from tests.fakes.sink import HANG, Conversation
from tests.mail import queued

PATIENCE = 30
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def standing(settings):
    settings.SWEEP_SECONDS = settings.COLLECT_SECONDS = 0.02
    running = []

    def start(**options) -> sweep.Sweep:
        running.append(sweep.Sweep(**options).start())
        return running[-1]

    yield start
    for one in running:
        assert one.stop(1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_message_that_kills_its_sender_does_not_stop_the_others(open_sink, standing, caplog):
    sink = open_sink()
    poison, other = queued(), queued()
    sealed = Delivery.objects.filter(pk=other.pk).values_list("content", flat=True).get()
    Delivery.objects.filter(pk=poison.pk).update(content=sealed)  # does not open in another row
    good = [queued() for _ in range(4)]
    standing(senders=1)
    sink.wait_until(lambda sink: len(sink.accepted) == 5)
    assert {mail.message_id for mail in sink.accepted} == {row.message_id for row in [other, *good]}
    assert Delivery.objects.get(pk=poison.pk).status == D.SENDING
    assert "another takes its place" in caplog.text


def expired() -> Share:
    return factories.share(factories.prescription(valid_until=timezone.localdate() - timedelta(days=1)))


def delivered() -> Share:
    share = factories.share(created_at=timezone.now() - timedelta(hours=1))
    factories.dispensing(share.prescription)
    return share


@pytest.mark.parametrize(
    ("ready", "work", "end"),
    [(expired, sweep.expire_shares, S.EXPIRED), (delivered, counter.collect_delivered, S.COLLECTED)],
)
def test_one_that_is_taken_back_meanwhile_does_not_stop_the_others(alice, ready, work, end):
    taken_back, other = ready(), ready()
    listed = []

    def meanwhile(execute, sql, params, many, context):
        if len(listed) == 1:
            listed.append("taken back")
            actions.revoke_share(share=taken_back, by=alice)
        if 'FROM "sharing_share"' in sql:
            listed.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(meanwhile):
        assert work() == 1
    assert [Share.objects.get(pk=share.pk).status for share in (taken_back, other)] == [S.REVOKED, end]


class SlowForSome(Conversation):
    """One operator's mailboxes never get an answer, in whatever order the messages come."""

    def _take_or_not(self, content):
        self._misbehave(HANG) if self.domain == "lente.mssante.test" else super()._take_or_not(content)


def test_a_hanging_server_does_not_take_every_sender(open_sink, standing):
    sink = open_sink(conversation=SlowForSome)
    for number in range(4):
        queued(f"pharmacie{number}@lente.mssante.test")
    quick = queued("pharmacie@vive.mssante.test")
    standing(senders=3)
    sink.wait_until(lambda sink: sink.accepted and sink.leaving["lente.mssante.test"] == 2)
    assert [mail.message_id for mail in sink.accepted] == [quick.message_id]
    assert sink.most["lente.mssante.test"] == 2


def test_stopping_cuts_what_hangs_and_it_is_sent_again_later(open_sink, standing, settings):
    sink = open_sink(lambda stage, turn: HANG if stage == "dot" and turn == 1 else None)
    row = queued()
    one = standing(senders=1)
    sink.wait_until(lambda sink: sink.leaving[""] == 1)
    assert one.stop(0.1)
    assert Delivery.objects.get(pk=row.pk).status == D.RETRY
    assert Delivery.objects.get(pk=row.pk).last_stage == "sent-dot"


def until(is_so) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE * 20):
        if is_so():
            return
        pause.wait(0.05)
    raise AssertionError("It never came.")


def test_standing_it_sends_reads_ends_and_tells_again_and_again(local_operator, standing, settings, alice, market):
    settings.EXPIRE_SECONDS = 0.02
    one = standing()
    for told in (1, 2):
        sent = actions.share_prescription(prescription=factories.prescription(), pharmacy=market, by=alice)
        until(lambda sent=sent: sent.deliveries.get().delivered_at)  # it left, and its report was read
        over = expired()
        until(lambda told=told: Notice.objects.filter(user=alice, status=Notice.Status.SENT).count() == told)
        over.refresh_from_db()
        assert over.status == S.EXPIRED
    assert one.stop(PATIENCE)


def test_it_shows_that_it_is_awake(standing):
    standing(senders=0)
    until(Heartbeat.objects.filter(name="sweep").exists)
    assert (db_now() - Heartbeat.objects.get(name="sweep").at).total_seconds() < PATIENCE


def test_a_database_that_is_away_for_a_moment_stops_nothing(caplog):
    def away():
        raise OperationalError("gone")

    assert sweep._unless_database_is_away(away) is None
    assert "the database does not answer" in caplog.text


def test_one_round_does_everything(local_operator, alice, market, prescription, later, settings):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    call_command("sweep", "--once")
    row = share.deliveries.get()
    assert (row.status, row.delivered_at is not None) == (D.SENT, True)  # sent, and its report read
    later(days=400)
    call_command("sweep", "--once")
    share.refresh_from_db()
    assert share.status == "expired"
    assert Notice.objects.get(user=alice).status == Notice.Status.SENT
    mssante.hang_up()
