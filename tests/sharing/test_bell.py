"""Celery only wakes a delivery: without it a message leaves a second later, and nobody waits for it."""

import socket
import time

import pytest
from celery import Celery
from django.db import transaction

from portal.celery import app
from portal.serving import Bell as Worker
from prescriptions.files import documents
from sharing import actions, delivery, tasks
from sharing.bell import WAITING_MAX, Bell, bell, ring_on_commit
from sharing.models import Delivery
from sharing.states import DeliveryStatus as D
from tests import factories
from tests.mail import queued

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def broken_bell():
    """The site's bell, rung at a broker that is not there."""
    yield from ringing_at(NOBODY)


@pytest.fixture
def quiet_bell():
    """The site's bell, rung where nobody listens."""
    yield from ringing_at("memory://nobody/")


def ringing_at(broker: str):
    before, bell.app = bell.app, Celery(broker=broker)
    yield bell
    bell.wait()
    bell.app, bell.silent_until = before, 0.0


@pytest.mark.django_db(transaction=True)
def test_with_a_worker_listening_a_share_leaves_without_any_sweep(open_sink, alice, market, prescription):
    sink = open_sink()
    listening = Worker().start()
    try:
        share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
        sink.wait_until(lambda sink: len(sink.accepted) == 1)
    finally:
        listening.stop()
    assert sink.accepted[0].message_id == share.first_delivery.message_id


@pytest.mark.django_db(transaction=True)
def test_what_is_not_committed_does_not_ring(quiet_bell):
    with pytest.raises(RuntimeError), transaction.atomic():
        ring_on_commit("an-id")
        raise RuntimeError
    assert rung(quiet_bell) == 0
    ring_on_commit("an-id")
    assert rung(quiet_bell) == 1


def rung(bell) -> int:
    bell.wait()
    with bell.app.connection_for_read() as line:
        return line.SimpleQueue("celery").qsize()


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_with_the_broker_down_a_share_is_recorded_at_once_and_the_sweep_sends_it(open_sink, alice, broken_bell):
    sink = open_sink()
    documents.for_message(prescription := factories.prescription())
    started = time.monotonic()
    actions.share_prescription(prescription=prescription, pharmacy=factories.market_pharmacy(), by=alice)
    assert time.monotonic() - started < 2
    delivery.sweep_once()
    assert (len(sink.accepted), Delivery.objects.get().status) == (1, D.SENT)
    broken_bell.wait()
    assert broken_bell.silent_until > time.monotonic()


def test_a_broker_that_never_answers_holds_nobody_and_is_left_alone():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        broken = Bell(Celery(broker=f"redis://127.0.0.1:{mute.getsockname()[1]}/0"))
        started = time.monotonic()
        for _ in range(WAITING_MAX + 10):
            broken.ring("an-id")
        assert time.monotonic() - started < 1
    broken.wait()
    assert broken.silent_until > time.monotonic()


@pytest.mark.django_db(transaction=True)
def test_the_bell_and_the_sweep_together_send_it_once(open_sink):
    sink = open_sink()
    row = queued()
    listening = Worker().start()
    try:
        for _ in range(5):
            bell.ring(str(row.pk))
        delivery.sweep_once()
        sink.wait_until(lambda sink: len(sink.accepted) >= 1)
    finally:
        listening.stop()
    delivery.sweep_once()
    assert len(sink.accepted) == 1


def test_nothing_of_the_patient_goes_to_the_broker():
    """Task arguments are opaque ids, in JSON; no result is kept."""
    assert tasks.deliver.ignore_result and tasks.deliver.name == "sharing.tasks.deliver"
    assert app.conf.result_backend is None
    assert app.conf.accept_content == ["json"]


def test_a_worker_acknowledges_what_it_has_done_takes_one_at_a_time_and_keeps_no_answer():
    asked = Celery(broker="redis://broker/0")
    asked.config_from_object("django.conf:settings", namespace="CELERY")
    conf = asked.conf
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.worker_soft_shutdown_timeout) == (True, True, 30)
    assert (conf.task_ignore_result, conf.result_backend) == (True, None)
    assert (conf.task_serializer, conf.accept_content) == ("json", ["json"])
