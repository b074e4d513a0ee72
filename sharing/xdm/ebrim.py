"""ebRIM 3.0, as IHE uses it for metadata: its identifiers and its bricks (ITI TF-3 §4.2)."""

import uuid

from lxml import etree

from prescriptions.cda import Code
from prescriptions.cda.xml import Maker

LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
R = Maker(RIM, {None: RIM, "lcm": LCM})
L = Maker(LCM, {None: RIM, "lcm": LCM})
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
STABLE_DOCUMENT = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
SUBMISSION_SET = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"

# Classification schemes of a document
DOCUMENT_AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
CLASS_CODE = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
CONFIDENTIALITY = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
FORMAT_CODE = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
FACILITY = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
PRACTICE = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
TYPE_CODE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
DOCUMENT_PATIENT = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
DOCUMENT_UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"

# Of a submission set
SET_AUTHOR = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
CONTENT_TYPE = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
SET_PATIENT = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
SET_SOURCE = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
SET_UNIQUE_ID = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"


def slot(name: str, *values: str) -> etree._Element | None:
    """None when no value is known."""
    known = [value for value in values if value]
    return R.Slot(R.ValueList([R.Value(value) for value in known]), name=name) if known else None


def name(text: str) -> etree._Element:
    said = R.LocalizedString(charset="UTF-8", value=text)
    said.set(XML_LANG, "fr-FR")
    return R.Name(said)


def classified(owner: str, scheme: str, code: Code | None) -> etree._Element | None:
    if code is None or not code.code:
        return None
    return R.Classification(
        slot("codingScheme", code.system),
        name(code.name or code.code),
        id=within(owner, scheme),
        classificationScheme=scheme,
        classifiedObject=owner,
        nodeRepresentation=code.code,
    )


def authored(owner: str, scheme: str, place: int, *slots: etree._Element | None) -> etree._Element:
    return R.Classification(
        list(slots),
        id=within(owner, f"{scheme} {place}"),
        classificationScheme=scheme,
        classifiedObject=owner,
        nodeRepresentation="",
    )


def identified(owner: str, scheme: str, what: str, value: str) -> etree._Element:
    """`what`: XDSDocumentEntry.patientId and the like, which the standard wants for a name."""
    return R.ExternalIdentifier(
        name(what), id=within(owner, scheme), registryObject=owner, identificationScheme=scheme, value=value
    )


def within(owner: str, what: str) -> str:
    """An identifier of its own, always the same."""
    return uuid.uuid5(uuid.UUID(owner), what).urn
