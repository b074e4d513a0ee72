"""The pharmacy's desk: the list, what opening does, what may be answered, and what may no longer be read."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.models import AuditEvent, Notice
from prescriptions.code import qr
from prescriptions.models import BlockedProfessional
from sharing import actions
from sharing.models import Share, ThreadMessage
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, chloe):
    """Chloé at her desk."""
    client.force_login(chloe)
    return client


@pytest.fixture
def sent(alice, chloe):
    """Alice's antibiotic, just sent to Chloé's pharmacy with a word."""
    return factories.share(message="Je passerai après le travail.")


def url(share, page="desk-share"):
    return reverse(page, args=[share.pk])


def words_of(page) -> str:
    return " ".join(page.content.decode().split())


def answer(desk, share, code, *, key="k1", **fields):
    return desk.post(url(share, "desk-reply"), {"answer": code, "key": key} | fields)


# --- The list -------------------------------------------------------------------------------------------------------
def test_new_first_then_who_comes_first(desk, bob, alice_patient, bob_patient):
    now = timezone.now()

    def sent(patient, **fields):
        return factories.share(factories.prescription(patient), **fields)

    later = sent(alice_patient, status=S.PREPARING, wished_at=now + timedelta(hours=5))
    sooner = sent(bob_patient, status=S.OPENED, wished_at=now + timedelta(hours=1))
    whenever = sent(alice_patient, status=S.PREPARING)
    new_later = sent(alice_patient, wished_at=now + timedelta(hours=9))
    new_sooner = sent(bob_patient, wished_at=now + timedelta(hours=8))
    rows = desk.get("/pharmacie/").context["worklist"].rows
    assert [row.share for row in rows] == [new_sooner, new_later, sooner, later, whenever]


def test_a_new_row_shows_initials_and_year_then_the_name(desk, sent):
    page = words_of(desk.get("/pharmacie/"))
    assert "A. M. · 1988" in page and "Moreau" not in page and "MOREAU" not in page
    desk.get(url(sent))
    assert "MOREAU Alice" in words_of(desk.get("/pharmacie/"))


def test_a_row_tells_lines_worth_and_who_took_it(desk, chloe, alice_patient):
    lines = [factories.amoxicillin(), factories.levothyrox()]
    mine = factories.share(factories.prescription(alice_patient, lines), status=S.OPENED)
    factories.share(factories.photo_prescription(alice_patient))
    actions.take_share(share=mine, member=chloe.pharmacy_members.get(), by=chloe)
    page = words_of(desk.get("/pharmacie/"))
    assert "2 lignes" in page and "Authentique" in page and "Photo" in page and "Chloé Lefèvre" in page


def test_filters_count_and_choose(desk, alice_patient):
    def sent(status):
        return factories.share(factories.prescription(alice_patient), status=status)

    to_do = {sent(S.SHARED), sent(S.OPENED), sent(S.PREPARING), sent(S.PARTIALLY_READY)}
    ready, done = {sent(S.READY)}, {sent(S.COLLECTED), sent(S.REFUSED), sent(S.EXPIRED)}
    sent(S.UNDELIVERABLE)
    for code, expected in (("", to_do), ("pretes", ready), ("terminees", done), ("nimporte", to_do)):
        worklist = desk.get("/pharmacie/", {"etat": code}).context["worklist"]
        assert {row.share for row in worklist.rows} == expected, code
    assert [chip.count for chip in worklist.chips] == [4, 1, 3]


def test_what_was_never_delivered_is_not_there(desk, alice):
    gone = factories.share(status=S.UNDELIVERABLE)
    assert desk.get("/pharmacie/").context["worklist"].rows == []
    assert desk.get(url(gone)).status_code == 404


def test_the_list_costs_the_same_whatever_its_length(desk, alice_patient, bob, bob_patient):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            desk.get("/pharmacie/")
        assert sum('"left_at" IS NULL' in each["sql"] for each in seen) == 1, "where one works is read once a page"
        return len(seen)

    for patient in (alice_patient, bob_patient):
        factories.share(factories.prescription(patient), status=S.OPENED)
    queries()  # the first page of a session also notes that somebody is there
    few = queries()
    for patient in (alice_patient, bob_patient) * 6:
        one = factories.share(factories.prescription(patient), status=S.PREPARING)
        one.messages.create(side="patient", body="Bonjour", door="portal", created_at=timezone.now())
    assert queries() == few


def test_a_long_list_goes_on_another_page(desk, alice_patient, monkeypatch):
    from sharing.desk import worklist as worklists

    monkeypatch.setattr(worklists, "PAGE", 2)
    for _ in range(3):
        factories.share(factories.prescription(alice_patient))
    first = desk.get("/pharmacie/")
    assert len(first.context["worklist"].rows) == 2
    second = desk.get(first.context["worklist"].next_url)
    assert len(second.context["worklist"].rows) == 1 and not second.context["worklist"].next_url


def test_an_empty_desk_says_what_will_come(desk):
    assert "Rien à traiter" in words_of(desk.get("/pharmacie/"))


# --- Opening --------------------------------------------------------------------------------------------------------
def test_opening_marks_it_read_once_and_is_audited_each_time(desk, chloe, sent):
    assert desk.get(url(sent)).status_code == 200
    sent.refresh_from_db()
    assert sent.status == S.OPENED and sent.events.filter(status=S.OPENED, door="desk").count() == 1
    desk.get(url(sent))
    kinds = AuditEvent.objects.filter(actor=f"user:{chloe.pk}").order_by("position").values_list("kind", flat=True)
    assert list(kinds) == ["share.opened", "share.read"]


def test_opening_shows_everything_the_pharmacy_needs(desk, alice_patient):
    lines = [
        factories.amoxicillin(codes={"cip13": "3400935887559"}),
        factories.levothyrox(dispenser_note="Ne pas changer de marque."),
    ]
    prescription = factories.prescription(alice_patient, lines)
    wished = timezone.now() + timedelta(days=2)
    sent = factories.share(prescription, message="Avez-vous la boîte de 28 ?", wished_at=wished)
    page = words_of(desk.get(url(sent)))
    for told in (
        "MOREAU Alice",
        "Alice Jeanne",
        "14/03/1988",
        "2 88 03 75 056 123",
        "Avez-vous la boîte de 28",
        "AMOXICILLINE 500 mg",
        "1 gélule matin, midi et soir pendant 6 jours",
        "3400935887559",
        "Non substituable (MTE)",
        "Ne pas changer de marque.",
        "Dr Emma Rousseau",
        prescription.prescriber.rpps,
        prescription.number[:4],
        sent.receipt_shown,
        url(sent, "desk-document"),
    ):
        assert told in page, told


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}]
)
def test_a_page_fetched_ahead_is_not_read(desk, sent, headers):
    page = desk.get(url(sent), headers=headers)
    sent.refresh_from_db()
    assert page.status_code == 204 and page.content == b"" and sent.status == S.SHARED
    assert desk.head(url(sent)).status_code == 405
    sent.refresh_from_db()
    assert sent.status == S.SHARED


def test_the_row_just_opened_keeps_its_place(desk, alice_patient):
    now = timezone.now()
    first = factories.share(factories.prescription(alice_patient), wished_at=now + timedelta(hours=1))
    factories.share(factories.prescription(alice_patient), wished_at=now + timedelta(hours=2))
    rows = desk.get(url(first)).context["worklist"].rows
    assert rows[0].share == first and rows[0].is_current and not rows[0].is_new


def test_a_photo_is_shown_as_preparation_only(desk, alice_patient):
    sent = factories.share(factories.photo_prescription(alice_patient))
    page = words_of(desk.get(url(sent)))
    assert "Préparation seulement" in page and f'src="{url(sent, "desk-document")}?n=1"' in page


def test_the_document_opens_and_is_audited(desk, alice_patient):
    sent = factories.share(factories.photo_prescription(alice_patient))
    page = desk.get(url(sent, "desk-document"), {"n": "1"})
    assert page["Content-Type"].startswith("image/") and page.content == sent.prescription.documents.get().content
    assert page["Content-Disposition"].startswith("inline") and page["Cache-Control"] == "no-store"
    assert AuditEvent.objects.filter(kind="share.document_read", patient=sent.patient_id).count() == 1
    for n in ("0", "2", "x", "-1", "9" * 30):
        assert desk.get(url(sent, "desk-document"), {"n": n}).status_code == 404


# --- What may no longer be read -------------------------------------------------------------------------------------
def nothing_told(page) -> bool:
    said = words_of(page)
    return not any(word in said for word in ("Moreau", "MOREAU", "AMOXI", "travail", "1988", "A. M."))


def test_a_share_taken_back_leaves_only_that_it_existed(desk, alice, sent):
    desk.get(url(sent))
    actions.revoke_share(share=sent, by=alice)
    page = desk.get(url(sent))
    assert (
        page.status_code == 200 and "Retirée par le patient" in words_of(page) and sent.receipt_shown in words_of(page)
    )
    assert nothing_told(page) and nothing_told(desk.get("/pharmacie/"))
    assert desk.get(url(sent, "desk-document")).status_code == 404
    page = answer(desk, sent, "ready")
    assert page.status_code == 409 and nothing_told(page)
    sent.refresh_from_db()
    assert sent.status == S.REVOKED


def test_a_share_taken_back_while_somebody_answers_is_not_answered(desk, alice, sent):
    stale = Share.objects.get(pk=sent.pk)
    actions.revoke_share(share=sent, by=alice)
    assert answer(desk, stale, "message", text="Bonjour").status_code == 409
    assert not ThreadMessage.objects.exists()


def test_what_ended_and_was_masked_since_says_no_more_than_that_it_is_closed(desk, prescription):
    share = factories.share(prescription, status=S.COLLECTED)
    actions.mask_prescription(prescription=prescription, by="system:test")
    said = words_of(desk.get(url(share)))
    assert "Vous n’avez plus accès à cet envoi" in said and "remis en rayon" not in said
    assert nothing_told(desk.get("/pharmacie/?vue=done"))


@pytest.mark.parametrize("how", ["masked", "blocked"])
def test_what_the_patient_masks_or_whom_they_block_closes_the_page(desk, sent, how):
    if how == "masked":
        sent.prescription.masked_at = timezone.now()
        sent.prescription.save()
    else:
        BlockedProfessional.objects.create(patient=sent.patient, identifier=sent.pharmacy.finess)
    page = desk.get(url(sent))
    assert "Plus consultable" in words_of(page) and nothing_told(page)
    assert nothing_told(desk.get("/pharmacie/")) and desk.get(url(sent, "desk-document")).status_code == 404
    for code, fields in (("ready", {}), ("message", {"text": "Bonjour"})):
        page = answer(desk, sent, code, key=code, **fields)
        assert page.status_code == 409 and nothing_told(page) and "retiré l’accès" in words_of(page)
    assert "retiré l’accès" in words_of(desk.post(url(sent, "desk-take"), follow=True))
    sent.refresh_from_db()
    assert sent.status == S.SHARED and sent.taken_at is None and not ThreadMessage.objects.exists()


def test_another_pharmacys_share_does_not_exist(desk, alice_patient):
    elsewhere = factories.share(factories.prescription(alice_patient), factories.pharmacy())
    for page in ("desk-share", "desk-document"):
        assert desk.get(url(elsewhere, page)).status_code == 404
    for page in ("desk-take", "desk-reply"):
        assert desk.post(url(elsewhere, page), {"answer": "ready", "key": "k"}).status_code == 404
    elsewhere.refresh_from_db()
    assert elsewhere.status == S.SHARED and elsewhere.taken_by is None


# --- Taking and answering -------------------------------------------------------------------------------------------
def test_taking_it_and_a_colleague_taking_over(desk, client, market, sent):
    desk.post(url(sent, "desk-take"))
    assert "Vous vous en occupez" in words_of(desk.get(url(sent)))
    yann = factories.user("yann@ordolien.test", first_name="Yann", last_name="Le Goff")
    factories.member(yann, market, "Yann Le Goff")
    client.force_login(yann)
    assert "Chloé Lefèvre</strong> s’en occupe" in words_of(client.get(url(sent)))
    client.post(url(sent, "desk-take"))
    sent.refresh_from_db()
    assert sent.taken_by.display_name == "Yann Le Goff"


def test_taking_what_has_ended_says_why_not(desk, alice):
    done = factories.share(status=S.COLLECTED)
    page = desk.post(url(done, "desk-take"), follow=True)
    assert "Cet envoi est terminé" in words_of(page)


def in_three_days():
    return timezone.localdate() + timedelta(days=3)


@pytest.mark.parametrize(
    ("before", "code", "fields", "after"),
    [
        (S.OPENED, "preparing", {}, S.PREPARING),
        (S.PREPARING, "ready", {"ready_until": str, "text": "Ouvert jusqu’à 20 h"}, S.READY),
        (S.PREPARING, "partially_ready", {"missing": "AMOXICILLINE, 1 boîte", "expected_on": str}, S.PARTIALLY_READY),
        (S.READY, "collected", {}, S.COLLECTED),
        (S.READY, "preparing", {}, S.PREPARING),
        (S.READY, "partially_ready", {"missing": "AMOXICILLINE, 1 boîte"}, S.PARTIALLY_READY),
        (S.OPENED, "refused", {"refusal": "stock", "text": "Retour la semaine prochaine"}, S.REFUSED),
        (S.OPENED, "message", {"text": "Quel est votre dosage habituel ?"}, S.OPENED),
    ],
)
def test_each_answer_is_recorded_and_the_patient_told(desk, alice, before, code, fields, after):
    share = factories.share(status=before)
    given = {name: str(in_three_days()) if value is str else value for name, value in fields.items()}
    page = answer(desk, share, code, **given)
    assert page.status_code == 302 and page.url == url(share)
    share.refresh_from_db()
    assert share.status == after
    assert share.ready_until == (in_three_days() if "ready_until" in given else None)
    assert (share.missing, share.refusal) == (given.get("missing", ""), given.get("refusal", ""))
    said = [message.body for message in share.messages.all()]
    assert said == ([given["text"]] if "text" in given else [])
    assert Notice.objects.filter(user=alice).count() == (0 if code == "collected" else 1)
    told = words_of(desk.get(url(share)))
    assert any(words in told for words in ("C’est dit", "L’envoi est clos", "dans la conversation"))


@pytest.mark.parametrize(
    ("code", "fields", "field", "sentence"),
    [
        ("message", {"text": "  "}, "text", "Écrivez votre message"),
        ("message", {"text": "a" * 1001}, "text", "la limite est de 1000"),
        ("partially_ready", {"missing": "", "text": "Bientôt"}, "missing", "Dites ce qui manque"),
        ("partially_ready", {"missing": "x", "expected_on": "2020-01-01"}, "expected_on", "déjà passé"),
        ("ready", {"ready_until": "demain"}, "ready_until", "Indiquez un jour"),
        ("ready", {"ready_until": "2099-01-01"}, "ready_until", "dans les trois mois"),
        ("refused", {"text": "Désolés"}, "refusal", "Choisissez la raison"),
        ("refused", {"refusal": "other"}, "text", "Dites la raison"),
        ("refused", {"refusal": "<script>"}, "refusal", ""),
    ],
)
def test_a_mistake_is_said_beside_the_field_and_what_was_typed_is_kept(desk, alice, code, fields, field, sentence):
    share = factories.share(status=S.PREPARING)
    page = answer(desk, share, code, **fields)
    assert page.status_code == 422
    offered = next(one for one in page.context["answers"] if one.is_open)
    assert offered.choice.code == code and sentence in str(offered.form.errors[field])
    for value in fields.values():
        assert value.strip()[:40] in words_of(page) or "<" in value
    share.refresh_from_db()
    assert share.status == S.PREPARING and not share.messages.exists()


def test_a_photo_is_delivered_only_once_the_original_was_seen(desk, alice_patient):
    share = factories.share(factories.photo_prescription(alice_patient), status=S.READY)
    page = answer(desk, share, "collected")
    assert page.status_code == 422 and "Demandez l’original" in words_of(page)
    assert answer(desk, share, "collected", original_seen="on").status_code == 302
    share.refresh_from_db()
    assert share.status == S.COLLECTED


def test_once_the_pharmacy_had_the_last_word_its_answers_have_no_room_for_more(desk, chloe):
    share = actions.close_thread(share=factories.share(status=S.PREPARING), by=chloe)
    offered = desk.get(url(share)).context["answers"]
    assert [one.choice.code for one in offered if "text" in one.form.fields] == []
    assert answer(desk, share, "refused", refusal="other", text="Trop tard").status_code == 302
    share.refresh_from_db()
    assert share.status == S.REFUSED and not share.messages.exists()


def test_pressed_twice_it_is_one_answer(desk, alice):
    share = factories.share(status=S.PREPARING)
    for _ in range(2):
        page = answer(desk, share, "ready", text="Venez quand vous voulez")
        assert page.status_code == 302
    assert share.messages.count() == share.events.filter(status=S.READY).count() == 1
    assert answer(desk, share, "message", text="Autre chose").status_code == 409  # the same key for something else


def test_two_colleagues_at_once_the_second_reads_what_happened(desk, alice):
    share = factories.share(status=S.PREPARING)
    answer(desk, share, "refused", key="a", refusal="stock")
    page = answer(desk, share, "ready", key="b")
    assert page.status_code == 409 and "cette réponse n’est plus possible" in words_of(page)
    share.refresh_from_db()
    assert share.status == S.REFUSED


def test_only_possible_answers_are_offered(desk, alice):
    def offered(status):
        page = desk.get(url(factories.share(factories.prescription(), status=status)))
        return [one.choice.code for one in page.context["answers"]]

    assert offered(S.READY) == ["preparing", "partially_ready", "collected", "message"]
    assert offered(S.PREPARING) == ["ready", "partially_ready", "collected", "refused", "message"]
    assert offered(S.COLLECTED) == []


def test_one_way_to_record_and_closing_says_that_it_records_nothing(desk, alice):
    page = desk.get(url(factories.share(status=S.READY)))
    labels = [str(one.choice.label) for one in page.context["answers"] if one.is_main]
    assert labels == [] and reverse("desk-dispense", args=[page.context["prescription"].pk]) in page.content.decode()
    assert "Clore l’envoi sans rien noter" in words_of(page) and "Pas encore prête, finalement" in words_of(page)
    photo = desk.get(url(factories.share(factories.photo_prescription(), status=S.READY)))
    assert [str(one.choice.label) for one in photo.context["answers"] if one.is_main] == ["Remise au patient"]


def test_whoever_is_also_a_patient_goes_from_the_desk_to_their_space_and_back(desk, chloe, bob_patient):
    assert "Mon espace de patient" not in words_of(desk.get(reverse("desk")))
    factories.access(chloe, bob_patient)
    assert "Mon espace de patient" in words_of(desk.get(reverse("desk")))
    assert "Le comptoir de ma pharmacie" in words_of(desk.get(reverse("home")))


def test_an_answer_that_is_not_one_is_not_found(desk, sent):
    assert answer(desk, sent, "revoked").status_code == 404
    assert answer(desk, sent, "").status_code == 404


# --- Scanned or typed -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "how", [str.lower, lambda text: f" {text[:5]}-{text[5:]} ", lambda text: text.replace("0", "O")]
)
def test_a_receipt_is_found_as_people_write_it(desk, alice, how):
    sent = factories.share(receipt="0K3P9QXM2T")
    assert desk.post("/pharmacie/", {"q": how(sent.receipt)}).url == url(sent)


def test_a_number_and_a_code_find_the_share(desk, sent):
    number, code = sent.prescription.number, qr.text_of(sent.prescription)
    for asked in (number, number.lower(), f"{number[:4]} {number[4:]}", code):
        assert desk.post("/pharmacie/", {"q": asked}).url == url(sent), asked


def test_a_prescription_sent_twice_leads_to_the_one_that_goes_on(desk, sent):
    now = timezone.now()
    Share.objects.filter(pk=sent.pk).update(status=S.REFUSED, refusal="stock", created_at=now)
    current = factories.share(sent.prescription, created_at=now - timedelta(days=1))
    assert desk.post("/pharmacie/", {"q": sent.prescription.number}).url == url(current)


def test_what_was_not_sent_here_is_not_found_and_said_the_same(desk, alice_patient):
    elsewhere = factories.share(factories.prescription(alice_patient), factories.pharmacy())
    for asked in (elsewhere.receipt, "AAAAAAAAAA", "bonjour", "%' OR 1=1 --", "é" * 500):
        page = desk.post("/pharmacie/", {"q": asked})
        assert page.status_code == 200 and "Rien à ce numéro dans vos envois" in words_of(page), asked
        assert nothing_told(page)


def test_a_link_asks_for_nothing(desk, alice_patient, sent):
    """Only the field posts: what is opened at the counter is written in the patient's history."""
    elsewhere = factories.prescription(alice_patient)
    for asked in (elsewhere.number, sent.prescription.number, sent.receipt):
        page = desk.get("/pharmacie/", {"q": asked})
        assert page.status_code == 200 and "Rien à ce numéro" not in words_of(page)
        assert desk.get(f"/pharmacie/delivrer/{elsewhere.pk}/").status_code == 404
    assert not AuditEvent.objects.filter(patient=alice_patient.pk).exists()


