"""An IHE_XDM.ZIP judged by the standard and by the document inside, without any of the code that writes or reads one.

Sources: ITI TF-2 §3.32 (layout), TF-3 §4.2 (ebRIM) and table 4.3.1-3 (required for XDM); ANS, mapping of a CDA header
to XDS metadata (requis, requis si connu); JDV_J02, J04, J06, J10, J59 for the values.
"""

import hashlib
import io
import re
import zipfile
from datetime import UTC, datetime
from html.parser import HTMLParser

from lxml import etree

N = {
    "rim": "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0",
    "lcm": "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0",
    "c": "urn:hl7-org:v3",
}
ISO_9660 = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?")
OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DTM = re.compile(r"\d{4}(\d\d){0,5}")
INS = "1.2.250.1.213.1.4."
XCN = re.compile(r"[^^]+\^[^^]*\^[^^]*\^{6}&[0-9.]+&ISO\^D\^{3}(IDNPS|NH)")
XON = re.compile(r"[^^]+\^{5}&[0-9.]+&ISO\^IDNST\^{3}[0-9A-B]+")
SPECIALTY = re.compile(r"[^^]+\^[^^]+\^[0-9.]+")

DOCUMENT_SLOTS = {
    "hash", "size", "URI", "creationTime", "languageCode", "legalAuthenticator", "serviceStartTime",
    "sourcePatientId", "sourcePatientInfo",
}  # fmt: skip
DOCUMENT_CODES = {
    "classCode": "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a",
    "confidentialityCode": "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f",
    "formatCode": "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d",
    "healthcareFacilityTypeCode": "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1",
    "practiceSettingCode": "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead",
    "typeCode": "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983",
}
DOCUMENT_AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
DOCUMENT_IDS = {
    "XDSDocumentEntry.patientId": "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427",
    "XDSDocumentEntry.uniqueId": "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab",
}
SET_IDS = {
    "XDSSubmissionSet.patientId": "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446",
    "XDSSubmissionSet.sourceId": "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832",
    "XDSSubmissionSet.uniqueId": "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8",
}
SET_CODE, SET_AUTHOR = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500", "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"


