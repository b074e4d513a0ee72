"""Software hands in documents over HTTP: filed in the right space, once; what is wrong is refused with its field."""

import base64
import hashlib
import io
import secrets
from datetime import timedelta

import pikepdf
import pytest
from django.utils import timezone

from portal.models import AuditEvent
from prescriptions import cda
from prescriptions.files import documents
from prescriptions.models import BlockedProfessional, Patient, Prescription
from tests import factories, software
from tests.prescriptions.cda_cases import prescription as prescription_of
from tests.prescriptions.test_cda_dispensing import report, supply
from tests.software import Program

FINESS = factories.with_luhn("69990001")
RPPS = factories.with_luhn("9900000042"[:10])
INS = factories.ins_with_key("2790369383001")
PATH = "/api/fhir/DocumentReference"
DATA = "DocumentReference.content[0].attachment.data"


@pytest.fixture
def lap(db, client):
    return Program(client, kind="lap", finess=FINESS)


def pdf(pages: int = 1, change=None, **options) -> bytes:
    out, made = io.BytesIO(), pikepdf.new()
    for _page in range(pages):
        made.add_blank_page()
    if change:
        change(made)
    made.save(out, **options)
    return out.getvalue()


def sent(file: bytes, content_type: str = "application/pdf", *, ins: str = INS, people=None, **changes) -> dict:
    """As prescribing software writes it: who it is for and who wrote it are contained."""
    people = people or software.bundle("2026-11-20", ins=ins, finess=FINESS, rpps=RPPS)["entry"][:4]
    attachment = {"contentType": content_type, "data": base64.b64encode(file).decode()}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "contained": [entry["resource"] for entry in people],
        "type": {"coding": [{"system": "http://loinc.org", "code": "57833-6"}]},
        "subject": {"reference": "#p"},
        "author": [{"reference": "#role"}],
        "content": [{"attachment": attachment | changes.pop("attachment", {})}],
    } | changes


def from_elsewhere(**facts) -> bytes:
    """A document of another registry, for Alice."""
    factories.alice()
    made = prescription_of("mixed", patient=factories.alice_patient(), **facts)
    content = cda.write(made)
    made.documents.all().delete()
    made.delete()
    return content


def refusal(answer) -> tuple[int, str, str]:
    issue = answer.json()["issue"][0]
    return answer.status_code, issue["details"]["coding"][0]["code"], (issue.get("expression") or [""])[0]


def test_a_pdf_is_in_the_space_of_a_patient_not_yet_known(lap):
    content = pdf()
    answer = lap.post(PATH, sent(content, attachment={"creation": "2026-11-19"}))
    assert answer.status_code == 201, answer.content
    filed = Prescription.objects.get()
    assert answer.json()["id"] == str(filed.pk) and "masterIdentifier" not in answer.json()
    assert answer.json()["content"][0]["attachment"]["size"] == len(content)
    assert (filed.provenance, filed.number, filed.authored_on.isoformat()) == ("document", None, "2026-11-19")
    assert filed.patient.family_name == "DURAND" and not filed.patient.accesses.exists()
    assert "Rédigée par Dr Emma Rousseau" in filed.comment
    assert bytes(documents.printable(filed).content) == content


def test_the_same_file_twice_is_one_prescription(lap):
    content = pdf()
    first = lap.post(PATH, sent(content), **{"Idempotency-Key": "one"})
    again = lap.post(PATH, sent(content), **{"Idempotency-Key": "one"})
    otherwise = lap.post(PATH, sent(content, description="otherwise"))
    assert (first.status_code, again.status_code, otherwise.status_code) == (201, 200, 200)
    assert first.json()["id"] == again.json()["id"] == otherwise.json()["id"]
    other = lap.post(PATH, sent(pdf(2)), **{"Idempotency-Key": "one"})
    assert refusal(other)[:2] == (422, "idempotency-other-body")
    assert Prescription.objects.count() == 1


