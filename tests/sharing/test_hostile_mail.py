"""Mail made to hurt, both ways: refused or kept aside, told in the logs without a word of anybody, nothing lost, and
the next one goes through."""

import io
import logging
import socket
import ssl
import zipfile

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from prescriptions.models import Prescription
from sharing import actions, delivery, sweep
from sharing.incoming import mails, reading
from sharing.models import InboundMail, ThreadFile
from sharing.outgoing import message
from sharing.states import DeliveryStatus as D
from tests import factories
from tests.mail import queued
from tests.sharing.test_inbound import answer, said, take
from tests.sharing.test_mssante import ALICE, MARKET

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
Status = InboundMail.Status
INJECTED = "\r\nBcc: intrus@pharma.mssante.test\r\n\r\nautre\r\n.\r\nMAIL FROM:<x@y.test>"
LINE_ENDS = ["\r\n", "\n", "\r", "\x00", "\x85", "\u2028", "\x0b", "\x0c", "\x1c"]


@pytest.fixture
def share(alice, market):
    """Of a photo: what comes is read in the same way, and nothing has to be drawn."""
    return actions.share_prescription(prescription=factories.photo_prescription(), pharmacy=market, by=alice)


def next_one_passes(share) -> None:
    row = take(answer(share, "La suite.", Message_ID="<suite@p.test>"))
    assert (row.status, said(share)[-1]) == (Status.PROCESSED, "La suite.")


# --- What leaves ----------------------------------------------------------------------------------------------------
def test_no_text_of_anybody_becomes_a_header_or_a_command(alice, market, open_sink):
    """The patient's name, the pharmacy's, what the patient wrote: each with all that ends a line somewhere."""
    evil = "".join(f"Alice{end}Bcc: intrus@pharma.mssante.test{end}{end}autre{end}.{end}QUIT" for end in LINE_ENDS)
    patient = factories.alice_patient()
    patient.birth_name = patient.used_name = patient.given_names = patient.used_given_name = evil
    patient.save()
    market.name = market.town = evil
    market.save()
    made = factories.prescription(patient)
    share = actions.share_prescription(prescription=made, pharmacy=market, message=evil, by=alice)
    [row] = share.deliveries.all()
    headers = row.content.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].lower() for line in headers.split(b"\r\n") if line[:1] not in b" \t"]
    assert b"bcc" not in names
    assert len(names) == len(set(names))
    assert b"\x00" not in row.content and row.content.isascii()
    sink = open_sink()
    delivery.sweep_once()
    assert [mail.recipient for mail in sink.accepted] == [market.mailbox.address]
    assert sink.accepted[0].content == row.content


def test_a_row_that_was_tampered_with_is_told_and_holds_nobody_up(open_sink, share, caplog):
    sink = open_sink()
    row = share.deliveries.get()
    row.envelope_to = f"{MARKET}>{INJECTED}"
    row.save(update_fields=["envelope_to"])
    other = queued()
    delivery.sweep_once()
    row.refresh_from_db()
    assert (row.status, row.last_code) == (D.FAILED, "malformed")
    assert [mail.message_id for mail in sink.accepted] == [other.message_id]
    assert "intrus" not in caplog.text


@hypothesis_settings(max_examples=25)
@given(text=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=80))
def test_any_subject_makes_one_line(text):
    mail = message.EmailMessage(policy=message.POLICY)
    mail["Subject"] = message.letter.one_line(text)
    head = mail.as_bytes().partition(b"\r\n\r\n")[0]
    assert all(line.startswith((b"Subject:", b" ", b"\t")) for line in head.split(b"\r\n"))


# --- What comes: smuggling ------------------------------------------------------------------------------------------
SMUGGLED = b"MAIL FROM:<marche@pharma.mssante.test>\r\nRCPT TO:<intrus@pharma.mssante.test>\r\nDATA\r\n"
FALSE_ENDS = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\x00.\r\n"]


def smuggle(port, certificates, name, end: bytes) -> list[bytes]:
    """One message with a false end and a second one behind it, sent as bytes; each answer of the server."""
    context = ssl.create_default_context(cafile=certificates.ca)
    context.load_cert_chain(certificates.certificate(name), certificates.key(name))
    heard = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        _ask(plain, None)
        _ask(plain, b"EHLO x\r\n")
        _ask(plain, b"STARTTLS\r\n")
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as line:
            for command in (f"MAIL FROM:<{MARKET}>", f"RCPT TO:<{ALICE}>", "DATA"):
                _ask(line, b"EHLO x\r\n") if command.startswith("MAIL") else None
                _ask(line, command.encode() + b"\r\n")
            heard.append(
                _ask(line, b"Subject: un\r\n\r\nUn." + end + SMUGGLED + b"Subject: deux\r\n\r\nDeux.\r\n.\r\n")
            )
            heard.append(_ask(line, b"QUIT\r\n"))
    return heard


