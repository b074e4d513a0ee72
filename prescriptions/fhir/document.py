"""A DocumentReference (FHIR R4) that carries one document of a patient. Nothing is written here.

subject: a contained Patient, with the INS and its traits · author: a contained Practitioner, or a PractitionerRole with
its Practitioner and Organization · content: one attachment with its data in base64; no address is followed · type:
LOINC, when it is given · attachment.creation, else date: the day of a PDF, which says none to a program.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from prescriptions.fhir.codes import codes_of
from prescriptions.fhir.node import Node
from prescriptions.fhir.people import PatientTraits, PrescriberTraits, patient_of, professional_of
from prescriptions.fhir.shelf import Shelf, refuse_modifiers

PRESCRIPTION, REPORT = "57833-6", "60593-1"  # LOINC, JDV_J07
TAKEN = {PRESCRIPTION, "57832-8", "57828-6", REPORT}
CONTENT_TYPES = {"application/pdf", "text/xml", "application/xml", "application/hl7-v3+xml"}
NAME = "DocumentReference"


@dataclass(frozen=True)
class SentDocument:
    """`patient`, `author`: None when the resource does not identify them. `people`: what it contains, to check."""

    content: bytes
    patient: PatientTraits | None
    author: PrescriberTraits | None
    written_on: date | None
    people: list[Node]


def read_document(data: dict) -> SentDocument:
    """Raises FhirError with the field."""
    resource = Node(data, NAME)
    _check(resource)
    attachment = _attachment(resource)
    _check_content_type(attachment)
    shelf = Shelf.of_contained(resource)
    return SentDocument(
        content=_content(attachment),
        patient=patient_of(resource, shelf),
        author=_author(resource, shelf),
        written_on=attachment.day("creation") or resource.day("date"),
        people=shelf.resources,
    )


def _check(resource: Node) -> None:
    if resource.text("resourceType") != NAME:
        raise resource.get("resourceType").refuse(_("un DocumentReference est attendu ici."), "not-a-document")
    refuse_modifiers(resource)
    if resource.text("status") != "current":
        raise resource.get("status").refuse(_("le statut est « current »."), "status-not-taken")
    for code in codes_of([resource.get("type")]):
        if code not in TAKEN:
            raise resource.get("type").refuse(
                _("seules les ordonnances (57833-6) et les comptes rendus de délivrance (60593-1) sont pris."),
                "type-not-taken",
            )


def _author(resource: Node, shelf: Shelf) -> PrescriberTraits | None:
    authors = resource.items("author")
    if len(authors) > 1:
        raise resource.get("author").refuse(_("un document a un seul auteur ici."), "several-authors")
    return professional_of(authors[0], shelf, inside=resource) if authors else None


# --- The attachment ---------------------------------------------------------------------------------------------------


def _attachment(resource: Node) -> Node:
    contents = resource.items("content")
    if len(contents) != 1:
        raise resource.get("content").refuse(_("un document par envoi, ni plus ni moins."), "one-document")
    return contents[0].get("attachment")


def _check_content_type(attachment: Node) -> None:
    """What it is called; what it is, its bytes say."""
    said = attachment.text("contentType").partition(";")[0].strip().lower()
    if said not in CONTENT_TYPES:
        raise attachment.get("contentType").refuse(
            _("ce type de fichier n’est pas pris : envoyez un document CDA (text/xml) ou un PDF."), "content-type"
        )


def _content(attachment: Node) -> bytes:
    data = attachment.get("data")
    if not isinstance(data.value, str) or not data.value:
        raise data.refuse(
            _("le document manque : ses octets, en base64. Une adresse n’est pas suivie."), "data-missing"
        )
    try:
        content = base64.b64decode("".join(data.value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise data.refuse(_("ce n’est pas du base64."), "data-not-base64") from None
    _check_whole(attachment, content)
    return content


def _check_whole(attachment: Node, content: bytes) -> None:
    """`size` and `hash` (SHA-1 of the bytes, in base64) tell a document that was damaged on the way."""
    size, said = attachment.number("size"), attachment.text("hash")
    digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    if size not in (None, len(content)):
        raise attachment.get("size").refuse(_("la taille n’est pas celle du document."), "data-damaged")
    if said and said != digest:
        raise attachment.get("hash").refuse(_("l’empreinte n’est pas celle du document."), "data-damaged")
