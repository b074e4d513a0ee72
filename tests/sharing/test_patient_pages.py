"""The patient's pages: what they show, and to whom."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal import audit
from portal.models import AuditEvent
from prescriptions.models import PatientAccess
from sharing import actions
from sharing.models import Delivery, Share
from sharing.space import listing, share_cards
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def share(prescription):
    return factories.share(prescription, status=S.PREPARING)


def page(client, name, *args, **query):
    return client.get(reverse(name, args=args, query=query))


def text(response) -> str:
    return response.content.decode().replace("\xa0", " ")


# --- Who may see what -------------------------------------------------------------------------------------------------

OF_A_PRESCRIPTION = ["prescription", "prescription-present", "share-pharmacy", "share-message", "share-check"]
OF_A_SHARE = ["share", "share-status", "share-revoke"]
OF_A_PATIENT = ["prescriptions", "shares", "spaces"]


@pytest.fixture
def urls(prescription, share):
    return [
        *(reverse(name, args=[prescription.pk]) for name in OF_A_PRESCRIPTION),
        *(reverse(name, args=[share.pk]) for name in OF_A_SHARE),
        reverse("share-confirmed", args=[prescription.pk, share.pk]),
    ]


def test_a_visitor_is_asked_to_sign_in(client, urls):
    for url in [*urls, reverse("home"), *map(reverse, OF_A_PATIENT)]:
        response = client.get(url)
        assert response.status_code == 302, url
        assert response.url.startswith(reverse("account_login")), url


@pytest.mark.parametrize("who", ["bob", "chloe", "dan", "emma"])
def test_what_is_not_yours_is_as_if_it_were_not(client, urls, who):
    client.force_login(getattr(factories, who)())
    unknown = client.get(reverse("prescription", args=[uuid4()]))
    for url in urls:
        response = client.get(url)
        assert (response.status_code, response.content) == (404, unknown.content), url
    for name in ("share-revoke", "share-post"):
        assert client.post(reverse(name, args=[Share.objects.get().pk])).status_code == 404


@pytest.mark.parametrize("who", ["chloe", "dan", "emma"])
def test_professionals_have_no_patient_pages(client, alice, who):
    client.force_login(getattr(factories, who)())
    for name in OF_A_PATIENT:
        assert page(client, name).status_code == 404


def test_the_confirmation_of_another_prescription_is_not_found(client, alice, share):
    client.force_login(alice)
    other = factories.prescription(share.patient)
    assert page(client, "share-confirmed", other.pk, share.pk).status_code == 404


@pytest.mark.parametrize(("who", "where"), [("chloe", "/pharmacie/"), ("dan", "/admin/"), ("emma", "/prescripteur/")])
def test_home_leads_each_to_their_place(client, who, where):
    client.force_login(getattr(factories, who)())
    response = page(client, "home")
    assert (response.status_code, response.url) == (302, where)


def test_an_account_without_a_space_is_told_what_to_do(client, db):
    client.force_login(factories.user("new@ordolien.test"))
    assert "Votre compte est ouvert" in text(client.get(reverse("home"), follow=True))


# --- Home -------------------------------------------------------------------------------------------------------------


def test_home_greets_and_says_what_to_do(client, alice, share):
    share.events.create(status=S.READY, at=timezone.now(), door="desk")
    Share.objects.filter(pk=share.pk).update(status=S.READY)
    client.force_login(alice)
    shown = text(page(client, "home"))
    assert "Bonjour Alice" in shown
    assert "Prête à la Pharmacie du Marché" in shown
    assert "Voir le code à présenter" in shown


def test_an_empty_home_says_how_a_prescription_arrives(client, alice):
    client.force_login(alice)
    shown = text(page(client, "home"))
    assert "Vos ordonnances arriveront ici" in shown
    assert "À faire maintenant" not in shown


def test_home_costs_the_same_however_much_there_is(client, alice, alice_patient, django_assert_max_num_queries):
    client.force_login(alice)
    page(client, "home")
    costs = []
    for _ in range(2):
        for _ in range(3):
            factories.share(factories.prescription(alice_patient), status=S.PREPARING)
        with django_assert_max_num_queries(40) as queries:
            page(client, "home")
        costs.append(len(queries))
    assert costs[0] == costs[1]


# --- The list ---------------------------------------------------------------------------------------------------------


def titles(response) -> list[str]:
    return [card.title for card in response.context["page"].cards]


def test_the_list_says_where_it_was_sent(client, alice, share):
    client.force_login(alice)
    shown = text(page(client, "prescriptions"))
    assert "Amoxicilline" in shown
    assert "Dr Emma Rousseau, médecine générale" in shown
    assert "Envoyée à la Pharmacie du Marché, aujourd’hui." in shown
    assert "Suivre l’envoi" in shown


def test_the_list_costs_the_same_however_long(client, alice, alice_patient, django_assert_max_num_queries):
    client.force_login(alice)
    page(client, "prescriptions")
    costs = []
    for _ in range(2):
        for _ in range(6):
            mine = factories.prescription(alice_patient, lines=[factories.amoxicillin(), factories.levothyrox()])
            factories.dispensing(mine)
            factories.share(mine, factories.pharmacy(), status=S.PREPARING)
        with django_assert_max_num_queries(30) as queries:
            assert page(client, "prescriptions").status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1]


def named(patient, name, **fields):
    return factories.prescription(patient, lines=[factories.amoxicillin(name=name)], **fields)


def test_chips_choose_by_where_it_stands(client, alice, alice_patient):
    today = timezone.localdate()
    named(alice_patient, "VALABLE")
    named(alice_patient, "BIENTOT", valid_until=today + timedelta(days=3))
    named(alice_patient, "EXPIREE", valid_until=today - timedelta(days=1))
    named(alice_patient, "ANNULEE", cancelled_at=timezone.now(), cancelled_reason="erreur")
    factories.dispensing(named(alice_patient, "DELIVREE"))
    client.force_login(alice)
    chosen = {chip: set(titles(page(client, "prescriptions", vue=chip))) for chip in listing.CHIPS}
    assert chosen == {
        "": {"Valable", "Bientot", "Expiree", "Annulee", "Delivree"},
        "en-cours": {"Valable", "Bientot"},
        "a-renouveler": {"Bientot"},
        "terminees": {"Expiree", "Annulee", "Delivree"},
    }


@pytest.mark.parametrize("q", ["amoxi", "AMOXICILLINE", "rousseau", "medecine générale", "amoxi rousseau"])
def test_search_by_medicine_or_prescriber_whatever_the_accents(client, alice, alice_patient, q):
    factories.prescription(alice_patient)
    client.force_login(alice)
    assert titles(client.post(reverse("prescriptions"), {"q": q})) == ["Amoxicilline"]


def test_search_that_finds_nothing_says_what_to_try(client, alice, prescription):
    client.force_login(alice)
    response = client.post(reverse("prescriptions"), {"q": "insuline"})
    assert titles(response) == []
    assert "Aucune ordonnance ne correspond" in text(response)


def test_the_words_of_a_search_stay_out_of_urls(client, alice, prescription):
    client.force_login(alice)
    assert titles(page(client, "prescriptions", q="insuline")) == ["Amoxicilline"]


def test_pages_follow_each_other_without_a_hole_or_a_double(client, alice, alice_patient):
    day = timezone.localdate() - timedelta(days=40)
    made = {factories.prescription(alice_patient, authored_on=day + timedelta(days=n // 3)).pk for n in range(45)}
    client.force_login(alice)
    seen, url = [], reverse("prescriptions")
    while url:
        response = client.get(url)
        seen += [card.prescription.pk for card in response.context["page"].cards]
        url = response.context["next_url"]
    assert len(seen) == 45
    assert set(seen) == made


def test_a_month_already_written_is_not_written_again_by_see_more(client, alice, alice_patient):
    for _ in range(listing.PAGE + 1):
        factories.prescription(alice_patient, authored_on=timezone.localdate().replace(day=1) - timedelta(days=5))
    client.force_login(alice)
    following = page(client, "prescriptions").context["next_url"]
    assert "group-title" in text(client.get(following))
    assert "group-title" not in text(client.get(following, headers={"HX-Request": "true"}))


@pytest.mark.parametrize("after", ["nonsense", "01939f2e-7c2a-7000-8000-000000000000"])
@pytest.mark.parametrize("name", ["prescriptions", "shares"])
def test_a_page_after_what_is_not_yours_is_not_found(client, alice, name, after):
    client.force_login(alice)
    assert page(client, name, apres=after).status_code == 404


def test_a_page_after_somebody_elses_is_not_found(client, alice, bob_patient):
    client.force_login(alice)
    theirs = factories.share(factories.prescription(bob_patient))
    assert page(client, "prescriptions", apres=theirs.prescription_id).status_code == 404
    assert page(client, "shares", apres=theirs.pk).status_code == 404


# --- One prescription -------------------------------------------------------------------------------------------------


def test_a_prescription_says_all_it_knows(client, alice, prescription):
    client.force_login(alice)
    shown = text(page(client, "prescription", prescription.pk))
    for words in (
        "Ordonnance numérique",
        "Valable",
        "AMOXICILLINE 500 mg",
        "À présenter avant le",
        "Inconnu",
        "Personne n’a signalé de délivrance.",
        reverse("prescription-qr", args=[prescription.pk]),
        reverse("prescription-pdf", args=[prescription.pk]),
        "Envoyer à une pharmacie",
    ):
        assert words in shown


def test_renewals_are_drawn_once_the_registry_knows(client, alice, alice_patient):
    mine = factories.prescription(alice_patient, lines=[factories.levothyrox()])
    client.force_login(alice)
    assert "count-left" not in text(page(client, "prescription", mine.pk))
    factories.dispensing(mine)
    shown = text(page(client, "prescription", mine.pk))
    assert shown.count('class="count-dot count-left"') == 2
    assert shown.count('class="count-dot"') == 1


def test_the_reason_why_it_cannot_be_sent_takes_the_place_of_the_button(client, alice, alice_patient):
    care = factories.prescription(alice_patient, lines=[factories.nursing()])
    client.force_login(alice)
    shown = text(page(client, "prescription", care.pk))
    assert "n’est pas pour une pharmacie" in shown
    assert reverse("share-pharmacy", args=[care.pk]) not in shown


def test_an_expired_prescription_says_so_once(client, alice, alice_patient):
    over = factories.prescription(alice_patient, valid_until=timezone.localdate() - timedelta(days=1))
    client.force_login(alice)
    shown = text(page(client, "prescription", over.pk))
    assert shown.count("n’est plus valable depuis") == 1
    assert reverse("share-pharmacy", args=[over.pk]) not in shown


def test_a_replaced_prescription_leads_to_the_new_one(client, alice, alice_patient):
    old = factories.prescription(alice_patient)
    new = factories.prescription(alice_patient, replaces=old)
    client.force_login(alice)
    assert reverse("prescription", args=[new.pk]) in text(page(client, "prescription", old.pk))


def test_a_photo_has_no_code_and_says_what_it_is_for(client, alice, alice_patient):
    photo = factories.photo_prescription(alice_patient)
    client.force_login(alice)
    shown = text(page(client, "prescription", photo.pk))
    assert "Photo : pour préparation seulement" in shown
    assert reverse("prescription-qr", args=[photo.pk]) not in shown
    assert page(client, "prescription-present", photo.pk).status_code == 404


def test_an_opposition_is_shown(client, alice, alice_patient):
    client.force_login(alice)
    words = "les prescripteurs ne voient pas ces délivrances"
    assert words not in text(page(client, "prescription", factories.prescription(alice_patient).pk))
    assert words in text(page(client, "prescription", factories.prescription(alice_patient, opposed=True).pk))


def test_a_sent_prescription_leads_to_its_share_and_to_a_change_of_pharmacy(client, alice, share):
    client.force_login(alice)
    shown = text(page(client, "prescription", share.prescription_id))
    assert "Déjà envoyée à la Pharmacie du Marché" in shown
    assert reverse("share", args=[share.pk]) in shown
    assert reverse("share-pharmacy", args=[share.prescription_id]) + "?changer=1" in shown


def test_the_page_for_the_counter_has_the_number_and_the_code(client, alice, prescription):
    client.force_login(alice)
    shown = text(page(client, "prescription-present", prescription.pk))
    assert "Alice Moreau" in shown
    assert prescription.number[:4] in shown
    assert reverse("prescription-qr", args=[prescription.pk]) in shown


# --- Shares -----------------------------------------------------------------------------------------------------------


def test_shares_those_that_go_on_first(client, alice, alice_patient):
    for status in (S.COLLECTED, S.READY):
        factories.share(factories.prescription(alice_patient), status=status)
    client.force_login(alice)
    response = page(client, "shares")
    assert [card.share.status for card in response.context["active"]] == [S.READY]
    assert [card.share.status for card in response.context["page"].cards] == [S.COLLECTED]


def test_past_shares_come_by_pages(client, alice, alice_patient):
    made = {factories.share(factories.prescription(alice_patient), status=S.COLLECTED).pk for _ in range(23)}
    client.force_login(alice)
    first = page(client, "shares")
    second = client.get(first.context["next_url"])
    seen = [card.share.pk for response in (first, second) for card in response.context["page"].cards]
    assert len(first.context["page"].cards) == share_cards.PAGE
    assert (len(seen), set(seen)) == (23, made)
    assert second.context["next_url"] == ""


def test_a_share_says_where_it_is(client, alice, share):
    client.force_login(alice)
    shown = text(page(client, "share", share.pk))
    assert share.receipt_shown in shown
    assert "En préparation" in shown
    assert "Retirer cet envoi" in shown


def test_the_frozen_message_is_not_read_to_show_a_share(client, alice, share, django_assert_max_num_queries):
    client.force_login(alice)
    with django_assert_max_num_queries(30) as queries:
        page(client, "share", share.pk)
    deliveries = [q["sql"] for q in queries if Delivery._meta.db_table in q["sql"]]
    assert deliveries
    assert not any('"content"' in sql for sql in deliveries)


def test_the_poll_answers_only_when_something_changed(client, alice, share):
    client.force_login(alice)
    version = page(client, "share", share.pk).context["version"]
    unchanged = page(client, "share-status", share.pk, v=version)
    assert (unchanged.status_code, unchanged.content) == (204, b"")

    Share.objects.filter(pk=share.pk).update(status=S.READY)
    share.events.create(status=S.READY, at=timezone.now(), door="desk")
    changed = page(client, "share-status", share.pk, v=version)
    assert changed.status_code == 200
    assert "Prête" in text(changed)
    assert "<html" not in text(changed)
    assert changed.context["version"] != version


def test_the_poll_stops_when_the_share_has_ended(client, alice, share):
    client.force_login(alice)
    assert "hx-trigger" in text(page(client, "share-status", share.pk))
    Share.objects.filter(pk=share.pk).update(status=S.COLLECTED)
    ended = text(page(client, "share-status", share.pk))
    assert "hx-trigger" not in ended
    assert "la conversation est close" in ended


def test_the_thread_says_who_and_when(client, alice, chloe, share):
    share.messages.create(side="pharmacy", author=chloe, body="<b>Bonjour</b>", door="desk", created_at=timezone.now())
    share.messages.create(side="patient", author=alice, body="Merci", door="portal", created_at=timezone.now())
    client.force_login(alice)
    shown = text(page(client, "share", share.pk))
    assert "&lt;b&gt;Bonjour" in shown
    assert "Pharmacie du Marché, " in shown
    assert "Vous, " in shown


def test_what_the_pharmacy_asks_is_said_on_top(client, alice, share):
    client.force_login(alice)
    assert "Lire et répondre" not in text(page(client, "share", share.pk))
    asked_at = share.status_at + timedelta(minutes=5)
    share.messages.create(side="pharmacy", body="Générique ?", door="mail", created_at=asked_at)
    assert "Lire et répondre" in text(page(client, "share", share.pk))


def test_writing_to_the_pharmacy(client, alice, share):
    client.force_login(alice)
    key = page(client, "share", share.pk).context["form"]["key"].value()
    for _ in range(2):  # pressed twice
        response = client.post(reverse("share-post", args=[share.pk]), {"text": "À quelle heure ?", "key": key})
        assert response.status_code == 302
    assert [(m.side, m.body, m.author) for m in share.messages.all()] == [("patient", "À quelle heure ?", alice)]


@pytest.mark.parametrize(("words", "said"), [("  ", "Écrivez votre message"), ("a" * 1001, "la limite est de 1000")])
def test_a_message_that_cannot_be_sent_is_kept_in_its_field(client, alice, share, words, said):
    client.force_login(alice)
    response = client.post(reverse("share-post", args=[share.pk]), {"text": words, "key": "k"})
    assert response.status_code == 422
    assert said in text(response)
    assert words.strip() in text(response)
    assert not share.messages.exists()


def test_a_message_to_a_share_that_has_ended_is_refused_with_the_reason(client, alice, share):
    Share.objects.filter(pk=share.pk).update(status=S.COLLECTED)
    client.force_login(alice)
    response = client.post(reverse("share-post", args=[share.pk]), {"text": "Bonjour", "key": "k"})
    assert response.status_code == 409
    assert "la conversation est close" in text(response)


def test_taking_a_share_back_asks_first(client, alice, share):
    client.force_login(alice)
    assert "Retirer cet envoi ?" in text(page(client, "share-revoke", share.pk))
    share.refresh_from_db()
    assert share.status == S.PREPARING

    after = client.post(reverse("share-revoke", args=[share.pk]), follow=True)
    share.refresh_from_db()
    assert share.status == S.REVOKED
    assert "La pharmacie n’y a plus accès" in text(after)


def test_what_has_ended_cannot_be_taken_back(client, alice, share):
    Share.objects.filter(pk=share.pk).update(status=S.COLLECTED)
    client.force_login(alice)
    response = client.post(reverse("share-revoke", args=[share.pk]), follow=True)
    share.refresh_from_db()
    assert share.status == S.COLLECTED
    assert "cette réponse n’est plus possible" in text(response)


@pytest.mark.parametrize("name", ["share-post", "share-revoke"])
def test_a_form_without_its_token_is_refused(alice, share, name):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(reverse(name, args=[share.pk]), {"text": "Bonjour", "key": "k"}).status_code == 403


# --- For somebody else ------------------------------------------------------------------------------------------------


def test_entering_a_childs_space(client, alice, leo):
    his = factories.prescription(leo)
    client.force_login(alice)
    assert page(client, "prescription", his.pk).status_code == 404

    client.post(reverse("switch-patient", args=[leo.pk]))
    assert "Espace de Léo" in text(page(client, "home"))
    shown = text(page(client, "prescription", his.pk))
    assert "Vous êtes dans l’espace de" in shown


def test_reading_for_somebody_else_leaves_a_trace_and_reading_ones_own_does_not(client, alice, leo, prescription):
    his = factories.prescription(leo)
    client.force_login(alice)
    page(client, "prescription", prescription.pk)
    client.post(reverse("switch-patient", args=[leo.pk]))
    page(client, "prescription", his.pk)
    read = AuditEvent.objects.filter(kind="prescription.read")
    assert [(event.actor, event.patient, event.subject) for event in read] == [
        (f"user:{alice.pk}", leo.pk, f"prescription:{his.pk}")
    ]


def test_a_parent_does_not_see_what_is_restricted(client, alice, leo):
    kept = factories.prescription(leo, restricted=True)
    client.force_login(alice)
    client.post(reverse("switch-patient", args=[leo.pk]))
    assert page(client, "prescription", kept.pk).status_code == 404
    assert titles(page(client, "prescriptions")) == []


def test_a_space_that_is_not_open_to_you_is_not_found(client, alice, bob_patient):
    client.force_login(alice)
    assert client.post(reverse("switch-patient", args=[bob_patient.pk])).status_code == 404


def test_an_access_that_was_taken_back_opens_nothing(client, alice, leo):
    client.force_login(alice)
    client.post(reverse("switch-patient", args=[leo.pk]))
    PatientAccess.objects.filter(patient=leo).update(revoked_at=timezone.now())
    assert "Bonjour Alice" in text(page(client, "home"))
    assert client.post(reverse("switch-patient", args=[leo.pk])).status_code == 404


# --- Who has seen it --------------------------------------------------------------------------------------------------


def test_who_has_seen_it(client, alice, chloe, prescription):
    share = factories.share(prescription)
    for _ in range(3):
        actions.open_share(share=share, by=chloe)
    client.force_login(alice)
    seen = page(client, "prescription", prescription.pk).context["history"]
    assert [(one.who, one.act) for one in seen] == [
        ("Pharmacie du Marché", "Lecture"),
        ("Pharmacie du Marché", "Première lecture"),
    ]


def test_a_deposit_is_the_prescribers_and_a_dispensing_the_pharmacys(client, alice, prescription, market):
    factories.dispensing(prescription, market)
    with transaction.atomic():
        for kind in ("prescription.filed", "prescription.dispensed"):
            audit.record(
                kind=kind,
                by="system:software",
                patient_id=prescription.patient_id,
                subject=prescription,
                pharmacy=market.finess,
            )
    client.force_login(alice)
    seen = page(client, "prescription", prescription.pk).context["history"]
    assert [(one.who, one.act) for one in seen] == [
        ("Pharmacie du Marché", "Délivrance"),
        ("Dr Emma Rousseau", "Dépôt dans votre espace"),
    ]


def test_nobody_else_has_seen_it(client, alice, prescription):
    client.force_login(alice)
    assert "Personne d’autre que vous" in text(page(client, "prescription", prescription.pk))