def test_a_cda_document_is_filed_line_by_line(lap):
    alice, content = factories.alice(), from_elsewhere()
    answer = lap.post(PATH, sent(content, "text/xml", ins=factories.alice_patient().ins))
    assert answer.status_code == 201, answer.content
    filed = Prescription.objects.get()
    assert [line.kind for line in filed.lines.all()] == ["medicine", "device", "nursing", "biology"]
    lap.web.force_login(alice)
    page = lap.web.get(f"/ordonnances/{filed.pk}/").content.decode()
    assert "Document seul" in page and "Numéro de l’ordonnance" not in page and "qr.svg" not in page


def test_what_the_registry_holds_already_is_that_prescription(lap):
    factories.alice()
    made = prescription_of("mixed", patient=factories.alice_patient())
    answer = lap.post(PATH, sent(cda.write(made), "text/xml", ins=factories.alice_patient().ins))
    assert answer.status_code == 200 and answer.json()["masterIdentifier"]["value"] == made.number


def without_patient(data: dict) -> dict:
    return data | {"contained": [each for each in data["contained"] if each["resourceType"] != "Patient"]}


def script(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def people_of(**changes) -> list:
    facts = {"ins": INS, "finess": FINESS, "rpps": RPPS} | changes
    return software.bundle("2026-11-20", **facts)["entry"][:4]


def unqualified() -> list:
    people = people_of()
    people[0]["resource"].pop("birthDate")
    return people


TOMORROW = (timezone.localdate() + timedelta(days=1)).isoformat()
WRONG = {
    "no patient": (lambda: without_patient(sent(pdf())), "patient-missing", "DocumentReference.subject"),
    "a wrong key": (
        lambda: sent(pdf(), people=people_of(ins=INS[:-1] + str((int(INS[-1]) + 1) % 10))),
        "ins-key",
        "DocumentReference.contained[0].identifier[0].value",
    ),
    "traits that lack": (
        lambda: sent(pdf(), people=unqualified()),
        "identity-not-qualified",
        "DocumentReference.contained[0]",
    ),
    "no author": (lambda: sent(pdf(), author=[]), "prescriber-missing", "DocumentReference.author"),
    "another structure": (
        lambda: sent(pdf(), people=people_of(finess=factories.with_luhn("75990002"))),
        "structure-not-yours",
        "DocumentReference.contained[1]",
    ),
    "another kind of file": (
        lambda: sent(b"<html/>", "text/html"),
        "content-type",
        "DocumentReference.content[0].attachment.contentType",
    ),
    "another kind of document": (
        lambda: sent(pdf(), type={"coding": [{"code": "11502-2"}]}),
        "type-not-taken",
        "DocumentReference.type",
    ),
    "an address to fetch": (
        lambda: sent(pdf(), attachment={"data": None, "url": "http://127.0.0.1/x.pdf"}),
        "data-missing",
        DATA,
    ),
    "not base64": (lambda: sent(pdf(), attachment={"data": "@@@@"}), "data-not-base64", DATA),
    "damaged on the way": (
        lambda: sent(pdf(), attachment={"hash": base64.b64encode(hashlib.sha1(b"other").digest()).decode()}),
        "data-damaged",
        "DocumentReference.content[0].attachment.hash",
    ),
    "two documents": (
        lambda: sent(pdf(), content=[{"attachment": {}}, {"attachment": {}}]),
        "one-document",
        "DocumentReference.content",
    ),
    "a meaning that changes": (
        lambda: sent(pdf(), modifierExtension=[{"url": "x"}]),
        "invalid",
        "DocumentReference",
    ),
    "a PDF that acts": (lambda: sent(pdf(change=script)), "acting-pdf", DATA),
    "a PDF with a password": (
        lambda: sent(pdf(encryption=pikepdf.Encryption(owner="x", user="y"))),
        "encrypted",
        DATA,
    ),
    "a PDF of 21 pages": (lambda: sent(pdf(21)), "too-long", DATA),
    "a broken PDF": (lambda: sent(b"%PDF-1.4 broken"), "broken", DATA),
    "a day to come": (lambda: sent(pdf(), attachment={"creation": TOMORROW}), "future-date", DATA),
    "an entity": (
        lambda: sent(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "text/xml"),
        "cda-dtd",
        DATA,
    ),
    "no prescription": (lambda: sent(b"<x/>", "text/xml"), "cda-not-a-document", DATA),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_and_leaves_nothing(lap, case):
    make, code, place = WRONG[case]
    answer = lap.post(PATH, make())
    assert refusal(answer) == (422, code, place)
    assert not Prescription.objects.exists() and not Patient.objects.exists()


def test_one_for_somebody_else_is_refused_by_the_matricule_inside(lap):
    content = from_elsewhere()
    assert refusal(lap.post(PATH, sent(content, "text/xml"))) == (422, "other-patient", "DocumentReference.subject")
    assert not Prescription.objects.exists()


def test_its_own_structure_reads_it_back_and_the_patient_sees_that(lap, client):
    content = pdf()
    answer = lap.post(PATH, sent(content))
    place = answer["Location"].removeprefix("http://127.0.0.1:8000")
    (attachment,) = [each["attachment"] for each in lap.get(place).json()["content"]]
    assert base64.b64decode(attachment["data"]) == content
    filed = Prescription.objects.get()
    assert AuditEvent.objects.get(kind="prescription.document_read_back").patient == filed.patient_id
    stranger = Program(client, kind="lap", finess=factories.with_luhn("75990002"))
    people = people_of(finess=factories.with_luhn("75990002"))
    again = stranger.post(PATH, sent(content, people=people))
    assert again.status_code == 200 and "Location" not in again
    assert stranger.get(place).status_code == 404
    blocked = BlockedProfessional.objects.create(patient=filed.patient, identifier=FINESS)
    assert lap.get(place).status_code == 404
    blocked.delete()
    Prescription.objects.update(masked_at=timezone.now())
    assert lap.get(place).status_code == 404


@pytest.mark.parametrize("lines", [{}, {"lines": [{"kind": "nursing", "name": "Pansement"}]}], ids=["lines", "level 1"])
def test_its_pdf_first_then_its_cda_document_are_one_prescription(lap, lines):
    content = from_elsewhere(**lines)
    ins = factories.alice_patient().ins
    first = lap.post(PATH, sent(cda.read(content).pdf, ins=ins))
    Prescription.objects.update(masked_at=timezone.now())
    second = lap.post(PATH, sent(content, "text/xml", ins=ins))
    assert first.json()["id"] == second.json()["id"]
    filed = Prescription.objects.get()
    assert filed.lines.count() == len(cda.read(content).draft.lines) and filed.masked_at
    assert [document.content_type for document in filed.documents.filter(kind="received")] == [
        "application/pdf",
        "text/xml",
    ]
    assert bytes(filed.documents.get(content_type="text/xml").content) == content


def test_a_document_may_be_larger_than_a_deposit(lap):
    def fill(made: pikepdf.Pdf) -> None:
        made.Root.Scan = pikepdf.Stream(made, secrets.token_bytes(6_000_000))

    assert lap.post(PATH, sent(pdf(change=fill))).status_code == 201


def test_thirty_megabytes_are_refused_at_once(lap):
    answer = lap.post(PATH, b'{"resourceType":"DocumentReference","x":"' + b"a" * 30_000_000 + b'"}')
    assert refusal(answer)[:2] == (413, "too-large")


def test_who_may(lap, client):
    assert client.post(PATH, {}, content_type="application/fhir+json").status_code == 401
    assert Program(client, kind="insurer", finess=FINESS).post(PATH, sent(pdf())).status_code == 403
    assert lap.get(PATH).status_code == 405


# --- Reports of dispensing, by pharmacy software ----------------------------------------------------------------------
@pytest.fixture
def lgo(client, market):
    return Program(client, kind="lgo", finess=market.finess)


@pytest.fixture
def dispensed(alice, market):
    """A prescription of the registry, and what the pharmacy's software says that it delivered of it, today."""
    made = factories.prescription(lines=[factories.amoxicillin(quantity=2, quantity_unit="boîte", renewals=1)])
    content = report(made, supply(made.lines.get())).replace(b"1699900106", f"1{market.finess}".encode())
    return made, content.replace(b"20261123180000+0100", f"{timezone.localdate():%Y%m%d}".encode())


def reported(content: bytes) -> dict:
    return sent(content, "text/xml", ins=factories.alice_patient().ins)


def test_a_report_is_recorded_line_by_line_once(lgo, dispensed, market):
    made, content = dispensed
    answer = lgo.post(PATH, reported(content))
    assert answer.status_code == 201, answer.content
    told = made.dispensings.get()
    (related,) = answer.json()["context"]["related"]
    assert lgo.get(f"/api/fhir/{related['reference']}").json()["quantity"]["value"] == 2
    assert answer.json()["masterIdentifier"]["value"] == made.number
    place = answer["Location"].removeprefix("http://127.0.0.1:8000")
    read_back = lgo.get(place).json()
    assert base64.b64decode(read_back["content"][0]["attachment"]["data"]) == content
    assert read_back["type"]["coding"][0]["code"] == "60593-1"
    line = told.lines.get()
    assert (line.quantity, line.completeness, line.lot, line.cip13) == (2, "FFC", "L1", "3400933516390")
    assert (told.pharmacy_finess, told.dispenser) == (market.finess, "Chloé Lefèvre")
    assert lgo.post(PATH, reported(content)).status_code == 200
    lgo.post(PATH, reported(content + b"\n"))
    assert made.dispensings.count() == 1, "the same dispensing, told twice, takes no renewal"
    assert made.documents.filter(kind="report").count() == 2, "each is kept as it came"
    elsewhere = Program(lgo.web, kind="lgo", finess=factories.pharmacy().finess)
    assert elsewhere.get(place).status_code == 404


def test_fewer_boxes_than_were_due_are_a_part(lgo, dispensed):
    made, content = dispensed
    lgo.post(PATH, reported(content.replace(b'<quantity value="2"', b'<quantity value="1"')))
    assert made.dispensings.get().lines.get().completeness == "FFP"


def test_a_report_on_what_is_masked_since_is_counted_and_shown_to_nobody_else(lgo, dispensed, bob):
    """Neither a second row that relatives would read, nor boxes that could be delivered again."""
    made, content = dispensed
    Prescription.objects.update(masked_at=timezone.now())
    answer = lgo.post(PATH, reported(content))
    assert answer.status_code == 201 and made.dispensings.get().lines.get().quantity == 2
    assert "Location" not in answer and made.number not in answer.content.decode()
    lgo.post(PATH, reported(content.replace(str(cda.line_id(made.lines.get())).encode(), b"1.2.3")))
    alone = Prescription.objects.get(provenance="report")
    assert alone.masked_at, "told by itself, it is masked as what it carries out"


REPORTS = {
    "of another pharmacy": (
        lambda c: c.replace(b"Pharmacie", b"P").replace(
            b'root="1.2.250.1.71.4.2.2" extension="1', b'root="1.2.250.1.71.4.2.2" extension="17'
        ),
        "structure-not-yours",
        "DocumentReference.author",
    ),
    "of too much": (lambda c: c.replace(b'<quantity value="2"', b'<quantity value="9"'), "too-many", DATA),
    "a prescription": (lambda c: c.replace(b"60593-1", b"57833-6"), "cda-not-a-report", DATA),
}


@pytest.mark.parametrize("case", REPORTS)
def test_a_report_that_cannot_be_taken_is_named(lgo, dispensed, case):
    made, content = dispensed
    change, code, place = REPORTS[case]
    assert refusal(lgo.post(PATH, reported(change(content)))) == (422, code, place)
    assert not made.dispensings.exists() and Prescription.objects.count() == 1


def test_each_kind_of_software_hands_in_its_own(lap, dispensed):
    assert refusal(lap.post(PATH, reported(dispensed[1]))) == (422, "cda-dispensing-report", DATA)
