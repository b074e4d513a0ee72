"""An archive from outside, checked against its own metadata: every document is there, of the size and hash announced,
all of one patient, whose INS the metadata alone say (ECO.2.1.2: never the subject of the mail)."""

import hashlib
import re
from urllib.parse import unquote

from lxml import etree

from prescriptions import untrusted_xml
from prescriptions.untrusted_xml import XmlRefused
from sharing.xdm import ebrim
from sharing.xdm.archive import Archive, ArchivedDocument, NotAnArchive
from sharing.xdm.ebrim import RIM
from sharing.xdm.unzip import MAX_ENTRIES, Files

METADATA = re.compile(r"(?:.*/)?IHE_XDM/[^/]+/METADATA\.XML")
CX = re.compile(r"(?P<id>[^^&]+)\^\^\^[^&]*&(?P<oid>[0-9.]+)&ISO(?:\^.*)?")  # HL7 v2, TF-3 table 4.2.3.1.7-2
NAMES = {None: RIM}


def read(content: bytes) -> Archive:
    """Raises NotAnArchive: what `Files` says of the ZIP; `no-metadata`, `bad-metadata`, `no-document`,
    `document-missing`, `size-mismatch`, `hash-mismatch`, `no-patient`, `several-patients`."""
    files = Files(content)
    folders = [name for name in files if METADATA.fullmatch(name)]
    _refuse_if(not folders, "no-metadata")
    documents, patients = [], set()
    for name in folders:
        metadata = _metadata(files.read(name))
        patients |= _patients(metadata)
        entries = list(metadata.iter(f"{{{RIM}}}ExtrinsicObject"))
        _refuse_if(len(entries) > MAX_ENTRIES, "too-many-entries")
        documents += [_document(entry, files, name) for entry in entries]
    _refuse_if(not documents, "no-document")
    _refuse_if(not patients, "no-patient")
    _refuse_if(len(patients) > 1, "several-patients")
    ins, oid = patients.pop()
    return Archive(ins, oid, tuple(documents))


def _metadata(content: bytes) -> etree._Element:
    try:
        return untrusted_xml.root_of(content)
    except XmlRefused:
        raise NotAnArchive("bad-metadata") from None


def _patients(metadata: etree._Element) -> set[tuple[str, str]]:
    """Of the submission set and of each document: the same, or it is not clear whose they are."""
    schemes = {ebrim.DOCUMENT_PATIENT, ebrim.SET_PATIENT}
    found = set()
    for identifier in metadata.iter(f"{{{RIM}}}ExternalIdentifier"):
        if identifier.get("identificationScheme", "").lower() in schemes:
            parts = CX.fullmatch(identifier.get("value", "").strip())
            _refuse_if(parts is None, "no-patient")
            found.add((parts["id"].replace(" ", "").upper(), parts["oid"]))
    return found


def _document(entry: etree._Element, files: Files, metadata_name: str) -> ArchivedDocument:
    _refuse_if(not _external(entry, ebrim.DOCUMENT_PATIENT), "no-patient")
    content = _content(files, metadata_name, _slot(entry, "URI"))
    _refuse_if(_slot(entry, "size") != str(len(content)), "size-mismatch")
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()  # the profile's: tells damage, proves nothing
    _refuse_if(_slot(entry, "hash").lower() != digest, "hash-mismatch")
    return ArchivedDocument(
        content=content,
        content_type=entry.get("mimeType", "").strip().lower(),
        title=_title(entry),
        type_code=_classified(entry, ebrim.TYPE_CODE),
        unique_id=_external(entry, ebrim.DOCUMENT_UNIQUE_ID),
    )


def _content(files: Files, metadata_name: str, uri: str) -> bytes:
    """A URI is relative to the folder of its METADATA.XML and stays in it."""
    folder = metadata_name.rpartition("/")[0]
    for path in (uri, unquote(uri)):
        if path and ".." not in path.split("/") and f"{folder}/{path}" in files:
            return files.read(f"{folder}/{path}")
    raise NotAnArchive("document-missing")


# --- ebRIM ------------------------------------------------------------------------------------------------------------


def _slot(entry: etree._Element, name: str) -> str:
    for slot in entry.iterfind("Slot", NAMES):
        if slot.get("name", "").lower() == name.lower():
            return (slot.findtext("ValueList/Value", "", NAMES) or "").strip()
    return ""


def _external(entry: etree._Element, scheme: str) -> str:
    for identifier in entry.iterfind("ExternalIdentifier", NAMES):
        if identifier.get("identificationScheme", "").lower() == scheme:
            return identifier.get("value", "").strip()
    return ""


def _classified(entry: etree._Element, scheme: str) -> str:
    for classification in entry.iterfind("Classification", NAMES):
        if classification.get("classificationScheme", "").lower() == scheme:
            return classification.get("nodeRepresentation", "").strip()
    return ""


def _title(entry: etree._Element) -> str:
    said = entry.find("Name/LocalizedString", NAMES)
    return " ".join(said.get("value", "").split())[:200] if said is not None else ""


def _refuse_if(wrong: bool, code: str) -> None:
    if wrong:
        raise NotAnArchive(code)
