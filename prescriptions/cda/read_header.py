"""What the header of any CDA document says of it: what an index of documents needs to know (IHE XDS), and no more.

Sources: ANS, annexe « Lien entre l’en-tête CDA et les métadonnées XDS »; IHE PCC TF-2 §4.1.1.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from prescriptions.cda import codes
from prescriptions.cda.node import Node
from prescriptions.cda.parse import parse
from prescriptions.cda.read_people import patient_of
from prescriptions.fhir.people import PatientTraits

# HL7 timestamps: a day, or a moment with its offset from UTC.
MOMENT = re.compile(r"(\d{12}(?:\d\d)?)(?:\.\d+)?([+-]\d{4})")
IHE_FORMATS, ANS_FORMATS = "1.3.6.1.4.1.19376.1.2.3", "1.2.250.1.213.1.1.4.2.282"


@dataclass(frozen=True)
class Code:
    code: str
    name: str
    system: str


@dataclass(frozen=True)
class Actor:
    """A professional, or whoever else: `number` and the OID of those who gave it; "" when it is not said."""

    number: str
    oid: str
    family: str
    given: str


@dataclass(frozen=True)
class Author:
    person: Actor
    structure: Actor | None  # `family` is its name
    role: str
    speciality: Code | None


@dataclass(frozen=True)
class Header:
    """Times are in UTC when the document gives their offset: YYYYMMDDhhmmss, or a day YYYYMMDD."""

    unique_id: str
    type: Code
    format: Code
    title: str
    created: str
    language: str
    confidentiality: Code | None
    patient: PatientTraits | None
    authors: tuple[Author, ...]
    legal: Actor | None
    start: str
    stop: str
    facility: Code | None
    practice: Code | None

    @property
    def is_ins_qualified(self) -> bool:
        """Matricule, OID and the five traits (référentiel INS)."""
        found = self.patient
        traits = found and (found.birth_name, found.given_names, found.birth_date, found.birth_place)
        return bool(traits) and all(traits) and found.sex in {"F", "M"}


# Bodies that are not structured, by media type (JDV_J10), in the words of the value set.
WRAPPED = {
    "application/pdf": Code("urn:ihe:iti:xds-sd:pdf:2008", "Document à corps non structuré en Pdf/A-1", IHE_FORMATS),
    "text/plain": Code("urn:ihe:iti:xds-sd:text:2008", "Document à corps non structuré en texte brut", IHE_FORMATS),
    "image/jpeg": Code("urn:ihe:iti-fr:xds-sd:jpeg:2010", "Document à corps non structuré en format jpeg", IHE_FORMATS),
}
PRESCRIPTION = Code("urn:ihe:pharm:pre:2010", "Prescription de médicaments", IHE_FORMATS)  # ASS_A11
OTHER = Code("urn:asipSante:modelesHorsProfils:2011", "Document non référencé IHE ou CI-SIS", ANS_FORMATS)


def read_header(data: bytes) -> Header:
    """Raises CdaError. What is missing or not known is empty: nothing is refused for it."""
    document = parse(data)
    event = _event(document)
    return Header(
        unique_id="^".join(filter(None, [document.at("id", "root"), document.at("id", "extension")])),
        type=_code(document.one("code")) or Code("", "", ""),
        format=_format(document),
        title=" ".join(document.text("title").split()),
        created=utc(document.at("effectiveTime", "value")),
        language=document.at("languageCode", "code"),
        confidentiality=_code(document.one("confidentialityCode")),
        patient=patient_of(document),
        authors=tuple(_author(author) for author in document.all("author")),
        legal=_actor(document.one("legalAuthenticator/assignedEntity")),
        start=utc(event.at("effectiveTime/low", "value")) if event else "",
        stop=utc(event.at("effectiveTime/high", "value")) if event else "",
        facility=_code(document.one("componentOf/encompassingEncounter/location/healthCareFacility/code")),
        practice=_code(event.one("performer/assignedEntity/representedOrganization/standardIndustryClassCode"))
        if event
        else None,
    )


def _event(document: Node) -> Node | None:
    """The act that the document is about: the one that somebody performed."""
    events = document.all("documentationOf/serviceEvent")
    return next((event for event in events if event.one("performer")), events[0] if events else None)


def _format(document: Node) -> Code:
    if document.one("component/structuredBody"):
        return PRESCRIPTION if document.has_template(codes.EP_MED_DM) else OTHER
    return WRAPPED.get(document.at("component/nonXMLBody/text", "mediaType").lower(), OTHER)


def _author(author: Node) -> Author:
    role = author.one("assignedAuthor")
    nobody = Actor("", "", "", "")
    return Author(
        person=_actor(role) or nobody,
        structure=_structure(role.one("representedOrganization")) if role else None,
        role=author.at("functionCode", "displayName"),
        speciality=_code(role.one("code")) if role else None,
    )


def _actor(role: Node | None) -> Actor | None:
    if role is None:
        return None
    name, device = role.one("assignedPerson/name"), role.one("assignedAuthoringDevice")
    family = name.text("family") if name else device.text("softwareName") if device else ""
    return Actor(role.at("id", "extension"), role.at("id", "root"), family, name.text("given") if name else "")


def _structure(found: Node | None) -> Actor | None:
    return Actor(found.at("id", "extension"), found.at("id", "root"), found.text("name"), "") if found else None


def _code(found: Node | None) -> Code | None:
    if found is None or not found.get("code"):
        return None
    return Code(found.get("code"), found.get("displayName"), found.get("codeSystem"))


def utc(moment: str) -> str:
    """The day alone of a moment that does not exist; what is not one, as it is."""
    found = MOMENT.fullmatch(moment)
    if found is None:
        return moment
    digits, offset = found.groups()
    try:
        at = datetime.strptime(f"{digits:0<14}{offset}", "%Y%m%d%H%M%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return moment[:8]
    return f"{at:%Y%m%d%H%M%S}"
