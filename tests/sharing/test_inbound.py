"""What comes back is stored first, understood after, and belongs to a share by its token alone."""

from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.models import Notice
from sharing import actions, delivery, mssante, sweep
from sharing.demo import pharmacy_mailbox
from sharing.incoming import mails, reading
from sharing.models import InboundMail, ThreadMessage
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db
Status = InboundMail.Status


def answer(share, text="Elle sera prête ce soir.", **headers) -> EmailMessage:
    """What the pharmacy's software would send back."""
    mail = EmailMessage(policy=SMTP)
    facts = {
        "From": share.pharmacy.mailbox.address,
        "To": share.patient.mss_address,
        "Subject": "Re: ordonnance",
        "Message-ID": f"<reponse.{share.pk.hex}@pharma.mssante.test>",
        "In-Reply-To": share.first_delivery.message_id,
    }
    for name, value in (facts | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        if value:
            mail[name] = value
    mail.set_content(text)
    return mail


def take(mail) -> InboundMail:
    """Stored, then understood, as the sweep does."""
    content = mail if isinstance(mail, bytes) else mail.as_bytes()
    row = mails.keep(content)
    mails.process_stored()
    return InboundMail.objects.get(pk=row.pk)


def said(share) -> list[str]:
    return [words.body for words in share.messages.filter(side=ThreadMessage.Side.PHARMACY)]


# --- Answers --------------------------------------------------------------------------------------------------------
def test_an_answer_joins_the_thread_and_the_patient_is_told(share, alice):
    row = take(answer(share))
    assert (row.status, row.share) == (Status.PROCESSED, share)
    assert said(share) == ["Elle sera prête ce soir."]
    assert Notice.objects.get(kind="new_message").user == alice


def test_whoever_answers_has_read(share):
    take(answer(share))
    share.refresh_from_db()
    assert share.status == S.OPENED
    assert share.events.get(status=S.OPENED).door == "mail"


def test_words_are_words_never_a_state(share):
    take(answer(share, "PRETE"))
    share.refresh_from_db()
    assert share.status == S.OPENED
    assert said(share) == ["PRETE"]


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"Subject": "Réponse automatique : ordonnance"}],
)
def test_an_automatic_answer_is_shown_but_is_not_reading(share, headers):
    take(answer(share, "Nous sommes fermés jusqu’à lundi.", **headers))
    share.refresh_from_db()
    assert (share.status, said(share)) == (S.SHARED, ["Nous sommes fermés jusqu’à lundi."])


def test_the_same_mail_fetched_twice_says_it_once(share):
    assert take(answer(share)).pk == take(answer(share)).pk
    assert len(said(share)) == 1


def test_the_token_is_found_in_the_references_too(share):
    references = f"<ailleurs@x.test> {share.first_delivery.message_id}"
    assert take(answer(share, In_Reply_To="<ailleurs@x.test>", References=references)).status == Status.PROCESSED


def test_an_answer_to_the_pharmacys_own_earlier_answer_finds_its_share(share):
    first = answer(share)
    take(first)
    row = take(
        answer(share, "J’oubliais : apportez l’original.", Message_ID="<2@p.test>", In_Reply_To=first["Message-ID"])
    )
    assert (row.status, len(said(share))) == (Status.PROCESSED, 2)


@pytest.mark.parametrize("headers", [{"In_Reply_To": ""}, {"In_Reply_To": "<0123456789abcdef@x.test>"}])
def test_the_subject_alone_finds_nothing(share, headers):
    row = take(answer(share, Subject=f"Re: {share.receipt} {share.token}", **headers))
    assert (row.status, row.reason) == (Status.UNMATCHED, "no-document")
    assert said(share) == []


@pytest.mark.parametrize(
    "sender", ["intrus@pharma.mssante.test", "Market <intrus@pharma.mssante.test>", "personne", ""]
)
def test_another_mailbox_that_knows_the_token_is_not_believed(share, sender):
    row = take(answer(share, From=sender))
    assert (row.status, row.reason, row.share) == (Status.UNMATCHED, "other-sender", share)
    assert said(share) == []


def test_a_pharmacys_name_on_another_envelope_is_not_believed(share):
    mail = b"Return-Path: <intrus@pharma.mssante.test>\r\n" + answer(share).as_bytes()
    assert take(mail).reason == "other-sender"


def test_of_two_senders_neither_is_believed(share):
    mail = answer(share).as_bytes().replace(b"\r\nTo:", b"\r\nFrom: intrus@pharma.mssante.test\r\nTo:", 1)
    assert take(mail).reason == "other-sender"


def test_another_mailbox_of_the_same_pharmacy_is(share, market):
    market.mailboxes.create(address="equipe@pharma.mssante.test", rank=1)
    assert take(answer(share, From="equipe@pharma.mssante.test")).status == Status.PROCESSED


