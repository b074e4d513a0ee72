"""Why not: each refusal has its reason, with a sentence that says what to do."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from prescriptions.models import BlockedProfessional
from sharing import policies
from sharing.states import ACTIVE, ENDED
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db


def code(reason):
    if reason is None:
        return None
    assert reason.sentence.endswith(".") and "!" not in reason.sentence
    return reason.code


def today(days=0):
    return timezone.localdate() + timedelta(days=days)


def test_a_valid_prescription_goes_to_an_equipped_pharmacy(prescription, market):
    assert policies.why_not_share(prescription, market) is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"cancelled_at": timezone.now(), "cancelled_reason": "erreur"}, "cancelled"),
        ({"valid_until": today(-1)}, "expired"),
        ({"first_dispensing_before": today(-1)}, "too-late-to-start"),
        ({"masked_at": timezone.now()}, "masked"),
        ({"valid_until": today()}, None),
        ({"first_dispensing_before": today()}, None),
        ({"valid_until": None, "first_dispensing_before": None}, None),
    ],
)
def test_what_stops_a_prescription(alice, market, facts, expected):
    assert code(policies.why_not_share(factories.prescription(**facts), market)) == expected


def test_one_begun_in_time_may_go_on_after_the_first_deadline(alice, market):
    begun = factories.prescription(lines=[factories.levothyrox()], first_dispensing_before=today(-1))
    factories.dispensing(begun)
    assert policies.why_not_share(begun, market) is None


def test_one_delivered_in_full_is_not_sent_again(prescription, market):
    factories.dispensing(prescription)
    assert code(policies.why_not_share(prescription, market)) == "nothing-left"


def test_nursing_is_not_for_a_pharmacy(alice, market):
    care = factories.prescription(lines=[factories.nursing()])
    assert code(policies.why_not_share(care, market)) == "not-for-pharmacy"
    both = factories.prescription(lines=[factories.nursing(), factories.amoxicillin()])
    assert policies.why_not_share(both, market) is None


def test_a_photo_goes_although_nobody_knows_its_lines(alice, market):
    assert policies.why_not_share(factories.photo_prescription(), market) is None


@pytest.mark.parametrize("status", ACTIVE)
def test_one_active_share_a_prescription_says_where_and_when(alice, market, status):
    shared = factories.share(status=status)
    reason = policies.why_not_share(shared.prescription, market)
    assert code(reason) == "already-shared"
    assert "Pharmacie du Marché" in reason.sentence and str(timezone.localdate().year) in reason.sentence


@pytest.mark.parametrize("status", [s for s in ENDED if s != S.COLLECTED])
def test_an_ended_share_leaves_the_way_free(alice, market, status):
    assert policies.why_not_share(factories.share(status=status).prescription, market) is None


def test_pharmacies_that_cannot_receive(prescription, alice_patient):
    without = factories.pharmacy(mailbox=False)
    closed = factories.pharmacy(is_open=False)
    blocked = factories.pharmacy()
    BlockedProfessional.objects.create(patient=alice_patient, identifier=blocked.finess)
    found = [code(policies.why_not_share(prescription, one)) for one in (without, closed, blocked)]
    assert found == ["no-mailbox", "pharmacy-closed", "pharmacy-blocked"]


def test_a_thread_is_written_while_the_share_lives(alice):
    for status in ACTIVE:
        assert policies.why_not_write(factories.share(factories.prescription(), status=status)) is None
    for status in ENDED:
        ended = factories.share(factories.prescription(), status=status)
        assert code(policies.why_not_write(ended)) == "share-ended"
    closed = factories.share(factories.prescription(), thread_closed_at=timezone.now())
    assert code(policies.why_not_write(closed)) == "thread-closed"


def test_a_message_is_counted_as_people_count(alice):
    assert policies.why_message_too_long("é" * 1000) is None
    assert code(policies.why_message_too_long("é" * 1001)) == "message-too-long"


def test_reasons_speak_english_too(alice, market):
    with translation.override("en"):
        reason = policies.why_not_share(factories.prescription(valid_until=today(-1)), market)
    assert reason.code == "expired" and reason.sentence
