"""A prescription from a professional outside the registry: a CDA document or a PDF, filed as « Document seul »."""

import base64
import hashlib
import io
import threading
from datetime import timedelta

import pikepdf
import pytest
from django.db import connection
from django.utils import timezone

from portal.models import AuditEvent
from portal.reasons import Refused
from prescriptions import cda, words
from prescriptions.files import documents
from prescriptions.intake.received import file_received
from prescriptions.models import Document, Prescriber, Prescription
from tests import factories
from tests.prescriptions.cda_cases import prescription

pytestmark = pytest.mark.django_db
MAIL = "system:mail"


@pytest.fixture
def alice():
    factories.alice()
    return factories.alice_patient()


def from_elsewhere(case: str = "mixed") -> bytes:
    """A document of another registry: its prescription is not ours, its prescriber is unknown here."""
    made = prescription(
        case,
        patient=factories.alice_patient(),
        prescriber=factories.prescriber(given_name="Romain", family_name="Piou"),
    )
    content = cda.write(made)
    author = made.prescriber
    made.documents.all().delete()
    made.delete()
    author.delete()
    return content


def plain_pdf() -> bytes:
    out, pdf = io.BytesIO(), pikepdf.new()
    pdf.add_blank_page()
    pdf.save(out)
    return out.getvalue()


def file(patient, content: bytes) -> Prescription:
    return file_received(patient=patient, content=content, by=MAIL)


def refusal(patient, content: bytes):
    with pytest.raises(Refused) as refused:
        file(patient, content)
    assert not Prescription.objects.filter(provenance="document").exists()
    return refused.value.reason


# --- A CDA document ---------------------------------------------------------------------------------------------------


def test_a_document_is_filed_in_the_patients_space(alice):
    content = from_elsewhere()
    filed = file(alice, content)
    assert filed.patient == alice
    assert (filed.provenance, filed.number, filed.is_authentic()) == ("document", None, False)
    assert [line.kind for line in filed.lines.all()] == ["medicine", "device", "nursing", "biology"]
    assert words.standing(filed).code == "document"
    assert filed.source["number"].startswith("01TEST")


def test_what_came_is_kept_as_it_came(alice):
    content = from_elsewhere()
    pdf, xml = file(alice, content).documents.all()
    assert {pdf.kind, xml.kind} == {Document.Kind.RECEIVED}
    assert bytes(xml.content) == content
    assert xml.sha256 == hashlib.sha256(content).hexdigest()
    assert bytes(pdf.content) == cda.read(content).pdf


def test_it_prints_as_the_pdf_that_came_without_a_code(alice):
    filed = file(alice, from_elsewhere())
    assert documents.printable(filed) == filed.documents.get(content_type="application/pdf")
    assert not filed.documents.filter(kind="code").exists()


def test_the_same_content_is_the_same_prescription(alice):
    content = from_elsewhere()
    assert file(alice, content) == file(alice, content)
    assert Prescription.objects.count() == 1


def test_it_is_audited_once(alice):
    content = from_elsewhere()
    filed = file(alice, content)
    file(alice, content)
    event = AuditEvent.objects.get(patient=alice.pk, kind="prescription.filed", actor=MAIL)
    assert event.subject == f"prescription:{filed.pk}"


def test_an_author_unknown_here_is_named_and_makes_no_prescriber(alice):
    filed = file(alice, from_elsewhere())
    assert filed.prescriber is None
    assert not Prescriber.objects.filter(family_name="Piou").exists()
    assert "Rédigée par Dr Romain Piou, Médecine générale, RPPS" in filed.comment


def test_an_author_known_here_by_number_and_name_is_theirs(alice):
    content = from_elsewhere()
    author = factories.prescriber(rpps=cda.read(content).prescriber.rpps, family_name="PIOU")
    filed = file(alice, content)
    assert filed.prescriber == author
    assert "Rédigée par" not in filed.comment


def test_the_number_of_another_person_is_not_enough(alice):
    content = from_elsewhere()
    factories.prescriber(rpps=cda.read(content).prescriber.rpps, family_name="Autre")
    assert file(alice, content).prescriber is None


def test_one_for_another_patient_is_refused(alice):
    content = from_elsewhere()
    factories.bob()
    reason = refusal(factories.bob_patient(), content)
    assert reason.code == "other-patient"


