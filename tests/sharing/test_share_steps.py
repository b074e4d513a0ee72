"""Sending a prescription in four short pages, and everything that stops it."""

import html
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sharing import xdm
from sharing.models import Delivery, Share
from sharing.outgoing import message
from sharing.space import share_draft
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(client, alice):
    """Alice's browser."""
    client.force_login(alice)
    return client


class Journey:
    """The four pages for one prescription, in one browser."""

    def __init__(self, browser, prescription):
        self.browser, self.prescription = browser, prescription

    def url(self, name, *args, **query):
        return reverse(name, args=[self.prescription.pk, *args], query=query)

    def choose(self, pharmacy, **query):
        return self.browser.post(self.url("share-pharmacy", **query), {"pharmacy": getattr(pharmacy, "pk", pharmacy)})

    def say(self, words="", wished_at=""):
        return self.browser.post(self.url("share-message"), {"message": words, "wished_at": wished_at})

    def check(self):
        return self.browser.get(self.url("share-check"))

    def key(self):
        return self.check().context["form"]["key"].value()

    def send(self, key=None):
        return self.browser.post(self.url("share-check"), {"key": key or self.key()})


@pytest.fixture
def journey(patient, prescription):
    return Journey(patient, prescription)


def text(response) -> str:
    return response.content.decode().replace("\xa0", " ")


# --- The straight way -------------------------------------------------------------------------------------------------


def test_four_pages_and_it_is_saved(journey, alice, alice_patient, market):
    factories.own_pharmacy(alice_patient, market, is_favourite=True)
    first = journey.browser.get(journey.url("share-pharmacy"))
    assert "Étape 1 sur 4" in text(first)
    assert "Votre pharmacie habituelle" in text(first)

    assert journey.choose(market).url == journey.url("share-message")
    assert "Pharmacie du Marché" in text(journey.browser.get(journey.url("share-message")))

    tomorrow = timezone.localtime() + timedelta(days=1)
    assert journey.say("C’est ma fille qui passera.", tomorrow.strftime("%Y-%m-%dT%H:%M")).url == journey.url(
        "share-check"
    )

    checked = text(journey.check())
    assert "C’est ma fille qui passera." in checked
    assert "demain à" in checked
    assert "Alice Moreau" in checked

    share = _sent(journey.send())
    assert (share.pharmacy, share.message, share.shared_by) == (market, "C’est ma fille qui passera.", alice)
    assert share.wished_at == tomorrow.replace(second=0, microsecond=0)
    assert share.deliveries.count() == 1

    confirmed = text(journey.browser.get(journey.url("share-confirmed", share.pk)))
    assert "C’est enregistré" in confirmed
    assert share.receipt_shown in confirmed


def _sent(response) -> Share:
    assert response.status_code == 302, text(response)
    share = Share.objects.latest("created_at")
    assert response.url == reverse("share-confirmed", args=[share.prescription_id, share.pk])
    return share


def test_what_is_checked_is_what_leaves(journey, market):
    journey.choose(market)
    journey.say("Bonjour,\r\nmerci")
    page = journey.check()
    shown = page.context["letter"]
    assert f"{shown.sender_address}" in text(page)
    for line in shown.text.replace("\xa0", " ").splitlines():
        assert line.strip() in html.unescape(text(page))

    leaving = message.preview(_sent(journey.send()))
    assert (leaving.subject, leaving.text) == (shown.subject, shown.text)
    pdf, archive = leaving.attachments
    shown_pdf, shown_archive = shown.attachments
    assert (pdf, archive.name) == (shown_pdf, shown_archive.name)
    assert xdm.read(archive.content) == xdm.read(shown_archive.content)  # apart from when it was sent
    assert [each["label"] for each in page.context["attachments"]] == [
        "Ordonnance (PDF)",
        "Dossier pour le logiciel de la pharmacie",
    ]


def test_no_word_and_no_hour_is_fine(journey, market):
    journey.choose(market)
    journey.say()
    share = _sent(journey.send())
    assert (share.message, share.wished_at) == ("", None)


