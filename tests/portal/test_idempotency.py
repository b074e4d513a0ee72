"""The same demand twice has one effect and one answer."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from portal import idempotency
from portal.models import IdempotencyKey
from portal.reasons import Refused
from tests import factories

pytestmark = pytest.mark.django_db


class Counted:
    """An effect that counts how often it ran."""

    def __init__(self):
        self.times = 0

    def __call__(self) -> dict:
        self.times += 1
        return {"id": self.times}


@pytest.fixture
def effect():
    return Counted()


def ask(effect, *, key="k1", scope="user:1:share", **facts):
    return idempotency.once(scope=scope, key=key, request_facts=facts, effect=effect)


def test_the_same_key_gives_the_same_answer_once(effect):
    assert ask(effect, pharmacy="A") == ask(effect, pharmacy="A") == {"id": 1}
    assert effect.times == 1


def test_the_order_of_the_facts_does_not_matter(effect):
    assert ask(effect, a=1, b=2) == ask(effect, b=2, a=1)


def test_the_same_key_for_something_else_is_refused_and_changes_nothing(effect):
    ask(effect, pharmacy="A")
    with pytest.raises(Refused) as refused:
        ask(effect, pharmacy="B")
    assert refused.value.reason.code == "idempotency-other-body" and effect.times == 1
    assert refused.value.reason.sentence.startswith("Cette demande a déjà servi pour autre chose.")


def test_two_people_may_use_the_same_key(effect):
    assert ask(effect, scope="user:1:share") != ask(effect, scope="user:2:share")


def test_without_a_key_each_demand_counts(effect):
    assert ask(effect, key="") != ask(effect, key="")
    assert not IdempotencyKey.objects.exists()


def test_a_refused_effect_leaves_the_key_free(effect):
    def refuse():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ask(refuse)
    assert ask(effect) == {"id": 1}


def test_the_database_itself_refuses_a_second_effect(effect):
    ask(effect)
    with pytest.raises(IntegrityError), transaction.atomic():
        IdempotencyKey.objects.create(scope="user:1:share", key="k1", request_hash="x")


def test_the_answer_kept_holds_ids_only(alice, effect):
    shared = factories.share()
    ask(lambda: {"share": str(shared.pk)})
    assert IdempotencyKey.objects.get().answer == {"share": str(shared.pk)}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_instant_have_one_effect(effect):
    """The second waits on the unique constraint, then reads the first one's answer."""
    answers, start = [], threading.Barrier(4)

    def one():
        start.wait()
        try:
            answers.append(ask(effect, pharmacy="A"))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [{"id": 1}] * 4 and effect.times == 1
