"""Sending, moving, taking back, reading, answering: each act once, with its trace, or not at all."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.models import AuditEvent, Notice
from portal.reasons import Refused
from prescriptions.models import PatientAccess, Prescription
from sharing import actions
from sharing.actions import Answer
from sharing.models import Delivery, Share, ShareEvent, ThreadMessage
from sharing.states import DeliveryStatus
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db
DESK = ShareEvent.Door.DESK


@pytest.fixture
def send(alice, prescription, market):
    """Alice sends her antibiotic to Chloé's pharmacy, unless told otherwise."""

    def go(**changes):
        facts = {"prescription": prescription, "pharmacy": market, "message": "Merci", "by": alice} | changes
        return actions.share_prescription(**facts)

    return go


def kinds(share) -> list[str]:
    lines = AuditEvent.objects.filter(subject=f"share:{share.pk}").order_by("position")
    return list(lines.values_list("kind", flat=True))


def refused(act) -> str:
    with pytest.raises(Refused) as error:
        act()
    return error.value.reason.code


# --- Sending --------------------------------------------------------------------------------------------------------
def test_a_share_is_written_with_its_delivery_its_trace_and_its_receipt(send, alice, market):
    share = send()
    assert (share.status, share.pharmacy, share.message, share.shared_by) == (S.SHARED, market, "Merci", alice)
    assert len(share.receipt) == 10 and [event.door for event in share.events.all()] == ["portal"]
    delivery = share.deliveries.get()
    assert delivery.kind == "share" and delivery.status == DeliveryStatus.QUEUED and bytes(delivery.content)
    assert kinds(share)[0] == "share.created"
    line = AuditEvent.objects.get(kind="share.created")
    assert line.patient == share.patient_id and line.actor == f"user:{alice.pk}"
    assert "Merci" not in str(line.detail)
    own = share.patient.own_pharmacies.get()
    assert (own.pharmacy, own.last_used_at) == (market, share.created_at)


def test_a_second_one_is_refused_with_where_and_when(send, alice):
    send()
    with pytest.raises(Refused) as error:
        send(pharmacy=factories.pharmacy())
    assert error.value.reason.code == "already-shared"
    assert "Déjà envoyée à" in error.value.reason.sentence and "Pharmacie du Marché" in error.value.reason.sentence
    assert Share.objects.count() == Delivery.objects.count() == 1


def test_the_same_key_is_one_share(send):
    assert send(key="k1") == send(key="k1")
    assert Share.objects.count() == Delivery.objects.count() == 1


def test_the_same_key_for_something_else_is_refused(send):
    send(key="k1")
    assert refused(lambda: send(key="k1", message="Autre chose")) == "idempotency-other-body"
    assert Share.objects.get().message == "Merci"


def test_a_time_is_kept_and_belongs_to_the_key(prescription, market, alice):
    wished, later = timezone.now() + timedelta(hours=2), timezone.now() + timedelta(hours=5)
    facts = {"prescription": prescription, "pharmacy": market, "key": "k1", "by": alice}
    share = actions.share_prescription(wished_at=wished, **facts)
    assert (share.message, share.wished_at) == ("", wished)
    assert refused(lambda: actions.share_prescription(wished_at=later, **facts)) == "idempotency-other-body"


def test_two_people_with_the_same_key_do_not_meet(send, bob, bob_patient):
    mine = send(key="k1")
    his = send(key="k1", prescription=factories.prescription(bob_patient), by=bob)
    assert mine != his and Share.objects.count() == 2


def test_a_refused_key_may_be_used_again_once_the_reason_is_gone(send, prescription):
    prescription.masked_at = timezone.now()
    prescription.save()
    assert refused(lambda: send(key="k1")) == "masked"
    prescription.masked_at = None
    prescription.save()
    assert send(key="k1").status == S.SHARED


@pytest.mark.parametrize(
    ("since", "code"),
    [
        ({"masked_at": timezone.now()}, "masked"),
        ({"cancelled_at": timezone.now(), "cancelled_reason": "Erreur"}, "cancelled"),
    ],
)
def test_it_is_judged_as_it_stands_when_it_is_written_not_as_it_was_read(send, prescription, since, code):
    Prescription.objects.update(**since)
    assert refused(send) == code
    assert not Share.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"message": "a" * 1001}, "message-too-long"),
        ({"pharmacy": "without"}, "no-mailbox"),
        ({"pharmacy": "closed"}, "pharmacy-closed"),
    ],
)
def test_what_is_refused_writes_nothing(send, changes, code):
    made = {"without": {"mailbox": False}, "closed": {"is_open": False}}
    if "pharmacy" in changes:
        changes = {"pharmacy": factories.pharmacy(**made[changes["pharmacy"]])}
    assert refused(lambda: send(**changes)) == code
    assert not Share.objects.exists() and not Delivery.objects.exists()
    assert not AuditEvent.objects.filter(kind__startswith="share.").exists()


