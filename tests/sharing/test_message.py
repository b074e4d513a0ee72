"""What leaves: readable without us, the same as what the patient was shown, and nothing slips into a header."""

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.reasons import Refused
from prescriptions import words
from prescriptions.models import Prescription, PrescriptionLine
from sharing import actions, delivery, xdm
from sharing.incoming import mails
from sharing.models import Share, ThreadMessage
from sharing.outgoing import letter, message
from sharing.states import DeliveryStatus
from sharing.states import ShareStatus as S
from tests import factories
from tests.sharing import xdm_checker

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Disposition-Notification-To",
    "X-MSS-NIL",
    "MIME-Version",
    "Content-Type",
]
ARCHIVE_HEADERS = ["X-MSS-CODECDA", "X-MSS-INS"]


def parsed(content: bytes):
    return message_from_bytes(content, policy=policy.default)


def text_of(mail) -> str:
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def draft(prescription, pharmacy, by, **fields) -> Share:
    facts = {"prescription": prescription, "patient": prescription.patient, "pharmacy": pharmacy, "shared_by": by}
    return Share(**facts | fields)


@pytest.fixture
def composed(alice, market):
    prescription = factories.prescription(lines=[factories.amoxicillin(), factories.levothyrox()])
    return message.compose_share(draft(prescription, market, alice, message="Merci à vous."))


