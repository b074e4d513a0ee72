"""The demo's doors, and that they are walls everywhere else."""

import pytest
from django.test import Client
from django.urls import reverse

from portal import notices
from sharing import actions, delivery, sweep
from sharing.demo import pharmacy_mailbox
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def demo(settings):
    settings.DEMO = True
    settings.EMAIL_BACKEND = "portal.demo.MaildirBackend"


ADDRESSES = [
    "/demo/",
    "/demo/messages/alice/",
    "/demo/messagerie/",
    "/demo/messagerie/699900106/",
    "/demo/messagerie/699900106/x/",
    "/demo/messagerie/699900106/x/0/",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_outside_the_demo_there_is_nothing(client, alice, market, address):
    assert client.get(address).status_code == 404
    client.force_login(alice)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("address", ["/demo/enter/alice/", "/demo/messagerie/699900106/x/lu/"])
def test_outside_the_demo_no_door_opens(client, alice, market, address):
    assert client.post(address).status_code == 404
    assert "_auth_user_id" not in client.session


def test_everybody_is_listed_with_their_door(client, demo):
    page = client.get("/demo/").content.decode()
    for code in ("alice", "bob", "chloe", "dan", "emma"):
        assert f'action="/demo/enter/{code}/"' in page


@pytest.mark.parametrize(
    ("code", "home"),
    [("alice", "/"), ("bob", "/"), ("chloe", "/pharmacie/"), ("dan", "/admin/"), ("emma", "/prescripteur/")],
)
def test_each_enters_where_they_belong(client, demo, code, home):
    getattr(factories, code)()
    answer = client.post(f"/demo/enter/{code}/")
    assert (answer.status_code, answer["Location"]) == (302, home)
    assert client.get(home).status_code == 200


def test_a_program_enters_with_one_post(demo):
    factories.alice()
    client = Client(enforce_csrf_checks=True)
    assert client.post("/demo/enter/alice/").status_code == 302
    assert client.get("/ordonnances/").status_code == 200


def test_a_door_is_not_opened_by_a_link(client, demo, alice):
    assert client.get("/demo/enter/alice/").status_code == 405


@pytest.mark.parametrize("address", ["/demo/enter/mallory/", "/demo/messages/mallory/"])
def test_nobody_else_has_a_door(client, demo, address):
    assert client.post(address).status_code in {404, 405}
    assert client.get(address).status_code in {404, 405}


def test_an_empty_demo_says_what_to_do(client, demo):
    answer = client.post("/demo/enter/alice/")
    assert answer.status_code == 503
    assert "manage.py demo" in answer.content.decode()


def test_their_ordinary_e_mails_can_be_read(client, demo, alice):
    assert "Rien pour l’instant" in client.get("/demo/messages/alice/").content.decode()
    notices.new_message(to=alice, path="/partages/")
    notices.send_due()
    assert "Vous avez un nouveau message" in client.get("/demo/messages/alice/").content.decode()


# --- The mailbox of a pharmacy that has nothing else ------------------------------------------------------------------
@pytest.fixture
def prescription(kept_prescription):
    return kept_prescription


@pytest.fixture
def mail(client, demo, local_operator, alice, market, prescription):
    actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    delivery.sweep_once()
    [received] = pharmacy_mailbox.received_by(market)
    return reverse("demo-mail", args=[market.finess, received.key])


def test_it_is_read_and_answered_by_hand(client, mail, market, prescription):
    share = prescription.shares.get()
    assert market.name in client.get("/demo/messagerie/").content.decode()
    assert "MOREAU Alice" in client.get(f"/demo/messagerie/{market.finess}/").content.decode()
    assert "AMOXICILLINE" in client.get(mail).content.decode()
    answer = client.post(mail, {"text": "Elle sera prête à 18 h."})
    assert answer["Location"] == mail
    sweep.collect()
    assert share.messages.get().body == "Elle sera prête à 18 h."


def test_its_files_can_be_opened(client, mail):
    answer = client.get(f"{mail}0/")
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert client.get(f"{mail}7/").status_code == 404


def test_an_empty_answer_does_not_leave(client, mail, prescription):
    assert client.post(mail, {"text": " "}).status_code == 400
    sweep.collect()
    assert not prescription.shares.get().messages.exists()


def test_reading_is_confirmed_by_mail(client, mail, prescription):
    client.post(f"{mail}lu/")
    sweep.collect()
    assert prescription.shares.get().status == S.OPENED


def test_when_the_operator_is_away_it_says_so(client, mail, settings):
    settings.MSSANTE_SMTP_PORT = 1
    page = client.post(mail, {"text": "Bonjour."}, follow=True).content.decode()
    assert "Rien n’est parti" in page
