"""The local operator: real SMTP over TLS for those it knows, one Maildir a mailbox, mail both ways, reports."""

from email import message_from_bytes, policy

import pytest

from portal import maildir
from sharing import actions, delivery, mssante
from sharing.demo import pharmacy_mailbox
from sharing.demo.certificates import PHARMACIES, ready_in
from sharing.mssante import Kind
from sharing.states import DeliveryStatus as D
from tests import factories

ALICE = "288037505612308@patient.mssante.test"
MARKET = "marche@pharma.mssante.test"
CONTENT = b"Message-ID: <a.b@c.test>\r\nSubject: essai\r\n\r\nBonjour.\r\n"


def send(**fields):
    facts = {"envelope_from": ALICE, "envelope_to": MARKET, "content": CONTENT, "envid": "jeton.1"}
    return mssante.send(**facts | fields)


def filed(settings, address):
    return [file.read_bytes() for file in maildir.messages_in(settings.MSSANTE_MAILBOXES, address)]


def as_pharmacy(account, certificates):
    return mssante.Account(
        **{
            **account.__dict__,
            "certificate": str(certificates.certificate(PHARMACIES)),
            "key": str(certificates.key(PHARMACIES)),
        }
    )


def test_what_it_accepts_is_filed_as_it_was_with_its_trace(local_operator, settings):
    assert send().kind == Kind.SENT
    [mail] = filed(settings, MARKET)
    assert mail.startswith(f"Return-Path: <{ALICE}>\r\nReceived: by mssante.test with ESMTPS;".encode())
    assert mail.endswith(CONTENT)


def test_delivery_is_reported_to_the_sender(local_operator, settings):
    send(envid="jeton.42")
    [report] = filed(settings, ALICE)
    mail = message_from_bytes(report, policy=policy.default)
    assert mail.get_content_type() == "multipart/report"
    assert b"Original-Envelope-Id: jeton.42" in report
    assert b"Action: delivered" in report


def test_a_failure_after_acceptance_is_reported(local_operator, settings):
    assert send(envelope_to="rebond@pharma.mssante.test").kind == Kind.SENT
    [report] = filed(settings, ALICE)
    assert b"Action: failed" in report
    assert not filed(settings, "rebond@pharma.mssante.test")


@pytest.mark.parametrize(
    ("fields", "code", "kind"),
    [
        ({"envelope_to": "inconnu@pharma.mssante.test"}, "550 5.1.1", Kind.RECIPIENT),
        ({"envelope_to": "quelquun@ailleurs.test"}, "550 5.7.1", Kind.RECIPIENT),
        ({"content": b"x" * 26 * 1024 * 1024}, "552 5.3.4", Kind.RECIPIENT),
        ({"envelope_from": "quelquun@ailleurs.test"}, "550 5.7.1", Kind.CONFIGURATION),
        ({"envelope_from": MARKET}, "550 5.7.1", Kind.CONFIGURATION),
    ],
    ids=["unknown mailbox", "outside the trust space", "too large", "foreign sender", "a pharmacy's address"],
)
def test_what_it_refuses(local_operator, settings, fields, code, kind):
    outcome = send(**fields)
    assert (outcome.code, outcome.kind) == (code, kind)
    assert not filed(settings, MARKET)


def test_a_pharmacy_sends_from_its_address_and_not_from_a_patients(local_operator, settings, certificates):
    account = as_pharmacy(mssante.portal_account(), certificates)
    answer = {"envelope_from": MARKET, "envelope_to": ALICE, "account": account}
    assert send(**answer).kind == Kind.SENT
    assert len(filed(settings, ALICE)) == 1
    assert send(**answer | {"envelope_from": ALICE}).kind == Kind.CONFIGURATION


def test_nobody_without_a_certificate_gets_in(local_operator, settings):
    settings.MSSANTE_CLIENT_CERT = settings.MSSANTE_CLIENT_KEY = ""
    assert send().kind == Kind.CONFIGURATION


@pytest.mark.parametrize(
    "address", ["../x@pharma.mssante.test", ".x@pharma.mssante.test", "x@pharma..test", "a/b@c.test"]
)
def test_no_address_leads_out_of_the_mailboxes(settings, address):
    with pytest.raises(ValueError):
        maildir.folder_of(settings.MSSANTE_MAILBOXES, address)


def test_certificates_are_made_once(tmp_path):
    first = ready_in(tmp_path).ca.read_bytes()
    assert ready_in(tmp_path).ca.read_bytes() == first
    ready_in(tmp_path).key(PHARMACIES).unlink()
    assert ready_in(tmp_path).ca.read_bytes() != first


# --- The whole way --------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_from_the_patients_click_to_the_pharmacys_mailbox(local_operator, alice, market, prescription):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    delivery.sweep_once()
    assert share.deliveries.get().status == D.SENT
    [received] = pharmacy_mailbox.received_by(market)
    assert received.message_id == share.deliveries.get().message_id
    assert received.sender == "Alice Moreau"
    assert [file.content_type for file in received.files] == ["application/pdf", "application/zip"]


@pytest.mark.django_db
def test_a_pharmacy_that_was_sent_something_is_listed(alice, market, prescription):
    assert pharmacy_mailbox.mailboxes_in_use() == []
    actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    factories.pharmacy()
    assert pharmacy_mailbox.mailboxes_in_use() == [market]
