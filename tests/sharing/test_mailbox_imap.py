"""Answers read from a real operator's mailbox: stored before they are marked as seen."""

import math

import pytest

from sharing import health, metrics, mssante, sweep
from sharing.demo import certificates as certificate_files
from sharing.incoming import collecting, mails
from sharing.models import InboundMail
from sharing.mssante import incoming
from tests.fakes.imap import Imap

pytestmark = pytest.mark.django_db
ONE, TWO = b"Message-ID: <1@p.test>\r\n\r\nUn.\r\n", b"Message-ID: <2@p.test>\r\n\r\nDeux.\r\n"


@pytest.fixture
def open_mailbox(certificates, settings):
    running = []

    def open_one(*messages, **options) -> Imap:
        server = Imap(certificates, list(messages), **options).__enter__()
        running.append(server)
        settings.MSSANTE_IMAP_HOST, settings.MSSANTE_IMAP_PORT = "127.0.0.1", server.port
        settings.MSSANTE_CA = str(certificates.ca)
        settings.MSSANTE_CLIENT_CERT = str(certificates.certificate("ordolien"))
        settings.MSSANTE_CLIENT_KEY = str(certificates.key("ordolien"))
        return server

    yield open_one
    for server in running:
        server.__exit__()


def contents() -> list[bytes]:
    return sorted(mail.content for mail in InboundMail.objects.all())


def test_what_is_new_is_kept_then_marked_as_seen(open_mailbox):
    server = open_mailbox(ONE, TWO)
    assert collecting.fetch() == 2
    assert contents() == [ONE, TWO]
    assert server.seen == set(server.messages)
    assert collecting.fetch() == 0


def test_a_mailbox_that_is_read_no_more_shows(open_mailbox, later):
    def said() -> tuple[float, list[str]]:
        [told] = [metric for metric in metrics.inbound() if metric.name == "ordolien_mailbox_read_age_seconds"]
        wrong = [finding.name for finding in health.inbound() if not finding.is_good]
        return told.samples[0].value, wrong

    open_mailbox(ONE)
    assert said() == (math.inf, ["mailbox_read_seconds_ago"])
    collecting.fetch()
    age, wrong = said()
    assert age < 60 and not wrong
    later(minutes=16)
    age, wrong = said()
    assert age > 900 and wrong


def test_what_was_not_kept_is_not_marked(open_mailbox):
    server = open_mailbox(ONE)

    def full(content, is_whole):
        raise MemoryError

    noted = []
    with pytest.raises(MemoryError), mssante.open_inbox() as inbox:
        inbox.fetch_new(full, mssante.Place(), noted.append)
    assert (server.seen, noted) == (set(), [])


def test_of_a_message_too_large_the_beginning_is_kept(open_mailbox, settings):
    server = open_mailbox(ONE + b"x" * incoming.MESSAGE_MAX_BYTES)
    collecting.fetch()
    kept = InboundMail.objects.get()
    assert (len(kept.content), kept.reason, kept.content[:10]) == (incoming.BEGINNING, "too-large", ONE[:10])
    assert server.seen == set(server.messages)


def test_flags_that_somebody_else_sets_meanwhile_are_not_taken_for_the_answer(open_mailbox):
    others = b"* 5 FETCH (FLAGS (\\Seen))\r\n* 6 FETCH (UID 9 RFC822.SIZE 99999999)\r\n"
    server = open_mailbox(ONE, TWO, meanwhile=others)
    assert collecting.fetch() == 2
    assert contents() == [ONE, TWO]
    assert {mail.reason for mail in InboundMail.objects.all()} == {""}
    assert server.seen == set(server.messages)


@pytest.mark.parametrize("command", ["STARTTLS", "AUTHENTICATE", "SELECT", "SEARCH", "FETCH", "STORE"])
def test_a_refusal_needs_somebody_and_loses_nothing(open_mailbox, command):
    open_mailbox(ONE, refuses=command)
    with pytest.raises(mssante.CannotFetch) as cannot:
        collecting.fetch()
    assert cannot.value.permanent


def test_what_is_said_in_clear_is_not_believed_once_encrypted(open_mailbox):
    open_mailbox(ONE, injects=b"* BYE come back later\r\n")
    with pytest.raises(mssante.CannotFetch) as cannot:
        collecting.fetch()
    assert cannot.value.permanent


def test_without_encryption_nothing_is_read(open_mailbox):
    open_mailbox(ONE, offers="AUTH=EXTERNAL")
    with pytest.raises(mssante.CannotFetch) as cannot:
        collecting.fetch()
    assert cannot.value.permanent


def test_without_a_good_list_of_revoked_certificates_nobody_is_trusted(open_mailbox, settings):
    open_mailbox(ONE)
    settings.MSSANTE_CRL = str(certificate_files.demo_folder() / "none.crl")
    with pytest.raises(mssante.CannotFetch) as cannot:
        collecting.fetch()
    assert cannot.value.permanent


@pytest.mark.parametrize(("token", "opens"), [("jeton-1", True), ("perime", False), ("", False)])
def test_a_token_opens_the_mailbox_where_one_is_asked_for(open_mailbox, settings, tmp_path, token, opens):
    open_mailbox(ONE, token="jeton-1")
    settings.MSSANTE_AUTH, settings.MSSANTE_TOKEN_FILE = "xoauth2", str(tmp_path / "token")
    (tmp_path / "token").write_text(token)
    if opens:
        assert collecting.fetch() == 1
        return
    with pytest.raises(mssante.CannotFetch) as cannot:
        collecting.fetch()
    assert cannot.value.permanent


def test_what_somebody_else_has_read_meanwhile_is_ours_too(open_mailbox):
    server = open_mailbox(ONE)
    assert sweep.collect() == 1
    server.messages[12] = TWO
    server.seen.add(12)
    assert (sweep.collect(), sweep.collect()) == (1, 0)
    assert InboundMail.objects.count() == 2


def test_a_mailbox_numbered_anew_is_read_again_and_says_nothing_twice(open_mailbox):
    server = open_mailbox(ONE, TWO)
    assert sweep.collect() == 2
    server.uidvalidity, server.messages = 2, {1: ONE, 2: TWO}
    assert (sweep.collect(), sweep.collect()) == (2, 0)
    assert InboundMail.objects.count() == 2


@pytest.mark.parametrize("command", ["CAPABILITY", "SELECT", "SEARCH", "FETCH", "STORE"])
def test_a_line_that_is_cut_is_tried_again(open_mailbox, command):
    open_mailbox(ONE, cuts=command)
    with pytest.raises(mssante.CannotFetch) as cannot:
        collecting.fetch()
    assert not cannot.value.permanent


def test_another_authority_is_not_trusted(open_mailbox, settings, tmp_path):
    open_mailbox(ONE)
    settings.MSSANTE_CA = str(certificate_files.ready_in(tmp_path).ca)
    with pytest.raises(mssante.CannotFetch):
        collecting.fetch()
    assert contents() == []


def test_a_crash_between_keeping_and_marking_keeps_it_once(open_mailbox):
    server = open_mailbox(ONE)
    mails.keep(ONE)
    assert sweep.collect() == 1
    assert InboundMail.objects.get().content == ONE
    assert server.seen == set(server.messages)


def test_when_the_mailbox_is_away_what_is_stored_is_still_read(open_mailbox, caplog):
    open_mailbox(ONE, refuses="SELECT")
    mails.keep(TWO)
    assert sweep.collect() == 0
    assert InboundMail.objects.get().status == InboundMail.Status.UNMATCHED
    assert "the mailbox was not read" in caplog.text