def test_the_database_itself_holds_one_active_share(send, prescription, alice):
    send()
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.share(prescription)


# --- Moving and taking back -----------------------------------------------------------------------------------------
def test_moving_takes_back_and_sends_in_one_step(send, alice):
    first, other = send(), factories.pharmacy()
    second = actions.move_share(share=first, pharmacy=other, message="Plus près", by=alice)
    first.refresh_from_db()
    assert first.status == S.REVOKED and second.status == S.SHARED
    assert second.moved_from == first and second.pharmacy == other


def test_a_move_takes_its_words_and_its_time_along_and_nothing_of_the_first(send, alice):
    wished, later = timezone.now() + timedelta(hours=2), timezone.now() + timedelta(hours=5)
    moved = actions.move_share(share=send(), pharmacy=factories.pharmacy(), wished_at=wished, key="k1", by=alice)
    assert (moved.message, moved.wished_at) == ("", wished)
    other = {"share": moved, "pharmacy": moved.pharmacy, "wished_at": later, "by": alice}
    assert refused(lambda: actions.move_share(key="k1", **other)) == "idempotency-other-body"


def test_without_a_key_each_move_is_one_of_its_own(send, alice):
    first, other = send(), factories.pharmacy()
    there = actions.move_share(share=first, pharmacy=other, by=alice)
    back = actions.move_share(share=there, pharmacy=first.pharmacy, by=alice)
    again = actions.move_share(share=back, pharmacy=other, by=alice)
    assert len({first, there, back, again}) == 4 and again.status == S.SHARED
    assert [back.patient.own_pharmacies.order_by("-last_used_at").first().pharmacy] == [other]


def test_a_move_that_cannot_be_leaves_the_first_where_it_is(send, alice):
    first, without = send(), factories.pharmacy(mailbox=False)
    assert refused(lambda: actions.move_share(share=first, pharmacy=without, by=alice)) == "no-mailbox"
    first.refresh_from_db()
    assert first.status == S.SHARED and Share.objects.count() == 1


def test_pressed_twice_it_moves_once(send, alice):
    first, other = send(), factories.pharmacy()

    def move():
        return actions.move_share(share=first, pharmacy=other, key="k2", by=alice)

    assert move() == move() and Share.objects.count() == 2


def test_taken_back_before_it_left_it_never_leaves(send, alice):
    share = send()
    actions.revoke_share(share=share, by=alice)
    assert [d.status for d in share.deliveries.all()] == [DeliveryStatus.CANCELLED]
    assert kinds(share)[:2] == ["share.created", "share.revoked"] and not Notice.objects.exists()
    assert refused(lambda: actions.revoke_share(share=share, by=alice)) == "wrong-state"


def test_taken_back_once_it_left_a_recall_follows(send, alice):
    share = send()
    share.deliveries.update(status=DeliveryStatus.SENT, sent_at=timezone.now())
    actions.revoke_share(share=share, by=alice)
    assert [d.kind for d in share.deliveries.all()] == ["share", "recall"]


# --- Reading, taking, answering -------------------------------------------------------------------------------------
def test_reading_moves_once_and_traces_each_time(send, chloe):
    share = send()
    for _ in range(3):
        actions.open_share(share=share, by=chloe)
    share.refresh_from_db()
    assert share.status == S.OPENED
    assert [k for k in kinds(share) if k in {"share.opened", "share.read"}] == [
        "share.opened",
        "share.read",
        "share.read",
    ]


def test_taking_says_who_and_when_and_a_colleague_may_take_over(send, chloe, market):
    share = send()
    member = chloe.pharmacy_members.get()
    taken = actions.take_share(share=share, member=member, by=chloe)
    assert taken.taken_by == member and taken.taken_at
    yann = factories.user("yann@ordolien.test")
    other = factories.member(yann, market, "Yann Le Goff")
    assert actions.take_share(share=share, member=other, by=yann).taken_by == other
    assert kinds(share).count("share.taken") == 2


