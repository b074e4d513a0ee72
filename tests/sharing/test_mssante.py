"""One message to one mailbox, against a server that does anything a server may do."""

import socket
import ssl
import threading

import pytest

from sharing import mssante
from sharing.demo import certificates as certificate_files
from sharing.mssante import Kind, Stage
from sharing.mssante.account import tls_context
from sharing.mssante.line import Line
from tests.fakes.sink import DRIP, DROP, GARBAGE, HANG, TAKE_AND_DROP, Conversation

ALICE = "288037505612308@patient.mssante.test"
MARKET = "marche@pharma.mssante.test"
CONTENT = b"Message-ID: <a.b@c.test>\r\nSubject: essai\r\n\r\nBonjour.\r\n.Un point.\r\n"


def send(**fields):
    facts = {"envelope_from": ALICE, "envelope_to": MARKET, "content": CONTENT, "envid": "jeton.1"}
    return mssante.send(**facts | fields)


def at(stage, what, turn=None):
    """A sink that does this at this stage (of this message only, when `turn` says which)."""
    return lambda now, count: what if now == stage and turn in (None, count) else None


def test_a_message_arrives_as_it_was_frozen(open_sink):
    sink = open_sink()
    assert send() == mssante.SendOutcome(Stage.DONE, "250 2.0.0", Kind.SENT)
    [mail] = sink.accepted
    assert (mail.sender, mail.recipient, mail.content) == (ALICE, MARKET, CONTENT)


def test_size_and_reports_are_asked_for_where_they_are_offered(open_sink):
    sink = open_sink()
    send(envid="jeton+1")
    assert f"SIZE={len(CONTENT)} RET=HDRS ENVID=jeton+2B1" in sink.accepted[0].options
    assert f"NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{MARKET}" in sink.accepted[0].options


def test_nothing_is_asked_of_a_server_that_offers_nothing(open_sink):
    sink = open_sink(extensions=())
    assert send().kind == Kind.SENT
    assert sink.accepted[0].options == f"MAIL FROM:<{ALICE}> RCPT TO:<{MARKET}>"


@pytest.mark.parametrize(
    ("stage", "what"),
    [
        (stage, what)
        for stage in ("connect", "plain-ehlo", "starttls", "ehlo", "mail", "rcpt", "data")
        for what in (DROP, GARBAGE, "421 4.3.2 Closing", "451 4.7.1 Later")
        if (stage, what) != ("ehlo", DROP)  # how TLS 1.3 refuses a certificate
    ],
)
def test_before_the_final_dot_anything_that_may_pass_is_temporary(open_sink, stage, what):
    sink = open_sink(at(stage, what))
    assert send().kind == Kind.TEMPORARY
    assert sink.accepted == []


@pytest.mark.parametrize("what", [HANG, DRIP])
@pytest.mark.parametrize("stage", ["connect", "ehlo", "rcpt", "data"])
def test_a_server_that_hangs_or_drips_does_not_hold_us(open_sink, settings, stage, what):
    open_sink(at(stage, what))
    settings.MSSANTE_SMTP_TIMEOUT = 0.3
    outcome = send()
    assert (outcome.kind, outcome.code) == (Kind.TEMPORARY, "timeout")


@pytest.mark.parametrize("what", [DROP, GARBAGE, TAKE_AND_DROP])
def test_after_the_final_dot_silence_is_unknown(open_sink, what):
    open_sink(at("dot", what))
    assert (send().stage, send().kind) == (Stage.SENT_DOT, Kind.UNKNOWN)


@pytest.mark.parametrize("what", [HANG, DRIP])
def test_after_the_final_dot_a_server_that_hangs_or_drips_is_unknown(open_sink, settings, what):
    open_sink(at("dot", what))
    settings.MSSANTE_SMTP_TIMEOUT = 0.3
    assert send().kind == Kind.UNKNOWN


@pytest.mark.parametrize("what", [DROP, HANG, GARBAGE, "421 4.3.2 Closing"])
def test_a_250_is_success_whatever_happens_at_quit(open_sink, settings, what):
    sink = open_sink(at("quit", what))
    assert send().kind == Kind.SENT
    settings.MSSANTE_SMTP_TIMEOUT = 0.3
    mssante.hang_up()
    assert len(sink.accepted) == 1


