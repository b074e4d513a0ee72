"""Documents that professionals send to a patient's secure address: filed in that patient's space, never in a thread.

Taken: IHE_XDM.ZIP, a CDA document, or a PDF when nothing better came. Whose they are is said by METADATA.XML and by the
documents themselves, never by the subject (ECO.2.1.2); the matricule must be the one the mail was sent to. A PDF beside
a CDA document is its copy. What is not understood stays with the back office, with a reason; a prescription that came
with it (a letter, say) is filed all the same.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses

from django.conf import settings
from django.db import transaction

from portal.reasons import Refused
from prescriptions import cda
from prescriptions.fhir import FhirError, PatientTraits
from prescriptions.fhir.document import REPORT
from prescriptions.files.photos import is_pdf
from prescriptions.intake import identities
from prescriptions.intake.received import file_received
from prescriptions.intake.reported import take_report
from prescriptions.locks import lock_all_of
from prescriptions.models import Patient
from sharing import xdm
from sharing.incoming import reading
from sharing.incoming.reading import Mail
from sharing.models import InboundMail, Mailbox

Status = InboundMail.Status
BY = "system:inbound"
RECIPIENTS = ("Envelope-To", "Delivered-To", "X-Original-To", "To", "Cc")
FILES_MAX = 20
SENDER_MAX = 200


class Put(Exception):
    """Aside, for the back office. The message is a stable code."""


@dataclass(frozen=True)
class Files:
    """What came, each content once. `identities`: (INS, OID) of each METADATA.XML. `has_others`: of no kind we take."""

    documents: tuple[bytes, ...]
    pdfs: tuple[bytes, ...]
    identities: frozenset[tuple[str, str]]
    has_others: bool


def take(mail: Mail) -> tuple[str, str]:
    """The mail's status and reason. Of one that speaks of two people, or of another than its address, nothing stays."""
    try:
        recipient = _one_of(_recipients(mail.message), "no-patient-address", "several-patients")
        _check_sender(mail)
        files = _files(mail.message)
        with transaction.atomic():
            refused = _file(files, recipient, mail)
    except Put as put:
        return Status.UNMATCHED, str(put)[:60]
    if files.has_others:
        refused.append("other-attachment")
    if not refused:
        return Status.PROCESSED, "document"
    return Status.UNMATCHED, f"partly-{refused[0]}"[:60]


def reports_in(mail: Mail) -> list[bytes]:
    """The reports of dispensing that a pharmacy joined to its answer, each once."""
    files = [_content(part) for part in _file_parts(mail.message)[:FILES_MAX]]
    return list(_once([report for file in files for report in reports_of(file)]))


def reports_of(file: bytes) -> list[bytes]:
    """The reports that one of its files is, or holds."""
    try:
        inside = [document.content for document in _archive(file).documents] if _is_zip(file) else [file]
        return [content for content in inside if _is_report(content)]
    except Put:
        return []


def take_reports(reports: list[bytes], *, patient: Patient, finess: str) -> dict[bytes, str]:
    """Why each was not taken; empty when it is recorded."""
    return {
        content: _why_not(lambda c=content: take_report(patient=patient, content=c, finess=finess, by=BY))
        for content in reports
    }


def _check_sender(mail: Mail) -> None:
    """A professional: the patients' own addresses send no prescriptions."""
    domain = mail.sender.rpartition("@")[2]
    if not domain or domain == settings.MSSANTE_PATIENT_DOMAIN:
        raise Put("not-a-professional")
    if mail.return_path not in ("", mail.sender):
        raise Put("other-sender")


def _recipients(message: Message) -> set[str]:
    """The matricules that the mail was sent to."""
    said = [str(value)[: reading.HEADER_MAX] for name in RECIPIENTS for value in message.get_all(name, [])]
    addresses = [address.lower().rpartition("@") for _name, address in getaddresses(said)]
    return {local.upper() for local, _at, domain in addresses if domain == settings.MSSANTE_PATIENT_DOMAIN}


def _one_of(found: set, none: str, several: str):
    if len(found) != 1:
        raise Put(several if found else none)
    return next(iter(found))


