"""An archive from anywhere: taken when it is what it says, refused by name when it is not."""

import hashlib
import io
import struct
import zipfile
import zlib

import pytest

from sharing import xdm
from tests.sharing.xdm_archives import CDA, FOLDER, INS, OID, SHARED, archive, document, metadata, zipped


def refused(content: bytes) -> str:
    with pytest.raises(xdm.NotAnArchive) as error:
        xdm.read(content)
    return error.value.code


# --- Taken ------------------------------------------------------------------------------------------------------------


def test_what_it_holds_is_said():
    read = xdm.read(archive(title="Prescription  de\nproduits"))
    assert (read.patient_ins, read.patient_ins_oid) == (INS, OID)
    assert read.documents == (xdm.ArchivedDocument(CDA, "text/xml", "Prescription de produits", "57833-6", "1.2.3.4"),)


@pytest.mark.parametrize(
    "folder",
    ["IHE_XDM/SUBSET01", "ihe_xdm/Subset01", "IHE_XDM/ANYTHING", "./IHE_XDM/SUBSET01", "a/IHE_XDM/SUBSET01"],
)
def test_folders_in_any_case_and_place(folder):
    assert xdm.read(archive(folder=folder)).documents[0].content == CDA


@pytest.mark.parametrize("uri", ["doc00001.xml", "DOC00001.XML", "./DOC00001.XML", "%44OC00001.XML"])
def test_a_document_by_any_spelling_of_its_name(uri):
    assert xdm.read(archive(uri=uri)).documents[0].content == CDA


def test_a_hash_in_capitals_and_other_files_around():
    content = archive(hash=hashlib.sha1(CDA).hexdigest().upper(), extra={"INDEX.HTM": b"x", "a/": b""})
    assert xdm.read(content).patient_ins == INS


def test_several_documents_and_submission_sets_of_one_patient():
    pdf = b"%PDF-1.4"
    first = metadata(document(), document(pdf, uri="DOC00001.PDF", mime="Application/PDF"))
    files = {
        f"{FOLDER}/METADATA.XML": first,
        f"{FOLDER}/DOC00001.XML": CDA,
        f"{FOLDER}/DOC00001.PDF": pdf,
        "IHE_XDM/SUBSET02/METADATA.XML": metadata(document()),
        "IHE_XDM/SUBSET02/DOC00001.XML": CDA,
    }
    types = [each.content_type for each in xdm.read(zipped(files)).documents]
    assert sorted(types) == ["application/pdf", "text/xml", "text/xml"]


def test_other_prefixes_and_a_byte_order_mark():
    said = metadata(document()).replace(b"ns2:", b"").replace(b"xmlns:ns2=", b"xmlns=").replace(b"ns3:", b"lcm:")
    said = b"\xef\xbb\xbf" + said.replace(b"xmlns:ns3", b"xmlns:lcm").replace(b"xmlns:ns2", b"xmlns")
    assert xdm.read(zipped({f"{FOLDER}/METADATA.XML": said, f"{FOLDER}/DOC00001.XML": CDA})).patient_ins == INS


@pytest.mark.parametrize("path", sorted(SHARED.glob("*.xml")), ids=lambda path: path.stem)
def test_examples_of_the_ans_pass_through(path):
    assert xdm.read(archive(path.read_bytes())).documents[0].content == path.read_bytes()


# --- Not what it says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size": len(CDA) + 1}, "size-mismatch"),
        ({"size": ""}, "size-mismatch"),
        ({"hash": "0" * 40}, "hash-mismatch"),
        ({"hash": ""}, "hash-mismatch"),
        ({"uri": "DOC00002.XML"}, "document-missing"),
        ({"uri": ""}, "document-missing"),
        ({"uri": "../SUBSET01/DOC00001.XML"}, "document-missing"),
        ({"uri": "%2e%2e/SUBSET01/DOC00001.XML"}, "document-missing"),
        ({"ins": "179035121518989"}, "several-patients"),
        ({"oid": "1.2.250.1.213.1.4.8"}, "several-patients"),
        ({"ins": ""}, "no-patient"),
    ],
)
def test_metadata_that_do_not_hold(changes, code):
    assert refused(archive(**changes)) == code


