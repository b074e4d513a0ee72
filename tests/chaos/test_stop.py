"""What sends and what reads is asked to end while the operator says nothing: with the commands of the units that are
shipped, their waits divided."""

import os
import signal
import socket
import subprocess

import pytest
from django.db import connection

from sharing.bell import bell
from sharing.demo import operator
from sharing.states import DeliveryStatus as D
from tests import servers, units
from tests.fakes.sink import HOLD, TAKE_AND_HANG, Conversation
from tests.mail import queued
from tests.project import ROOT

HURRY = 30  # what gets half a minute gets a second
PATIENCE = units.shipped("sweep").seconds_to_stop


class Thinking(Conversation):
    """Some servers take the message and never say so; the others wait."""

    def _take_or_not(self, content):
        if not self.domain.startswith("muette"):
            super()._take_or_not(content)
            return
        self._accept(content)
        self._misbehave(TAKE_AND_HANG)

    def _quit(self, command):
        self.sink.goodbyes += 1
        super()._quit(command)


@pytest.fixture
def mailbox():
    """A mailbox that takes the line and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


@pytest.fixture
def start(sink, mailbox, tmp_path):
    """start("sweep", …): the unit's command, on this test's database, broker and mail server."""
    place, database = operator.Operator(sink.certificates, tmp_path, port=sink.port), connection.settings_dict
    environment = os.environ | {name: str(value) for name, value in operator.settings_for(place).items()}
    environment |= {
        "MSSANTE_IMAP_HOST": "127.0.0.1",
        "MSSANTE_IMAP_PORT": str(mailbox.getsockname()[1]),
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "CHAOS_HURRY": str(HURRY),
        "DATABASE_URL": "postgres://{USER}@{HOST}:{PORT}/{NAME}".format_map(database),
        "ORDOLIEN_VAR": str(tmp_path),
    }
    started = []

    def start_one(unit: str, *options: str) -> subprocess.Popen:
        started.append(
            subprocess.Popen(  # noqa: PLW1509
                [*units.shipped(unit).command(), *options],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=servers.dies_with_us(),
            )
        )
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def sink(open_sink):
    sink = open_sink(lambda stage, turn: HOLD if stage == "dot" else None, conversation=Thinking)
    sink.goodbyes = 0
    return sink


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_is_leaving_ends_or_is_given_back_and_nothing_leaves_twice(sink, mailbox, start):
    asked = [start("sweep", "--senders", "2"), start("worker", "--concurrency", "2"), start("collect")]
    beside = [mailbox.accept()[0] for _ in ("sweep", "collect")]
    slow, mute = [queued("p@lente-1.test")], [queued("p@muette-1.test")]
    sink.wait_until(lambda sink: (sink.held, len(sink.accepted)) == (1, 1))  # both of its senders are taken
    slow.append(queued("p@lente-2.test"))
    mute.append(queued("p@muette-2.test"))
    for row in (slow[1], mute[1]):
        bell.ring(str(row.pk))
    sink.wait_until(lambda sink: (sink.held, len(sink.accepted)) == (2, 2))
    for process in asked:
        process.send_signal(signal.SIGTERM)
    sink.release()
    assert [process.wait(PATIENCE) for process in asked] == [0, 0, 0]
    assert sink.goodbyes == 2
    for row in slow:
        row.refresh_from_db()
        assert row.status == D.SENT
    for row in mute:
        row.refresh_from_db()
        assert (row.status, row.last_stage, row.lease_owner) == (D.RETRY, "sent-dot", "")
        assert row.in_doubt_at  # it has arrived, which nobody here can know
    assert len({mail.message_id for mail in sink.accepted}) == len(sink.accepted) == 4
    for line in beside:
        line.close()
