"""The files of a prescription: made once, kept sealed, never altered."""

from prescriptions.models import Document, Prescription


def for_message(prescription: Prescription) -> list[Document]:
    """What leaves by secure mail: the PDF/A-1 of a registry prescription, else the documents or photos as kept."""
    raise NotImplementedError


def printable(prescription: Prescription) -> Document:
    """The patient's download: PDF/UA and PDF/A-3 with the QR."""
    raise NotImplementedError
