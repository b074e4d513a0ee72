"""When the trouble is the operator's or ours, nobody's share fails: the way closes, is tried again, and opens."""

from datetime import timedelta

import pytest

from portal.clock import db_now
from sharing import delivery, outbox
from sharing.models import Delivery, Route
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests.fakes.sink import DROP
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


def test_it_heals_by_itself_with_one_message_at_a_time(open_sink, later, caplog):
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
    assert route.trials == 0
    assert caplog.text.count("nothing leaves any more by mssante: mail") == 1
    assert caplog.text.count("messages leave by mssante again") == 1


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


def test_refusals_far_apart_are_no_run(open_sink, later, caplog):
    open_sink(lambda at, turn: "550 5.1.1 Unknown" if at == "rcpt" else None)
    for number in range(4):
        queued(f"pharmacie{number}@pharma.mssante.test")
        delivery.sweep_once()
        later(minutes=11)
    assert statuses() == {D.FAILED}
    assert "nothing leaves any more" not in caplog.text


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


# --- Refused for good, but who knows whether everybody is -------------------------------------------------------------
def test_while_everybodys_content_is_refused_nothing_fails_and_all_leaves_when_it_ends(open_sink, later):
    trouble = [True]
    sink = open_sink(lambda at, turn: "554 5.6.0 Not this" if at == "dot" and trouble else None)
    for number in range(5):
        queued(f"pharmacie{number}@pharma.mssante.test")
    for _ in range(20):
        delivery.sweep_once()
        later(seconds=31)
    assert statuses() <= {D.RETRY, D.QUEUED}
    trouble.clear()
    for _ in range(3):
        delivery.sweep_once()
        later(seconds=37)
    assert (statuses(), len(sink.accepted)) == ({D.SENT}, 5)


def test_a_content_refused_again_after_another_has_passed_fails(open_sink, later):
    sink = open_sink(lambda at, turn: "554 5.6.0 Not this" if at == "dot" and turn in (1, 3) else None)
    bad, good = queued("a@pharma.mssante.test"), queued("b@pharma.mssante.test")
    delivery.sweep_once()
    assert Delivery.objects.get(pk=bad.pk).status == D.RETRY
    assert Delivery.objects.get(pk=good.pk).status == D.SENT
    later(seconds=37)
    delivery.sweep_once()
    assert (Delivery.objects.get(pk=bad.pk).status, len(sink.accepted)) == (D.FAILED, 1)


def test_a_content_refused_alone_fails_once_it_is_late(open_sink, later):
    """With nobody to compare: within twenty minutes, not in five days."""
    open_sink(lambda at, turn: "554 5.6.0 Not this" if at == "dot" else None)
    row = queued()
    for _ in range(20):
        delivery.sweep_once()
        later(seconds=37)
    assert Delivery.objects.get(pk=row.pk).status == D.RETRY
    for _ in range(6):
        delivery.sweep_once()
        later(seconds=37)
    assert Delivery.objects.get(pk=row.pk).status == D.FAILED


# --- Out of reach -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("stage", ["connect", "plain-ehlo"])
def test_an_operator_out_of_reach_closes_the_way_after_three(open_sink, stage):
    open_sink(lambda at, turn: DROP if at == stage else None)
    for _ in range(6):
        queued()
    delivery.sweep_once()
    assert Route.objects.get().reason == "out-of-reach"
    assert sum(Delivery.objects.values_list("attempts", flat=True)) == 3


def test_one_connection_that_fails_is_tried_again_after_the_messages_own_wait(open_sink, later):
    open_sink(lambda at, turn: DROP if at == "connect" else None)
    row = queued()
    for seconds in (37, 45, 0):  # half a minute after the first attempt, a whole one after the second
        delivery.sweep_once()
        later(seconds=seconds)
    assert Delivery.objects.get(pk=row.pk).attempts == 2
    assert Route.objects.get().opened_at is None


def test_one_connection_that_fails_among_others_closes_nothing(open_sink, later):
    connections = iter([DROP, None, DROP, DROP, None] * 8)
    open_sink(lambda at, turn: next(connections) if at == "connect" else None)
    for _ in range(8):
        queued()
        delivery.sweep_once()
        later(seconds=37)
    assert Route.objects.get().opened_at is None


def test_after_six_hours_out_of_reach_all_leaves_within_the_longest_pause(open_sink, later):
    trouble = [True]
    sink = open_sink(lambda at, turn: DROP if at == "connect" and trouble else None)
    for _ in range(5):
        queued()
    for _ in range(72):
        delivery.sweep_once()
        later(minutes=5)
    assert statuses() <= {D.RETRY, D.QUEUED}
    trouble.clear()
    for _ in range(2):
        later(seconds=37)
        delivery.sweep_once()
    assert len(sink.accepted) == 5


def test_a_trial_that_shows_nothing_is_followed_by_another_after_the_usual_pause(open_sink, later):
    said = {1: "554 5.7.1 Go away", 2: "451 4.3.0 Later"}
    sink = open_sink(lambda at, turn: said.get(turn) if at == "mail" else None)
    for _ in range(3):
        queued()
    delivery.sweep_once()
    for _ in range(2):
        later(seconds=6)
        delivery.sweep_once()
    assert len(sink.accepted) == 1


def test_a_content_refused_after_another_answer_is_refused_for_the_first_time(open_sink, later):
    open_sink(lambda at, turn: ("451 4.3.0 Full" if turn == 1 else "554 5.6.0 Not this") if at == "dot" else None)
    queued()
    delivery.sweep_once()
    later(minutes=20)
    delivery.sweep_once()
    assert statuses() == {D.RETRY}


@pytest.mark.parametrize(("mailboxes", "minutes"), [(2, 11), (3, 20)])
def test_refused_before_and_after_a_silence_of_ours_is_refused_as_everybody_is(open_sink, later, mailboxes, minutes):
    """No sweep for a while: nobody has passed meanwhile, since nobody was tried. Three are a run, even once late."""
    sink = open_sink(lambda at, turn: "554 5.6.0 Not this" if at == "dot" else None)
    for number in range(mailboxes):
        queued(f"pharmacie{number}@pharma.mssante.test")
    delivery.sweep_once()
    later(minutes=minutes)
    for _ in range(4):
        delivery.sweep_once()
        later(seconds=37)
    assert (statuses(), sink.accepted) == ({D.RETRY}, [])


def test_a_breaker_open_for_weeks_still_lets_a_trial_through(open_sink):
    sink = open_sink()
    queued()
    long_ago = db_now() - timedelta(days=20)
    Route.objects.create(name="mssante", opened_at=long_ago, closed_until=long_ago, trials=50_000, missed=50_000)
    delivery.sweep_once()
    assert (len(sink.accepted), Route.objects.get().opened_at) == (1, None)