def test_taken_twice_with_one_key_it_is_taken_once(send, chloe, market):
    share, member = send(), chloe.pharmacy_members.get()
    yann = factories.user("yann@ordolien.test")
    other = factories.member(yann, market, "Yann Le Goff")

    def take(who, by, key="k1"):
        return actions.take_share(share=share, member=who, key=key, by=by)

    take(member, chloe)
    take(other, yann)  # another's key is another key
    assert take(member, chloe).taken_by == other  # chloe's comes again: it changes nothing
    assert refused(lambda: take(None, chloe)) == "idempotency-other-body"
    assert take(member, chloe, key="").taken_by == take(member, chloe, key="").taken_by == member
    assert kinds(share).count("share.taken") == 4


def test_what_moved_on_or_is_closed_or_over_is_not_taken(send, alice, chloe):
    share, member = send(), chloe.pharmacy_members.get()

    def take(share, version=""):
        return actions.take_share(share=share, member=member, expected_version=version, by=chloe)

    seen = share.version
    actions.open_share(share=share, by=chloe)
    assert refused(lambda: take(share, seen)) == "version-conflict"
    actions.revoke_share(share=share, by=alice)
    assert refused(lambda: take(share)) == "share-ended"
    again = send()
    actions.close_thread(share=again, by=chloe)
    assert refused(lambda: take(again)) == "thread-closed"


def reply(share, chloe, key="", door=DESK, **answer):
    return actions.record_reply(share=share, answer=Answer(**answer), door=door, key=key, by=chloe)


def test_an_answer_with_words_is_one_state_one_message_one_notice(send, alice, chloe):
    share = reply(send(), chloe, status=S.READY, text="Jusqu’à 20 h")
    words = share.messages.get()
    assert (share.status, words.body, words.came_with) == (S.READY, "Jusqu’à 20 h", S.READY)
    assert [notice.kind for notice in Notice.objects.filter(user=alice)] == ["share_moved"]


def test_words_alone_do_not_move(send, alice, chloe):
    share = reply(send(), chloe, text="Quel dosage ?")
    assert share.status == S.SHARED
    assert [notice.kind for notice in Notice.objects.filter(user=alice)] == ["new_message"]
    words = share.messages.get()
    assert (words.side, words.author, words.door, words.came_with) == (ThreadMessage.Side.PHARMACY, chloe, DESK, "")


def test_the_same_answer_twice_counts_once(send, chloe):
    share = send()
    for _ in range(2):
        reply(share, chloe, key="k1", text="Bonjour")
    assert share.messages.count() == 1
    assert refused(lambda: reply(share, chloe, key="k1", text="Autre")) == "idempotency-other-body"


def test_how_long_it_is_kept_is_said_until_another_answer(send, chloe):
    until = timezone.localdate() + timedelta(days=3)
    share = reply(send(), chloe, status=S.READY, ready_until=until)
    share.refresh_from_db()
    assert share.ready_until == until


def test_an_answer_to_what_a_colleague_moved_meanwhile_is_refused(send, chloe):
    share = send()
    seen = share.version
    actions.open_share(share=share, by=chloe)
    late = {"share": share, "answer": Answer(text="Bonjour"), "door": DESK, "by": chloe}
    assert refused(lambda: actions.record_reply(expected_version=seen, **late)) == "version-conflict"
    assert not share.messages.exists()


def test_words_that_are_too_long_are_refused_whoever_writes_them(send, alice, chloe):
    share, long = send(), "a" * 1001
    assert refused(lambda: reply(share, chloe, text=long)) == "message-too-long"
    assert refused(lambda: actions.post_message(share=share, text=long, by=alice)) == "message-too-long"
    assert not share.messages.exists()


def test_a_word_with_the_key_of_another_is_refused_and_without_a_key_each_is_one(send, alice):
    share = send()
    actions.post_message(share=share, text="Je viens à 18 h", key="k1", by=alice)
    other = {"share": share, "text": "Non", "by": alice}
    assert refused(lambda: actions.post_message(key="k1", **other)) == "idempotency-other-body"
    for _ in range(2):
        actions.post_message(share=share, text="Merci", by=alice)
    assert share.messages.count() == 3


def test_what_was_missing_is_forgotten_once_ready(send, chloe):
    share = reply(send(), chloe, status=S.PARTIALLY_READY, missing="2 boîtes", expected_on=timezone.localdate())
    share = reply(share, chloe, status=S.READY)
    assert (share.missing, share.expected_on) == ("", None)


