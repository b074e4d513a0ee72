"""Dr Emma reads what became of what she prescribed; where the patient objected she reads nothing, nor guesses it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.models import AuditEvent
from prescriptions.models import BlockedProfessional
from tests import factories

pytestmark = pytest.mark.django_db
HOME = "/prescripteur/"


@pytest.fixture
def signed_in(client, emma):
    client.force_login(emma)
    return client


def page_of(client, prescription):
    return client.get(reverse("prescriber-prescription", args=[prescription.pk]))


def text_of(page) -> str:
    assert page.status_code == 200
    return page.content.decode()


def test_the_list_says_who_without_a_name(signed_in, prescription):
    text = text_of(signed_in.get(HOME))
    assert "A. M., née en 1988" in text and "moxicilline" in text.lower() and "Moreau" not in text


def test_one_opened_says_the_name_and_leaves_a_trace_that_the_patient_reads(signed_in, prescription, alice, client):
    assert "Alice Moreau" in text_of(page_of(signed_in, prescription))
    event = AuditEvent.objects.get(kind="prescription.read_by_prescriber")
    assert event.patient == prescription.patient_id
    client.force_login(alice)
    text = text_of(client.get(f"/ordonnances/{prescription.pk}/"))
    assert "Lecture par le prescripteur" in text and "Dr Emma Rousseau" in text


def test_changes_and_agreements_of_the_pharmacy_are_read(signed_in, alice, market):
    prescription = factories.prescription(lines=[factories.amoxicillin(), factories.levothyrox(no_substitution="")])
    told = factories.dispensing(prescription, market)
    first, second = told.lines.order_by("line__position")
    first.change, first.change_reason = "une prise le soir en moins", "somnolence"
    first.prescriber_agreed_on = timezone.localdate()
    first.overridden, first.override_reason = "too-early", "départ en voyage"
    first.save()
    second.substitution, second.substitution_reason, second.delivered_name = "G", "rupture", "LEVOTHYROXINE 75"
    second.save()
    text = text_of(page_of(signed_in, prescription))
    for said in ("une prise le soir en moins", "somnolence", "accord du prescripteur", "LEVOTHYROXINE 75"):
        assert said in text, said
    assert "départ en voyage" in text and market.name in text


def test_not_dispensed_undone_and_unknown(signed_in, alice, market):
    silent = factories.prescription()
    assert "Inconnu" in text_of(page_of(signed_in, silent))
    undone = factories.prescription()
    factories.dispensing(undone, market, undone_at=timezone.now(), undone_reason="erreur de patient")
    assert "erreur de patient" in text_of(page_of(signed_in, undone))


@pytest.mark.parametrize("dispensed", [False, True])
def test_an_objection_hides_even_whether_there_was_something(signed_in, alice, market, dispensed):
    prescription = factories.prescription(
        opposed=True, authored_on=timezone.localdate() - timedelta(days=120), number="01OPPOSED000000000"
    )
    if dispensed:
        factories.dispensing(prescription, market)
    text = text_of(page_of(signed_in, prescription))
    assert "Le patient s’est opposé à cette consultation" in text
    for hidden in (market.name, "Délivrée", "Délai dépassé", "Inconnu", "signalé"):
        assert hidden not in text, hidden
    assert "Délivrances non consultables" in text_of(signed_in.get(HOME))


def test_an_objection_does_not_hide_what_the_prescriber_did(signed_in, alice):
    prescription = factories.prescription(opposed=True, cancelled_at=timezone.now(), cancelled_reason="doublon")
    text = text_of(page_of(signed_in, prescription))
    assert "Annulée" in text and "doublon" in text


def test_another_s_a_photo_masked_or_shut_out_is_not_found(signed_in, alice, alice_patient, emma):
    other = factories.prescription(prescriber=factories.prescriber())
    photo = factories.photo_prescription()
    masked = factories.prescription(masked_at=timezone.now())
    for hidden in (other, photo, masked):
        assert page_of(signed_in, hidden).status_code == 404
        assert str(hidden.pk) not in text_of(signed_in.get(HOME))
    own = factories.prescription()
    BlockedProfessional.objects.create(patient=alice_patient, identifier=emma.prescriber.rpps)
    assert page_of(signed_in, own).status_code == 404
    assert not AuditEvent.objects.filter(kind="prescription.read_by_prescriber").exists()


def test_page_after_page_by_key(signed_in, alice):
    own = [factories.prescription(authored_on=timezone.localdate() - timedelta(days=n // 3)) for n in range(45)]
    seen, url = [], HOME
    while url:
        page = signed_in.get(url)
        cards = page.context["page"].cards
        seen += [card.prescription.pk for card in cards]
        url = page.context["next_url"]
    assert len(seen) == len(set(seen)) == 45 and set(seen) == {prescription.pk for prescription in own}
    assert signed_in.get(HOME, {"apres": "x"}).status_code == 404


def test_a_page_costs_the_same_whatever_it_holds(signed_in, alice, market, django_assert_max_num_queries):
    for _ in range(12):
        factories.dispensing(factories.prescription(), market)
    signed_in.get(HOME)
    with django_assert_max_num_queries(12):
        signed_in.get(HOME)


def test_signing_in_leads_there(signed_in):
    assert signed_in.get("/").url == HOME


def test_nobody_else_enters(client, alice, chloe, dan):
    for person in (alice, chloe, dan):
        client.force_login(person)
        assert client.get(HOME).status_code == 404