def test_an_altered_code_is_said_even_when_the_share_is_there(desk, sent):
    code = qr.text_of(sent.prescription)
    line = sent.prescription.lines.get()
    line.name = "AUTRE CHOSE"
    line.save()
    page = desk.post("/pharmacie/", {"q": code}, follow=True)
    assert "ne pas délivrer" in words_of(page)


def test_a_share_taken_back_is_found_by_its_receipt_only(desk, alice, sent):
    actions.revoke_share(share=sent, by=alice)
    assert desk.post("/pharmacie/", {"q": sent.receipt}).url == url(sent)
    shown = desk.post("/pharmacie/", {"q": sent.prescription.number}).url  # the patient is at the counter after all
    assert shown == f"/pharmacie/delivrer/{sent.prescription_id}/"


# --- What comes while the page is open ------------------------------------------------------------------------------
def test_the_bar_tells_what_came_since(desk, alice, alice_patient):
    opened = factories.share(status=S.OPENED)
    since = desk.get("/pharmacie/").context["worklist"].since

    def bar():
        return words_of(desk.get("/pharmacie/nouveaux/", {"depuis": since}))

    assert "nouvel" not in bar() and "Actualiser" in bar()
    factories.share(factories.prescription(alice_patient))
    assert "1 nouvel envoi" in bar()
    factories.share(factories.prescription(alice_patient))
    opened.messages.create(side="patient", body="Bonjour", door="portal", created_at=timezone.now())
    assert "2 nouveaux envois · 1 message de patient" in bar()
    factories.share(factories.prescription(alice_patient), factories.pharmacy())
    assert "2 nouveaux envois" in bar()


