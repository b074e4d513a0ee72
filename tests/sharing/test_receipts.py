"""Reports and receipts: what comes back about a message moves what the patient reads, when it is to be believed."""

import pytest
from django.utils import timezone

from portal.models import AuditEvent, Notice
from sharing import actions, delivery, outbox
from sharing.demo import dsn
from sharing.incoming import mails
from sharing.models import Delivery, InboundMail, Share
from sharing.space import timeline
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories
from tests.sharing.delivery_rows import LATER, SENT, traces
from tests.sharing.test_inbound import answer, take

pytestmark = pytest.mark.django_db
Status = InboundMail.Status
AUTOMATIC = "automatic-action/MDN-sent-automatically"


@pytest.fixture
def sent(share):
    row = share.first_delivery
    Delivery.objects.filter(pk=row.pk).update(status=D.SENT, sent_at=row.created_at)
    return share


def report(share, action="delivered", envid=None, status="2.0.0", **facts) -> bytes:
    row = share.first_delivery
    content = dsn.compose(
        to=share.patient.mss_address,
        about=facts.get("about", row.envelope_to),
        envid=row.envid if envid is None else envid,
        original=row.content if envid is None else b"Message-ID: <x@y>\r\n\r\n",
        action=action,
        status=status,
        by="mssante.test",
    )
    return facts.get("above", b"") + content.replace(b"MAILER-DAEMON", facts.get("sender", b"MAILER-DAEMON"))


def receipt(share, disposition="manual-action/MDN-sent-manually; displayed", *, subject="Lu", **facts) -> bytes:
    sender = facts.get("sender") or share.pharmacy.mailbox.address
    more = "".join(f"{name}: {value}\r\n" for name, value in facts.get("fields", {}).items())
    return (
        f"From: {sender}\r\nMessage-ID: <mdn@p.test>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nLu\r\n"
        "--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Final-Recipient: rfc822; {facts.get('about', share.pharmacy.mailbox.address)}\r\n"
        f"Original-Message-ID: {facts.get('message_id') or share.first_delivery.message_id}\r\n"
        f"Disposition: {disposition}\r\n{more}\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: ce qui est parti\r\n\r\n--b--\r\n"
    ).encode()


def shown(share) -> tuple[str, list[str]]:
    """What the patient reads: the head's code and the steps so far."""
    found = timeline.with_facts(Share.objects.all()).get(pk=share.pk)
    steps = [step.code for step in timeline.steps_of(found) if step.state != "next"]
    return timeline.head_of(found, timezone.now()).code, steps


# --- Delivery reports -----------------------------------------------------------------------------------------------
def test_a_delivery_report_gives_its_time(sent):
    assert take(report(sent)).reason == "report-delivered"
    assert shown(sent) == ("sent", ["shared", "sent", "delivered"])


def test_a_failure_report_tells_the_patient(sent, alice):
    take(report(sent, "failed", status="5.1.1"))
    row = Delivery.objects.get(share=sent)
    assert (row.status, row.last_code, row.share.status) == (D.FAILED, "5.1.1", S.UNDELIVERABLE)
    assert row.sent_at is not None
    assert Notice.objects.filter(user=alice).exists()


@pytest.mark.parametrize(
    "name", [b"postmaster", b"Mailer-Daemon", b"MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e"]
)
def test_each_make_of_operator_signs_its_reports_in_its_own_name(sent, name):
    assert take(report(sent, sender=name)).reason == "report-delivered"


def test_a_delay_is_read_as_one_until_it_arrives(sent):
    assert take(report(sent, "delayed", status="4.4.1")).status == Status.PROCESSED
    assert sent.deliveries.get().status == D.SENT
    assert shown(sent) == ("late", ["shared", "sent", "delayed"])
    take(report(sent))
    assert shown(sent) == ("sent", ["shared", "sent", "delayed", "delivered"])


def test_a_delay_told_after_the_arrival_changes_nothing(sent):
    take(report(sent))
    take(report(sent, "delayed", status="4.4.1"))
    assert shown(sent) == ("sent", ["shared", "sent", "delivered"])


def test_what_is_told_twice_leaves_one_trace(sent):
    for _ in range(2):
        take(report(sent, "delayed", status="4.4.1"))
    for _ in range(2):
        take(receipt(sent, f"{AUTOMATIC}; processed"))
    assert traces(sent.first_delivery) == [
        ("delivery.delayed", "system:delivery", {"code": "4.4.1"}),
        ("delivery.processed", "system:delivery", {}),
    ]


