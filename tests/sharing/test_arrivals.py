"""A professional's mail to a patient's secure address: filed in that patient's space, or put aside with a reason."""

import hashlib
import io
import zipfile
from email.message import EmailMessage
from email.policy import SMTP

import pikepdf
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from portal.models import Notice
from prescriptions import cda, words
from prescriptions.files import documents
from prescriptions.models import Patient, Prescription
from sharing import actions, mssante, policies, thread
from sharing.demo.certificates import PHARMACIES
from sharing.incoming import mails
from sharing.models import InboundMail, ThreadFile
from tests import factories
from tests.prescriptions.cda_cases import prescription as prescription_of
from tests.prescriptions.test_cda_dispensing import report, supply

pytestmark = pytest.mark.django_db
OTHER_INS = factories.ins_with_key("2790369383001")
EMMA = "dr.rousseau@cabinet.mssante.test"
Status = InboundMail.Status


def pdf() -> bytes:
    out, made = io.BytesIO(), pikepdf.new()
    made.add_blank_page()
    made.save(out)
    return out.getvalue()


def from_elsewhere(patient: Patient, case: str = "mixed") -> bytes:
    """A document of another registry."""
    made = prescription_of(case, patient=patient)
    content = cda.write(made)
    made.documents.all().delete()
    made.delete()
    return content


def archive(patient: Patient, *documents: tuple[bytes, str], ins: str = "", **others: bytes) -> bytes:
    """IHE_XDM.ZIP as another maker writes it, with no more metadata than is needed."""
    entries = [_entry(place, content, kind, ins or patient.ins) for place, (content, kind) in enumerate(documents, 1)]
    metadata = f'<SubmitObjectsRequest xmlns:r="{RIM}"><r:RegistryObjectList>{"".join(entries)}</r:RegistryObjectList>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("INDEX.HTM", "<html/>")
        made.writestr("IHE_XDM/SUBSET01/METADATA.XML", f"{metadata}</SubmitObjectsRequest>")
        for place, (content, _kind) in enumerate(documents, 1):
            made.writestr(f"IHE_XDM/SUBSET01/DOC{place:05}", content)
        for name, content in others.items():
            made.writestr(name, content)
    return out.getvalue()


RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
PATIENT, UNIQUE = "58a6f841-87b3-4a3e-92fd-a8ffeff98427", "2e82c1f6-a085-4c72-9da3-8640a32e42ab"


def _entry(place: int, content: bytes, kind: str, ins: str) -> str:
    slots = {"URI": f"DOC{place:05}", "size": len(content), "hash": hashlib.sha1(content).hexdigest()}
    told = "".join(
        f'<r:Slot name="{name}"><r:ValueList><r:Value>{value}</r:Value></r:ValueList></r:Slot>'
        for name, value in slots.items()
    )
    cx = f"{ins}^^^&amp;{factories.INS_TEST_OID}&amp;ISO^NH"
    ids = "".join(
        f'<r:ExternalIdentifier identificationScheme="urn:uuid:{scheme}" value="{value}"/>'
        for scheme, value in ((PATIENT, cx), (UNIQUE, f"2.25.{place}"))
    )
    return f'<r:ExtrinsicObject mimeType="{kind}">{told}{ids}</r:ExtrinsicObject>'


def mail(patient: Patient, *files: tuple[str, bytes], **headers) -> EmailMessage:
    written = EmailMessage(policy=SMTP)
    facts = {
        "From": f"Dr Emma Rousseau <{EMMA}>",
        "To": f"Quelqu’un <{patient.mss_address}>",
        "Subject": "XDM/1.0/DDM+Prescription NGUYEN Bob 01/01/1955",
        "Message-ID": f"<{len(files)}.{id(files)}@cabinet.mssante.test>",
    }
    for name, value in (facts | headers).items():
        written[name] = value
    written.set_content("Bonjour, voici votre ordonnance.")
    for name, content in files:
        written.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return written