def test_the_same_button_pressed_twice_makes_one_share(journey, market):
    journey.choose(market)
    journey.say()
    key = journey.key()
    first, second = journey.send(key), journey.send(key)
    assert first.url == second.url
    assert Share.objects.count() == 1
    assert Delivery.objects.count() == 1
    # Coming back to the check page later leads to the same place.
    assert journey.check().url == first.url


def test_two_windows_that_send_at_the_same_moment_make_one_share(journey, alice, market):
    """The second request read the session before the first one wrote it."""
    journey.choose(market)
    journey.say()
    key, before = journey.key(), dict(journey.browser.session)
    first = journey.send(key)
    session = journey.browser.session
    session.update(before)
    session.save()
    assert journey.send(key).url == first.url
    assert Share.objects.count() == 1


def test_the_answers_wait_sealed_in_the_session_and_never_in_a_url(journey, market):
    journey.choose(market)
    response = journey.say("Mot très privé")
    assert "priv" not in response.url
    stored = str(dict(journey.browser.session))
    assert "Mot très privé" not in stored
    assert str(market.pk) not in stored


def test_nothing_of_the_words_stays_in_the_session_once_sent(journey, rf, alice, market):
    journey.choose(market)
    journey.say("Mot très privé")
    journey.send()
    request = rf.get("/")
    request.session, request.user = journey.browser.session, alice
    kept = share_draft.load(request, journey.prescription)
    assert (kept.message, kept.pharmacy) == ("", "")


def test_an_answer_may_be_changed_from_the_check_page(journey, market):
    other = factories.pharmacy("Pharmacie des Halles")
    journey.choose(market)
    journey.say("Premier mot")
    assert journey.choose(other).url == journey.url("share-message")
    assert "Premier mot" in text(journey.browser.get(journey.url("share-message")))
    journey.say("Second mot")
    share = _sent(journey.send())
    assert (share.pharmacy, share.message) == (other, "Second mot")


def test_what_changed_in_another_window_must_be_checked_again(journey, market):
    journey.choose(market)
    journey.say("Un")
    old_key = journey.key()
    journey.say("Deux")
    response = journey.send(old_key)
    assert response.status_code == 409
    assert "Vos réponses ont changé" in text(response)
    assert not Share.objects.exists()


# --- In order ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["share-message", "share-check"])
def test_without_a_pharmacy_one_is_led_back_to_it(journey, name):
    response = journey.browser.get(journey.url(name), follow=True)
    assert response.redirect_chain[-1][0] == journey.url("share-pharmacy")
    assert "Choisissez d’abord une pharmacie." in text(response)


def test_the_second_page_is_not_jumped_over(journey, market):
    journey.choose(market)
    assert journey.check().url == journey.url("share-message")
    assert journey.send("any").url == journey.url("share-message")


def test_a_moment_that_has_passed_since_is_asked_again(journey, rf, alice, market):
    journey.choose(market)
    request = rf.get("/")
    request.session, request.user = journey.browser.session, alice
    draft = share_draft.load(request, journey.prescription)
    share_draft.save(request, journey.prescription, draft.saying("", timezone.now() - timedelta(minutes=1)))
    request.session.save()
    assert journey.check().url == journey.url("share-message")


# --- Which pharmacy ---------------------------------------------------------------------------------------------------


def names(rows):
    return [row.pharmacy.name for row in rows]


def test_ones_own_pharmacies_come_first_with_the_last_visit(journey, alice_patient, market):
    visited = factories.pharmacy("Pharmacie des Halles")
    factories.own_pharmacy(alice_patient, visited, last_used_at=timezone.now() - timedelta(days=30))
    factories.own_pharmacy(alice_patient, market, is_favourite=True)
    page = journey.browser.get(journey.url("share-pharmacy"))
    assert names(page.context["own"]) == ["Pharmacie du Marché", "Pharmacie des Halles"]
    assert "La dernière fois" in text(page)


def test_a_pharmacy_is_found_by_name_town_or_postcode(journey):
    factories.pharmacy("Pharmacie des Halles", town="Angers", postcode="49000")
    factories.pharmacy("Pharmacie du Port", town="Nantes", postcode="44000")
    for q in ("halles", "angers", "49000"):
        page = journey.browser.get(journey.url("share-pharmacy", q=q))
        assert names(page.context["found"]) == ["Pharmacie des Halles"], q


