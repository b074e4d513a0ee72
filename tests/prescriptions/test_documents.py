"""The files of a prescription: made once, the same for everyone, whoever asks first."""

import hashlib
import io
import threading

import pikepdf
import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image

from prescriptions.code import keys, qr
from prescriptions.files import documents, pdf
from prescriptions.models import Document
from tests import factories
from tests.prescriptions import papers
from tests.prescriptions.test_pdf import codes_in, text_in

pytestmark = pytest.mark.django_db


def plain_pdf() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as file:
        file.add_blank_page()
        file.save(out)
    return out.getvalue()


def received(prescription, content: bytes, content_type: str, kind=Document.Kind.RECEIVED, position=0) -> Document:
    return prescription.documents.create(
        kind=kind, position=position, content_type=content_type, content=content, sha256="0" * 64
    )


def test_a_registry_prescription_is_printed_once_and_sent_once(prescription):
    printed, [sent] = documents.printable(prescription), documents.for_message(prescription)
    assert (printed.kind, sent.kind) == ("printable", "message")
    assert printed.content_type == sent.content_type == "application/pdf"
    assert documents.printable(prescription) == printed
    assert documents.for_message(prescription) == [sent]
    kept = Document.objects.get(pk=printed.pk)
    assert hashlib.sha256(bytes(kept.content)).hexdigest() == kept.sha256
    assert codes_in(bytes(printed.content)) == codes_in(bytes(sent.content)) == [qr.text_of(prescription).encode()]


def test_once_cancelled_another_file_says_so(prescription):
    before = documents.printable(prescription)
    prescription.cancelled_at, prescription.cancelled_reason = timezone.now(), "erreur"
    prescription.save()
    after = documents.printable(prescription)
    assert "ANNULÉE" in text_in(bytes(after.content))
    assert "ANNULÉE" not in text_in(bytes(Document.objects.get(pk=before.pk).content))


def test_once_replaced_too(prescription):
    factories.prescription(replaces=prescription)
    assert "REMPLACÉE" in text_in(bytes(documents.printable(prescription).content))


def test_when_its_key_is_revoked_it_is_printed_again(prescription):
    before = documents.printable(prescription)
    keys.revoke(kid=keys.signing_key().kid, by="system:test")
    after = documents.printable(prescription)
    assert after != before
    assert codes_in(bytes(after.content)) == [qr.text_of(prescription).encode()]


def test_a_received_pdf_is_given_and_sent_as_it_came(alice):
    prescription = factories.prescription(provenance="document")
    document = received(prescription, plain_pdf(), "application/pdf")
    assert documents.printable(prescription) == document
    assert documents.for_message(prescription) == [document]


def test_photos_are_sent_as_they_are_and_printed_under_their_warning(alice):
    prescription = factories.photo_prescription()
    second = received(prescription, factories.picture(800, 1100, "JPEG"), "image/jpeg", Document.Kind.PHOTO, 1)
    assert [document.kind for document in documents.for_message(prescription)] == ["photo", "photo"]
    assert documents.for_message(prescription)[1] == second
    printed = bytes(documents.printable(prescription).content)
    assert "Pour préparation seulement" in text_in(printed)
    with pikepdf.open(io.BytesIO(printed)) as file:
        assert len(file.pages) == 2


def test_a_document_with_its_lines_only_is_printed_without_number_or_code(alice):
    prescription = factories.prescription(provenance="document")
    received(prescription, b"<ClinicalDocument/>", "text/xml")
    content = bytes(documents.printable(prescription).content)
    assert "AMOXICILLINE" in text_in(content)
    assert "sans numéro ni code" in text_in(content)
    assert codes_in(content) == []


def test_a_pdf_and_a_photo_make_one_file(alice):
    prescription = factories.photo_prescription()
    received(prescription, plain_pdf(), "application/pdf", Document.Kind.PHOTO, 1)
    with pikepdf.open(io.BytesIO(bytes(documents.printable(prescription).content))) as file:
        assert len(file.pages) == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_print_at_once_get_the_same_file():
    factories.alice()
    prescription = papers.one_line()
    keys.signing_key()
    start, got = threading.Barrier(2), []

    def print_it():
        try:
            start.wait()
            got.append(documents.printable(prescription).sha256)
        finally:
            connection.close()

    people = [threading.Thread(target=print_it) for _ in range(2)]
    [person.start() for person in people]
    [person.join() for person in people]
    assert len(got) == 2
    assert len(set(got)) == 1
    assert prescription.documents.filter(kind="code").count() == 1


def test_a_code_is_not_a_document_to_send(prescription):
    qr.text_of(prescription)
    assert all(document.kind != "code" for document in documents.for_message(prescription))
    assert Image.open(io.BytesIO(qr.png(qr.text_of(prescription)))).size[0] <= 61 + 8


def test_drawing_leaves_nothing_of_one_person_in_the_next(alice, bob):
    pdf.printable(papers.six_lines())
    assert "Nguyen" not in text_in(pdf.printable(papers.one_line()))