def test_after_the_end_the_desk_is_refused_and_mail_is_kept(send, alice, chloe):
    share = send()
    actions.revoke_share(share=share, by=alice)
    assert refused(lambda: reply(share, chloe, text="Trop tard")) == "share-ended"
    reply(share, "system:mail", door=ShareEvent.Door.MAIL, text="Reçu votre rappel")
    kept = share.messages.get()
    assert kept.after_end and kept.author is None


def test_the_patient_writes_and_it_leaves_by_mail_too(send, alice, chloe):
    share = send()
    for _ in range(2):
        actions.post_message(share=share, text="Je viens à 18 h", key="k1", by=alice)
    assert share.messages.get().side == ThreadMessage.Side.PATIENT
    assert [d.kind for d in share.deliveries.all()] == ["share", "message"]
    reply(share, chloe, status=S.COLLECTED)
    assert refused(lambda: actions.post_message(share=share, text="Merci", by=alice)) == "share-ended"


def test_only_those_who_see_the_prescription_are_told(alice, chloe, leo, market):
    """Alice acts for her child; what is restricted is not told to her either."""
    carer = factories.user("carer@ordolien.test")
    factories.access(carer, leo, PatientAccess.Kind.CARER, revoked_at=timezone.now())
    seen, restricted = factories.prescription(leo), factories.prescription(leo, restricted=True)
    for one in (seen, restricted):
        share = factories.share(one, market, by=alice)
        reply(share, chloe, status=S.READY)
    assert [notice.user for notice in Notice.objects.all()] == [alice]


def test_a_notice_says_nothing_of_health(send, alice, chloe):
    reply(send(), chloe, status=S.READY, text="AMOXICILLINE prête")
    notice = Notice.objects.get()
    assert notice.path == f"/partages/{Share.objects.get().pk}/"
    assert "AMOX" not in str(vars(notice))


def test_a_late_bounce_leaves_a_share_that_is_read_alive(send, chloe):
    share = send()
    actions.open_share(share=share, by=chloe)
    assert actions.mark_undeliverable(share=share, by="system:delivery").status == S.OPENED
    other = factories.share(factories.prescription())
    assert actions.mark_undeliverable(share=other, by="system:delivery").status == S.UNDELIVERABLE


# --- The trace ------------------------------------------------------------------------------------------------------
def test_every_act_leaves_its_line_on_the_patient_with_who_did_it(send, alice, chloe, market):
    """What the table of states does not cover: acts that move nothing, or that say more than the move."""
    share = send()
    member = market.members.get(user=chloe)
    actions.open_share(share=share, by=chloe)
    actions.open_share(share=share, by=chloe)
    actions.take_share(share=share, member=member, by=chloe)
    actions.read_document(share=share, by=chloe)
    actions.record_reply(share=share, answer=Answer(text="Demain midi."), door=DESK, by=chloe)
    actions.post_message(share=share, text="Merci.", by=alice)
    actions.note_words_undelivered(share=share, by="system:delivery")
    actions.note_recall_undelivered(share=share, by="system:delivery")
    actions.note_not_processed(share=share, by="system:delivery")
    actions.close_thread(share=share, by=chloe)
    actions.close_thread(share=share, by=chloe)
    actions.note_reading(prescription=share.prescription, by=chloe)
    actions.revoke_share(share=share, by=alice)
    lines = AuditEvent.objects.filter(
        patient=share.patient_id, subject__in=[f"share:{share.pk}", f"prescription:{share.prescription_id}"]
    )
    her, pharmacist = f"user:{alice.pk}", f"user:{chloe.pk}"
    assert list(lines.order_by("position").values_list("kind", "actor", "detail")) == [
        ("share.created", her, {"pharmacy": market.finess}),
        ("share.opened", pharmacist, {"door": "desk"}),
        ("share.read", pharmacist, {}),
        ("share.taken", pharmacist, {}),
        ("share.document_read", pharmacist, {}),
        ("share.message", pharmacist, {"side": "pharmacy"}),
        ("share.message", her, {"side": "patient"}),
        ("share.message-undelivered", "system:delivery", {}),
        ("share.recall-undelivered", "system:delivery", {}),
        ("share.not-processed", "system:delivery", {}),
        ("share.thread-closed", pharmacist, {}),
        ("prescription.read", pharmacist, {}),
        ("share.revoked", her, {"door": "portal"}),
    ]
    assert [notice.kind for notice in Notice.objects.filter(user=alice).order_by("pk")] == [
        "new_message",
        "share_moved",
        "share_moved",
        "share_moved",
    ]
