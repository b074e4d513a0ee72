"""A process that is up can be asleep: the deep check says what waits and what does not add up."""

import re
import socket
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.clock import db_now
from portal.models import AuditEvent
from sharing import actions, delivery, reconciliation
from sharing.incoming import mails
from sharing.models import Delivery, Heartbeat, InboundMail, Pharmacy, Route, Share
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories, servers
from tests.mail import queued

pytestmark = pytest.mark.django_db


TOKEN = {"Authorization": "Bearer of the operators"}


@pytest.fixture
def awake(settings, local_operator):
    settings.OPERATORS_TOKEN = "of the operators"
    Heartbeat.objects.create(name="sweep", at=db_now())


def deep(client) -> tuple[int, list[str]]:
    answer = client.get("/healthz/deep", headers=TOKEN)
    return answer.status_code, answer.json()["wrong"]


def test_the_process_answers(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_all_is_well(client, awake):
    assert deep(client) == (200, [])


@pytest.mark.parametrize("page", ["/healthz/deep", "/metrics"])
def test_they_are_only_for_whoever_runs_the_site(client, awake, settings, page):
    assert client.get(page, headers=TOKEN).status_code == 200
    assert client.get(page).status_code == 404
    assert client.get(page, headers={"Authorization": "Bearer of somebody"}).status_code == 404
    settings.OPERATORS_TOKEN = ""
    assert client.get(page, headers={"Authorization": "Bearer "}).status_code == 404


def test_a_sweep_that_never_came_is_trouble(client, awake):
    Heartbeat.objects.all().delete()
    assert deep(client) == (503, ["sweep_seconds_ago"])


def test_a_sweep_that_sleeps_is_trouble(client, awake, later):
    later(minutes=1)
    assert deep(client) == (503, ["sweep_seconds_ago"])


def test_no_operator_is_trouble(client, awake, settings):
    settings.MSSANTE_SMTP_HOST = ""
    assert deep(client) == (503, ["operator_configured"])


def test_a_mail_server_that_does_not_answer_is_trouble(client, awake, settings):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.MSSANTE_SMTP_PORT = settings.MSSANTE_IMAP_PORT = closed.getsockname()[1]
    settings.MSSANTE_IMAP_HOST = "127.0.0.1"
    assert deep(client) == (503, ["mail_answers", "imap_answers", "mailbox_read_seconds_ago"])


def test_a_redis_that_is_away_or_forgets_is_told(client, awake, settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{servers.free_port()}/0"
    assert deep(client) == (503, ["redis_when_full"])
    assert told(client, "redis_up") == "0.0"


def told(client, name: str) -> str:
    said = client.get("/metrics", headers=TOKEN).content.decode()
    return re.search(rf"^ordolien_{name} (\S+)$", said, re.M)[1]


def test_a_certificate_about_to_end_is_trouble(client, awake, later):
    later(days=810)
    assert "certificate_days" in deep(client)[1]


def test_an_old_directory_is_trouble(client, awake, market):
    Pharmacy.objects.update(source_date=timezone.localdate() - timedelta(days=90))
    assert deep(client) == (503, ["directory_days"])


def test_a_message_that_waits_too_long_is_trouble(client, awake):
    queued(created_at=db_now() - timedelta(minutes=20))
    assert deep(client) == (503, ["oldest_pending_seconds"])


def test_a_message_put_aside_is_trouble(client, awake):
    queued(status=D.QUARANTINED)
    assert deep(client) == (503, ["quarantined"])


def test_a_closed_way_out_is_trouble(client, awake):
    Route.objects.create(name="mssante", opened_at=db_now(), closed_until=db_now(), reason="tls")
    answer = client.get("/healthz/deep", headers=TOKEN)
    assert (answer.json()["wrong"], answer.json()["checks"]["way_out_closed_by"]) == (["way_out_closed_by"], "tls")


def test_it_says_nothing_of_anybody(client, awake, alice, market, prescription):
    actions.share_prescription(prescription=prescription, pharmacy=market, message="Secret.", by=alice)
    pages = [client.get(page, headers=TOKEN).content.decode() for page in ("/healthz/deep", "/metrics")]
    said = "".join(pages).lower()
    assert [
        word
        for word in ("moreau", "marché", "secret", "patient ", "2880375056123", str(prescription.pk), "mssante.test")
        if word in said
    ] == []


# --- Reconciliation: what must add up -------------------------------------------------------------------------------
def wrong() -> dict:
    return {name: count for name, count in reconciliation.counts().items() if count}


def sent(row: Delivery) -> None:
    Delivery.objects.filter(pk=row.pk).update(status=D.SENT, sent_at=db_now())


def test_what_really_happened_adds_up(open_sink, alice, market, prescription):
    open_sink()
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    delivery.sweep_once()
    assert AuditEvent.objects.filter(kind="delivery.sent").count() == 1
    actions.revoke_share(share=share, by=alice)
    delivery.sweep_once()
    assert wrong() == {}


def test_a_share_without_its_message_is_counted():
    factories.share()
    assert wrong() == {"shares_without_delivery": 1}


def test_a_message_sent_without_trace_is_counted():
    sent(queued())
    assert wrong() == {"sent_without_trace": 1}


def test_a_failure_the_patient_does_not_know_is_counted():
    queued(status=D.FAILED)
    assert wrong() == {"failed_and_not_told": 1}


def test_a_message_that_still_leaves_for_a_share_that_ended_is_counted():
    row = queued()
    Share.objects.filter(pk=row.share_id).update(status=S.COLLECTED)
    assert wrong() == {"ended_and_still_leaving": 1}


def test_a_share_taken_back_and_not_recalled_is_counted(open_sink):
    open_sink()
    row = queued()
    delivery.sweep_once()
    Share.objects.filter(pk=row.share_id).update(status=S.REVOKED)
    assert wrong() == {"taken_back_and_not_recalled": 1}


def test_an_answer_nobody_reads_is_counted():
    row = mails.keep(b"x")
    InboundMail.objects.filter(pk=row.pk).update(received_at=db_now() - timedelta(minutes=11))
    assert wrong() == {"answers_not_understood_in_time": 1}


def test_the_command_ends_with_its_verdict():
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert "0  shares without delivery" in out.getvalue()
    share, row = factories.share(), queued()
    sent(row)
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", stdout=out)
    assert ended.value.code == 1
    assert f"1  shares without delivery\n        share:{share.pk}\n" in out.getvalue()
    assert f"1  sent without trace\n        delivery:{row.pk}\n" in out.getvalue()
