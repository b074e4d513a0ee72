"""Transport against servers of another make: Exim takes and reports, Dovecot holds the mailboxes."""

import smtplib
from threading import Event
from time import monotonic

import pytest

from sharing import actions, delivery, mssante
from sharing.demo import certificates
from sharing.incoming import collecting, mails
from sharing.models import InboundMail, Route
from sharing.mssante import Kind, Stage, incoming
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories, servers
from tests.real_operator import REVOKED
from tests.sharing.test_mssante import ALICE, CONTENT, send

pytestmark = pytest.mark.any_database
REFUSED_CERTIFICATE = (Stage.TLS, "certificate", Kind.CONFIGURATION)


def told(outcome) -> tuple:
    return outcome.stage, outcome.code, outcome.kind


def show(settings, known, name):
    settings.MSSANTE_CLIENT_CERT, settings.MSSANTE_CLIENT_KEY = str(known.certificate(name)), str(known.key(name))


def collected(wanted: int) -> list[str]:
    """Fetches until so many mails have come; what each was."""
    while InboundMail.objects.count() < wanted:
        collecting.fetch()
    mails.process_stored()
    return list(InboundMail.objects.order_by("received_at").values_list("reason", flat=True))


@pytest.fixture
def share(exim, alice, market, prescription):
    return actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)


def test_a_message_arrives_and_its_delivery_is_reported(share):
    delivery.sweep_once()
    assert share.deliveries.get().status == D.SENT
    assert collected(1) == ["report-delivered"]
    assert share.deliveries.get().delivered_at is not None


def test_many_messages_take_one_connection(exim):
    log = exim.folder / "exim-mainlog"
    before = log.read_text().count("SMTP connection from")
    assert {send(content=CONTENT.replace(b"a.b", b"a.%d" % n)).kind for n in range(3)} == {Kind.SENT}
    assert log.read_text().count("SMTP connection from") == before + 1


def test_a_mailbox_that_is_gone_is_reported_to_the_patient(exim, alice, prescription):
    nowhere = factories.pharmacy(mailbox="rebond@pharma.mssante.test")
    share = actions.share_prescription(prescription=prescription, pharmacy=nowhere, by=alice)
    delivery.sweep_once()
    assert collected(1) == ["report-failed"]
    share.refresh_from_db()
    assert share.status == S.UNDELIVERABLE


def test_a_mailbox_that_is_away_is_told_as_a_delay(exim, alice, prescription):
    away = factories.pharmacy(mailbox="retard@pharma.mssante.test")
    share = actions.share_prescription(prescription=prescription, pharmacy=away, by=alice)
    delivery.sweep_once()
    while not InboundMail.objects.exists():
        exim.run_queue()
        collecting.fetch()
    exim.forget_queue()
    assert collected(1) == ["report-delayed"]
    assert share.deliveries.get().status == D.SENT


@pytest.mark.parametrize("name", ["", REVOKED, "stranger"])
def test_without_a_good_certificate_it_is_configuration_although_the_handshake_passes(exim, settings, tmp_path, name):
    known = certificates.ready_in(tmp_path) if name == "stranger" else exim.certificates
    if name:
        show(settings, known, "ordolien" if name == "stranger" else name)
    else:
        settings.MSSANTE_CLIENT_CERT = settings.MSSANTE_CLIENT_KEY = ""
    assert told(send()) == REFUSED_CERTIFICATE


def test_a_refused_certificate_opens_the_breaker_and_fails_nobody(share, exim, settings, caplog):
    show(settings, exim.certificates, REVOKED)
    delivery.sweep_once()
    assert share.deliveries.get().status == D.RETRY
    assert Route.objects.get().opened_at is not None
    assert "nothing leaves any more" in caplog.text


def test_a_server_signed_by_others_is_not_trusted(exim, settings, tmp_path):
    settings.MSSANTE_CA, settings.MSSANTE_CRL = str(certificates.ready_in(tmp_path).ca), ""
    assert told(send()) == (Stage.TLS, "bad certificate", Kind.CONFIGURATION)


def test_a_server_whose_certificate_is_revoked_is_not_trusted(exim, settings, tmp_path):
    settings.MSSANTE_CRL = str(certificates.write_crl(exim.certificates, tmp_path / "crl", revoked=["operator"]))
    assert told(send()) == (Stage.TLS, "cert revoked", Kind.CONFIGURATION)


def test_a_server_of_another_name_is_not_trusted(exim, settings):
    settings.MSSANTE_SMTP_HOST = "127.0.0.2"  # it listens there too, but its certificate does not say so
    assert told(send()) == (Stage.TLS, "wrong name", Kind.CONFIGURATION)


def test_where_encryption_was_stripped_nothing_leaves_and_nothing_is_taken(exim, settings):
    settings.MSSANTE_SMTP_PORT = exim.clear_port
    assert told(send()) == (Stage.TLS, "no starttls", Kind.CONFIGURATION)
    with smtplib.SMTP("127.0.0.1", exim.clear_port) as in_clear:
        in_clear.ehlo()
        assert in_clear.mail(ALICE)[0] == 550


def test_a_domain_outside_the_trust_space_is_this_recipients(exim):
    assert told(send(envelope_to="quelquun@ailleurs.test")) == (Stage.RCPT, "550 5.7.1", Kind.RECIPIENT)


def test_a_message_too_large_does_not_leave(exim):
    assert told(send(content=b"x" * 27_000_000)) == (Stage.MAIL, "552 5.3.4", Kind.RECIPIENT)


def test_a_server_that_has_stopped_is_tried_again_later(exim, settings):
    settings.MSSANTE_SMTP_PORT = servers.free_port()
    assert told(send()) == (Stage.CONNECT, "refused", Kind.TEMPORARY)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", REVOKED])
def test_the_mailbox_too_opens_for_a_good_certificate_only(exim, settings, name):
    assert collecting.fetch() == 0
    if name:
        show(settings, exim.certificates, name)
    else:
        settings.MSSANTE_CLIENT_CERT = settings.MSSANTE_CLIENT_KEY = ""
    with pytest.raises(mssante.CannotFetch) as cannot:
        collecting.fetch()
    assert cannot.value.permanent


def test_while_idle_what_comes_is_told_at_once(exim):
    found, stopping = [], Event()

    def take(inbox) -> int:
        return inbox.fetch_new(lambda content, is_whole: found.append(content), mssante.Place(), lambda place: None)

    with mssante.open_inbox() as inbox:
        assert take(inbox) == 0
        send(envelope_to=ALICE)
        started = monotonic()
        inbox.wait(stopping)
        take(inbox)
        stopping.set()
        inbox.wait(stopping)
    assert any(CONTENT in content for content in found)
    assert monotonic() - started < incoming.IDLE_SECONDS / 2