@pytest.mark.parametrize("since", ["", "hier", "2026-11-26", "2026-11-26T14:00:00", "2026-13-45T00:00:00+00:00"])
def test_a_moment_that_is_not_one_is_not_found(desk, since):
    assert desk.get("/pharmacie/nouveaux/", {"depuis": since}).status_code == 404


def test_polling_tells_nothing_of_other_pharmacies(desk, client, sent, bob):
    since = (timezone.now() - timedelta(days=1)).isoformat()
    assert "1 nouvel envoi" in words_of(desk.get("/pharmacie/nouveaux/", {"depuis": since}))
    client.force_login(bob)
    assert client.get("/pharmacie/nouveaux/", {"depuis": since}).status_code == 404


# --- Several pharmacies ---------------------------------------------------------------------------------------------
def test_who_works_in_two_pharmacies_chooses_one(desk, chloe, sent, alice_patient):
    halles = factories.pharmacy("Pharmacie des Halles")
    assert b"desk-pharmacy" not in desk.get("/pharmacie/").content
    factories.member(chloe, halles, "Chloé Lefèvre")
    there = factories.share(factories.prescription(alice_patient), halles)
    assert desk.get(url(there)).status_code == 404
    desk.post("/pharmacie/changer/", {"pharmacy": str(halles.pk)})
    assert desk.get(url(there)).status_code == 200 and desk.get(url(sent)).status_code == 404


def test_nobody_chooses_a_pharmacy_that_is_not_theirs(desk, chloe):
    other = factories.pharmacy()
    for pharmacy in (str(other.pk), "", "x"):
        assert desk.post("/pharmacie/changer/", {"pharmacy": pharmacy}).status_code == 404
    member = chloe.pharmacy_members.get()
    member.left_at = timezone.now()
    member.save()
    assert desk.get("/pharmacie/").status_code == 404
