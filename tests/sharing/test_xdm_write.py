"""The archive that leaves, judged by a checker written from the standard; and the checker, shown that it can refuse."""

import io
import re
import uuid
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from prescriptions import cda
from prescriptions.cda.read_header import Actor, utc
from prescriptions.intake.received import file_received
from sharing import xdm
from sharing.models import Share
from sharing.outgoing import enclosed
from tests import factories
from tests.prescriptions import cda_cases
from tests.sharing import xdm_checker
from tests.sharing.xdm_archives import SHARED

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
FOLDER = "IHE_XDM/SUBSET01"
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LOT = xdm.Submission(uuid.UUID(int=7), AT, "2.25.1")
PDF = b"%PDF-1.4"
TRAITS = {"birth_name": "PAT-TROIS", "given_names": "DOMINIQUE", "birth_date": "1979-03-28", "sex": "F"}


def enclosed_of(prescription) -> enclosed.Enclosed:
    facts = {"prescription": prescription, "patient": prescription.patient, "pharmacy": factories.market_pharmacy()}
    return enclosed.of_share(Share(**facts, shared_by=factories.alice(), created_at=AT))


def archive_of(prescription) -> bytes:
    return enclosed_of(prescription).attachments[-1].content


def files_in(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return out.getvalue()


@cache
def archive_of_everything() -> bytes:
    """Drawn once for all who look inside."""
    return archive_of(cda_cases.prescription("mixed"))


@pytest.fixture
def archive(alice):
    return archive_of_everything()


ACTS = {"nursing": [factories.nursing()], "biology": [{"kind": "biology", "name": "NFS"}]}


@pytest.mark.parametrize("case", ["device", "mixed", "secured", "bizone", *ACTS])
def test_every_kind_of_prescription_leaves_in_a_good_archive(alice, case):
    made = factories.prescription(lines=ACTS[case]) if case in ACTS else cda_cases.prescription(case)
    made.refresh_from_db()
    assert xdm_checker.problems(archive_of(made)) == []


def test_it_holds_the_document_and_its_copy_as_they_are(alice):
    prescription = cda_cases.prescription("mixed")
    pdf, archive = (each.content for each in enclosed_of(prescription).attachments)
    files = files_in(archive)
    assert list(files) == [
        "INDEX.HTM",
        "README.TXT",
        f"{FOLDER}/METADATA.XML",
        f"{FOLDER}/DOC00001.XML",
        f"{FOLDER}/DOC00001.PDF",
    ]
    assert files[f"{FOLDER}/DOC00001.XML"] == cda.write(prescription)
    assert files[f"{FOLDER}/DOC00001.PDF"] == pdf
    assert "IHE_XDM/SUBSET01/DOC00001.PDF" in files["README.TXT"].decode()


def test_our_reader_takes_it(alice, archive):
    read = xdm.read(archive)
    patient = factories.alice_patient()
    assert (read.patient_ins, read.patient_ins_oid) == (patient.ins, patient.ins_oid)
    [document] = read.documents
    assert (document.content_type, document.type_code) == ("text/xml", "57833-6")
    assert document.content == files_in(archive)[f"{FOLDER}/DOC00001.XML"]


def test_the_same_submission_gives_the_same_bytes(alice):
    content = cda.write(cda_cases.prescription("text"))
    header = cda.read_header(content)
    first, second = (xdm.write(content, header, LOT, copy=PDF, version="1") for _ in range(2))
    assert first == second
    assert xdm.write(content, header, replace(LOT, id=uuid.UUID(int=8)), copy=PDF, version="1") != first


@pytest.mark.parametrize("oid", ["8", "9", "10"])
def test_the_identity_is_said_under_the_authority_that_gave_it(alice, oid):
    patient = factories.patient("2790351215189", oid=f"1.2.250.1.213.1.4.{oid}", **TRAITS)
    archive = archive_of(factories.prescription(patient))
    assert xdm_checker.problems(archive) == []
    assert (
        f"{patient.ins}^^^&amp;1.2.250.1.213.1.4.{oid}&amp;ISO^NH".encode()
        in files_in(archive)[f"{FOLDER}/METADATA.XML"]
    )


@pytest.mark.parametrize("path", sorted(SHARED.glob("eP-MED-DM_*.xml")), ids=lambda path: path.stem)
def test_a_document_received_leaves_as_it_came(alice, path):
    content = path.read_bytes()
    traits = cda.read(content).patient
    patient = factories.patient(traits.ins[:13], oid=traits.ins_oid, **TRAITS)
    received = file_received(patient=patient, content=content, by="system:mail")
    found = enclosed_of(received)
    assert files_in(found.attachments[-1].content)[f"{FOLDER}/DOC00001.XML"] == content
    assert [each.content_type for each in found.attachments] == ["application/pdf", "application/zip"]
    assert xdm_checker.problems(found.attachments[-1].content) == []


def test_a_bare_pdf_and_a_photo_leave_without_an_archive(alice):
    pdf = enclosed_of(factories.prescription(lines=[factories.amoxicillin()]))
    bare = file_received(patient=factories.alice_patient(), content=pdf.attachments[0].content, by="x")
    for prescription, types in [(bare, ["application/pdf"]), (factories.photo_prescription(), ["image/png"])]:
        found = enclosed_of(prescription)
        assert found.header is None
        assert [each.content_type for each in found.attachments] == types


@pytest.mark.parametrize(
    ("said", "in_utc"),
    [
        ("20260701120000+0200", "20260701100000"),
        ("202601010030+0100", "20251231233000"),
        ("20260701120000.123-0400", "20260701160000"),
        ("20260701", "20260701"),
        ("20260701250000+0200", "20260701"),
        ("00010101000000+0200", "00010101"),
        ("", ""),
    ],
)
def test_times_are_in_utc(said, in_utc):
    assert utc(said) == in_utc


# --- Nasty words ------------------------------------------------------------------------------------------------------
WORDS = st.text(
    st.one_of(st.sampled_from("^&|~\\<>\"'\r\n\x00\x0b\u2028{}%é"), st.characters(codec="utf-8")), max_size=30
)


@pytest.fixture(scope="module")
def sample(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        content = (SHARED / "eP-MED-DM_2024.01_PosoStruct.xml").read_bytes()
    return content, cda.read_header(content)


@settings(max_examples=40, deadline=None)
@given(title=WORDS, name=WORDS, code=WORDS)
def test_no_word_of_a_document_breaks_the_archive(sample, title, name, code):
    content, header = sample
    author = replace(
        header.authors[0], person=Actor("8123", "1.2.3", name, name), structure=Actor("1", "1.2", name, "")
    )
    type_code = replace(header.type, code=code or "x", name=name)
    nasty = replace(header, title=title, type=type_code, authors=(author,), legal=author.person)
    files = files_in(xdm.write(content, nasty, LOT, copy=PDF, version="1"))
    metadata = etree.fromstring(files[f"{FOLDER}/METADATA.XML"])
    [person] = [value for value in metadata.itertext() if value.startswith("8123^")][:1]
    assert re.fullmatch(r"8123(\^[^^]*){2}\^{6}&1\.2\.3&ISO\^D\^{3}RI", person)
    assert len(list(metadata.iter("{*}ExtrinsicObject"))) == 1
    assert files["INDEX.HTM"].count(b"<li>") == 2


# --- The checker ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (rb"<Value>[0-9a-f]{40}<", b"<Value>" + b"0" * 40 + b"<", "hash"),
        (rb"(\"size\">\s*<ValueList>\s*<Value>)\d+", rb"\g<1>1", "size"),
        (rb"DOC00001.XML", b"DOC00002.XML", "URI"),
        (rb"57833-6", b"57828-6", "typeCode: "),
        (rb"pharm:pre:2010", b"iti:xds-sd:pdf:2008", "formatCode: "),
        (rb"targetObject=\"urn:uuid:.", b'targetObject="urn:uuid:z', "leads nowhere"),
        (rb"<Value>Original<", b"<Value>Reference<", "the association does not close"),
        (rb"creationTime", b"other", "required: creationTime"),
        (rb"value=\"[0-9]+\^\^\^&amp;", b'value="1^^^&amp;', "patientId: "),
        (rb"value=\"2\.25\.", b'value="9.25.', "not an OID"),
        (rb"a54d6aa5", b"a54d6aa6", "not said to be one"),
        (rb"IDNPS", b"XX", "shape of legalAuthenticator"),
    ],
)
def test_the_checker_refuses_what_is_wrong(archive, old, new, said):
    files = files_in(archive)
    name = f"{FOLDER}/METADATA.XML"
    files[name], count = re.subn(old, new, files[name])
    assert count
    assert any(said in problem for problem in xdm_checker.problems(zipped(files)))


def test_the_checker_looks_around_the_metadata(archive):
    files = files_in(archive)
    assert xdm_checker.problems(zipped({name: files[name] for name in files if name != "README.TXT"}))
    assert xdm_checker.problems(zipped(files | {"readme.html": b""}))
    assert xdm_checker.problems(zipped(files | {"INDEX.HTM": files["INDEX.HTM"].replace(b"DOC00001.XML", b"X.XML")}))