def test_it_comes_from_the_patients_secure_address_to_the_pharmacys_mailbox(composed, alice_patient, market):
    mail = parsed(composed.content)
    [sender], [recipient] = mail["From"].addresses, mail["To"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Alice Moreau", alice_patient.mss_address)
    assert (recipient.display_name, recipient.addr_spec) == (market.name, market.mailbox.address)
    assert (composed.envelope_from, composed.envelope_to) == (sender.addr_spec, recipient.addr_spec)


def test_its_headers_are_those_of_the_profile_and_no_other(composed, alice_patient):
    mail = parsed(composed.content)
    assert sorted(mail.keys()) == sorted(HEADERS + ARCHIVE_HEADERS)
    assert mail["Subject"] == "XDM/1.0/DDM+Prescription de produits de santé MOREAU Alice 14/03/1988"
    assert (mail["X-MSS-CODECDA"], mail["X-MSS-INS"]) == ("57833-6", "O")
    assert mail["Disposition-Notification-To"] == f"<{alice_patient.mss_address}>"
    assert mail["X-MSS-NIL"] == "ORDOLIEN-0.1"
    assert abs(mail["Date"].datetime - timezone.now()) < timedelta(minutes=1)


@pytest.mark.parametrize("missing", ["birth_place", "sex"])
def test_an_identity_without_its_five_traits_is_not_said_to_be_qualified(alice, market, missing):
    patient = factories.alice_patient()
    setattr(patient, missing, {"sex": "U"}.get(missing, ""))
    patient.save()
    content = message.compose_share(draft(factories.prescription(patient), market, alice)).content
    assert parsed(content)["X-MSS-INS"] == "N"


def test_the_message_id_carries_the_shares_token_and_stays_on_one_line(alice, market, prescription):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    row = share.first_delivery
    assert re.fullmatch(rf"<{share.token}\.[0-9a-f]{{16}}@ordolien\.mssante\.test>", row.message_id)
    assert row.envid in row.message_id
    assert f"\r\nMessage-ID: {row.message_id}\r\n".encode() in row.content


def test_two_messages_of_the_same_share_never_have_the_same_id(alice, market, prescription):
    share = draft(prescription, market, alice)
    assert message.compose_share(share).message_id != message.compose_share(share).message_id


def test_its_bytes_pass_any_server(composed):
    assert composed.content.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", composed.content)
    assert max(len(line) for line in composed.content.split(b"\r\n")) <= 998


def test_it_can_be_read_without_us(composed):
    text = text_of(parsed(composed.content))
    said = [
        "Alice MOREAU, née le 14\xa0mars 1988",
        "Dr Emma Rousseau, Médecine générale",
        "1. AMOXICILLINE 500 mg, gélule",
        "2. LEVOTHYROX 75 microgrammes",
        "Non substituable\xa0: marge thérapeutique étroite (MTE)",
        "MESSAGE DU PATIENT\nMerci à vous.",
        "Répondez simplement à ce message",
        "/verifier/",
    ]
    assert [part for part in said if part not in text] == []


def test_the_number_is_in_groups(alice, market):
    prescription = factories.prescription(number="01S2TBPZ2JCNZZYGHZ")
    assert "Numéro\xa0: 01S2 TBPZ 2JCN ZZYG HZ" in message.preview(draft(prescription, market, alice)).text


def test_a_flag_that_nothing_names_here_does_not_keep_the_message_from_leaving(alice, market):
    lines = [factories.amoxicillin(flags=["UNHEARD-OF", "ALD"])]
    prescription = factories.prescription(flags=["UNHEARD-OF", "MED-1098"], lines=lines)
    text = message.preview(draft(prescription, market, alice)).text
    assert f"\n{Prescription.Flag.SECURED.label}\n" in text and f"\n   {PrescriptionLine.Flag.ALD.label}" in text
    assert "UNHEARD-OF" not in text


def test_the_wished_time_is_said_in_words(alice, market, prescription):
    wished = timezone.make_aware(datetime(2027, 1, 14, 18, 30))
    text = message.preview(draft(prescription, market, alice, wished_at=wished)).text
    assert "PASSAGE SOUHAITÉ\njeudi 14\xa0janvier 2027 à 18\xa0h\xa030" in text


def test_the_document_and_the_archive_are_attached(composed):
    pdf, archive = parsed(composed.content).iter_attachments()
    assert re.fullmatch(r"\d{8}_Prescription-de-produits-de-sante_MOREAU_Alice\.pdf", pdf.get_filename())
    assert (pdf.get_content_type(), pdf.get_content()[:8]) == ("application/pdf", b"%PDF-1.4")
    assert (archive.get_content_type(), archive.get_filename()) == ("application/zip", "IHE_XDM.ZIP")
    assert xdm.read(archive.get_content()).patient_ins == factories.alice_patient().ins
    assert xdm_checker.problems(archive.get_content()) == []
    assert "IHE_XDM.ZIP est la même pour votre logiciel" in text_of(parsed(composed.content))


def test_what_replaces_a_prescription_already_sent_says_so_in_its_conversation(alice, market, prescription):
    first = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice).first_delivery
    better = factories.prescription(replaces=prescription)
    mail = parsed(message.compose_share(draft(better, market, alice)).content)
    label = "XDM/1.0/DDM+[Annule et remplace] Prescription de produits de santé MOREAU Alice 14/03/1988"
    assert (mail["Subject"], mail["In-Reply-To"], mail["References"]) == (label, first.message_id, first.message_id)
    elsewhere = parsed(message.compose_share(draft(better, factories.pharmacy(), alice)).content)
    assert "remplace" not in elsewhere["Subject"]
    assert "In-Reply-To" not in elsewhere
    first.status = DeliveryStatus.CANCELLED  # taken back before it left
    first.save()
    assert "remplace" not in message.preview(draft(better, market, alice)).subject


def test_what_leaves_is_what_the_patient_was_shown(alice, market, prescription):
    wished = timezone.now() + timedelta(days=2)
    shown = message.preview(draft(prescription, market, alice, message="À demain.", wished_at=wished))
    share = actions.share_prescription(
        prescription=prescription, pharmacy=market, message="À demain.", wished_at=wished, by=alice
    )
    mail = parsed(share.first_delivery.content)
    assert text_of(mail) == shown.text
    assert mail["Subject"] == shown.subject
    assert mail["From"].addresses[0].addr_spec == shown.sender_address
    assert mail["To"].addresses[0].addr_spec == shown.recipient_address
    sent = {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}
    seen = {file.name: file.content for file in shown.attachments}
    archives = sent.pop("IHE_XDM.ZIP"), seen.pop("IHE_XDM.ZIP")  # each says when and under what number it was sent
    assert sent == seen
    assert xdm.read(archives[0]) == xdm.read(archives[1])