def _ask(line, command: bytes | None) -> bytes:
    if command is not None:
        line.sendall(command)
    said = b""
    while True:
        piece = line.recv(4096)
        said += piece
        last = said.rstrip(b"\r\n").split(b"\r\n")[-1]
        if not piece or said.endswith(b"\r\n") and last[3:4] == b" ":
            return said


def test_the_local_operator_takes_one_message_for_one(local_operator, certificates, settings, subtests):
    for end in FALSE_ENDS:
        with subtests.test(end=end):
            smuggle(local_operator.port, certificates, "pharmacies", end)
            assert not list(settings.MSSANTE_MAILBOXES.glob("intrus@*/new/*"))


def test_exim_takes_one_message_for_one(exim, subtests):
    for end in FALSE_ENDS:
        with subtests.test(end=end):
            smuggle(exim.smtp_port, exim.certificates, "pharmacies", end)
    exim.empty_mailboxes()
    assert not (exim.folder / "mail" / "intrus").exists()


# --- What comes: bombs and rubbish ----------------------------------------------------------------------------------
def nested(depth: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(depth)
    )


def headed(share, more: bytes) -> bytes:
    """The pharmacy's answer, with this between its headers and its end."""
    return answer(share, "").as_bytes().partition(b"Content-Type")[0] + more


BOMBS = {
    "too deep": lambda s: headed(s, nested(40)),
    "much too deep": lambda s: headed(s, nested(20_000)),
    "too many parts": lambda s: headed(
        s, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 500 + b"--b--"
    ),
    "messages in messages": lambda s: headed(s, b"Content-Type: message/rfc822\r\n\r\n" * 3_000),
    "a report of a thousand blocks": lambda s: headed(
        s,
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n" + b"Action: failed\r\n\r\n" * 1_000 + b"--b--\r\n",
    ),
}


def test_a_bomb_is_refused_and_the_next_one_is_read(share, subtests):
    for name, bomb in BOMBS.items():
        with subtests.test(name):
            content = bomb(share)
            row = take(content)
            assert row.status in {Status.REFUSED, Status.UNMATCHED}
            assert row.content == content
    next_one_passes(share)


RUBBISH = {
    "8-bit headers": b"From: \xff\xfe\xe9 <marche@pharma.mssante.test>\r\nSubject: \x80\x81\r\n\r\n\xff\xff",
    "NUL in the id": b"Message-ID: <a\x00b@c.test>\r\nFrom: a@b\r\n\r\nx",
    "8-bit id": b"Message-ID: <\xe9@c.test>\r\nIn-Reply-To: <\xff>\r\n\r\nx",
    "a header of a megabyte": b"Subject: " + b"a" * 1_000_000 + b"\r\n\r\nx",
    "ten thousand headers": b"X-A: b\r\n" * 10_000 + b"\r\nx",
    "charset of nobody": b"Content-Type: text/plain; charset=klingon\r\n\r\n\xe9",
    "charset that is a codec": b"Content-Type: text/plain; charset=zip_codec\r\n\r\n\xe9",
    "half a character": b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA- ou +3AA-",
    "charset with a NUL": b'Content-Type: text/plain; charset="utf-8\x00"\r\n\r\nx',
    "RFC 2047 in pieces": b"Subject: =?utf-8?b?4pyT?= =?utf-8?b?!!!?= =?x?q??= =?utf-7?q?+AGY-?=\r\n\r\nx",
    "RFC 2231 in pieces": b"Content-Type: application/pdf; name*0*=utf-8''%ff; name*2*=x; name*999999=y\r\n\r\n%PDF",
    "RFC 2231 charset": b"Content-Disposition: attachment; filename*=klingon''%E9\r\n\r\nx",
    "base64 that is not": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n@@@@=A=",
    "uuencode": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 666 x\r\n\x00\r\n",
    "an unclosed comment": b'From: "(((((' + b"(" * 5_000 + b" <marche@pharma.mssante.test>\r\n\r\nx",
    "dates": b"Date: Mon, 99 Xyz 99999999999999 99:99:99 +9999999\r\n\r\nx",
    "bare line ends": b"From: a@b\rBcc: c@d\nSubject: x\r\r\n\n\rx",
}


