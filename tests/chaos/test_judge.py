"""The judge sees what it is there to see: it is the only witness of every exercise."""

import pytest

from tests.chaos import options
from tests.chaos.judge import CUT, UNANSWERED, judge, lines


def promise(number: int, **facts) -> dict:
    return {"receipt": f"R{number}", "prescription": f"p{number}", "recipient": f"r{number}"} | facts


def taken(number: int, message_id: str = "", **facts) -> dict:
    return {"time": 0, "message_id": message_id or f"<{number}>", "recipient": f"r{number}", "sha256": "a"} | facts


def test_what_was_promised_and_taken_once_is_good():
    verdict = judge([promise(1), promise(2)], [taken(1), taken(2)])
    assert verdict.is_good()
    assert (verdict.promised, verdict.accepted) == (2, 2)


def test_a_lost_message_is_seen():
    verdict = judge([promise(1), promise(2)], [taken(1)])
    assert verdict.lost == ("r2",)
    assert not verdict.is_good()


def test_two_messages_for_one_share_are_seen():
    verdict = judge([promise(1)], [taken(1), taken(1, "<another>")])
    assert verdict.distinct_id_duplicates == 1
    assert not verdict.is_good()


def test_the_same_message_twice_is_right_only_after_a_doubt():
    twice = [taken(1), taken(1)]
    assert judge([promise(1)], twice).without_cause == 1
    for doubt in (UNANSWERED, CUT):
        verdict = judge([promise(1)], twice, [{"fault": doubt, "message_id": "<1>"}])
        assert (verdict.same_id_redeliveries, verdict.without_cause, verdict.is_good()) == (1, 0, True)


def test_one_doubt_excuses_one_redelivery():
    verdict = judge([promise(1)], [taken(1)] * 3, [{"fault": UNANSWERED, "message_id": "<1>"}])
    assert (verdict.same_id_redeliveries, verdict.without_cause) == (2, 1)


def test_a_doubt_about_another_message_excuses_nothing():
    verdict = judge([promise(1)], [taken(1)] * 2, [{"fault": UNANSWERED, "message_id": "<2>"}])
    assert verdict.without_cause == 1


def test_one_receipt_said_fifty_times_is_one_promise():
    verdict = judge([promise(1)] * 50, [taken(1)])
    assert (verdict.promised, verdict.promised_twice, verdict.is_good()) == (1, 0, True)


def test_two_receipts_for_one_prescription_are_seen():
    verdict = judge([promise(1), promise(1, receipt="another")], [taken(1)])
    assert verdict.promised_twice == 1
    assert not verdict.is_good()


def test_bytes_that_changed_between_two_attempts_are_seen():
    doubt = [{"fault": UNANSWERED, "message_id": "<1>"}]
    verdict = judge([promise(1)], [taken(1), taken(1, sha256="b")], doubt)
    assert (verdict.altered, verdict.is_good()) == (1, False)


def test_a_mailbox_nobody_takes_is_not_lost_once_its_patient_is_told():
    unknown = promise(1, is_unknown=True)
    assert judge([unknown], []).lost == ("r1",)
    verdict = judge([unknown], [], told=["r1"])
    assert (verdict.lost, verdict.told, verdict.is_good()) == ((), 1, True)


def test_a_patient_told_that_a_good_mailbox_refused_is_told_wrongly():
    verdict = judge([promise(1)], [], told=["r1"])
    assert verdict.told_wrongly == ("r1",)
    assert not verdict.is_good()


def test_a_message_without_a_promise_is_seen():
    verdict = judge([promise(1)], [taken(1), taken(2)])
    assert (verdict.never_promised, verdict.is_good()) == (1, False)


def test_a_last_line_cut_short_is_left_out(tmp_path):
    file = tmp_path / "accepted.jsonl"
    file.write_text('{"time": 1}\n{"tim')
    assert lines(file) == [{"time": 1}]
    assert lines(tmp_path / "missing") == []


def test_what_another_sink_wrote_before_this_exercise_does_not_count(tmp_path):
    file = tmp_path / "accepted.jsonl"
    file.write_text('{"time": 1}\n{"time": 2}\n')
    assert lines(file, after=len('{"time": 1}\n')) == [{"time": 2}]


def test_another_sink_knows_alone_whom_it_refused_and_what_it_did_not_answer():
    verdict = judge([promise(1), promise(2), promise(3)], [taken(1)] * 2, None, told=["r2"])
    assert (verdict.lost, verdict.told, verdict.told_wrongly, verdict.without_cause) == (("r3",), 1, (), 0)


@pytest.mark.parametrize(
    ("asked", "drain", "post"),
    [
        ({}, None, None),
        ({"FAULTS": "backlog", "N": "10000"}, 600, None),
        ({"FAULTS": "backlog", "N": "50"}, 60, None),
        ({"FAULTS": "outage", "N": "10000"}, 300, None),
        ({"FAULTS": "no-redis", "CLIENTS": "1"}, None, 300),
        ({"FAULTS": "no-redis"}, None, None),
    ],
)
def test_figures_are_held_to_where_the_scenario_shows_them(asked, drain, post):
    said = options.read(asked)
    assert (said.drain_limit, said.post_limit) == (drain, post)
