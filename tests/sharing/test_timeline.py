"""What the patient reads about a share, from the first second to the last."""

from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone, translation

from sharing import naming
from sharing.models import Delivery, Share
from sharing.space import silence, timeline
from sharing.states import ShareStatus as S
from tests import factories
from tests.mail import queued

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
# A Tuesday in summer, Paris time.
NOON = datetime(2026, 6, 16, 12, 0, tzinfo=timezone.get_default_timezone())


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False), translation.override("fr"):
        yield


def handed_over(share: Share, sent_at=None, **fields) -> Share:
    facts = {
        "kind": "share",
        "message_id": f"<{share.token}@ordolien.test>",
        "envid": share.token,
        "envelope_from": "portail@ordolien.test",
        "envelope_to": "pharmacie@pharma.test",
        "destination": "pharma.test",
        "content": b"",
        "content_sha256": "0" * 64,
        "size": 0,
        "status": "sent" if sent_at else "queued",
        "sent_at": sent_at,
        "created_at": share.created_at,
        "next_attempt_at": share.created_at,
        "give_up_at": share.created_at + timedelta(days=5),
    }
    Delivery.objects.create(share=share, **facts | fields)
    return again(share)


def again(share: Share) -> Share:
    return timeline.with_facts(Share.objects.all()).get(pk=share.pk)


def words(share: Share, now=NOON) -> tuple[str, str]:
    head = timeline.head_of(share, now)
    return head.code, head.word


def test_saved_then_handed_over_then_late_then_silent(prescription):
    share = handed_over(factories.share(prescription, created_at=NOON - timedelta(minutes=2)))
    assert words(share) == ("queued", "Enregistrée")
    assert words(share, NOON + timedelta(minutes=15)) == ("late", "Pas encore remise")

    sent = again(share)
    Delivery.objects.filter(share=sent).update(status="sent", sent_at=NOON)
    sent = again(share)
    head = timeline.head_of(sent, NOON)
    assert (head.code, head.word) == ("sent", "Remise")
    assert "aujourd’hui à 12\xa0h\xa000" in head.sentence
    assert words(sent, NOON + timedelta(hours=3)) == ("silent", "Pas encore lue")


@pytest.mark.parametrize(
    ("sent", "read_by", "silent"),
    [
        (datetime(2026, 6, 16, 18, 30), datetime(2026, 6, 16, 23, 0), False),  # the night does not count
        (datetime(2026, 6, 16, 18, 30), datetime(2026, 6, 17, 11, 29), False),
        (datetime(2026, 6, 16, 18, 30), datetime(2026, 6, 17, 11, 30), True),
        (datetime(2026, 6, 20, 18, 0), datetime(2026, 6, 21, 18, 0), False),  # nor Sunday
        (datetime(2026, 6, 20, 18, 0), datetime(2026, 6, 22, 11, 0), True),
        (datetime(2026, 6, 16, 9, 0), datetime(2026, 6, 16, 12, 0), True),
    ],
)
def test_silence_counts_the_hours_when_pharmacies_are_open(sent, read_by, silent):
    paris = timezone.get_default_timezone()
    assert silence.is_silent_since(sent.replace(tzinfo=paris), read_by.replace(tzinfo=paris)) is silent


@pytest.mark.parametrize(
    ("status", "state", "word"),
    [
        (S.OPENED, "info", "Lue"),
        (S.PREPARING, "wait", "En préparation"),
        (S.READY, "ready", "Prête"),
        (S.COLLECTED, "ready", "Retirée"),
        (S.REFUSED, "stop", "La pharmacie ne peut pas la préparer"),
        (S.REVOKED, "unknown", "Vous avez retiré cet envoi"),
        (S.EXPIRED, "stop", "Expirée"),
        (S.UNDELIVERABLE, "stop", "Non remise"),
    ],
)
def test_each_state_has_its_word(prescription, status, state, word):
    head = timeline.head_of(again(factories.share(prescription, status=status)), NOON)
    assert (head.state, head.word) == (state, word)
    assert head.sentence


def test_every_state_of_a_share_has_its_look_and_its_step():
    assert set(S) - {S.SHARED} <= set(timeline.LOOKS)
    assert set(S) <= set(timeline.STEP_WORDS)


def test_what_is_missing_and_when_it_comes(prescription):
    share = factories.share(prescription, status=S.PARTIALLY_READY, missing="Ventoline", expected_on=date(2026, 6, 18))
    sentence = timeline.head_of(again(share), NOON).sentence
    assert sentence == "Il manque\xa0: Ventoline, attendu jeudi 18\xa0juin."


def test_ready_says_until_when(prescription):
    share = factories.share(prescription, status=S.READY, ready_until=date(2026, 6, 20))
    assert timeline.head_of(again(share), NOON).sentence == (
        "Vous pouvez venir la chercher, jusqu’au samedi 20\xa0juin."
    )


