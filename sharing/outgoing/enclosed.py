"""What a secure message encloses: the prescription for people (PDF, photos), and for software (IHE_XDM.ZIP).

MSSanté (ECO.2.1.1, ECO.2.1.5): the archive holds the CDA document, and the message the same again as PDF/A-1. A photo
or a bare PDF has no CDA document: nobody signed one, and none is made up (docs/decisions.md). It leaves alone.
"""

import re
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from portal.unaccented import unaccented
from prescriptions import cda
from prescriptions.files import documents
from prescriptions.models import Document, Patient, Prescription
from sharing import xdm
from sharing.models import Share

ARCHIVE_NAME = "IHE_XDM.ZIP"
LABEL_MAX = 40  # characters (ECO.2.1.3, ECO.2.1.6)
LABELS = {
    Prescription.Provenance.REGISTRY: "Prescription de produits de santé",
    Prescription.Provenance.DOCUMENT: "Ordonnance",
    Prescription.Provenance.UPLOAD: "Photo d'ordonnance",
}
CODE = re.compile(r"[A-Za-z0-9._-]{1,40}")
PDF, ZIP = "application/pdf", "application/zip"
EXTENSIONS = {PDF: "pdf", "image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True)
class Attachment:
    """A file of a mail. The names that we give are ASCII."""

    name: str
    content_type: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)


@dataclass(frozen=True)
class Enclosed:
    label: str  # what it is, in at most 40 characters
    attachments: tuple[Attachment, ...]
    header: cda.Header | None  # of the CDA document in the archive; None without an archive


def of_share(share: Share) -> Enclosed:
    prescription = share.prescription
    content = _cda(prescription)
    header = cda.read_header(content) if content else None
    if header is None or not _can_be_announced(header):
        label = LABELS[prescription.provenance]
        return Enclosed(label, _for_people(prescription, label), None)
    label = (header.type.name or LABELS[prescription.provenance])[:LABEL_MAX].strip()
    people = _for_people(prescription, label)
    submission = xdm.Submission(share.pk, share.created_at or timezone.now(), _source())
    archive = xdm.write(content, header, submission, copy=_copy(people), version=settings.MSSANTE_PRODUCT_NUMBER)
    return Enclosed(label, (*people, Attachment(ARCHIVE_NAME, ZIP, archive)), header)


def _can_be_announced(header: cda.Header) -> bool:
    """An archive says whose it is, by INS, and what it is, by a code that also goes into a header of the mail."""
    return header.patient is not None and CODE.fullmatch(header.type.code) is not None


def _cda(prescription: Prescription) -> bytes | None:
    """Ours for what is in the registry; what came, as it came."""
    if prescription.is_authentic():
        return cda.document_of(prescription)
    received = prescription.documents.filter(kind=Document.Kind.RECEIVED, content_type="text/xml").first()
    return bytes(received.content) if received else None


def _for_people(prescription: Prescription, label: str) -> tuple[Attachment, ...]:
    files = documents.for_message(prescription)
    return tuple(
        Attachment(
            file_name(prescription, label, file.content_type, number if len(files) > 1 else None),
            file.content_type,
            bytes(file.content),
        )
        for number, file in enumerate(files, start=1)
    )


def _copy(people: tuple[Attachment, ...]) -> bytes | None:
    pdfs = [each.content for each in people if each.content_type == PDF]
    return pdfs[0] if len(pdfs) == 1 else None


def _source() -> str:
    """The OID of this installation, of its address (ITU-T X.667)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, settings.SITE_URL).int}"


# --- Names ----------------------------------------------------------------------------------------------------------
def file_name(prescription: Prescription, label: str, content_type: str, number: int | None) -> str:
    """`<AAAAMMJJ>_<type>_<NOM>_<prénom>[_<n>].pdf` (ECO.2.1.6)."""
    patient: Patient = prescription.patient
    parts = [
        f"{prescription.authored_on:%Y%m%d}",
        _part(label)[:LABEL_MAX],
        _part(patient.family_name).upper(),
        _part(patient.given_name),
        *([str(number)] if number else []),
    ]
    return f"{'_'.join(parts)}.{EXTENSIONS[content_type]}"


def _part(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", ascii_of(text)).strip("-")[:60] or "x"


def ascii_of(text: str) -> str:
    text = text.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("’", "'")
    return unaccented(text)
