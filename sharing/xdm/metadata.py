"""METADATA.XML: one submission set of one CDA document, in the French values.

Required and required-if-known: ANS, volet « Transmission d’un document CDA », mapping XDS of the set and of the entry;
ITI TF-3 table 4.3.1-3 (XDM). What is required if known and is not known is left out, never invented.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from prescriptions.cda import Code, Header
from prescriptions.cda.xml import to_bytes
from sharing.xdm import ebrim, hl7v2
from sharing.xdm.ebrim import L, R, authored, classified, identified, slot

PRESCRIPTIONS = Code("42", "Prescription", "1.2.250.1.213.1.1.4.1")  # JDV_J06
AMBULATORY = Code("07", "Consultation Soins Externes", "1.2.250.1.213.2.2")  # JDV_J59


@dataclass(frozen=True)
class Submission:
    """The same gives the same bytes."""

    id: uuid.UUID  # of which the identifiers inside are made
    at: datetime
    source: str  # OID of the system that sends


def metadata(content: bytes, header: Header, submission: Submission, uri: str) -> bytes:
    """`content`: the CDA document that `header` is of; `uri`: its name beside METADATA.XML."""
    lot, entry = (uuid.uuid5(submission.id, what).urn for what in ("submission set", "document"))
    return to_bytes(
        L.SubmitObjectsRequest(
            R.RegistryObjectList(
                _submission_set(lot, header, submission),
                R.Classification(
                    id=ebrim.within(lot, "node"), classifiedObject=lot, classificationNode=ebrim.SUBMISSION_SET
                ),
                _document(entry, content, header, uri),
                R.Association(
                    slot("SubmissionSetStatus", "Original"),
                    id=ebrim.within(lot, "association"),
                    associationType=ebrim.HAS_MEMBER,
                    sourceObject=lot,
                    targetObject=entry,
                ),
            )
        )
    )


def _submission_set(lot: str, header: Header, submission: Submission) -> etree._Element:
    """Its author is the patient, who decided to send it."""
    patient = header.patient
    return R.RegistryPackage(
        slot("submissionTime", f"{submission.at.astimezone(UTC):%Y%m%d%H%M%S}"),
        ebrim.name(header.title or header.type.name),
        authored(lot, ebrim.SET_AUTHOR, 1, slot("authorPerson", hl7v2.xcn(hl7v2.patient_actor(patient)))),
        classified(lot, ebrim.CONTENT_TYPE, AMBULATORY),
        identified(lot, ebrim.SET_PATIENT, "XDSSubmissionSet.patientId", hl7v2.cx(patient.ins, patient.ins_oid)),
        identified(lot, ebrim.SET_SOURCE, "XDSSubmissionSet.sourceId", submission.source),
        identified(lot, ebrim.SET_UNIQUE_ID, "XDSSubmissionSet.uniqueId", f"2.25.{submission.id.int}"),
        id=lot,
    )


def _document(entry: str, content: bytes, header: Header, uri: str) -> etree._Element:
    ins = hl7v2.cx(header.patient.ins, header.patient.ins_oid)
    return R.ExtrinsicObject(
        slot("hash", hashlib.sha1(content, usedforsecurity=False).hexdigest()),
        slot("size", str(len(content))),
        slot("URI", uri),
        slot("creationTime", header.created),
        slot("languageCode", header.language),
        slot("legalAuthenticator", hl7v2.xcn(header.legal)),
        slot("serviceStartTime", header.start),
        slot("serviceStopTime", header.stop),
        slot("sourcePatientId", ins),
        slot("sourcePatientInfo", *hl7v2.traits(header.patient)),
        ebrim.name(header.title or header.type.name),
        _authors(entry, header),
        classified(entry, ebrim.CLASS_CODE, PRESCRIPTIONS),
        classified(entry, ebrim.CONFIDENTIALITY, header.confidentiality),
        classified(entry, ebrim.FORMAT_CODE, header.format),
        classified(entry, ebrim.FACILITY, header.facility),
        classified(entry, ebrim.PRACTICE, header.practice),
        classified(entry, ebrim.TYPE_CODE, header.type),
        identified(entry, ebrim.DOCUMENT_PATIENT, "XDSDocumentEntry.patientId", ins),
        identified(entry, ebrim.DOCUMENT_UNIQUE_ID, "XDSDocumentEntry.uniqueId", header.unique_id),
        id=entry,
        lid=entry,
        mimeType="text/xml",
        objectType=ebrim.STABLE_DOCUMENT,
    )


def _authors(entry: str, header: Header) -> list[etree._Element]:
    return [
        authored(
            entry,
            ebrim.DOCUMENT_AUTHOR,
            place,
            slot("authorInstitution", hl7v2.xon(author.structure)),
            slot("authorPerson", hl7v2.xcn(author.person)),
            slot("authorRole", author.role),
            slot("authorSpecialty", hl7v2.speciality(author)),
        )
        for place, author in enumerate(header.authors, 1)
    ]