@pytest.mark.parametrize(
    "said",
    ["550 5.1.1 Unknown", "550 No such user", "551 5.1.6 Moved", "553 Bad mailbox", "552 5.2.2 Full", "550 5.7.1 No"],
)
def test_a_refusal_of_this_mailbox_is_this_recipients(open_sink, said):
    open_sink(at("rcpt", said))
    outcome = send()
    assert (outcome.stage, outcome.kind) == (Stage.RCPT, Kind.RECIPIENT)
    assert outcome.code == " ".join(part for part in said.split()[:2] if part[0].isdigit())


def test_a_server_that_refuses_our_own_mailbox_too_refuses_everybody(open_sink):
    open_sink(lambda stage, turn: "550 5.1.1 Unknown" if stage in {"rcpt", "own-rcpt"} else None)
    assert send().kind == Kind.CONFIGURATION


@pytest.mark.parametrize("own", [DROP, "450 4.7.1 Later"])
def test_a_server_that_does_not_say_whether_it_takes_our_own_mailbox_may_refuse_everybody(open_sink, own):
    answers = {"rcpt": "550 5.1.1 Unknown", "own-rcpt": own}
    open_sink(lambda stage, turn: answers.get(stage))
    assert send().kind == Kind.REFUSED


@pytest.mark.parametrize("said", ["530 5.7.0 Authenticate", "503 5.5.1 Bad sequence", "550 5.3.0 System", "501 What"])
@pytest.mark.parametrize("stage", ["rcpt", "data", "dot"])
def test_a_refusal_that_speaks_of_us_is_configuration(open_sink, stage, said):
    open_sink(at(stage, said))
    assert send().kind == Kind.CONFIGURATION


@pytest.mark.parametrize("stage", ["connect", "plain-ehlo", "starttls", "ehlo", "mail"])
def test_a_permanent_refusal_before_the_recipient_is_configuration(open_sink, stage):
    open_sink(at(stage, "554 5.7.1 Go away"))
    assert send().kind == Kind.CONFIGURATION


def test_a_message_too_large_is_refused_for_good(open_sink):
    open_sink(at("dot", "552 5.3.4 Too big"))
    assert (send().stage, send().kind) == (Stage.SENT_DOT, Kind.RECIPIENT)


@pytest.mark.parametrize("stage", ["data", "dot"])
@pytest.mark.parametrize("said", ["554 5.6.0 Not this", "554 5.7.1 Content refused"])
def test_a_refused_content_may_be_this_messages_or_everybodys(open_sink, stage, said):
    open_sink(at(stage, said))
    assert send().kind == Kind.REFUSED


def test_a_message_larger_than_the_server_takes_is_not_begun(open_sink):
    sink = open_sink(extensions=("SIZE 20",))
    assert send() == mssante.SendOutcome(Stage.MAIL, "552 5.3.4", Kind.RECIPIENT)
    assert sink.turns == 0


def test_eight_bits_are_said_where_they_are_offered_and_not_sent_elsewhere(open_sink):
    sink = open_sink()
    assert send(content="À bientôt\r\n".encode()).kind == Kind.SENT
    assert "BODY=8BITMIME" in sink.accepted[0].options
    open_sink(extensions=())
    assert send(content="À bientôt\r\n".encode()).kind == Kind.RECIPIENT


def test_an_address_with_accents_needs_a_server_that_takes_them(open_sink):
    open_sink()
    assert send(envelope_to="marché@pharma.mssante.test").code == "553 5.6.7"
    sink = open_sink(extensions=("SMTPUTF8", "8BITMIME"))
    assert send(envelope_to="marché@pharma.mssante.test").kind == Kind.SENT
    assert sink.accepted[0].recipient == "marché@pharma.mssante.test"


# --- TLS ------------------------------------------------------------------------------------------------------------
def test_in_clear_nothing_leaves(open_sink):
    sink = open_sink(starttls=False)
    assert (send().code, send().kind) == ("no starttls", Kind.CONFIGURATION)
    assert sink.turns == 0


def test_words_slipped_in_before_the_encryption_are_not_believed(open_sink):
    open_sink(at("starttls", "220 Go on\r\n250 Slipped in"))
    assert (send().code, send().kind) == ("injected", Kind.CONFIGURATION)


def test_another_authority_is_not_trusted(open_sink, settings, tmp_path):
    sink = open_sink()
    settings.MSSANTE_CA, settings.MSSANTE_CRL = str(certificate_files.ready_in(tmp_path).ca), ""
    assert (send().code, send().kind) == ("bad certificate", Kind.CONFIGURATION)
    assert sink.turns == 0


def test_the_name_of_the_server_is_checked(open_sink):
    open_sink(server="pharmacies")  # signed by the right authority, for somebody else
    assert (send().code, send().kind) == ("bad certificate", Kind.CONFIGURATION)