def test_metadata_without_a_document_a_patient_or_sense():
    def with_metadata(said: bytes) -> bytes:
        return zipped({f"{FOLDER}/METADATA.XML": said, f"{FOLDER}/DOC00001.XML": CDA})

    assert refused(with_metadata(metadata())) == "no-document"
    anonymous = document().replace("58a6f841", "00000000")
    assert refused(with_metadata(metadata(anonymous))) == "no-patient"
    assert refused(with_metadata(b"not XML")) == "bad-metadata"
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    assert refused(with_metadata(metadata(document()).replace(b"?>", b"?>" + entity, 1))) == "bad-metadata"
    assert refused(zipped({"IHE_XDM/METADATA.XML": b"", "readme": b""})) == "no-metadata"
    assert refused(with_metadata(metadata(*[document()] * 51))) == "too-many-entries"


# --- Hostile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"PK", b"%PDF-1.4", b"PK\x05\x06" + b"\0" * 10, b"x" * 100_000])
def test_not_a_zip(content):
    assert refused(content) == "not-a-zip"


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "a\\b", "..\\x", "C:x", "a\x01b", "a/..", "C:\\x", "a/b\nc"]
)
def test_names_that_lead_out(name):
    assert refused(archive(extra={name: b""})) == "unsafe-name"


def test_a_name_cut_by_a_nul():
    content = archive(extra={"IHE_XDM/aaaa": b""}).replace(b"IHE_XDM/aaaa", b"IHE_XDM/a\0aa")
    assert refused(content) == "unsafe-name"


def test_an_entry_without_a_name():
    content = archive(extra={"a": b""})
    at = content.rfind(b"PK\x01\x02")
    nameless = content[: at + 28] + b"\0\0" + content[at + 30 : at + 46] + content[at + 47 :]
    size = int.from_bytes(content[-10:-6], "little") - 1
    assert refused(nameless[:-10] + size.to_bytes(4, "little") + nameless[-6:]) == "unsafe-name"


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010600])
def test_links_and_devices(mode):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = mode << 16
    assert refused(zipped([("a", b""), (entry, b"/etc/passwd")])) == "link"


def test_the_same_name_twice_whatever_its_case():
    assert refused(archive(extra={"INDEX.HTM": b"", "index.htm": b""})) == "twice-the-same-name"


def test_encrypted():
    content = bytearray(archive())
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    assert refused(bytes(content)) == "encrypted"


def test_another_compression():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("a", b"a")
    assert refused(out.getvalue()) == "compression"


def test_too_many_entries():
    assert xdm.read(archive(extra={f"f{n}": b"" for n in range(48)}))
    assert refused(archive(extra={f"f{n}": b"" for n in range(49)})) == "too-many-entries"
    assert refused(archive(extra={f"f{n}": b"" for n in range(3000)})) == "too-many-entries"


def test_a_count_that_lies_is_not_what_is_counted():
    content = bytearray(archive(extra={f"f{n}": b"" for n in range(60)}))
    at = content.rfind(b"PK\x05\x06")
    content[at + 8 : at + 12] = struct.pack("<HH", 1, 1)
    assert refused(bytes(content)) == "too-many-entries"


def test_a_bomb_is_refused_before_it_opens():
    zeros = b"\0" * (20 * 1024 * 1024)
    assert refused(archive(extra={"zeros": zeros})) == "too-large"
    stored = [(f"f{n}", bytes(9_000_000)) for n in range(8)]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
        for name, content in stored:
            made.writestr(name, content)
    assert refused(out.getvalue()) == "too-large"


def test_a_size_that_lies_gives_no_more_than_it_says():
    """The directory says a few bytes, the stream holds a million."""
    bomb = archive(bytes(1_000_000), size=10, hash=hashlib.sha1(bytes(10)).hexdigest())
    lying = bomb.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10))
    assert lying != bomb
    assert refused(lying) == "damaged"


def test_damage_in_the_middle():
    content = bytearray(archive(zlib.compress(bytes(range(256)) * 40)))
    content[len(content) // 2] ^= 0xFF
    assert refused(bytes(content)) in {"damaged", "bad-metadata", "size-mismatch", "hash-mismatch", "not-a-zip"}


def test_the_64_bit_form_is_not_for_mail():
    content = archive()
    end = content.rfind(b"PK\x05\x06")
    assert refused(content[:end] + b"PK\x06\x07" + bytes(16) + content[end:]) == "too-large"
