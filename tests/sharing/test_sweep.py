"""The standing sweep: nothing stops it but being asked to."""

import threading

import pytest
from django.core.management import call_command
from django.db import OperationalError

from portal.clock import db_now
from portal.models import Notice
from sharing import actions, mssante, sweep
from sharing.models import Delivery, Heartbeat
from sharing.states import DeliveryStatus as D
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
        assert one.stop(5)


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


def test_it_shows_that_it_is_awake(standing):
    standing(senders=0)
    awake = threading.Event()
    for _ in range(PATIENCE * 20):
        if Heartbeat.objects.filter(name="sweep").exists():
            break
        awake.wait(0.05)
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