def test_a_photo_says_that_it_is_one(alice, market):
    shown = message.preview(draft(factories.photo_prescription(), market, alice))
    assert shown.subject.startswith("Photo d'ordonnance MOREAU Alice")
    assert shown.cda is None
    assert "POUR PRÉPARER SEULEMENT" in shown.text
    assert "l’original est nécessaire pour délivrer" in shown.text
    assert "pas de version pour logiciel (IHE_XDM.ZIP)" in shown.text
    assert [file.content_type for file in shown.attachments] == ["image/png"]


def test_a_parent_sends_in_the_childs_name(market):
    alice = factories.alice_parent()
    shown = message.preview(draft(factories.prescription(factories.leo()), market, alice))
    assert shown.sender_address == factories.leo().mss_address
    assert "envoyée par Alice Moreau pour Léo Moreau" in shown.text


def test_the_portal_may_be_the_sender(alice, market, prescription, settings):
    settings.MSSANTE_SENDER = "portal"
    composed = message.compose_share(draft(prescription, market, alice))
    [sender] = parsed(composed.content)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Alice Moreau (Ordolien)", "portail@ordolien.mssante.test")


# --- What follows in the conversation -------------------------------------------------------------------------------
def test_later_words_join_the_conversation(alice, market, prescription):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    actions.post_message(share=share, text="Je passerai\nà 18 h.", by=alice)
    mail = parsed(share.deliveries.get(kind="message").content)
    assert mail["Subject"] == "Re: Prescription de produits de santé MOREAU Alice 14/03/1988"
    assert mail["In-Reply-To"] == mail["References"] == share.first_delivery.message_id
    assert text_of(mail).startswith("Je passerai\nà 18 h.\n")
    assert not mail.is_multipart()


def test_only_what_the_pharmacy_wrote_is_answered(alice, market, prescription):
    """A report of the operator, or of a stranger, belongs to the share too; the pharmacy knows neither."""
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    for reason, status in [("answer", "processed"), ("report-delivered", "processed"), ("other-sender", "unmatched")]:
        mail = mails.keep(f"Message-ID: <{reason}@p.test>\r\n\r\n".encode())
        mails.settle(mail, status, reason, share)
    mail = parsed(message.compose_words(share, ThreadMessage(body="Merci.")).content)
    assert mail["In-Reply-To"] == "<answer@p.test>"


def test_a_long_name_of_a_file_is_not_cut_in_pieces(photo_draft):
    photo_draft.prescription.patient.birth_name = photo_draft.patient.birth_name = "d’Estrées de l’Hôpital " * 4
    content = message.compose_share(photo_draft).content
    [name] = re.findall(rb'Content-Disposition: attachment;\r\n filename="(.+)"\r\n', content)
    assert len(name) > 78


def test_a_recall_says_what_to_do(alice, market, prescription, open_sink):
    open_sink()
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    delivery.sweep_once()
    actions.revoke_share(share=share, by=alice)
    mail = parsed(share.deliveries.get(kind="recall").content)
    assert mail["Subject"].startswith("[Retirée] Prescription de produits de santé")
    assert mail["In-Reply-To"] == share.first_delivery.message_id
    assert "Merci de ne pas préparer cette ordonnance" in text_of(mail)
    assert words.number_in_groups(prescription.number) in text_of(mail)


# --- What is refused ------------------------------------------------------------------------------------------------
def test_what_is_too_large_for_secure_mail_is_refused_with_a_sentence(alice, market, settings):
    settings.MSSANTE_MAX_BYTES = 3_000
    with pytest.raises(Refused) as refused:
        message.preview(draft(factories.photo_prescription(), market, alice))
    assert refused.value.reason.code == "message-too-large"
    assert "Mo" in refused.value.reason.sentence


