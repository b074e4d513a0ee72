"""Outages of hours and days, in virtual time and on the real code: everything leaves when they end, or everybody is
told. Two people who have nothing to do with each other share during each of them."""

import pytest

from portal.models import Notice
from sharing import actions, sweep
from sharing.models import Delivery, Share
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories
from tests.fakes.sink import DROP

pytestmark = pytest.mark.django_db

# What may be wrong with an operator, and at which stages it shows.
TROUBLES = {
    "nobody listens": ({"connect"}, DROP),
    "everybody is refused": ({"rcpt", "own-rcpt"}, "550 5.1.1 Unknown"),
    "not now": ({"mail"}, "451 4.3.0 Later"),
}


class Operator:
    def __init__(self, trouble: str):
        self.stages, self.said = TROUBLES[trouble]
        self.is_away = True

    def __call__(self, stage: str, turn: int) -> str | None:
        return self.said if self.is_away and stage in self.stages else None


@pytest.fixture
def shares(alice, bob):
    """Two of Alice's and one of Bob's, each to its own pharmacy."""
    whose = [(alice, factories.alice_patient()), (alice, factories.alice_patient()), (bob, factories.bob_patient())]
    return [
        actions.share_prescription(
            prescription=factories.prescription(patient), pharmacy=factories.pharmacy(f"Pharmacie {n}"), by=user
        )
        for n, (user, patient) in enumerate(whose)
    ]


def statuses() -> set[str]:
    return set(Delivery.objects.values_list("status", flat=True))


def pass_time(later, *, hours: int, step: int) -> None:
    """One round of everything, every `step` minutes."""
    for _ in range(0, hours * 60, step):
        sweep.run_once()
        later(minutes=step)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_after_six_hours_everything_leaves(open_sink, later, shares, trouble):
    operator = Operator(trouble)
    sink = open_sink(operator)
    pass_time(later, hours=6, step=30)
    assert (sink.accepted, statuses() & {D.FAILED, D.SENT}) == ([], set())
    operator.is_away = False
    pass_time(later, hours=1, step=12)
    assert len({mail.message_id for mail in sink.accepted}) == len(sink.accepted) == 3
    assert statuses() == {D.SENT}


def test_after_four_days_everything_leaves_and_nobody_was_told_otherwise(open_sink, later, shares):
    operator = Operator("nobody listens")
    sink = open_sink(operator)
    pass_time(later, hours=4 * 24, step=240)
    operator.is_away = False
    pass_time(later, hours=1, step=12)
    assert (len(sink.accepted), statuses()) == (3, {D.SENT})
    assert set(Share.objects.values_list("status", flat=True)) == {S.SHARED}
    assert not Notice.objects.exists()


def test_after_six_days_it_is_over_and_every_patient_was_told(open_sink, later, shares, alice, bob):
    operator = Operator("nobody listens")
    sink = open_sink(operator)
    pass_time(later, hours=6 * 24, step=240)
    assert statuses() == {D.FAILED}
    assert set(Share.objects.values_list("status", flat=True)) == {S.UNDELIVERABLE}
    assert {person: person.notices.count() for person in (alice, bob)} == {alice: 2, bob: 1}
    operator.is_away = False
    pass_time(later, hours=1, step=30)
    assert sink.accepted == []  # what somebody was told will not arrive does not