def test_a_pharmacy_without_a_mailbox_is_shown_with_the_reason_and_cannot_be_chosen(journey):
    deaf = factories.pharmacy("Pharmacie Sourde", mailbox=False)
    page = journey.browser.get(journey.url("share-pharmacy", q="sourde"))
    assert "Ne reçoit pas encore les envois sécurisés" in text(page)
    assert "Montrer le QR" in text(page)
    assert f'value="{deaf.pk}"' not in text(page)
    assert "envois sécurisés" in _refused(journey.choose(deaf))


def _refused(response) -> str:
    assert response.status_code == 422
    assert not Share.objects.exists()
    return text(response)


@pytest.mark.parametrize("pharmacy", ["", "nonsense", "01939f2e-7c2a-7000-8000-000000000000"])
def test_an_unknown_pharmacy_is_refused_beside_the_list(journey, pharmacy):
    assert "dans la liste" in _refused(journey.choose(pharmacy))


def test_a_closed_or_blocked_pharmacy_is_refused(journey, alice_patient, market):
    alice_patient.blocked_professionals.create(identifier=market.finess)
    assert "Cette pharmacie ne peut pas recevoir cette ordonnance" in _refused(journey.choose(market))
    gone = factories.pharmacy("Pharmacie Partie", is_open=False)
    assert "n’est plus dans l’annuaire" in _refused(journey.choose(gone))


def test_the_list_costs_the_same_however_many_are_found(journey, django_assert_max_num_queries):
    journey.browser.get(journey.url("share-pharmacy"))
    costs = []
    for _ in range(2):
        for n in range(5):
            factories.pharmacy(f"Pharmacie des Halles {n}")
        with django_assert_max_num_queries(30) as queries:
            journey.browser.get(journey.url("share-pharmacy", q="halles"))
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_around_me_goes_by_distance_and_nothing_of_it_is_in_the_url(journey):
    factories.pharmacy("Pharmacie Loin", latitude=45.80, longitude=4.90)
    factories.pharmacy("Pharmacie Près", latitude=45.7581, longitude=4.8352)
    page = journey.browser.post(journey.url("share-pharmacy"), {"lat": "45.75812", "lon": "4.83517"})
    assert names(page.context["found"]) == ["Pharmacie Près", "Pharmacie Loin"]
    assert page.context["near"] == (45.758, 4.835)


def test_a_place_that_is_none_changes_nothing(journey):
    page = journey.browser.post(journey.url("share-pharmacy"), {"lat": "200", "lon": "x"})
    assert page.status_code == 200
    assert page.context["found"] is None


# --- What to say ------------------------------------------------------------------------------------------------------


def test_a_word_too_long_is_kept_and_counted(journey, market):
    journey.choose(market)
    response = journey.say("é" * 1001)
    assert response.status_code == 422
    assert "1001" in text(response)
    assert "é" * 1001 in text(response)
    assert journey.say("é\r\n" * 500).status_code == 302  # a line break counts for one


@pytest.mark.parametrize(
    ("wished_at", "said"),
    [
        ("2020-01-01T10:00", "déjà passé"),
        ("demain", "Indiquez un jour et une heure"),
        ("2999-01-01T10:00", "valable jusqu’au"),
    ],
)
def test_an_hour_that_cannot_be_is_refused(journey, market, wished_at, said):
    journey.choose(market)
    response = journey.say("Bonjour", wished_at)
    assert response.status_code == 422
    assert said in text(response)
    assert "Bonjour" in text(response)


def test_an_hour_far_away_is_refused_when_nobody_knows_the_end(patient, alice_patient, market):
    journey = Journey(patient, factories.photo_prescription(alice_patient))
    journey.choose(market)
    far = (timezone.localtime() + timedelta(days=200)).strftime("%Y-%m-%dT%H:%M")
    assert "dans les trois mois" in text(journey.say("", far))


# --- Why not ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["share-pharmacy", "share-message", "share-check"])
def test_an_expired_prescription_is_not_sent(patient, alice_patient, name):
    over = factories.prescription(alice_patient, valid_until=timezone.localdate() - timedelta(days=1))
    response = patient.get(reverse(name, args=[over.pk]), follow=True)
    assert "n’est plus valable depuis" in text(response)


