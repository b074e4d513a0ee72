"""E-mail to people: rows sent by the sweep, and not one word of health in them."""

import re
import socketserver
import threading
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.utils import timezone

from portal import maildir, notices
from portal.clock import db_now
from portal.models import Notice
from sharing import actions
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db
PATH = "/partages/0193d6a0-0000-7000-8000-000000000000/"


@pytest.fixture(autouse=True)
def filed(settings):
    """pytest-django keeps mail in memory; here it goes where the demo's goes."""
    settings.EMAIL_BACKEND = "portal.demo.MaildirBackend"


def mails_of(settings, address):
    files = maildir.messages_in(settings.NOTICES_DIR, address)
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def test_a_notice_leaves_once(alice, settings):
    notices.share_moved(to=alice, path=PATH)
    assert notices.send_due() == 1
    assert notices.send_due() == 0
    [mail] = mails_of(settings, alice.email)
    assert mail["To"] == alice.email
    assert mail["Auto-Submitted"] == "auto-generated"
    assert Notice.objects.get().status == Notice.Status.SENT


@pytest.mark.parametrize("kind", ["share_moved", "new_message"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_says_where_to_look_and_nothing_else(alice, settings, kind, language):
    alice.language = language
    alice.save()
    getattr(notices, kind)(to=alice, path=PATH)
    notices.send_due()
    [mail] = mails_of(settings, alice.email)
    text = f"{mail['Subject']}\n{mail.get_content()}"
    assert f"{settings.SITE_URL}{PATH}" in text
    without_address = text.replace(f"{settings.SITE_URL}{PATH}", "")
    assert not re.search(r"\d{5}|ordonnance|prescription|pharmac|médic|medic|docteur|\bDr\b", without_address, re.I)
    assert "&" not in text


def test_when_the_pharmacy_acts_the_patient_gets_it_without_a_word_of_health(alice, chloe, settings):
    share = factories.share(factories.prescription(lines=[factories.levothyrox()]), status=S.PREPARING)
    answer = actions.Answer(status=S.READY, text="Votre LEVOTHYROX vous attend.")
    actions.record_reply(share=share, answer=answer, door="desk", by=chloe)
    notices.send_due()
    mails = mails_of(settings, alice.email)
    assert mails
    said = " ".join(f"{mail['Subject']} {mail.get_content()}" for mail in mails).lower()
    secrets = [
        "levothyrox",
        "marché",
        "moreau",
        "rousseau",
        "chloé",
        share.patient.ins,
        share.prescription.number.lower(),
    ]
    assert [secret for secret in secrets if secret in said] == []


def test_the_same_message_id_at_every_attempt(alice):
    notice = notices.share_moved(to=alice, path=PATH)
    first, second = notices.compose(notice), notices.compose(notice)
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert first.extra_headers["Message-ID"].endswith("@ordolien.test>")


class _Refusing(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"421 4.3.2 Not now\r\n")


@pytest.fixture
def refusing_server(settings):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        yield server
        server.shutdown()
        thread.join()


def test_when_the_server_refuses_it_is_tried_again_later_and_given_up_in_the_end(alice, refusing_server, later):
    notice = notices.share_moved(to=alice, path=PATH)
    waits = []
    for _ in range(notices.MAX_ATTEMPTS):
        assert notices.send_due() == 0
        notice.refresh_from_db()
        waits.append((notice.next_attempt_at - db_now()).total_seconds())
        later(hours=2)
    assert waits[0] < waits[2] < waits[5] <= 3600
    assert (notice.status, notice.attempts) == (Notice.Status.FAILED, notices.MAX_ATTEMPTS)
    assert notices.send_due() == 0


def test_a_notice_that_kills_its_process_is_given_up_and_the_others_leave(alice, bob, later, settings):
    poison = notices.share_moved(to=alice, path=PATH)
    for _ in range(notices.MAX_ATTEMPTS):
        assert notices._claim().pk == poison.pk  # its process dies here
        later(minutes=3)
    notices.share_moved(to=bob, path=PATH)
    assert notices.send_due() == 1
    poison.refresh_from_db()
    assert (poison.status, len(mails_of(settings, bob.email))) == (Notice.Status.FAILED, 1)


def test_a_claimed_notice_is_not_sent_by_another(alice, later):
    notices.share_moved(to=alice, path=PATH)
    assert notices._claim() is not None
    assert notices.send_due() == 0
    later(minutes=3)
    assert notices.send_due() == 1


def test_a_notice_waits_for_its_time(alice):
    Notice.objects.create(
        user=alice, kind="share_moved", path=PATH, next_attempt_at=timezone.now() + timedelta(minutes=5)
    )
    assert notices.send_due() == 0