def take(written: EmailMessage | bytes) -> tuple[str, str]:
    row = mails.keep(written if isinstance(written, bytes) else written.as_bytes())
    mails.process_stored()
    row.refresh_from_db()
    return row.status, row.reason


FILED = (Status.PROCESSED, "document")


def aside(reason: str) -> tuple[str, str]:
    return Status.UNMATCHED, reason


# --- Filed ----------------------------------------------------------------------------------------------------------
def test_a_cda_document_is_filed_and_the_patient_is_told_without_a_word_of_health(alice, alice_patient):
    assert take(mail(alice_patient, ("ordonnance.xml", from_elsewhere(alice_patient)))) == FILED
    filed = Prescription.objects.get()
    assert (filed.patient, filed.provenance, filed.number) == (alice_patient, "document", None)
    assert filed.source["sent_by"] == f"Dr Emma Rousseau ({EMMA})" and filed.source["sent_by"] in filed.comment
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.path) == (alice, "new_document", f"/ordonnances/{filed.pk}/")


def test_an_archive_with_its_pdf_copies_is_one_prescription(alice_patient):
    content = from_elsewhere(alice_patient)
    copy = cda.read(content).pdf
    packed = archive(alice_patient, (content, "text/xml"), (copy, "application/pdf"))
    files = [("ihe_xdm.zip", packed), ("20261123_ordonnance.pdf", pdf()), ("ordonnance.xml", content)]
    assert take(mail(alice_patient, *files)) == FILED
    assert Prescription.objects.get().lines.count() == 4


def test_a_pdf_alone_is_for_whom_it_was_sent_to(alice_patient):
    assert take(mail(alice_patient, ("ordonnance.pdf", pdf()))) == FILED
    filed = Prescription.objects.get()
    assert filed.patient == alice_patient and bytes(filed.documents.get().content).startswith(b"%PDF")
    assert filed.comment == f"Reçue par messagerie sécurisée, de Dr Emma Rousseau ({EMMA})."


def test_a_pdf_in_an_archive_is_for_whom_its_metadata_say(alice_patient):
    assert take(mail(alice_patient, ("IHE_XDM.ZIP", archive(alice_patient, (pdf(), "application/pdf"))))) == FILED


def test_the_same_mail_or_the_same_document_again_is_nothing_new(alice_patient):
    content = from_elsewhere(alice_patient)
    take(mail(alice_patient, ("a.xml", content)))
    assert take(mail(alice_patient, ("b.xml", content), Subject="Relance")) == FILED
    assert Prescription.objects.count() == 1


def test_a_person_not_yet_known_gets_a_space_that_waits(alice_patient):
    content = from_elsewhere(alice_patient)
    alice_patient.accesses.all().delete()
    gone = Patient(ins=alice_patient.ins, ins_oid=alice_patient.ins_oid)
    alice_patient.delete()
    assert take(mail(gone, ("ordonnance.xml", content))) == FILED
    assert not Prescription.objects.get().patient.accesses.exists()


def test_a_prescription_among_letters_is_filed_and_the_rest_waits(alice_patient):
    content = from_elsewhere(alice_patient)
    letter = content.replace(b"57833-6", b"34112-3").replace(b"1.2.250.1.213.1.1.1.39", b"1.2.250.1.213.1.1.1.29")
    assert take(mail(alice_patient, ("o.xml", content), ("l.xml", letter))) == aside("partly-cda-not-a-prescription")
    assert take(mail(alice_patient, ("o.xml", content), ("l.docx", b"PDF ?"))) == aside("partly-other-attachment")
    assert Prescription.objects.count() == 1


# --- Put aside ------------------------------------------------------------------------------------------------------
def bomb(patient: Patient) -> bytes:
    return archive(patient, (b"<ClinicalDocument/>", "text/xml"), **{"big.txt": b"\0" * 70_000_000})


