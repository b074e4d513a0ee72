"""A prescription of the registry as a CDA R2 document.

Medicines and devices: level 3, eP-MED-DM 2024.01, with the acts of the same prescription in words. Nursing,
physiotherapy or biology alone: that model asks for a medicine or a device, so level 1, the PDF in its envelope.
"""

import base64

from django.utils import translation
from lxml import etree

from prescriptions.cda import codes, devices, header, medicines, others, stamps
from prescriptions.cda.xml import E, templates, to_bytes
from prescriptions.code import qr
from prescriptions.files import documents
from prescriptions.files.kept import keep
from prescriptions.models import Document, Prescription, PrescriptionLine

CARE = {PrescriptionLine.Kind.NURSING, PrescriptionLine.Kind.PHYSIOTHERAPY}


def document_of(prescription: Prescription) -> bytes:
    """Written once and kept, as its PDF is: a document of one identifier has the same bytes wherever it went."""
    kept = keep(
        prescription,
        kind=Document.Kind.CDA,
        position=qr.code_of(prescription).position,
        content_type="text/xml",
        make=lambda: write(prescription),
    )
    return bytes(kept.content)


def write(prescription: Prescription) -> bytes:
    """UTF-8 XML. The same rows always give the same bytes. Only of the registry: others have no number to give."""
    if not prescription.is_authentic():
        raise ValueError("Only a prescription of the registry is written as CDA: the others are sent as they came.")
    pdf = bytes(documents.for_message(prescription)[0].content)
    with translation.override("fr"):
        document = _structured(prescription, pdf) if _has_entries(prescription) else _wrapped(prescription, pdf)
    return to_bytes(document)


def type_of(prescription: Prescription) -> dict[str, str]:
    """As the attributes of a `code`: what kind of prescription it is (JDV_J07)."""
    return codes.HEALTH_PRODUCTS if _has_entries(prescription) else _type_of_acts(prescription)


def _has_entries(prescription: Prescription) -> bool:
    return any(line.kind in others.CODED_KINDS for line in prescription.lines.all())


def _structured(prescription: Prescription, pdf: bytes) -> etree._Element:
    return header.clinical_document(
        prescription,
        others.code_2d(prescription, qr.png(qr.text_of(prescription))),
        medicines.section(prescription),
        devices.section(prescription),
        others.comment(prescription),
        others.vital_signs(prescription),
        others.pdf_copy(prescription, pdf),
    )


def _wrapped(prescription: Prescription, pdf: bytes) -> etree._Element:
    """Level 1 (IHE XDS-SD)."""
    code = _type_of_acts(prescription)
    return E.ClinicalDocument(
        E.realmCode(code="FR"),
        E.typeId(root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        templates("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", codes.XDS_SD),
        E.id(root=header.document_id(prescription)),
        E.code(**code),
        E.title(code["displayName"]),
        header.common(prescription, stamps.written_at(prescription), code),
        E.component(
            E.nonXMLBody(E.text(base64.b64encode(pdf).decode(), mediaType="application/pdf", representation="B64"))
        ),
    )


def _type_of_acts(prescription: Prescription) -> dict[str, str]:
    kinds = {line.kind for line in prescription.lines.all()}
    if len(kinds) == 1 and kinds <= codes.ACTS.keys():
        return codes.ACTS[kinds.pop()]
    return codes.CARE if kinds and kinds <= CARE else codes.OTHERS