def test_a_refusal_says_why(prescription):
    share = factories.share(prescription, status=S.REFUSED, refusal=Share.Refusal.NOT_SOLD)
    assert "produit que la pharmacie ne délivre pas" in timeline.head_of(again(share), NOON).sentence


@pytest.mark.parametrize(
    ("stage", "code", "says"),
    [
        ("mail", "552 5.3.4", "trop lourd"),
        ("mail", "552", "trop lourd"),
        ("done", "5.2.3", "trop lourd"),
        ("rcpt", "552", "l’a refusée"),
        ("rcpt", "552 5.2.2", "l’a refusée"),
        ("rcpt", "550 5.1.1", "l’a refusée"),
    ],
)
def test_what_was_not_delivered_says_when_it_is_too_large(prescription, stage, code, says):
    share = factories.share(prescription, status=S.UNDELIVERABLE)
    queued(share=share, last_stage=stage, last_code=code)
    assert says in timeline.head_of(again(share), NOON).sentence


def test_a_share_taken_back_to_go_elsewhere_says_where(prescription):
    first = factories.share(prescription, status=S.REVOKED)
    factories.share(prescription, factories.pharmacy("Pharmacie des Halles"), moved_from=first)
    assert "à la Pharmacie des Halles" in timeline.head_of(again(first), NOON).sentence


def test_the_prescriber_cancelled_it(prescription):
    prescription.cancelled_at, prescription.cancelled_reason = NOON, "erreur"
    prescription.save()
    share = factories.share(prescription, status=S.EXPIRED)
    assert "a annulé l’ordonnance" in timeline.head_of(again(share), NOON).sentence


# --- Steps ------------------------------------------------------------------------------------------------------------


def shown(share: Share) -> list[tuple[str, str]]:
    return [(step.code, step.state) for step in timeline.steps_of(share)]


def test_the_steps_to_come_are_greyed(prescription):
    share = handed_over(factories.share(prescription, created_at=NOON), sent_at=NOON + timedelta(seconds=2))
    assert shown(share) == [
        (S.SHARED, "done"),
        ("sent", "now"),
        ("delivered", "next"),
        (S.OPENED, "next"),
        (S.PREPARING, "next"),
        (S.READY, "next"),
        (S.COLLECTED, "next"),
    ]


def test_a_report_of_receipt_is_a_step_only_when_there_was_one(prescription):
    share = factories.share(prescription, status=S.OPENED, created_at=NOON)
    share.events.filter(status=S.OPENED).update(at=NOON + timedelta(minutes=9))
    share = handed_over(share, sent_at=NOON + timedelta(seconds=2))
    assert shown(share)[:4] == [(S.SHARED, "done"), ("sent", "done"), (S.OPENED, "now"), (S.PREPARING, "next")]
    Delivery.objects.filter(share=share).update(delivered_at=NOON + timedelta(seconds=9))
    assert [code for code, _ in shown(again(share))][:4] == [S.SHARED, "sent", "delivered", S.OPENED]


def test_read_at_the_desk_before_the_mail_could_leave(prescription):
    share = factories.share(prescription, status=S.OPENED, created_at=NOON)
    share.events.filter(status=S.OPENED).update(at=NOON + timedelta(minutes=1))
    share = handed_over(share, sent_at=NOON + timedelta(hours=1))
    assert [code for code, _ in shown(share)][:3] == [S.SHARED, S.OPENED, "sent"]


@pytest.mark.parametrize("status", timeline.BAD_ENDS)
def test_an_end_stops_the_line(prescription, status):
    assert shown(again(factories.share(prescription, status=status)))[-1] == (status, "stop")


def test_collected_is_the_last_step_and_nothing_follows(prescription):
    assert shown(again(factories.share(prescription, status=S.COLLECTED)))[-1] == (S.COLLECTED, "done")


# --- Whether something changed ----------------------------------------------------------------------------------------


def test_the_version_changes_with_what_is_shown_and_only_then(prescription):
    share = handed_over(factories.share(prescription, created_at=NOON))
    first = timeline.version_of(share, NOON)
    assert timeline.version_of(again(share), NOON + timedelta(minutes=1)) == first

    late = timeline.version_of(share, NOON + timedelta(minutes=16))
    share.messages.create(side="pharmacy", body="Bonjour", door="desk", created_at=NOON)
    with_words = timeline.version_of(again(share), NOON)
    Delivery.objects.filter(share=share).update(status="sent", sent_at=NOON)
    sent = timeline.version_of(again(share), NOON)
    assert len({first, late, with_words, sent}) == 4


# --- Words of place ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Pharmacie du Marché", "la Pharmacie du Marché"),
        ("GRANDE PHARMACIE LAFAYETTE", "la GRANDE PHARMACIE LAFAYETTE"),
        ("Pharma Centre", "Pharma Centre"),
    ],
)
def test_a_pharmacy_takes_its_article(name, said):
    assert naming.the(factories.pharmacy(name)) == said


def test_no_french_article_in_english(market):
    with translation.override("en"):
        assert naming.first_the(market) == "Pharmacie du Marché"