# --- What came ------------------------------------------------------------------------------------------------------
def _files(message: Message) -> Files:
    parts = _file_parts(message)
    if len(parts) > FILES_MAX:
        raise Put("too-many-files")
    contents = [_content(part) for part in parts]
    archives = [_archive(content) for content in contents if _is_zip(content)]
    inside = [document.content for archive in archives for document in archive.documents]
    documents = _once([content for content in [*inside, *contents] if _is_cda(content)])
    pdfs = _once([c for c in inside if is_pdf(c)] or [c for c in contents if is_pdf(c)])
    if not documents and not pdfs:
        raise Put("no-document")
    loose = [content for part, content in zip(parts, contents, strict=True) if _is_attached(part)]
    others = [c for c in [*inside, *loose] if not (_is_zip(c) or _is_cda(c) or is_pdf(c))]
    return Files(documents, pdfs, frozenset((a.patient_ins, a.patient_ins_oid) for a in archives), bool(others))


def _file_parts(message: Message) -> list[Message]:
    return [part for part in reading.own_parts(message) if _is_file(part)]


def _content(part: Message) -> bytes:
    return part.get_payload(decode=True) or b""


def _is_attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment"


def _is_file(part: Message) -> bool:
    return _is_attached(part) or part.get_content_maintype() != "text" or part.get_filename() is not None


def _is_zip(content: bytes) -> bool:
    return content.startswith(b"PK")


def _is_cda(content: bytes) -> bool:
    return content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"ClinicalDocument" in content


def _is_report(content: bytes) -> bool:
    return _is_cda(content) and _whose(content).type_code == REPORT


def _archive(content: bytes) -> xdm.Archive:
    try:
        return xdm.read(content)
    except xdm.NotAnArchive as error:
        raise Put(f"xdm-{error.code}") from None


def _once(contents: list[bytes]) -> tuple[bytes, ...]:
    return tuple({hashlib.sha256(content).digest(): content for content in contents}.values())


# --- Whose it is ----------------------------------------------------------------------------------------------------
def _file(files: Files, recipient: str, mail: Mail) -> list[str]:
    """Why some were not, when others were filed. A PDF is filed only where there is no CDA document."""
    known = [_whose(content) for content in files.documents]
    traits = [each.patient for each in known]
    if None in traits:
        raise Put("patient-missing")
    found = files.identities | {(each.ins, each.ins_oid) for each in traits}
    patient = _patient(found, traits, recipient)
    lock_all_of(patient)
    kinds = [(content, each.type_code) for content, each in zip(files.documents, known, strict=True)]
    kinds = kinds or [(content, "") for content in files.pdfs]
    refused = [_why_not(lambda c=content, t=code: _file_one(patient, c, t, mail)) for content, code in kinds]
    if all(refused):
        raise Put(refused[0])
    return list(filter(None, refused))


def _whose(content: bytes) -> cda.Whose:
    try:
        return cda.whose(content)
    except cda.CdaError as error:
        raise Put(f"cda-{error.code}") from None


def _patient(found: set[tuple[str, str]], traits: list[PatientTraits], recipient: str) -> Patient:
    """A PDF alone says nothing to a program: it is for the address that it was sent to."""
    if not found:
        return _known(identities.find_by_ins(recipient))
    ins, oid = _one_of(found, "patient-missing", "several-patients")
    if ins != recipient:
        raise Put("other-recipient")
    if not traits:
        return _known(Patient.objects.filter(ins_index=Patient.index_of(ins, oid)).first())
    try:
        return identities.patient_for(traits[0], named=None, by=BY)
    except FhirError:
        raise Put("patient-unknown") from None


def _known(patient: Patient | None) -> Patient:
    if patient is None:
        raise Put("patient-unknown")
    return patient


# --- Filed ----------------------------------------------------------------------------------------------------------
def _why_not(file: Callable[[], object]) -> str:
    """Empty once it is filed."""
    try:
        with transaction.atomic():
            file()
    except Refused as refused:
        return refused.reason.code
    except Put as put:
        return str(put)
    return ""


def _file_one(patient: Patient, content: bytes, type_code: str, mail: Mail) -> None:
    if type_code == REPORT:
        take_report(patient=patient, content=content, finess=_pharmacy_of(mail), by=BY)
    else:
        file_received(patient=patient, content=content, sent_by=_shown(mail), by=BY)


def _pharmacy_of(mail: Mail) -> str:
    """A report counts when it comes from the mailbox of the pharmacy that it names."""
    boxes = Mailbox.objects.filter(address=mail.sender).select_related("pharmacy")
    return _one_of({box.pharmacy.finess for box in boxes}, "pharmacy-unknown", "pharmacy-unclear")


def _shown(mail: Mail) -> str:
    """Who sent it, for the patient: the name if there is one, and the address."""
    name = re.sub(r"[\x00-\x1f\x7f<>\"]", " ", mail.sender_name)
    return " ".join(f"{name} ({mail.sender})".split())[:SENDER_MAX] if name.strip() else mail.sender