def entity(patient: Patient) -> bytes:
    return b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ClinicalDocument>&e;</ClinicalDocument>'


def locked(patient: Patient) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as made:
        made.save(out, encryption=pikepdf.Encryption(owner="x", user="y"))
    return out.getvalue()


ASIDE = {
    "an archive too big once opened": (bomb, "xdm-too-large"),
    "an archive of something else": (lambda _: b"PK\x03\x04rubbish", "xdm-not-a-zip"),
    "an entity": (entity, "cda-dtd"),
    "a PDF with a password": (locked, "encrypted"),
    "a broken PDF": (lambda _: b"%PDF-1.4 broken", "broken"),
    "a picture": (lambda _: b"\x89PNG....", "no-document"),
    "another's archive": (lambda p: archive(p, (pdf(), "application/pdf"), ins=OTHER_INS), "other-recipient"),
    "nobody's document": (lambda p: from_elsewhere(p).replace(p.ins.encode(), b"0" * 15), "patient-missing"),
}


@pytest.mark.parametrize("case", ASIDE)
def test_what_is_not_understood_is_put_aside_with_its_reason(alice_patient, case):
    make, reason = ASIDE[case]
    assert take(mail(alice_patient, ("file", make(alice_patient)))) == aside(reason)
    assert not Prescription.objects.exists() and not Notice.objects.exists()


def test_two_people_in_one_mail_are_filed_for_neither(alice_patient, bob_patient):
    ours, theirs = from_elsewhere(alice_patient), from_elsewhere(bob_patient)
    assert take(mail(alice_patient, ("a.xml", ours), ("b.xml", theirs))) == aside("several-patients")
    assert take(mail(alice_patient, ("b.xml", theirs))) == aside("other-recipient")
    both = mail(alice_patient, ("a.xml", ours), Cc=bob_patient.mss_address)
    assert take(both) == aside("several-patients")
    packed = archive(bob_patient, (ours, "text/xml"))
    assert take(mail(alice_patient, ("IHE_XDM.ZIP", packed))) == aside("several-patients")
    assert not Prescription.objects.exists()


def test_who_may_send(alice_patient, bob_patient):
    from_a_patient = mail(alice_patient, ("o.pdf", pdf()), From=bob_patient.mss_address)
    assert take(from_a_patient) == aside("not-a-professional")
    other = mail(alice_patient, ("o.pdf", pdf()), **{"Return-Path": "<somebody@else.mssante.test>"})
    assert take(other) == aside("other-sender")
    nobody = Patient(ins=OTHER_INS, ins_oid=factories.INS_TEST_OID)
    assert take(mail(nobody, ("o.pdf", pdf()))) == aside("patient-unknown")
    by_our_id = mail(alice_patient, ("o.pdf", pdf()), To=f"{alice_patient.pk}@{settings.MSSANTE_PATIENT_DOMAIN}")
    assert take(by_our_id) == aside("patient-unknown")


# --- Reports of dispensing ------------------------------------------------------------------------------------------
@pytest.fixture
def dispensed(alice_patient, market):
    """A report of what the market's pharmacy delivered of Alice's prescription, as its software writes it."""
    made = factories.prescription(lines=[factories.amoxicillin(quantity=2, quantity_unit="boîte")])
    content = report(made, supply(made.lines.get()))
    content = content.replace(b"20261123180000+0100", f"{timezone.localdate():%Y%m%d}".encode())
    return made, content.replace(b"1699900106", f"1{market.finess}".encode())


def from_pharmacy(market, patient, content: bytes) -> EmailMessage:
    return mail(patient, ("dispensation.xml", content), From=market.mailbox.address)


def test_a_report_of_the_pharmacy_is_recorded_on_the_prescription(dispensed, alice_patient, market):
    made, content = dispensed
    assert take(from_pharmacy(market, alice_patient, content)) == FILED
    told = made.dispensings.get()
    assert (told.pharmacy_finess, told.dispenser_rpps) == (market.finess, "99000000018")
    assert take(from_pharmacy(market, alice_patient, content + b" ")) == FILED
    assert made.dispensings.count() == 1, "the same dispensing, told twice"