def problems(archive: bytes) -> list[str]:
    """Each in a few words; an empty list is a good archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        files = {name: file.read(name) for name in file.namelist()}
    found = _layout(files)
    if found:
        return found
    metadata = etree.fromstring(files["IHE_XDM/SUBSET01/METADATA.XML"])
    return [*_links(files), *_objects(metadata), *_set(metadata), *_documents(metadata, files)]


def _layout(files: dict[str, bytes]) -> list[str]:
    needed = {"INDEX.HTM", "README.TXT", "IHE_XDM/SUBSET01/METADATA.XML"}
    found = [f"missing {name}" for name in needed - files.keys()]
    found += [f"not an ISO 9660 name: {name}" for name in files if not all(map(ISO_9660.fullmatch, name.split("/")))]
    return found + ([] if files.get("README.TXT", b"").isascii() else ["README.TXT is not plain"])


class _Hrefs(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name == "href"]


def _links(files: dict[str, bytes]) -> list[str]:
    etree.fromstring(files["INDEX.HTM"], etree.XMLParser(load_dtd=False))  # XHTML
    links = set(_Hrefs(files["INDEX.HTM"].decode()).found)
    expected = {name for name in files if "DOC" in name} | {"README.TXT"}
    return [f"INDEX.HTM does not lead to {name}" for name in expected - links] + [
        f"INDEX.HTM leads nowhere: {name}" for name in links - files.keys()
    ]


def _objects(metadata) -> list[str]:
    """Identifiers are unique and every reference leads somewhere."""
    ids = metadata.xpath("//@id")
    found = [f"identifier used twice: {one}" for one in set(ids) if ids.count(one) > 1]
    found += [f"not a UUID: {one}" for one in ids if not UUID.fullmatch(one)]
    references = metadata.xpath("//@classifiedObject | //@registryObject | //@sourceObject | //@targetObject")
    found += [f"leads nowhere: {one}" for one in references if one not in ids]
    for each in metadata.xpath("//*[@classifiedObject or @registryObject]"):
        owner, said = each.getparent().get("id"), each.get("classifiedObject") or each.get("registryObject")
        found += [f"{said} is not its owner"] if owner and owner != said else []
    return found


def _set(metadata) -> list[str]:
    sets = metadata.xpath("//rim:RegistryPackage", namespaces=N)
    if len(sets) != 1:
        return ["not one submission set"]
    [lot] = sets
    found = _identified(lot, SET_IDS)
    if not metadata.xpath(
        f"//rim:Classification[@classificationNode='{SET_NODE}' and @classifiedObject='{lot.get('id')}']", namespaces=N
    ):
        found.append("the submission set is not said to be one")
    found += [] if DTM.fullmatch(_slot(lot, "submissionTime")) else ["submissionTime"]
    found += [f"not an OID: {name}" for name in SET_IDS if "patient" not in name and not OID.fullmatch(_id(lot, name))]
    found += _coded(lot, {"contentTypeCode": SET_CODE})
    author = lot.xpath(f"rim:Classification[@classificationScheme='{SET_AUTHOR}']", namespaces=N)
    if not author or not XCN.fullmatch(_slot(author[0], "authorPerson")):
        found.append("the submission set has no author")
    members = metadata.xpath("//rim:Association[contains(@associationType, ':HasMember')]", namespaces=N)
    documents = metadata.xpath("//rim:ExtrinsicObject", namespaces=N)
    linked = {(one.get("sourceObject"), one.get("targetObject"), _slot(one, "SubmissionSetStatus")) for one in members}
    expected = {(lot.get("id"), document.get("id"), "Original") for document in documents}
    return found + ([] if linked == expected and documents else ["the association does not close"])


def _documents(metadata, files: dict[str, bytes]) -> list[str]:
    found = []
    for entry in metadata.xpath("//rim:ExtrinsicObject", namespaces=N):
        found += [f"required: {name}" for name in DOCUMENT_SLOTS if not _slot(entry, name)]
        found += _coded(entry, DOCUMENT_CODES) + _identified(entry, DOCUMENT_IDS)
        content = files.get(f"IHE_XDM/SUBSET01/{_slot(entry, 'URI')}", b"")
        found += [] if hashlib.sha1(content).hexdigest() == _slot(entry, "hash") else ["hash"]
        found += [] if str(len(content)) == _slot(entry, "size") else ["size"]
        found += _against_cda(entry, etree.fromstring(content)) if content else ["URI"]
        if _id(entry, "XDSDocumentEntry.patientId") != metadata.xpath(
            "string(//rim:RegistryPackage/rim:ExternalIdentifier[rim:Name/*/@value='XDSSubmissionSet.patientId']/@value)",
            namespaces=N,
        ):
            found.append("not the patient of the submission set")
    return found


def _against_cda(entry, document) -> list[str]:
    def at(path: str) -> str:
        return document.xpath(f"string({path})", namespaces=N)

    patients = [
        f"{one.get('extension')}^^^&{one.get('root')}&ISO^NH"
        for one in document.xpath("c:recordTarget/c:patientRole/c:id", namespaces=N)
        if one.get("root", "").startswith(INS)
    ]
    event = "c:documentationOf/c:serviceEvent[c:performer][1]/"
    author = entry.xpath(f"rim:Classification[@classificationScheme='{DOCUMENT_AUTHOR}']", namespaces=N)
    role = "c:author/c:assignedAuthor/"
    said = {
        "patientId": (_id(entry, "XDSDocumentEntry.patientId"), patients[0] if patients else None),
        "sourcePatientId": (_slot(entry, "sourcePatientId"), patients[0] if patients else None),
        "uniqueId": (
            _id(entry, "XDSDocumentEntry.uniqueId"),
            "^".join(filter(None, [at("c:id/@root"), at("c:id/@extension")])),
        ),
        "typeCode": (_code(entry, "typeCode"), (at("c:code/@code"), at("c:code/@codeSystem"))),
        "classCode": (_code(entry, "classCode"), ("42", "1.2.250.1.213.1.1.4.1")),
        "formatCode": (_code(entry, "formatCode"), (_format(document), "1.3.6.1.4.1.19376.1.2.3")),
        "confidentialityCode": (_code(entry, "confidentialityCode")[0], at("c:confidentialityCode/@code")),
        "healthcareFacilityTypeCode": (
            _code(entry, "healthcareFacilityTypeCode")[0],
            at("c:componentOf/c:encompassingEncounter/c:location/c:healthCareFacility/c:code/@code"),
        ),
        "practiceSettingCode": (
            _code(entry, "practiceSettingCode")[0],
            at(f"{event}c:performer//c:standardIndustryClassCode/@code"),
        ),
        "title": (entry.xpath("string(rim:Name/*/@value)", namespaces=N), " ".join(at("c:title").split())),
        "languageCode": (_slot(entry, "languageCode"), at("c:languageCode/@code")),
        "creationTime": (_slot(entry, "creationTime"), _in_utc(at("c:effectiveTime/@value"))),
        "serviceStartTime": (_slot(entry, "serviceStartTime"), _in_utc(at(f"{event}c:effectiveTime/c:low/@value"))),
        "serviceStopTime": (_slot(entry, "serviceStopTime"), _in_utc(at(f"{event}c:effectiveTime/c:high/@value"))),
        "legalAuthenticator": (
            _number(_slot(entry, "legalAuthenticator")),
            at("c:legalAuthenticator/c:assignedEntity/c:id/@extension"),
        ),
        "authors": (len(author), len(document.xpath("c:author", namespaces=N))),
        "authorPerson": (_number(_slot(author[0], "authorPerson")), at(f"{role}c:id/@extension")),
        "authorInstitution": (
            _slot(author[0], "authorInstitution").rpartition("^")[2],
            at(f"{role}c:representedOrganization/c:id/@extension"),
        ),
        "authorSpecialty": (_slot(author[0], "authorSpecialty").partition("^")[0], at(f"{role}c:code/@code")),
        "sex": (
            _values(entry, "sourcePatientInfo")[-1],
            f"PID-8|{at('c:recordTarget//c:administrativeGenderCode/@code')}",
        ),
        "mimeType": (entry.get("mimeType"), "text/xml"),
        "objectType": (entry.get("objectType"), "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"),
    }
    found = [
        f"{name}: {ours!r}, the document says {theirs!r}" for name, (ours, theirs) in said.items() if ours != theirs
    ]
    shapes = [
        ("legalAuthenticator", XCN, _slot(entry, "legalAuthenticator")),
        ("authorPerson", XCN, _slot(author[0], "authorPerson")),
        ("authorInstitution", XON, _slot(author[0], "authorInstitution")),
        ("authorSpecialty", SPECIALTY, _slot(author[0], "authorSpecialty")),
        *((name, DTM, _slot(entry, name)) for name in ("creationTime", "serviceStartTime")),
    ]
    return found + [f"shape of {name}: {value!r}" for name, shape, value in shapes if not shape.fullmatch(value)]


def _format(document) -> str:
    if document.xpath("c:component/c:structuredBody", namespaces=N):
        return "urn:ihe:pharm:pre:2010"
    return "urn:ihe:iti:xds-sd:pdf:2008"


def _in_utc(moment: str) -> str:
    if len(moment) <= 8:
        return moment
    return f"{datetime.strptime(moment, '%Y%m%d%H%M%S%z').astimezone(UTC):%Y%m%d%H%M%S}"


def _number(person: str) -> str:
    return person.partition("^")[0]


def _values(owner, name: str) -> list[str]:
    return owner.xpath(f"rim:Slot[@name='{name}']/rim:ValueList/rim:Value/text()", namespaces=N)


def _slot(owner, name: str) -> str:
    return next(iter(_values(owner, name)), "")


def _id(owner, name: str) -> str:
    return owner.xpath(f"string(rim:ExternalIdentifier[rim:Name/*/@value='{name}']/@value)", namespaces=N)


def _code(owner, name: str) -> tuple[str, str]:
    scheme = f"rim:Classification[@classificationScheme='{DOCUMENT_CODES[name]}']"
    found = owner.xpath(scheme, namespaces=N)
    return (found[0].get("nodeRepresentation"), _slot(found[0], "codingScheme")) if found else ("", "")


def _coded(owner, codes: dict[str, str]) -> list[str]:
    found = []
    for name, scheme in codes.items():
        said = owner.xpath(f"rim:Classification[@classificationScheme='{scheme}']", namespaces=N)
        whole = len(said) == 1 and said[0].get("nodeRepresentation") and _slot(said[0], "codingScheme")
        found += [] if whole and said[0].xpath("string(rim:Name/*/@value)", namespaces=N) else [f"code: {name}"]
    return found


def _identified(owner, identifiers: dict[str, str]) -> list[str]:
    def count(name: str, scheme: str) -> int:
        said = f"@identificationScheme='{scheme}' and rim:Name/*/@value='{name}' and @value!=''"
        return len(owner.xpath(f"rim:ExternalIdentifier[{said}]", namespaces=N))

    return [f"identifier: {name}" for name, scheme in identifiers.items() if count(name, scheme) != 1]
