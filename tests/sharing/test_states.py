"""The tables of states are the law: what is in them happens with its trace and its notice, the rest is refused."""

from itertools import product

import pytest

from portal.models import AuditEvent, Notice
from portal.reasons import Refused
from sharing import actions
from sharing.actions import Answer
from sharing.management.commands import draw_states
from sharing.models import Share, ShareEvent
from sharing.states import (
    ACTIVE,
    DELIVERY_MOVES,
    DUE,
    ENDED,
    IN_TROUBLE,
    READABLE_BY_PHARMACY,
    SHARE_MOVES,
    DeliveryStatus,
    ShareStatus,
    may_deliver_move,
)
from sharing.states import ShareStatus as S
from tests import factories

EVERY_PAIR = list(product(ShareStatus, ShareStatus))
REPLIES = {S.PREPARING, S.PARTIALLY_READY, S.READY, S.COLLECTED, S.REFUSED}


def go(share: Share, status: str) -> Share:
    """The action that makes this move, by who makes it."""
    pharmacist = factories.chloe(share.pharmacy)
    if status in REPLIES:
        refusal = Share.Refusal.OUT_OF_STOCK if status == S.REFUSED else ""
        answer = Answer(status=status, refusal=refusal, missing="X" if status == S.PARTIALLY_READY else "")
        return actions.record_reply(share=share, answer=answer, door=ShareEvent.Door.DESK, by=pharmacist)
    return {
        S.OPENED: lambda: actions.open_share(share=share, by=pharmacist),
        S.REVOKED: lambda: actions.revoke_share(share=share, by=share.shared_by),
        S.EXPIRED: lambda: actions.expire_share(share=share, by="system:test"),
        S.UNDELIVERABLE: lambda: actions.mark_undeliverable(share=share, by="system:test"),
    }[status]()


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "after"), sorted(SHARE_MOVES))
def test_a_move_of_the_table_leaves_its_trace_and_its_notice(alice, before, after):
    share = factories.share(status=before)
    go(share, after)
    share.refresh_from_db()
    move = SHARE_MOVES[before, after]
    assert share.status == after and share.events.last().status == after
    assert AuditEvent.objects.filter(kind=move.audit, subject=f"share:{share.pk}").count() == 1
    assert [notice.kind for notice in Notice.objects.filter(user=alice)] == ([move.notice] if move.notice else [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "after"),
    sorted((b, a) for b, a in EVERY_PAIR if a in REPLIES | {S.REVOKED, S.EXPIRED} and (b, a) not in SHARE_MOVES),
)
def test_a_move_that_is_not_in_the_table_is_refused_and_changes_nothing(alice, before, after):
    share = factories.share(status=before)
    events = share.events.count()
    with pytest.raises(Refused) as refused:
        go(share, after)
    share.refresh_from_db()
    assert refused.value.reason.code == "wrong-state" and share.status == before
    assert share.events.count() == events and not Notice.objects.exists()
    assert not AuditEvent.objects.filter(kind__startswith="share.").exclude(kind="share.read").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("before", [s for s in ShareStatus if s != S.SHARED])
def test_opening_again_or_a_late_bounce_moves_nothing(alice, before):
    share = factories.share(status=before)
    go(share, S.OPENED)
    go(share, S.UNDELIVERABLE)
    share.refresh_from_db()
    assert share.status == before


def test_every_state_is_active_or_ended_and_an_end_is_an_end():
    assert set(ACTIVE) | set(ENDED) == set(ShareStatus) and not set(ACTIVE) & set(ENDED)
    assert not {before for before, _ in SHARE_MOVES} & set(ENDED)
    assert {*ACTIVE, S.COLLECTED, S.REFUSED} <= set(READABLE_BY_PHARMACY)
    assert not {S.REVOKED, S.EXPIRED, S.UNDELIVERABLE} & set(READABLE_BY_PHARMACY)


def test_every_state_can_be_reached_and_left_to_an_end():
    reached, last = {S.SHARED}, set()
    while reached != last:
        last = set(reached)
        reached |= {after for before, after in SHARE_MOVES if before in reached}
    assert reached == set(ShareStatus)
    for status in ACTIVE:
        assert (status, S.REVOKED) in SHARE_MOVES and (status, S.EXPIRED) in SHARE_MOVES


def test_the_two_tables_are_never_mixed():
    names = set(DeliveryStatus.values)
    assert {name for move in DELIVERY_MOVES for name in move} == names
    assert not names & set(ShareStatus.values)
    assert may_deliver_move("queued", "sending") and not may_deliver_move("sent", "queued")
    assert not may_deliver_move("sent", "sending")  # what was accepted never leaves again


def test_each_move_says_its_trace_who_makes_it_and_whether_the_patient_is_told():
    by_others = {S.REVOKED: "patient", S.EXPIRED: "system", S.UNDELIVERABLE: "system"}
    untold = {S.OPENED, S.COLLECTED, S.REVOKED}  # read, at the counter, or by the patient's own hand
    for (_before, after), move in SHARE_MOVES.items():
        assert (move.audit, move.who) == (f"share.{after}", by_others.get(after, "pharmacy"))
        assert move.notice == (None if after in untold else "share_moved")


def test_a_delivery_is_due_or_in_trouble_or_over_and_only_a_retry_is_both():
    assert set(DUE) | set(IN_TROUBLE) | {DeliveryStatus.SENT, DeliveryStatus.CANCELLED} == set(DeliveryStatus)
    assert set(DUE) & set(IN_TROUBLE) == {DeliveryStatus.RETRY}


def test_the_drawing_is_the_table():
    assert draw_states.FILE.read_text() == draw_states.document(), "manage.py draw_states"