def test_a_report_speaks_of_one_message_alone(sent, alice, market):
    other = actions.share_prescription(prescription=factories.prescription(), pharmacy=market, by=alice)
    beside = Delivery.objects.filter(share=other).values()
    before = beside.get()
    take(report(sent, "delayed", status="4.4.1"))
    take(report(sent))
    take(receipt(sent, f"{AUTOMATIC}; processed/error", fields={"Error": "902^a"}))
    take(receipt(sent, f"{AUTOMATIC}; processed"))
    take(receipt(sent))
    assert beside.get() == before
    told = sent.deliveries.get()
    assert None not in {told.delayed_at, told.delivered_at, told.unprocessed_at, told.processed_at, told.read_at}


def test_a_report_after_a_lost_answer_stops_the_attempts(share):
    row = share.first_delivery
    Delivery.objects.filter(pk=row.pk).update(status=D.RETRY, in_doubt_at=row.created_at)
    take(report(share))
    told = share.deliveries.get()
    assert (told.status, told.last_code) == (D.SENT, "reported")


def test_a_failure_that_is_told_while_the_message_leaves_is_heard_once_it_has_left(share):
    """The operator's report may be faster than our own line in the database."""
    claimed = outbox.claim(share.first_delivery.pk)
    early = take(report(share, "failed", status="5.1.1"))
    for _ in range(5):
        mails.process_stored()
    delivery.settle(claimed, SENT)
    mails.process_stored()
    early.refresh_from_db()
    assert (early.status, early.reason) == (Status.PROCESSED, "report-failed")
    assert shown(share)[0] == S.UNDELIVERABLE


def test_what_is_in_the_mailbox_while_its_holder_is_silent_does_not_leave_again(share, later):
    """The answer to the last dot was lost: killed there, or still waiting for it."""
    claimed = outbox.claim(share.first_delivery.pk)
    take(report(share))
    assert delivery.settle(claimed, LATER) == ""
    later(days=1)
    assert outbox.claim() is None
    assert traces(share.first_delivery) == [("delivery.sent", "system:delivery", {"attempts": 1})]


def test_what_is_in_the_mailbox_does_not_come_back_from_it(sent):
    """A second copy was refused as one too many."""
    take(report(sent))
    assert take(report(sent, "failed", status="5.7.1")).status == Status.PROCESSED
    assert shown(sent) == ("sent", ["shared", "sent", "delivered"])


# --- Receipts -------------------------------------------------------------------------------------------------------
def test_a_reading_receipt_opens_the_share(sent):
    take(receipt(sent))
    sent.refresh_from_db()
    assert (sent.status, sent.events.get(status=S.OPENED).door) == (S.OPENED, "mail")
    assert sent.deliveries.get().read_at is not None


def test_a_receipt_that_only_joins_the_message_it_speaks_of_is_understood(sent):
    said = receipt(sent, message_id=" ").replace(b"Subject: ce qui", b"Message-ID: %s\r\nSubject: ce qui")
    assert take(said % sent.first_delivery.message_id.encode()).reason == "report-displayed"


def test_software_that_took_it_has_not_read_it(sent):
    assert take(receipt(sent, f"{AUTOMATIC}; processed")).status == Status.PROCESSED
    assert shown(sent) == ("sent", ["shared", "sent", "delivered", "processed"])


def test_deleting_it_says_nothing(sent):
    assert take(receipt(sent, "manual-action/MDN-sent-manually; deleted")).status == Status.PROCESSED
    assert shown(sent) == ("sent", ["shared", "sent"])


@pytest.mark.parametrize(
    ("disposition", "fields", "subject"),
    [
        (f"{AUTOMATIC}; processed/error", {"Error": "902^Patient inconnu"}, "KO"),
        (f"{AUTOMATIC}; processed/Error", {"Error": "=?utf-8?q?902=5EPatient_inconnu?="}, "KO"),
        (f"{AUTOMATIC}; processed/error: 902^Patient inconnu", {}, "KO"),
        (f"{AUTOMATIC}; processed/error\r\n 902^Patient inconnu", {}, "KO"),
        (f"{AUTOMATIC}; processed; error: 902^Patient inconnu", {}, "KO"),
        (
            f"{AUTOMATIC}; processed/error",
            {"Error": "Patient inconnu"},
            "=?utf-8?q?=5BKO_Int=C3=A9gration_syst=C3=A8me_!=5D=5B902=5D_XDM/1.0/DDM+x?=",
        ),
    ],
)
def test_software_that_could_not_take_it_is_told_with_its_code_and_words(sent, alice, disposition, fields, subject):
    row = take(receipt(sent, disposition, fields=fields, subject=subject))
    assert (row.status, row.reason) == (Status.PROCESSED, "report-error")
    told = sent.deliveries.get()
    assert (told.status, told.unprocessed_code, told.unprocessed_words) == (D.SENT, "902", "Patient inconnu")
    assert shown(sent) == ("unopened", ["shared", "sent", "delivered", "unprocessed"])
    assert Notice.objects.get().user == alice
    assert traces(told) == [("delivery.unprocessed", "system:delivery", {"code": "902"})]


