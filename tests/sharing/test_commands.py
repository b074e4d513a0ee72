"""What is done from a terminal."""

import socket
from email import message_from_bytes, policy
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from sharing import delivery
from sharing.demo import pharmacy_mailbox
from sharing.models import InboundMail
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_exact_message_of_a_share_can_be_looked_at(share, tmp_path):
    call_command("compose_message", str(share.pk), "--out", str(tmp_path / "message.eml"))
    written = (tmp_path / "message.eml").read_bytes()
    assert written == bytes(share.first_delivery.content)
    mail = message_from_bytes(written, policy=policy.default)
    assert mail["Subject"].startswith("XDM/1.0/DDM+Prescription de produits de santé")


def test_a_message_that_was_not_queued_is_composed(prescription, market, tmp_path):
    alone = factories.share(prescription, market)
    call_command("compose_message", str(alone.pk), out=tmp_path / "message.eml")
    assert b"X-MSS-CODECDA: 57833-6\r\n" in (tmp_path / "message.eml").read_bytes()


@pytest.mark.parametrize("unknown", ["x", "01a208c6-17af-7929-860e-7e1f6cc40d96"])
def test_a_share_that_does_not_exist_is_said(unknown):
    with pytest.raises(CommandError, match="No share has this id"):
        call_command("compose_message", unknown)


def test_mail_is_collected(local_operator, share, market):
    delivery.sweep_once()
    pharmacy_mailbox.answer(market, pharmacy_mailbox.received_by(market)[0], "Prête.")
    out = StringIO()
    call_command("collect_mail", stdout=out)
    assert out.getvalue() == "2 fetched.\n"
    assert InboundMail.objects.filter(status="processed").count() == 2


def test_a_mailbox_that_cannot_be_read_is_said(settings, certificates):
    settings.MSSANTE_IMAP_HOST, settings.MSSANTE_IMAP_PORT = "127.0.0.1", 1
    settings.MSSANTE_CA = str(certificates.ca)
    with pytest.raises(CommandError, match="The mailbox was not read"):
        call_command("collect_mail")


def test_an_operator_on_a_taken_port_says_so(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} cannot be listened on"):
            call_command("operator", port=port, mailboxes=tmp_path)
