"""Fifty identical requests at the same instant, through a real server: one share, one message, one receipt for all."""

import threading

import pytest

from portal.serving import Site
from sharing import delivery
from tests.chaos import people
from tests.chaos.clients import Browser
from tests.chaos.door import Door

AT_ONCE = 50
PATIENCE = 60


@pytest.fixture
def site():
    running = Site("127.0.0.1", 0).start()
    yield running
    running.stop()


@pytest.mark.django_db(transaction=True)
def test_fifty_identical_posts_at_once_make_one_share(site, open_sink, tmp_path):
    sink = open_sink()
    people.prepare(1, seed=1, file=tmp_path / "tickets.jsonl")
    (ticket,) = people.read(tmp_path / "tickets.jsonl")
    door = Door(port=int(site.url.rpartition(":")[2]))
    answers, together = [], threading.Barrier(AT_ONCE)

    def press():
        browser = Browser(door)
        together.wait(PATIENCE)
        answers.append(browser.send(ticket))
        browser.close()

    threads = [threading.Thread(target=press) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(answers) == AT_ONCE
    assert len(set(answers)) == 1
    assert answers[0][0] == 302
    delivery.sweep_once()
    assert len(sink.accepted) == 1