def test_cancelled_while_the_patient_was_choosing(journey, market):
    journey.choose(market)
    journey.say("Bonjour")
    key = journey.key()
    journey.prescription.cancelled_at, journey.prescription.cancelled_reason = timezone.now(), "erreur"
    journey.prescription.save()
    response = journey.send(key)
    assert response.status_code == 409
    assert "annulée par le prescripteur" in text(response)
    assert not Share.objects.exists()


def test_the_mailbox_closed_while_the_patient_was_choosing(journey, market):
    journey.choose(market)
    journey.say("Bonjour")
    key = journey.key()
    market.mailboxes.all().delete()
    response = journey.send(key)
    assert response.status_code == 409
    assert "messagerie" in text(response) or "envois sécurisés" in text(response)
    assert not Share.objects.exists()


def test_care_at_home_is_not_for_a_pharmacy(patient, alice_patient):
    care = factories.prescription(alice_patient, lines=[factories.nursing()])
    response = patient.get(reverse("share-pharmacy", args=[care.pk]))
    assert "n’est pas pour une pharmacie" in text(response)


def test_all_delivered_there_is_nothing_to_send(patient, alice_patient):
    done = factories.prescription(alice_patient)
    factories.dispensing(done)
    assert "Tout ce qui était prescrit a été délivré" in text(patient.get(reverse("share-pharmacy", args=[done.pk])))


def test_a_form_without_its_token_is_refused(alice, prescription, market):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    url = reverse("share-pharmacy", args=[prescription.pk])
    assert strict.post(url, {"pharmacy": market.pk}).status_code == 403


def test_a_stranger_cannot_send_it(client, bob, prescription, market):
    client.force_login(bob)
    for name in ("share-pharmacy", "share-message", "share-check"):
        assert client.post(reverse(name, args=[prescription.pk]), {"pharmacy": market.pk}).status_code == 404


# --- Already sent, and moving -----------------------------------------------------------------------------------------


@pytest.fixture
def sent(journey, market):
    journey.choose(market)
    journey.say("Bonjour")
    return _sent(journey.send())


def test_already_sent_says_to_whom_and_how_to_move_it(journey, sent):
    response = journey.browser.get(journey.url("share-pharmacy"))
    assert "Déjà envoyée à" in text(response)
    assert "Pharmacie du Marché" in text(response)
    assert journey.url("share-pharmacy") + "?changer=1" in text(response)


def test_a_second_share_is_refused_when_it_comes_by_another_window(journey, sent):
    other = factories.pharmacy("Pharmacie des Halles")
    response = journey.choose(other)
    assert response.status_code == 409
    assert "Déjà envoyée" in text(response)
    assert Share.objects.count() == 1


def test_moving_it_takes_the_first_one_back(journey, sent):
    other = factories.pharmacy("Pharmacie des Halles")
    assert "sera retiré" in text(journey.browser.get(journey.url("share-pharmacy", changer=1)))
    journey.choose(other, changer=1)
    journey.say("Changement")
    assert "L’envoi à la Pharmacie du Marché, retiré" in text(journey.check())
    key = journey.key()
    share = _sent(journey.send(key))
    sent.refresh_from_db()
    assert (sent.status, share.moved_from, share.pharmacy) == (S.REVOKED, sent, other)

    assert journey.send(key).url == reverse("share-confirmed", args=[share.prescription_id, share.pk])
    assert Share.objects.count() == 2


def test_moving_to_the_same_pharmacy_is_refused(journey, sent, market):
    response = journey.choose(market, changer=1)
    assert response.status_code == 422
    assert "C’est déjà à cette pharmacie" in text(response)


def test_nothing_is_taken_back_before_the_new_one_leaves(journey, sent):
    journey.choose(factories.pharmacy("Pharmacie des Halles"), changer=1)
    journey.say()
    sent.refresh_from_db()
    assert sent.status == S.SHARED


def test_the_pharmacy_refused_while_the_patient_was_moving_it(journey, sent):
    other = factories.pharmacy("Pharmacie des Halles")
    journey.choose(other, changer=1)
    journey.say()
    key = journey.key()
    Share.objects.filter(pk=sent.pk).update(status=S.REFUSED, refusal="stock")
    assert _sent(journey.send(key)).pharmacy == other