def test_a_report_that_comes_with_an_answer_is_recorded_too(dispensed, alice_patient, market, alice):
    made, content = dispensed
    share = actions.share_prescription(prescription=made, pharmacy=market, by=alice)
    written = from_pharmacy(market, alice_patient, content)
    written["In-Reply-To"] = share.first_delivery.message_id
    assert take(written) == (Status.PROCESSED, "answer")
    assert made.dispensings.count() == 1 and share.messages.count() == 1
    (bubble,) = thread.bubbles_of(share, reader=alice)
    assert [file.note for file in bubble.files] == ["compte rendu de délivrance, enregistré dans l’espace du patient"]


def test_the_file_that_is_recorded_is_told_by_what_it_holds_not_by_its_name(dispensed, alice_patient, market, alice):
    made, content = dispensed
    share = actions.share_prescription(prescription=made, pharmacy=market, by=alice)
    packed = archive(alice_patient, (content, "text/xml"))
    files = [("delivrance.txt", content), ("tarifs.xml", b"<tarifs/>"), ("envoi.dat", packed), ("plans.zip", b"PK\3\4")]
    written = mail(alice_patient, *files, From=market.mailbox.address)
    written["In-Reply-To"] = share.first_delivery.message_id
    assert take(written) == (Status.PROCESSED, "answer")
    assert {row.name: row.state for row in ThreadFile.objects.all()} == {
        "delivrance.txt": "recorded",
        "tarifs.xml": "refused",
        "envoi.dat": "recorded",
        "plans.zip": "refused",
    }


def test_a_report_that_the_registry_refuses_waits_with_its_reason(dispensed, alice_patient, market):
    made, content = dispensed
    too_many = content.replace(b'<quantity value="2"', b'<quantity value="3"')
    assert take(from_pharmacy(market, alice_patient, too_many)) == aside("too-many")
    assert not made.dispensings.exists()


def test_a_report_of_a_prescription_that_is_not_here_is_shown(dispensed, alice_patient, market):
    made, content = dispensed
    elsewhere = content.replace(cda.document_id(made).encode(), b"2.25.1")
    assert take(from_pharmacy(market, alice_patient, elsewhere)) == FILED
    shown = Prescription.objects.get(provenance="report")
    assert words.title_of(shown) == "Compte rendu de délivrance" and not made.dispensings.exists()
    assert str(words.say_report(shown)[0]).startswith("GÉNÉRIQUE 500 mg (2\u00a0boîtes")
    assert policies.why_not_send(shown).code == "dispensing-report"
    assert bytes(documents.printable(shown).content).startswith(b"%PDF")


def test_a_report_from_another_mailbox_is_put_aside(dispensed, alice_patient):
    made, content = dispensed
    assert take(mail(alice_patient, ("dispensation.xml", content))) == aside("pharmacy-unknown")
    assert not made.dispensings.exists()


# --- The local operator ---------------------------------------------------------------------------------------------
def test_a_mail_for_a_patient_comes_in_by_the_local_operator(local_operator, alice_patient, certificates):
    written = mail(alice_patient, ("o.xml", from_elsewhere(alice_patient)))
    account = mssante.Account(
        host="127.0.0.1",
        port=local_operator.port,
        ca=str(certificates.ca),
        certificate=str(certificates.certificate(PHARMACIES)),
        key=str(certificates.key(PHARMACIES)),
        hello="logiciel.cabinet.test",
        patience=20,
    )
    mssante.send(envelope_from=EMMA, envelope_to=alice_patient.mss_address, content=written.as_bytes(), account=account)
    call_command("collect_mail", verbosity=0)
    assert Prescription.objects.get().patient == alice_patient
    assert InboundMail.objects.get().status == Status.PROCESSED