@pytest.mark.parametrize(
    "address",
    ["a@b\r\nRCPT TO:<x@y.test>", "a b@c.test", "a@c.test>", "@c.test", "a@", "a@c.test\x01", "é@c.test", "a@@c.test"],
)
def test_a_mailbox_that_is_not_one_is_refused(alice, prescription, address):
    """(PostgreSQL keeps no NUL at all; another control character stands for it.)"""
    pharmacy = factories.pharmacy(mailbox=address)
    with pytest.raises(Refused) as refused:
        actions.share_prescription(prescription=prescription, pharmacy=pharmacy, by=alice)
    assert refused.value.reason.code == "bad-mailbox"
    assert not prescription.shares.exists()


def test_no_nul_reaches_an_envelope():
    with pytest.raises(Refused) as refused:
        message.checked_address("a@c.test\x00")
    assert refused.value.reason.code == "bad-mailbox"


# --- Nasty names ----------------------------------------------------------------------------------------------------
NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from('\r\n\x00\t\x0b\x0c\x85\u2028\u2029:;,<>@()[]"\\=?_éœ’ -'), st.characters(codec="utf-8")
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(family=NASTY, given_name=NASTY, name=NASTY, words=NASTY)
def test_no_name_or_word_adds_a_header_a_recipient_or_a_file(photo_draft, family, given_name, name, words):
    photo_draft.patient.birth_name, photo_draft.patient.given_names = family, given_name or "x"
    photo_draft.prescription.patient = photo_draft.patient
    photo_draft.pharmacy.name, photo_draft.message = name, words
    composed = message.compose_share(photo_draft)
    head = composed.content.partition(b"\r\n\r\n")[0]
    names = [line.split(b":")[0].decode() for line in re.split(rb"\r\n(?![ \t])", head)]
    assert sorted(names) == sorted(HEADERS)
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", composed.content)
    mail = parsed(composed.content)
    assert [address.addr_spec for address in mail["To"].addresses] == [photo_draft.pharmacy.mailbox.address]
    assert [address.addr_spec for address in mail["From"].addresses] == [photo_draft.patient.mss_address]
    [photo] = mail.iter_attachments()
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.png", photo.get_filename())


@settings(max_examples=60)
@given(st.text(alphabet=st.sampled_from("aZ9é’-Œ+/ "), min_size=1, max_size=150).map(letter.one_line).filter(bool))
def test_a_subject_is_read_as_it_was_written(subject):
    mail = EmailMessage(policy=message.POLICY)
    mail["Subject"] = f"XDM/1.0/DDM+{subject}"
    content = mail.as_bytes()
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 170
    assert (
        parsed(content)["Subject"] == str(make_header(decode_header(mail.as_string()[9:].strip()))) == mail["Subject"]
    )


@pytest.fixture
def photo_draft(alice, market):
    return draft(factories.photo_prescription(), market, alice)


def test_a_name_cannot_hide_an_encoded_word():
    assert letter.one_line("=?utf-8?q?=0D=0ABcc:?=") == "= ?utf-8?q?=0D=0ABcc:?="


@pytest.mark.parametrize(
    ("name", "written"),
    [("Lefèvre", "LEFEVRE"), ("Œuvrard", "OEUVRARD"), ("d’Été", "D'ETE"), ("Müller-Ñu", "MULLER-NU")],
)
def test_names_in_the_subject_are_capitals_without_accents(alice, market, name, written):
    prescription = factories.prescription()
    prescription.patient.birth_name = name
    assert f" {written} Alice " in letter.subject_of(prescription)


def test_what_was_refused_leaves_the_share_where_it_was(alice, market, prescription, settings):
    share = factories.share(prescription, market, status=S.PREPARING)
    settings.MSSANTE_MAX_BYTES = 100
    with pytest.raises(Refused):
        actions.post_message(share=share, text="Bonjour.", by=alice)
    assert not share.messages.exists()