def test_words_for_a_share_that_ended_are_kept_as_such(share, alice):
    actions.revoke_share(share=share, by=alice)
    take(answer(share, "Trop tard, elle est faite."))
    words = share.messages.get()
    assert (words.body, words.after_end) == ("Trop tard, elle est faite.", True)
    share.refresh_from_db()
    assert share.status == S.REVOKED


def test_a_long_answer_is_shown_short_and_kept_whole(share):
    long = "mot " * 600
    row = take(answer(share, long))
    [shown] = said(share)
    assert (len(shown), shown[-3:]) == (1000, "[…]")
    assert long.strip().encode() in row.content.replace(b"=\r\n", b"").replace(b"\r\n", b"")


# --- The last word --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "headers", [{"X_MSS_MES": "FIN"}, {"X_MSS_MES": "fin"}, {"Subject": "[FIN]"}, {"Subject": "=?utf-8?q?=5BFIN=5D?="}]
)
def test_the_professional_may_close_the_conversation(share, headers):
    take(answer(share, "Bonne journée.", **headers))
    share.refresh_from_db()
    assert share.thread_closed_at is not None
    assert said(share) == ["Bonne journée."]


@pytest.mark.parametrize("subject", ["Re: [FIN]", "[FIN] merci", "FIN", "[fin]"])
def test_a_subject_that_only_looks_like_it_closes_nothing(share, subject):
    take(answer(share, Subject=subject))
    share.refresh_from_db()
    assert share.thread_closed_at is None


def test_a_stranger_closes_nothing(share):
    take(answer(share, From="intrus@pharma.mssante.test", X_MSS_MES="FIN"))
    share.refresh_from_db()
    assert share.thread_closed_at is None


# --- Stored first ---------------------------------------------------------------------------------------------------
def test_a_mail_is_stored_before_anything_is_understood():
    row = mails.keep(b"anything at all")
    assert (row.status, row.content) == (Status.STORED, b"anything at all")


def test_a_mail_that_kills_its_reader_is_put_aside_and_the_others_are_read(share):
    poison = mails.keep(answer(share, Message_ID="<poison@p.test>").as_bytes())
    InboundMail.objects.filter(pk=poison.pk).update(attempts=mails.ATTEMPTS_MAX)
    good = take(answer(share))
    poison.refresh_from_db()
    assert (poison.status, poison.reason, good.status) == (Status.REFUSED, "kills-its-reader", Status.PROCESSED)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 60 + b"--b--",
            "too-many-parts",
        ),
        (
            b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth) for depth in range(12)
            ),
            "too-deep",
        ),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 5000, "too-many-parts"),
    ],
    ids=["parts", "depth", "bomb"],
)
def test_a_mail_made_to_hurt_is_refused_not_read(content, reason):
    row = take(content)
    assert (row.status, row.reason) == (Status.REFUSED, reason)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"From: a@b\r\nFrom: c@d\r\n\r\n",
        b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%",
        b"Subject: =?utf-8?b?%%%?=\r\nX-MSS-MES: =?x?=\r\n\r\n",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nnothing",
        b"In-Reply-To: " + b"<a@b> " * 20_000 + b"\r\n\r\n",
        b"Message-ID: " + b"<" * 5_000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_understood_waits_for_the_back_office(content):
    assert take(content).status == Status.UNMATCHED


# --- The words of a mail --------------------------------------------------------------------------------------------
def words(text, subtype="plain") -> str:
    mail = EmailMessage()
    mail.set_content(text, subtype=subtype)
    return reading.read(mail.as_bytes()).text


@pytest.mark.parametrize(
    "history",
    [
        "Le lun. 23 nov. 2026 à 14:02, Alice Moreau <1@p.test> a écrit :\n> Bonjour",
        "On Mon, Nov 23, 2026 at 2:02 PM Alice wrote:\n> Bonjour",
        "-----Message d'origine-----\nDe : Alice\nBonjour",
        "________________________________\nDe : Alice <a@b.test>",
        "De : Alice Moreau <a@b.test>\nEnvoyé : lundi\nBonjour",
        "De : Alice Moreau\nEnvoyé : lundi 23 novembre 2026 17:51\nÀ : Pharmacie\nObjet : Ordonnance\n\nBonjour",
        "*De :* Alice Moreau <a@b.test>\n*Envoyé :* lundi\n*À :* Pharmacie\n\nBonjour",
        "Le lun. 23 nov. 2026 à 14:02, Alice Moreau <\n288037505612353@p.test> a écrit :\n\n> Bonjour",
        "> Bonjour\n> Merci",
    ],
)
def test_the_earlier_message_below_is_left_out(history):
    assert words(f"Elle est prête.\nÀ ce soir.\n\n{history}\n") == "Elle est prête.\nÀ ce soir."


