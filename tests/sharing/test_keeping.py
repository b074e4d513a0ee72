"""What Alice keeps from others: a prescription she masks, a professional she shuts out, and what each then sees."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.models import AuditEvent
from portal.reasons import Refused
from prescriptions import actions as registry
from prescriptions import reach
from prescriptions.models import PatientAccess
from sharing import actions
from sharing.models import Share
from sharing.space import professionals
from tests import factories
from tests.sharing.test_locks import meet

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def mask_url(prescription):
    return reverse("prescription-mask", args=[prescription.pk])


def text(response) -> str:
    return response.content.decode().replace("\xa0", " ")


def kinds(patient) -> list[str]:
    return list(AuditEvent.objects.filter(patient=patient.pk).order_by("position").values_list("kind", flat=True))


# --- One prescription -------------------------------------------------------------------------------------------------


def test_masked_then_shown_again(browser, prescription, market, mask_url):
    page = browser.get(reverse("prescription", args=[prescription.pk]))
    assert mask_url in text(page)
    asked = browser.get(mask_url)
    assert asked.status_code == 200 and "Masquer cette ordonnance ?" in text(asked)
    done = browser.post(mask_url, follow=True)
    assert "Vous l’avez masquée" in text(done) and mask_url not in text(done)
    for name in ("share-pharmacy", "prescription-qr"):  # the pharmacy would not find it
        assert reverse(name, args=[prescription.pk]) not in text(done)
    assert not reach.to_dispense(market.finess).filter(pk=prescription.pk).exists()
    assert not reach.written_by(prescription.prescriber).filter(pk=prescription.pk).exists()
    assert "Masquée" in text(browser.get(reverse("prescriptions")))
    present = browser.get(reverse("prescription-present", args=[prescription.pk]))
    assert present.url == reverse("prescription", args=[prescription.pk])
    shown = browser.post(reverse("prescription-unmask", args=[prescription.pk]), follow=True)
    assert "Ordonnance démasquée" in text(shown) and reverse("share-pharmacy", args=[prescription.pk]) in text(shown)
    assert reach.to_dispense(market.finess).filter(pk=prescription.pk).exists()
    assert kinds(prescription.patient) == ["prescription.masked", "prescription.unmasked"]
    assert "Ordonnance masquée" in text(shown)  # who has seen it, and what its owner did about it


def test_asked_twice_is_done_once(browser, prescription, mask_url):
    for _time in range(2):
        assert browser.post(mask_url).status_code == 302
        assert browser.get(mask_url).url == reverse("prescription", args=[prescription.pk])
    for _time in range(2):
        browser.post(reverse("prescription-unmask", args=[prescription.pk]))
    assert kinds(prescription.patient) == ["prescription.masked", "prescription.unmasked"]


def test_not_while_it_is_sent(browser, prescription, share, mask_url):
    asked, tried = browser.get(mask_url), browser.post(mask_url)
    assert (asked.status_code, tried.status_code) == (200, 409)
    for page in (asked, tried):
        assert "Retirez d’abord cet envoi" in text(page) and reverse("share-revoke", args=[share.pk]) in text(page)
    assert "Masquer l’ordonnance" not in text(asked)
    prescription.refresh_from_db()
    assert prescription.masked_at is None


def code_of(act) -> str:
    try:
        act()
    except Refused as refused:
        return refused.reason.code
    return "done"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_sent_while_it_is_being_masked_is_not_sent(alice, prescription, market):
    codes = []
    meet(
        lambda: actions.mask_prescription(prescription=prescription, by=alice),
        lambda: codes.append(code_of(lambda: send(prescription, market, alice))),
    )
    assert codes == ["masked"] and not Share.objects.exists()


def send(prescription, pharmacy, by) -> None:
    actions.share_prescription(prescription=prescription, pharmacy=pharmacy, by=by)


def test_a_relative_neither_masks_nor_sees_what_is_masked(alice, leo):
    childs = factories.prescription(leo)
    browser = Client()
    browser.force_login(alice)
    browser.post(reverse("switch-patient", args=[leo.pk]))
    page = browser.get(reverse("prescription", args=[childs.pk]))
    assert reverse("prescription-mask", args=[childs.pk]) not in text(page) and reverse("privacy") not in text(page)
    for name in ("prescription-mask", "prescription-unmask"):
        assert browser.post(reverse(name, args=[childs.pk])).status_code == 404
    assert browser.get(reverse("privacy")).status_code == 404
    assert browser.post(reverse("privacy"), {"identifier": childs.prescriber.rpps, "block": ""}).status_code == 404
    actions.mask_prescription(prescription=childs, by="system:test")
    assert browser.get(reverse("prescription", args=[childs.pk])).status_code == 404


@pytest.fixture
def carer(bob, alice_patient):
    """Bob, who helps Alice, in her space."""
    until = timezone.now() + timedelta(days=1)
    factories.access(bob, alice_patient, PatientAccess.Kind.CARER, expires_at=until)
    browser = Client()
    browser.force_login(bob)
    browser.post(reverse("switch-patient", args=[alice_patient.pk]))
    return browser


def test_a_carer_reads_no_trace_of_what_is_masked(carer, alice, alice_patient, prescription, market):
    """Neither where it went, nor what replaces what they see, nor that it was masked."""
    actions.revoke_share(
        share=actions.share_prescription(prescription=prescription, pharmacy=market, by=alice), by=alice
    )
    seen = factories.prescription(alice_patient)
    prescription.replaces = seen
    prescription.save()
    actions.mask_prescription(prescription=prescription, by=alice)
    assert str(prescription.pk) not in text(carer.get(reverse("prescription", args=[seen.pk])))
    other = factories.prescription(alice_patient)
    assert market.name not in text(carer.get(reverse("share-pharmacy", args=[other.pk])))
    prescription.replaces = None
    prescription.save()
    actions.unmask_prescription(prescription=prescription, by=alice)
    assert "masquée" not in text(carer.get(reverse("prescription", args=[prescription.pk])))
    assert market.name in text(carer.get(reverse("share-pharmacy", args=[other.pk])))


# --- One professional -------------------------------------------------------------------------------------------------


def decide(browser, identifier, what):
    return browser.post(reverse("privacy"), {"identifier": identifier, what: ""}, follow=True)


def test_whoever_wrote_received_or_delivered_is_listed(browser, alice_patient, prescription, market):
    assert [one.name for one in professionals.known_to(alice_patient)] == [prescription.prescriber.full_name]
    factories.own_pharmacy(alice_patient, market)
    halles = factories.pharmacy()
    factories.dispensing(prescription, halles)
    listed = [(one.kind, one.name) for one in professionals.known_to(alice_patient)]
    assert listed == [
        ("structure", halles.name),
        ("structure", market.name),
        ("prescriber", prescription.prescriber.full_name),
    ]
    page = text(browser.get(reverse("privacy")))
    assert market.name in page and f"{market.postcode} {market.town}" in page


def test_nobody_yet(browser):
    assert "Personne à bloquer pour l’instant" in text(browser.get(reverse("privacy")))


def test_a_pharmacy_shut_out_and_let_in_again(browser, alice, alice_patient, prescription, market):
    factories.own_pharmacy(alice_patient, market)
    page = decide(browser, market.finess, "block")
    assert f"{market.name} ne peut plus ouvrir vos ordonnances" in text(page) and "Accès bloqué depuis" in text(page)
    assert not reach.to_dispense(market.finess).filter(pk=prescription.pk).exists()
    with pytest.raises(Refused) as refused:
        actions.share_prescription(
            prescription=prescription, pharmacy=market, by=prescription.patient.accesses.get().user
        )
    assert refused.value.reason.code == "pharmacy-blocked"
    decide(browser, market.finess, "block")  # twice: once
    row = alice_patient.blocked_professionals.get().pk
    assert "Débloquer" not in text(decide(browser, market.finess, "unblock"))
    decide(browser, market.finess, "unblock")
    assert reach.to_dispense(market.finess).filter(pk=prescription.pk).exists()
    assert kinds(alice_patient) == ["patient.professional_blocked", "patient.professional_unblocked"]
    lines = AuditEvent.objects.filter(patient=alice_patient.pk, subject=f"blockedprofessional:{row}")
    assert list(lines.values_list("actor", "detail")) == [(f"user:{alice.pk}", {"professional": market.finess})] * 2


def test_a_prescriber_shut_out_reads_nothing(browser, prescription):
    decide(browser, prescription.prescriber.rpps, "block")
    assert not reach.written_by(prescription.prescriber).exists()
    decide(browser, prescription.prescriber.rpps, "unblock")
    assert reach.written_by(prescription.prescriber).exists()


def test_not_while_something_is_on_its_way_there(browser, alice_patient, share, market):
    page = decide(browser, market.finess, "block")
    assert page.status_code == 409 and "est en cours. Retirez-le d’abord" in text(page)
    assert not alice_patient.blocked_professionals.exists()
    actions.revoke_share(share=share, by=share.shared_by)
    assert decide(browser, market.finess, "block").status_code == 200
    assert alice_patient.blocked_professionals.exists()


def test_a_stranger_s_professional_is_not_there(browser, alice_patient, bob_patient, prescription):
    his = factories.pharmacy()
    factories.own_pharmacy(bob_patient, his)
    for identifier in (his.finess, "", "x", "\x00"):
        assert browser.post(reverse("privacy"), {"identifier": identifier, "block": ""}).status_code == 404
    assert not alice_patient.blocked_professionals.exists()


def test_a_carer_decides_nothing_and_does_not_learn_who_is_blocked(carer, alice_patient, prescription, market):
    assert carer.get(reverse("privacy")).status_code == 404
    factories.own_pharmacy(alice_patient, market, is_favourite=True)
    alice_patient.blocked_professionals.create(identifier=market.finess)
    page = text(carer.get(reverse("share-pharmacy", args=[prescription.pk])))
    assert "Cette pharmacie ne peut pas recevoir cette ordonnance" in page and "bloqu" not in page


def test_oneself_is_shown_the_way_to_unblock(browser, alice_patient, prescription, market):
    factories.own_pharmacy(alice_patient, market)
    alice_patient.blocked_professionals.create(identifier=market.finess)
    page = text(browser.get(reverse("share-pharmacy", args=[prescription.pk])))
    assert "Vous l’avez bloquée" in page and reverse("privacy") in page


def test_whoever_opened_it_at_a_counter_or_handed_a_document_in_can_be_blocked(browser, alice_patient, prescription):
    halles = factories.pharmacy()
    registry.open_at_counter(prescription=prescription, pharmacy_finess=halles.finess, by="system:test")
    prescription.documents.create(kind="received", content_type="text/xml", content=b"x", handed_in_by="690000001")
    page = text(browser.get(reverse("privacy")))
    assert halles.name in page and "Un établissement" in page and "FINESS 690000001" in page
    decide(browser, "690000001", "block")
    assert alice_patient.blocked_professionals.get().identifier == "690000001"


def test_without_a_verb_nothing_is_done(browser, alice_patient, prescription):
    assert browser.post(reverse("privacy"), {"identifier": prescription.prescriber.rpps}).status_code == 422
    assert not alice_patient.blocked_professionals.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_something_new_sent_there_while_it_is_being_blocked_is_not_sent(alice, alice_patient, market):
    """It was not there yet when whoever blocks looked at what there is."""
    codes = []
    meet(
        lambda: actions.block_professional(patient=alice_patient, identifier=market.finess, by=alice),
        lambda: codes.append(code_of(lambda: send(factories.prescription(alice_patient), market, alice))),
    )
    assert codes == ["pharmacy-blocked"] and not Share.objects.exists()
