"""The files of a prescription: made once, kept sealed, never altered. A new state of things is a new version."""

import io

import pikepdf
from django.db import transaction

from portal import audit
from prescriptions import policies
from prescriptions.code import qr
from prescriptions.files import pdf
from prescriptions.files.kept import keep
from prescriptions.models import Document, Prescription

Kind = Document.Kind
PDF = "application/pdf"


def for_message(prescription: Prescription) -> list[Document]:
    """What people read of it in secure mail: the PDF/A-1 of a registry prescription, else the files as received.

    A document that came without anything to read is drawn too.
    """
    if not prescription.is_authentic():
        received = [document for document in _received(prescription) if _can_be_seen(document)]
        if received:
            return received
    version = qr.code_of(prescription).position if prescription.number else 0
    return [_keep(prescription, Kind.MESSAGE, version, lambda: pdf.for_message(prescription))]


def printable(prescription: Prescription) -> Document:
    """The patient's download: PDF/A-3a and PDF/UA-1, with the QR; else what was received, as one PDF.

    Cancelled or replaced, it is another file, with the word across the page: what was printed before stays as it was.
    """
    if prescription.is_authentic():
        stamp = _stamp(prescription)
        version = 2 * qr.code_of(prescription).position + bool(stamp)
        return _keep(prescription, Kind.PRINTABLE, version, lambda: pdf.printable(prescription, stamp=stamp))
    if prescription.provenance == Prescription.Provenance.REPORT:
        return _keep(prescription, Kind.PRINTABLE, 0, lambda: pdf.of_report(prescription))
    received = [document for document in _received(prescription) if _can_be_seen(document)]
    if len(received) == 1 and received[0].content_type == PDF:
        return received[0]
    return _keep(prescription, Kind.PRINTABLE, 0, lambda: _as_one_pdf(prescription, received))


def hand_over(*, prescription: Prescription, by) -> Document:
    """The printable document, and the trace that `by` took it."""
    document = printable(prescription)  # drawn before the transaction: it may take a while
    with transaction.atomic():
        audit.record(
            kind="prescription.pdf",
            by=by,
            patient_id=prescription.patient_id,
            subject=prescription,
            document=document.pk,
        )
    return document


def _keep(prescription: Prescription, kind: str, version: int, make) -> Document:
    return keep(prescription, kind=kind, position=version, content_type=PDF, make=make)


def _stamp(prescription: Prescription) -> str:
    if prescription.cancelled_at:
        return "ANNULÉE"
    return "REMPLACÉE" if policies.is_replaced(prescription) else ""


def _received(prescription: Prescription) -> list[Document]:
    return list(prescription.documents.filter(kind__in=[Kind.RECEIVED, Kind.PHOTO]).order_by("kind", "position"))


def _can_be_seen(document: Document) -> bool:
    return document.content_type == PDF or document.content_type.startswith("image/")


def _as_one_pdf(prescription: Prescription, received: list[Document]) -> bytes:
    photos = [document for document in received if document.content_type != PDF]
    if not received:
        return pdf.printable(prescription)
    pages = [bytes(document.content) for document in received if document.content_type == PDF]
    if photos:
        pages.append(pdf.of_photos(prescription, photos))
    return pages[0] if len(pages) == 1 else _joined(pages)


def _joined(files: list[bytes]) -> bytes:
    whole = pikepdf.new()
    for content in files:
        with pikepdf.open(io.BytesIO(content)) as part:
            whole.pages.extend(part.pages)
    out = io.BytesIO()
    whole.save(out)
    return out.getvalue()