def test_without_our_certificate_it_is_configuration_even_when_the_handshake_passes(open_sink, settings):
    open_sink()
    settings.MSSANTE_CLIENT_CERT = settings.MSSANTE_CLIENT_KEY = ""
    assert (send().stage, send().kind) == (Stage.TLS, Kind.CONFIGURATION)


def test_a_certificate_of_another_authority_is_configuration(open_sink, settings, tmp_path):
    open_sink()
    other = certificate_files.ready_in(tmp_path)
    settings.MSSANTE_CLIENT_CERT, settings.MSSANTE_CLIENT_KEY = (
        str(other.certificate("ordolien")),
        str(other.key("ordolien")),
    )
    assert send().kind == Kind.CONFIGURATION


def test_a_line_cut_at_our_greeting_is_how_a_certificate_is_refused(open_sink):
    open_sink(at("ehlo", DROP))
    assert (send().stage, send().kind) == (Stage.TLS, Kind.CONFIGURATION)


def test_a_missing_file_is_configuration(open_sink, settings, tmp_path):
    open_sink()
    settings.MSSANTE_CLIENT_CERT = str(tmp_path / "gone.pem")
    assert (send().code, send().kind) == ("no file", Kind.CONFIGURATION)


def test_nobody_listening_is_temporary(open_sink, settings):
    open_sink().__exit__()
    assert (send().code, send().kind) == ("refused", Kind.TEMPORARY)


def test_the_rules_of_the_connection(open_sink):
    """TLS 1.2 at least, the name and the chain checked, and no waiting to fill packets (Nagle)."""
    open_sink()
    context = tls_context(mssante.portal_account())
    assert (context.minimum_version, context.check_hostname) == (ssl.TLSVersion.TLSv1_2, True)
    assert context.verify_mode == ssl.CERT_REQUIRED
    line = Line(mssante.portal_account())
    line.open()
    assert line.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    line.hang_up()


# --- The connection is kept -----------------------------------------------------------------------------------------
def test_a_connection_carries_many_messages(open_sink):
    sink = open_sink()
    assert {send().kind for _ in range(5)} == {Kind.SENT}
    assert (sink.connections, len(sink.accepted)) == (1, 5)


def test_after_a_refused_mailbox_the_connection_goes_on_with_the_next(open_sink):
    sink = open_sink(at("rcpt", "550 5.1.1 Unknown", turn=1))
    assert [send().kind, send().kind] == [Kind.RECIPIENT, Kind.SENT]
    assert sink.connections == 1


def test_a_connection_the_server_has_closed_is_opened_again(open_sink, settings):
    port = open_sink().port
    assert send().kind == Kind.SENT
    sink = open_sink()
    assert (sink.port, send().kind) != (port, Kind.SENT)
    sink.__exit__()
    assert send().kind == Kind.TEMPORARY


class SilentInTheHandshake(Conversation):
    def _starttls(self, command):
        self._say("220 Go on")
        self.sink.note(lambda: setattr(self.sink, "held", 1))
        while self.reader.read1():
            pass


def test_a_handshake_that_hangs_is_hung_up_on(open_sink):
    sink, outcomes = open_sink(conversation=SilentInTheHandshake), []
    leaving = threading.Thread(target=lambda: outcomes.append(send()))
    leaving.start()
    sink.wait_until(lambda sink: sink.held)
    while leaving.is_alive():  # it may not have begun to wait
        mssante.hang_up_all()
        leaving.join(0.05)
    assert [(outcome.stage, outcome.kind) for outcome in outcomes] == [(Stage.TLS, Kind.TEMPORARY)]


@pytest.mark.parametrize(
    "fields",
    [
        {"envelope_to": "marche@pharma.mssante.test>\r\nRCPT TO:<autre@pharma.mssante.test"},
        {"envelope_to": "marche@pharma.mssante.test> NOTIFY=NEVER"},
        {"envelope_from": "\x00" + ALICE},
        {"content": b"Un.\n.\r\nMAIL FROM:<x@y.test>\r\n"},
        {"content": b"Un.\r\n.\rDeux.\r\n"},
        {"content": b"Un.\n\nDeux.\r\n"},
        {"content": b"Un.\x00\r\n"},
    ],
)
def test_what_servers_read_in_different_ways_does_not_leave_and_the_next_one_does(open_sink, fields):
    sink = open_sink()
    assert send(**fields) == mssante.SendOutcome(Stage.MAIL, "malformed", Kind.RECIPIENT)
    assert sink.connections == 0
    assert send().kind == Kind.SENT
