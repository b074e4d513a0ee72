"""Mail that found no share: the back office gives it one by the receipt's number, or closes it, and reads nothing."""

import pytest

from portal.models import AuditEvent
from sharing.models import InboundMail
from tests import factories
from tests.sharing.test_inbound import answer, said, take
from tests.sharing.test_receipts import receipt

pytestmark = pytest.mark.django_db
Status = InboundMail.Status
PAGE = "/admin/sharing/inboundmail/"


@pytest.fixture
def lost(share):
    """The pharmacy's words, without what they answer."""
    return take(answer(share, "Prête ce soir, Madame Moreau.", In_Reply_To=""))


@pytest.fixture
def office(dan, client):
    client.force_login(dan)
    return client


def do(office, action, mail, **more) -> str:
    form = {"action": action, "_selected_action": [str(mail.pk)]} | more
    page = office.post(PAGE, form, follow=True).content.decode()
    mail.refresh_from_db()
    return page


def test_staff_see_whom_to_call_and_not_a_word(office, lost, market):
    page = office.get(f"{PAGE}{lost.pk}/change/").content.decode() + office.get(PAGE).content.decode()
    assert market.name in page
    assert "Moreau" not in page and "Prête ce soir" not in page


def test_an_answer_joins_the_share_of_its_receipt(office, lost, share, dan):
    share.receipt = "0K1P9QXM2T"
    share.save()
    assert "1 courrier réglé." in do(office, "attach", lost, receipt="okLp9-qxm2t")
    assert (lost.status, lost.share) == (Status.PROCESSED, share)
    assert said(share) == ["Prête ce soir, Madame Moreau."]
    assert AuditEvent.objects.filter(kind="mail.attached", actor=f"user:{dan.pk}").exists()
    assert "déjà réglé" in do(office, "attach", lost, receipt=share.receipt_shown)


@pytest.mark.parametrize("number", ["", "00000-00000"])
def test_without_a_receipt_that_exists_nothing_moves(office, lost, number):
    assert "Aucun envoi ne porte ce numéro" in do(office, "attach", lost, receipt=number)
    assert lost.status == Status.UNMATCHED


def test_it_never_joins_the_share_of_another_pharmacy(office, lost, bob_patient):
    other = factories.share(factories.prescription(bob_patient), factories.pharmacy())
    assert "ne vient pas de la pharmacie" in do(office, "attach", lost, receipt=other.receipt)
    assert said(other) == []


def test_a_receipt_that_speaks_of_nothing_is_not_an_answer(office, share):
    lost = take(receipt(share, message_id="<x@y.test>"))
    assert "C’est un accusé" in do(office, "attach", lost, receipt=share.receipt)


def test_what_is_done_with_is_closed_and_kept(office, lost, dan):
    do(office, "close", lost)
    assert (lost.status, lost.reason, b"Moreau" in lost.content) == (Status.CLOSED, "no-document", True)
    assert AuditEvent.objects.filter(kind="mail.closed").exists()


def test_a_patient_finds_nothing_there(client, lost, alice):
    client.force_login(alice)
    assert client.post(PAGE, {"action": "close", "_selected_action": [str(lost.pk)]}).status_code == 404
