"""When the trouble is the operator's or ours, nobody's share fails: the way closes, is tried again, and opens."""

import pytest

from portal.clock import db_now
from sharing import delivery, outbox
from sharing.models import Delivery, Route
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests.mail import queued

pytestmark = pytest.mark.django_db
ALL_FINE = ("connect", "starttls", "ehlo", "mail")


def statuses() -> set[str]:
    return set(Delivery.objects.values_list("status", flat=True))


def share_statuses() -> set[str]:
    return set(Delivery.objects.values_list("share__status", flat=True))


@pytest.mark.parametrize("stage", ALL_FINE)
def test_a_permanent_refusal_of_us_pauses_the_queue_and_fails_nothing(open_sink, stage, caplog):
    sink = open_sink(lambda at, turn: "554 5.7.1 Go away" if at == stage else None)
    rows = [queued() for _ in range(6)]
    delivery.sweep_once()
    assert sink.connections == 1
    assert statuses() == {D.QUEUED, D.RETRY}
    assert share_statuses() == {S.SHARED}
    assert sum(row.attempts for row in Delivery.objects.all()) == 1 < len(rows)
    assert "nothing leaves any more by mssante" in caplog.text


def test_it_heals_by_itself_with_one_message_at_a_time(open_sink, later):
    trouble = [True]
    sink = open_sink(lambda at, turn: "554 5.7.1 Go away" if at == "mail" and trouble[0] else None)
    for _ in range(4):
        queued()
    delivery.sweep_once()
    later(seconds=3)
    delivery.sweep_once()
    assert sink.turns == 2  # one trial, then a longer pause
    trouble[0] = False
    later(seconds=60)
    delivery.sweep_once()
    assert statuses() == {D.SENT}
    route = Route.objects.get()
    assert (route.opened_at, route.closed_until, route.reason, route.refused) == (None, None, "", [])


def test_pauses_grow_and_stay_short(open_sink, later):
    open_sink(lambda at, turn: "554 5.7.1 Go away" if at == "mail" else None)
    for _ in range(8):
        queued()
    pauses = []
    for _ in range(7):
        delivery.sweep_once()
        pauses.append((Route.objects.get().closed_until - db_now()).total_seconds())
        later(seconds=40)
    assert [round(pause) for pause in pauses] == [2, 5, 10, 20, 30, 30, 30]


def test_no_certificate_pauses_the_queue(open_sink, settings):
    sink = open_sink()
    settings.MSSANTE_CLIENT_CERT = settings.MSSANTE_CLIENT_KEY = ""
    queued(), queued()
    delivery.sweep_once()
    assert (statuses(), sink.turns) == ({D.QUEUED, D.RETRY}, 0)
    assert Route.objects.get().reason == "tls"


def test_a_server_that_refuses_everybody_fails_nobody(open_sink, later):
    everybody = [True]
    open_sink(lambda at, turn: "550 5.1.1 Unknown" if at in {"rcpt", "own-rcpt"} and everybody[0] else None)
    for number in range(5):
        queued(f"pharmacie{number}@pharma.mssante.test")
    for _ in range(4):
        delivery.sweep_once()
        later(seconds=40)
    assert D.FAILED not in statuses()
    assert share_statuses() == {S.SHARED}
    everybody[0] = False
    later(seconds=60)
    delivery.sweep_once()
    assert statuses() == {D.SENT}


def test_a_run_of_refused_mailboxes_is_not_the_mailboxes_fault(open_sink):
    """Every pharmacy refused while our own mailbox is taken: after two, no other is believed."""
    open_sink(lambda at, turn: "550 5.7.1 Domain not in the white list" if at == "rcpt" else None)
    for number in range(6):
        queued(f"pharmacie{number}@pharma.mssante.test")
    delivery.sweep_once()
    assert Delivery.objects.filter(status=D.FAILED).count() == 2
    assert Route.objects.get().reason == "refused-by-all"
    assert sum(Delivery.objects.values_list("attempts", flat=True)) == 3


def test_one_bad_mailbox_among_good_ones_is_no_run(open_sink, later):
    turns = []

    def behave(at, turn):
        if at == "rcpt":
            turns.append(turn)
            return "550 5.1.1 Unknown" if turn % 2 else None
        return None

    open_sink(behave)
    for number in range(8):
        queued(f"pharmacie{number}@pharma.mssante.test")
    delivery.sweep_once()
    assert Delivery.objects.filter(status=D.FAILED).count() == 4
    assert Delivery.objects.filter(status=D.SENT).count() == 4
    assert Route.objects.get().opened_at is None


def test_refusals_far_apart_are_no_run(open_sink, later):
    open_sink(lambda at, turn: "550 5.1.1 Unknown" if at == "rcpt" else None)
    for number in range(4):
        queued(f"pharmacie{number}@pharma.mssante.test")
        delivery.sweep_once()
        later(minutes=11)
    assert statuses() == {D.FAILED}


def test_a_trial_whose_process_dies_is_followed_by_another(open_sink, later):
    sink = open_sink(lambda at, turn: "554 5.7.1 Go away" if at == "mail" and turn == 1 else None)
    for _ in range(3):
        queued()
    delivery.sweep_once()
    later(seconds=3)
    assert outbox.claim() is not None  # the trial; its process dies
    assert outbox.claim() is None
    later(seconds=61)
    delivery.sweep_once()
    assert len(sink.accepted) == 3


def test_after_a_long_outage_a_message_alone_leaves_within_the_longest_pause(open_sink, later):
    """Its own back-off has not grown meanwhile: the trouble was not its own."""
    trouble = [True]
    sink = open_sink(lambda at, turn: "554 5.7.1 Go away" if at == "mail" and trouble[0] else None)
    row = queued()
    for _ in range(12):
        delivery.sweep_once()
        later(minutes=10)
    assert Delivery.objects.get(pk=row.pk).attempts == 12
    delivery.sweep_once()
    trouble[0] = False
    later(seconds=40)
    delivery.sweep_once()
    assert len(sink.accepted) == 1
