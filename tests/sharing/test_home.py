"""« À faire maintenant » : what presses, the most pressing first, one verb each."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from prescriptions.models import Prescription
from sharing import actions
from sharing.actions import Answer
from sharing.models import Share
from sharing.space import listing
from sharing.space.home import AT_MOST, to_do
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_french():
    with translation.override("fr"):
        yield


def tasks(patient):
    cards = listing.current_cards(Prescription.objects.filter(patient=patient))
    return to_do(shares=Share.objects.filter(patient=patient), cards=cards, now=timezone.now())


def codes(patient):
    return [task.code for task in tasks(patient)]


def test_nothing_to_do(prescription, alice_patient):
    assert codes(alice_patient) == []


def test_ready_shows_the_code(prescription, alice_patient):
    factories.share(prescription, status=S.READY, ready_until=timezone.localdate() + timedelta(days=4))
    (task,) = tasks(alice_patient)
    assert task.title == "Prête à la Pharmacie du Marché"
    assert (task.action, task.url) == (
        "Voir le code à présenter",
        reverse("prescription-present", args=[prescription.pk]),
    )


def test_a_photo_that_is_ready_has_no_code_to_show(alice_patient):
    share = factories.share(factories.photo_prescription(alice_patient), status=S.READY)
    (task,) = tasks(alice_patient)
    assert task.url == reverse("share", args=[share.pk])


def test_the_pharmacy_has_the_last_word(prescription, alice_patient):
    share = factories.share(prescription, status=S.OPENED, created_at=timezone.now() - timedelta(hours=1))
    question = share.messages.create(side="pharmacy", body="Générique ou non ?", door="desk", created_at=timezone.now())
    (task,) = tasks(alice_patient)
    assert (task.code, task.title) == ("question", "La Pharmacie du Marché vous a écrit")
    assert "Générique" not in task.text

    share.messages.create(side="patient", body="Oui", door="portal", created_at=question.created_at + timedelta(1))
    assert codes(alice_patient) == []


def test_a_word_that_came_with_a_state_is_not_a_question(prescription, alice_patient):
    share = factories.share(prescription, status=S.PREPARING)
    said = {"side": "pharmacy", "door": "desk", "created_at": share.status_at}
    share.messages.create(body="Prête vers 17 h.", came_with=S.PREPARING, **said)
    assert codes(alice_patient) == []


def test_a_question_in_the_same_second_as_a_state_is_a_question(prescription, alice_patient, chloe):
    share = factories.share(prescription, status=S.OPENED)
    reply = {"share": share, "door": "desk", "by": chloe}
    actions.record_reply(answer=Answer(status=S.PREPARING, text="Vers 17 h."), **reply)
    assert codes(alice_patient) == []
    actions.record_reply(answer=Answer(text="Générique ou non ?"), **reply)
    assert codes(alice_patient) == ["question"]


@pytest.mark.parametrize("status", [S.REFUSED, S.UNDELIVERABLE])
def test_what_failed_asks_for_another_pharmacy(prescription, alice_patient, status):
    factories.share(prescription, status=status)
    (task,) = tasks(alice_patient)
    assert (task.code, task.url) == (status, reverse("share-pharmacy", args=[prescription.pk]))


def test_what_failed_is_forgotten_once_sent_elsewhere(prescription, alice_patient):
    factories.share(prescription, status=S.REFUSED, created_at=timezone.now() - timedelta(hours=2))
    factories.share(prescription, factories.pharmacy(), status=S.PREPARING)
    assert codes(alice_patient) == []


def test_what_failed_is_not_said_when_nothing_can_be_sent_any_more(alice_patient):
    over = factories.prescription(alice_patient, cancelled_at=timezone.now(), cancelled_reason="erreur")
    factories.share(over, status=S.REFUSED)
    assert codes(alice_patient) == []


def test_what_failed_long_ago_is_let_go(prescription, alice_patient):
    factories.share(prescription, status=S.REFUSED, created_at=timezone.now() - timedelta(days=15))
    assert codes(alice_patient) == []


def test_it_expires_soon_and_was_not_sent(alice_patient):
    soon = factories.prescription(alice_patient, valid_until=timezone.localdate() + timedelta(days=6))
    (task,) = tasks(alice_patient)
    assert (task.code, task.title, task.action) == ("expiring", "Expire dans 6 jours", "Envoyer à une pharmacie")

    factories.share(soon, status=S.PREPARING)
    assert codes(alice_patient) == []


def test_at_most_three_and_the_most_pressing_first(alice_patient):
    for status in (S.READY, S.PARTIALLY_READY, S.REFUSED, S.UNDELIVERABLE):
        factories.share(factories.prescription(alice_patient), status=status)
    assert codes(alice_patient) == ["undeliverable", "refused", "ready"]
    assert AT_MOST == 3
