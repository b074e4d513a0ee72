"""What is written down while people use the site: routes, ids and codes. Nobody's name, nothing of their health."""

import json
import logging
import sys
import threading
from io import StringIO

import pytest
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError
from django.test import Client
from django.urls import path

from portal import logs
from portal import urls as site
from sharing import delivery
from sharing.incoming import mails
from tests.mail import queued

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
# What must not be found, whatever happened: names, matricule, birth, addresses, words, a medicine, its code, a path.
SECRETS = [
    "moreau",
    "alice",
    "288037505",
    "1988-03",
    "amoxi",
    "60234100",
    "j’ai mal",
    "/ordonnances",
    "?",
    "mot de passe",
]


@pytest.fixture
def lines():
    """Everything that any logger says, from INFO on, as production writes it."""
    written, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    handler.setFormatter(logs.JsonLine())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def secrets_in(lines: list[dict]) -> list[str]:
    text = json.dumps(lines, ensure_ascii=False).lower()
    return [word for word in SECRETS if word in text]


def test_a_whole_journey_leaves_no_word_of_anybody(lines, open_sink, client, alice, market, prescription):
    open_sink(lambda stage, turn: "451 4.7.1 moreau is not here" if turn == 1 and stage == "rcpt" else None)
    Client().post("/compte/login/", {"login": "alice@ordolien.test", "password": "un mot de passe"})
    client.force_login(alice)
    share = f"/ordonnances/{prescription.pk}/partager/"
    for page in ("/", "/ordonnances/?q=amoxicilline", f"/ordonnances/{prescription.pk}/", "/medicaments/60234100/"):
        client.get(page)
    client.post(share, {"pharmacy": str(market.pk)})
    client.post(share + "message/", {"message": "J’ai mal."})
    client.get(share + "verifier/")
    Client(enforce_csrf_checks=True).post("/verifier/", {"text": "Alice Moreau"})
    client.get("/alice-moreau/288037505612394/")
    client.get("/", headers={"Host": "alice.moreau"})
    queued(share=None)
    delivery.sweep_once()
    mails.keep(b"From: alice@x\r\nSubject: Moreau\r\n\r\nJ'ai mal.")
    mails.process_stored()
    told = lines()
    assert {"share-message", "medicine", "unknown"} <= {line.get("route") for line in told}
    assert any("delivery" in line["message"] for line in told)
    assert secrets_in(told) == []


def test_each_line_of_a_request_carries_its_id(lines, client):
    answer = client.get("/compte/login/")
    [line] = [line for line in lines() if line["logger"] == "portal.access_log"]
    assert (line["route"], line["status"], line["request"]) == ("account_login", 200, answer["X-Request-ID"])
    assert isinstance(line["milliseconds"], int)


@login_not_required
def breaks(request):
    raise IntegrityError("Key (name)=(Moreau, 288037505612394) exists")


handler500 = site.handler500
urlpatterns = [path("aide/", breaks, name="help"), *site.urlpatterns]


def test_what_breaks_is_told_without_its_words_and_leads_from_the_page_to_the_log(lines, settings):
    settings.ROOT_URLCONF = __name__
    answer = Client(raise_request_exception=False).get("/aide/?q=Amoxicilline")
    [line] = [line for line in lines() if line.get("error")]
    assert (answer.status_code, line["error"], line["message"]) == (500, ["IntegrityError"], "500 help")
    assert line["at"][-1].endswith("breaks")
    assert answer["X-Request-ID"] in answer.content.decode()
    assert secrets_in(lines()) == []


def test_an_error_given_to_a_line_is_told_by_its_kind(lines):
    try:
        raise ValueError("Moreau")
    except ValueError as error:
        logging.getLogger("a.library").exception("on_commit failed (%s)", error)
    assert lines()[-1]["message"] == "on_commit failed (ValueError)"


def test_what_ends_a_thread_or_the_process_is_told_the_same_way(lines):
    kept = sys.excepthook, threading.excepthook
    try:
        logs.say_what_ends_a_process_or_a_thread()
        thread = threading.Thread(target=lambda: int("Moreau"), name="sender-1")
        thread.start()
        thread.join()
    finally:
        sys.excepthook, threading.excepthook = kept
    assert (lines()[-1]["message"], lines()[-1]["error"]) == ("thread sender-1 ended", ["ValueError"])
    assert secrets_in(lines()) == []


def test_a_task_of_celery_is_told_by_its_id(lines):
    task = {"name": "sharing.tasks.deliver", "id": "0a1b", "description": "raised unexpected", "exc": "Moreau"}
    logging.getLogger("celery.app.trace").error("Task %(name)s[%(id)s]: %(exc)s", task, extra={"data": task})
    assert lines()[-1]["message"] == "task sharing.tasks.deliver 0a1b raised unexpected"


def test_words_for_people_keep_the_same_rules():
    record = logging.makeLogRecord({"name": "django.request", "levelname": "WARNING", "msg": "Not Found: /moreau/"})
    record.request, record.status_code = object(), 404
    assert logs.Words().format(record).endswith("WARNING django.request 404 unknown")