def test_one_without_an_identity_is_refused(alice):
    content = from_elsewhere().replace(alice.ins.encode(), b"000000000000000")
    assert refusal(alice, content).code == "patient-missing"


def test_the_same_matricule_in_another_domain_is_another_identity(alice):
    content = from_elsewhere().replace(b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4.8")
    assert refusal(alice, content).code == "other-patient"


def test_what_cannot_be_read_names_its_element_and_files_nothing(alice):
    content = from_elsewhere().replace(b'<repeatNumber value="0"/>', b'<repeatNumber value="x"/>')
    reason = refusal(alice, content)
    assert reason.code == "cda-invalid"
    assert "repeatNumber" in reason.sentence


def test_one_dated_tomorrow_is_refused(alice):
    made = prescription("text", patient=alice)
    today, tomorrow = f"{made.authored_on:%Y%m%d}", f"{timezone.localdate() + timedelta(days=1):%Y%m%d}"
    content = cda.write(made).replace(f'<low value="{today}"/>'.encode(), f'<low value="{tomorrow}"/>'.encode())
    assert refusal(alice, content).code == "future-date"


def test_a_pdf_that_acts_inside_it_is_refused(alice):
    content = from_elsewhere("text")
    pdf = cda.read(content).pdf
    with pikepdf.open(io.BytesIO(pdf)) as file_:
        file_.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        out = io.BytesIO()
        file_.save(out)
    content = content.replace(base64.b64encode(pdf), base64.b64encode(out.getvalue()))
    assert refusal(alice, content).code == "acting-pdf"


def test_a_copy_of_what_the_registry_holds_is_that_prescription(alice):
    made = prescription("mixed", patient=alice)
    assert file(alice, cda.write(made)) == made
    assert Prescription.objects.count() == 1


def test_the_number_of_ours_on_another_content_is_a_document_of_its_own(alice):
    made = prescription("text", patient=alice)
    filed = file(alice, cda.write(made).replace(b"AMOXICILLINE", b"MORPHINE"))
    assert filed != made
    assert (filed.provenance, filed.number) == ("document", None)


def test_a_wrapped_pdf_is_filed_without_lines(alice):
    made = factories.prescription(patient=alice, lines=[factories.nursing()])
    content = cda.write(made)
    made.documents.all().delete()
    made.delete()
    filed = file(alice, content)
    assert filed.lines.count() == 0
    assert filed.authored_on == made.authored_on
    assert [document.content_type for document in filed.documents.all()] == ["application/pdf", "text/xml"]
    assert words.title_of(filed)


def test_what_is_restricted_stays_so(alice):
    assert file(alice, from_elsewhere("bizone")).restricted


# --- A bare PDF -------------------------------------------------------------------------------------------------------


def test_a_pdf_alone_is_filed_as_it_came(alice):
    content = plain_pdf()
    filed = file(alice, content)
    assert (filed.provenance, filed.number, filed.authored_on) == ("document", None, timezone.localdate())
    assert bytes(filed.documents.get().content) == content
    assert file(alice, content) == filed
    assert words.standing(filed).code == "document"


def test_a_pdf_with_a_password_is_refused(alice):
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(plain_pdf())) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(owner="x", user="y"))
    assert refusal(alice, out.getvalue()).code == "encrypted"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%PDF-1.4 broken", "broken"),
        (b"not a document", "cda-invalid"),
        (b"<html/>", "cda-not-a-document"),
        (factories.picture(800, 1100, "JPEG"), "cda-invalid"),
        (b"", "cda-invalid"),
    ],
    ids=["broken", "text", "page", "picture", "nothing"],
)
def test_anything_else_is_refused(alice, content, code):
    assert refusal(alice, content).code == code


@pytest.mark.django_db(transaction=True)
def test_two_who_deliver_it_at_once_file_one():
    factories.alice()
    alice, content = factories.alice_patient(), plain_pdf()
    start, filed = threading.Barrier(2), []

    def deliver():
        try:
            start.wait()
            filed.append(file(alice, content).pk)
        finally:
            connection.close()

    people = [threading.Thread(target=deliver) for _ in range(2)]
    [person.start() for person in people]
    [person.join() for person in people]
    assert len(set(filed)) == 1
    assert alice.prescriptions.count() == 1