@pytest.mark.parametrize(
    "heading", ["Le 23 nov. 2026 à 14:02, Alice a écrit :", "Le 23 nov. 2026, Alice <\na@b> a écrit :"]
)
def test_what_is_written_under_the_history_is_not_lost(heading):
    assert words(f"{heading}\n> Bonjour\n\nElle est prête.\n") == "Elle est prête."


def test_hours_and_a_last_line_that_begin_like_a_heading_are_words():
    said = "Ouvert demain.\nDe : 9 h\nÀ : 19 h\nLe reste est attendu vendredi."
    assert words(f"{said}\nLe 23 nov. 2026 à 14:02, Alice a écrit :\n> Bonjour\n") == said


def test_a_page_is_read_when_the_plain_text_beside_it_is_empty():
    mail = EmailMessage()
    mail.set_content("\n")
    mail.add_alternative("<p>La page.</p>", subtype="html")
    assert reading.read(mail.as_bytes()).text == "La page."


def test_a_page_is_read_without_its_markup():
    page = (
        "<html><head><style>p{}</style><title>x</title></head><body><p>Elle est&nbsp;prête &lt;b&gt;.</p>"
        "<script>alert(1)</script><div>À ce soir.</div><blockquote>Bonjour</blockquote></body></html>"
    )
    assert words(page, "html").split() == ["Elle", "est", "prête", "<b>.", "À", "ce", "soir."]


def test_plain_text_is_preferred_and_attachments_are_not_words():
    mail = EmailMessage()
    mail.set_content("Les mots.")
    mail.add_alternative("<p>La page.</p>", subtype="html")
    mail.add_attachment("Un fichier.", filename="notes.txt")
    assert reading.read(mail.as_bytes()).text == "Les mots."


# --- The whole way, by real SMTP both ways --------------------------------------------------------------------------
def test_answering_the_mail_puts_the_answer_in_the_thread(local_operator, share, market):
    delivery.sweep_once()
    [received] = pharmacy_mailbox.received_by(market)
    outcome = pharmacy_mailbox.answer(market, received, "Prête demain à 10 h.", is_last_word=True)
    assert outcome.kind == mssante.Kind.SENT
    assert sweep.collect() == 2  # the delivery report and the answer
    share.refresh_from_db()
    assert said(share) == ["Prête demain à 10 h."]
    assert share.thread_closed_at is not None
    assert share.first_delivery.delivered_at is not None
    assert sweep.collect() == 0


def test_the_next_words_of_the_patient_answer_the_pharmacys_mail(local_operator, share, market, alice):
    delivery.sweep_once()
    pharmacy_mailbox.answer(market, pharmacy_mailbox.received_by(market)[0], "Matin ou soir ?")
    sweep.collect()
    actions.post_message(share=share, text="Le soir.", by=alice)
    delivery.sweep_once()
    theirs = InboundMail.objects.get(reason="answer").message_id
    newest = pharmacy_mailbox.received_by(market)[0]
    assert newest.references == f"{share.first_delivery.message_id} {theirs}"


def test_a_reading_receipt_by_mail(local_operator, share, market):
    delivery.sweep_once()
    outcome = pharmacy_mailbox.confirm_reading(market, pharmacy_mailbox.received_by(market)[0])
    assert outcome.kind == mssante.Kind.SENT
    sweep.collect()
    share.refresh_from_db()
    assert share.status == S.OPENED


def test_a_bounce_after_acceptance_comes_back_to_the_patient(local_operator, alice, prescription):
    pharmacy = factories.pharmacy(mailbox="rebond@pharma.mssante.test")
    share = actions.share_prescription(prescription=prescription, pharmacy=pharmacy, by=alice)
    delivery.sweep_once()
    assert share.deliveries.get().status == D.SENT
    sweep.collect()
    share.refresh_from_db()
    assert share.status == S.UNDELIVERABLE


def test_mail_that_is_too_large_leaves_a_trace(local_operator, settings, share):
    row = mails.keep(b"Message-ID: <grand@p.test>\r\n\r\ndebut", is_whole=False)
    assert (row.status, row.reason) == (Status.REFUSED, "too-large")
    assert row.received_at - share.created_at < timedelta(minutes=1)


def test_what_waits_for_the_next_round_is_not_read_in_this_one(share, monkeypatch):
    monkeypatch.setattr(mails, "AT_ONCE", 1)
    for number in range(3):
        mails.keep(answer(share, Message_ID=f"<{number}@pharma.mssante.test>").as_bytes())
    with CaptureQueriesContext(connection) as asked:
        mails.process_stored()
    assert len([query for query in asked if '"sharing_inboundmail"."content"' in query["sql"]]) == 1