def test_rubbish_waits_for_the_back_office_and_the_next_one_is_read(share, subtests):
    """Alone, then under the headers of an answer of the pharmacy."""
    top = answer(share, "").as_bytes().partition(b"Content-Type")[0]
    for name, content in RUBBISH.items():
        with subtests.test(name):
            row = take(content)
            assert (row.status, row.content) == (Status.UNMATCHED, content)
            assert "\x00" not in row.message_id and row.message_id.isascii()
            assert take(top + content).status in {Status.PROCESSED, Status.UNMATCHED}
    assert all("\x00" not in words for words in said(share))
    next_one_passes(share)


@hypothesis_settings(max_examples=60)
@given(content=st.binary(max_size=300))
def test_whatever_the_bytes_are_they_are_read_or_refused(content):
    try:
        read = reading.read(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + content)
    except reading.Unreadable:
        return
    assert "\x00" not in read.text + read.sender + read.subject


def test_a_page_that_hides_what_it_says_and_one_shown_as_text(share, alice, client):
    page = (
        "<p>Prête</p><"
        + "div>" * 5_000
        + "<script>alert('x')</script><![CDATA[<img src=x onerror=alert(1)>]]><p>ce soir"
    )
    mail = answer(share, "")
    mail.set_content(page, subtype="html")
    take(mail)
    assert "alert(" not in said(share)[0].replace("onerror=alert(1)", "")
    take(answer(share, "<script>alert(1)</script> & <b>gras</b>", Message_ID="<balises@p.test>"))
    client.force_login(alice)
    page = client.get(f"/partages/{share.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;gras&lt;/b&gt;" in page


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("IHE_XDM/SUBSET01/METADATA.XML", b"\0" * 70_000_000)
    return out.getvalue()


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>&c;&d;</title></ClinicalDocument>"""


def test_what_is_joined_is_never_opened_blindly(share, subtests):
    """In an answer, it is named and not shown; on its own, it waits with the back office."""
    bomb = zip_bomb()
    joined = {
        "zip bomb": ("IHE_XDM.ZIP", "application/zip", bomb),
        "half a zip": ("IHE_XDM.ZIP", "application/zip", bomb[:200]),
        "entities": ("CDA.XML", "text/xml", LAUGHS),
    }
    before = Prescription.objects.count()
    for attack, (name, kind, content) in joined.items():
        with subtests.test(attack):
            mail = answer(share, "Voir le fichier.", Message_ID=f"<{len(attack)}@p.test>")
            mail.add_attachment(content, *kind.split("/"), filename=name)
            take(mail)
            assert ThreadFile.objects.latest("message__created_at").state == "refused"
            del mail["In-Reply-To"]
            assert take(mail).status == Status.UNMATCHED
    assert (Prescription.objects.count(), ThreadFile.objects.count()) == (before, len(joined))
    next_one_passes(share)


def test_thirty_megabytes_are_refused_and_their_beginning_is_kept(exim, share, settings, caplog):
    """Exim takes 25 MB: the file is put where Dovecot finds it, as an operator without that limit would."""
    caplog.set_level(logging.INFO)
    delivery.sweep_once()
    content = answer(share, "Voir le fichier.").as_bytes() + b"QUFB" * (10 * 1024 * 1024)
    inbox = exim.put_into_mailbox("ordolien", content)
    while not InboundMail.objects.filter(reason="too-large").exists():
        sweep.collect()
    row = InboundMail.objects.get(reason="too-large")
    assert (row.status, row.content) == (Status.REFUSED, inbox[: len(row.content)])
    assert len(row.content) == 64 * 1024
    next_one_passes(share)


# --- What is told ---------------------------------------------------------------------------------------------------
def test_the_logs_name_nobody(share, caplog):
    caplog.set_level(logging.DEBUG)
    for content in [answer(share, "Secret de Madame Moreau.").as_bytes(), *RUBBISH.values(), nested(40)]:
        mails.keep(content)
    mails.process_stored()
    told = caplog.text.lower()
    assert "mail " in told
    for secret in ("secret", "moreau", "alice", ALICE.partition("@")[0], MARKET, share.token):
        assert secret.lower() not in told
