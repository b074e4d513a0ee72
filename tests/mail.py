"""Mail in tests: a real operator over TLS, a sink that misbehaves, time that moves on, messages ready to leave."""

import hashlib
import itertools
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from portal.clock import db_now
from sharing import mssante
from sharing.demo import certificates as certificate_files
from sharing.demo import operator
from sharing.models import Delivery
from tests import factories, real_operator
from tests.fakes.sink import Sink

_serial = itertools.count(1)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return certificate_files.ready_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def local_operator(certificates, settings):
    """The local MSSanté operator, filing into settings.MSSANTE_MAILBOXES."""
    with operator.Operator(certificates, settings.MSSANTE_MAILBOXES) as running:
        _point_at(settings, running)
        yield running
        mssante.hang_up()


@pytest.fixture(scope="session")
def _real_operator():
    with real_operator.running() as running:
        yield running


@pytest.fixture
def exim(_real_operator, settings):
    """Exim and Dovecot, with the portal pointed at them. Their mailboxes are empty."""
    _real_operator.empty_mailboxes()
    for name, value in _real_operator.settings().items():
        setattr(settings, name, value)
    yield _real_operator
    mssante.hang_up()


@pytest.fixture
def open_sink(certificates, settings):
    """open_sink(behave, **options) gives a running Sink that the portal sends to, with little patience."""
    running = []
    settings.MSSANTE_SMTP_TIMEOUT = 20

    def open_one(*args, **options) -> Sink:
        sink = Sink(certificates, *args, **options).__enter__()
        running.append(sink)
        _point_at(settings, operator.Operator(certificates, settings.MSSANTE_MAILBOXES, port=sink.port))
        return sink

    yield open_one
    mssante.hang_up()
    mssante.hang_up_all()
    for sink in running:
        sink.__exit__()


def _point_at(settings, place: operator.Operator) -> None:
    for name, value in operator.settings_for(place).items():
        setattr(settings, name, value)


@pytest.fixture
def later(settings):
    """later(minutes=15): the database's clock moves on; the process's own does not."""

    def move(**time) -> None:
        settings.DATABASE_CLOCK_AHEAD += timedelta(**time).total_seconds()

    return move


def queued(to: str = "pharmacie@pharma.mssante.test", *, share=None, **fields) -> Delivery:
    """A small message ready to leave, of a share of its own (Alice's) unless one is given."""
    number = next(_serial)
    share = share or factories.share(factories.prescription(), factories.pharmacy(mailbox=to))
    envid = f"{share.token}.{number:016x}"
    message_id = f"<{envid}@ordolien.mssante.test>"
    content = f"Message-ID: {message_id}\r\nSubject: essai\r\n\r\nBonjour.\r\n.Un point.\r\n".encode()
    now = db_now()
    facts = {
        "kind": Delivery.Kind.SHARE,
        "message_id": message_id,
        "envid": envid,
        "envelope_from": share.patient.mss_address,
        "envelope_to": to,
        "destination": to.rpartition("@")[2],
        "content": content,
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "next_attempt_at": now,
        "give_up_at": now + timedelta(days=5),
        "created_at": now,
    }
    return Delivery.objects.create(share=share, **facts | fields)


def recall_of(share) -> str:
    """What tells the pharmacy that it is taken back."""
    recall = share.deliveries.get(kind=Delivery.Kind.RECALL)
    return message_from_bytes(recall.content, policy=policy.default).get_body(("plain",)).get_content()