def test_the_patient_reads_the_softwares_words_and_the_audit_does_not(sent, alice, client):
    take(receipt(sent, f"{AUTOMATIC}; processed/error", fields={"Error": "902^<b>Patient</b> inconnu"}))
    client.force_login(alice)
    page = client.get(f"/partages/{sent.pk}/").content.decode()
    assert "son logiciel n’a pas su l’ouvrir" in page
    assert "« &lt;b&gt;Patient&lt;/b&gt; inconnu » (code 902)" in page.replace("\xa0", " ")
    assert "inconnu" not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_an_error_told_twice_is_told_once_to_the_patient(sent):
    take(receipt(sent, f"{AUTOMATIC}; processed/error", fields={"Error": "902^a"}))
    take(receipt(sent, f"{AUTOMATIC}; processed/error", fields={"Error": "903^b"}))
    assert Notice.objects.count() == 1
    take(receipt(sent, f"{AUTOMATIC}; processed"))
    assert shown(sent)[0] == "sent"


def test_an_error_in_the_subject_alone_is_understood_by_what_it_answers(sent):
    subject = "[KO Intégration système !][902] XDM/1.0/DDM+Prescription MOREAU Alice"
    assert take(answer(sent, "Patient inconnu", Subject=subject)).reason == "report-error"
    told = sent.deliveries.get()
    assert (told.unprocessed_code, told.unprocessed_words) == ("902", "Patient inconnu")


def test_such_a_subject_without_what_it_answers_finds_nothing(sent):
    subject = "[KO Intégration système !][902] XDM/1.0/DDM+Prescription MOREAU Alice"
    assert take(answer(sent, "Patient inconnu", Subject=subject, In_Reply_To="")).status == Status.UNMATCHED
    assert shown(sent) == ("sent", ["shared", "sent"])


# --- Forged, or of nobody -------------------------------------------------------------------------------------------
FORGED = {
    "another token in the envelope": lambda s, other: report(s, "failed", envid=f"{s.token}.0000000000000000"),
    "a token and a message that do not agree": lambda s, other: report(
        s, "failed", envid=f"{s.token}.0000000000000000"
    ).replace(b"<x@y>", s.first_delivery.message_id.encode()),
    "a failure from a mailbox": lambda s, other: report(s, "failed", sender=b"intrus"),
    "a failure with a return path": lambda s, other: report(
        s, "failed", above=b"Return-Path: <intrus@pharma.mssante.test>\r\n"
    ),
    "a failure of another recipient": lambda s, other: report(s, "failed", about="autre@pharma.mssante.test"),
    "a receipt for another message": lambda s, other: receipt(
        s, message_id=f"<{s.token}.0000000000000000@ordolien.mssante.test>"
    ),
    "a receipt from another pharmacy": lambda s, other: receipt(s, sender=other.mailbox.address),
    "a receipt for another recipient": lambda s, other: receipt(s, about=other.mailbox.address),
    "an error from another pharmacy": lambda s, other: receipt(
        s, f"{AUTOMATIC}; processed/error", sender=other.mailbox.address
    ),
    "an error in the subject from another pharmacy": lambda s, other: answer(
        s, From=other.mailbox.address, Subject="[KO Intégration système !][902] XDM"
    ).as_bytes(),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_what_is_forged_changes_nothing_and_waits_for_the_back_office(sent, forge):
    other = factories.pharmacy(mailbox="autre@pharma.mssante.test")
    row = take(forge(sent, other))
    assert (row.status, row.reason[:7]) == (Status.UNMATCHED, "report-")
    sent.refresh_from_db()
    assert (sent.status, shown(sent)) == (S.SHARED, ("sent", ["shared", "sent"]))
    assert not Notice.objects.exists()


@pytest.mark.parametrize("place", [b"Original-Envelope-Id: ", b"Message-ID: <", b"Status: "])
def test_a_report_with_a_nul_waits_too(sent, place):
    """Neither database stops at it."""
    content = report(sent, "delayed").replace(place, place + b"\x00")
    assert take(content).status in {Status.UNMATCHED, Status.PROCESSED}
    assert take(receipt(sent, message_id="<a\x00b@c.test>")).status == Status.UNMATCHED
