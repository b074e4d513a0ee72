"""The header of an eP-MED-DM 2024.01 document, in the order of the CDA R2 schema."""

from lxml import etree

from prescriptions.cda import codes, people, stamps
from prescriptions.cda.xml import E, templates
from prescriptions.models import Document, Prescription

TITLE = "Prescription de médicaments et/ou de dispositifs médicaux"


def clinical_document(prescription: Prescription, *sections: etree._Element | None) -> etree._Element:
    time = stamps.written_at(prescription)
    return E.ClinicalDocument(
        E.realmCode(code="FR"),
        E.typeId(root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        templates(
            "2.16.840.1.113883.2.8.2.1",  # HL7 France
            "1.2.250.1.213.1.1.1.1",  # CI-SIS
            "1.3.6.1.4.1.19376.1.9.1.1.1",  # IHE Pharmacy, PRE
            "1.3.6.1.4.1.19376.1.5.3.1.1.1",  # IHE PCC
            f"{codes.EP_MED_DM} {codes.VERSION}",
        ),
        E.id(root=document_id(prescription)),
        E.code(**codes.HEALTH_PRODUCTS),
        E.title(TITLE),
        common(prescription, time, codes.HEALTH_PRODUCTS),
        E.component(E.structuredBody([E.component(section) for section in sections if section is not None])),
    )


def document_id(prescription: Prescription) -> str:
    """Another one when the signed code, and so the PDF inside, was made again."""
    code = prescription.documents.filter(kind=Document.Kind.CODE).order_by("-position").first()
    edition = f"cda {code.position}" if code and code.position else "cda"
    return stamps.document_oid(prescription, edition)


def common(prescription: Prescription, time: str, code: dict[str, str]) -> list:
    """From effectiveTime to componentOf: the same for every prescription, whatever its body. `code`: its type."""
    return [
        E.effectiveTime(value=time),
        _confidentiality(prescription),
        E.languageCode(code="fr-FR"),
        _version(prescription),
        people.record_target(prescription.patient),
        people.author(prescription.prescriber, time),
        people.custodian(prescription.prescriber),
        people.legal_authenticator(prescription.prescriber, time),
        people.replaced(prescription.replaced_prescriber) if prescription.replaced_prescriber else None,
        _named_dispenser(prescription),
        _act(prescription, code),
        [_subtype(flag, words) for flag, words in codes.SUBTYPES.items() if prescription.has_flag(flag)],
        _replaced_document(prescription),
        _encounter(prescription, time),
    ]


def _confidentiality(prescription: Prescription) -> etree._Element:
    """Restricted: what a parent or a carer must not see."""
    if prescription.restricted:
        return E.confidentialityCode(code="R", displayName="Restreint", **codes.CONFIDENTIALITY)
    return E.confidentialityCode(code="N", displayName="Normal", **codes.CONFIDENTIALITY)


def _version(prescription: Prescription) -> list[etree._Element]:
    """A prescription that replaces another is the next version in the same set."""
    chain = _chain(prescription)
    return [E.setId(root=stamps.document_oid(chain[-1], "cda set")), _version_number(prescription)]


def _version_number(prescription: Prescription) -> etree._Element:
    return E.versionNumber(value=str(len(_chain(prescription))))


def _chain(prescription: Prescription) -> list[Prescription]:
    """This one, the one it replaces, the one that one replaced…"""
    chain = [prescription]
    while chain[-1].replaces is not None:
        chain.append(chain[-1].replaces)
    return chain


def _replaced_document(prescription: Prescription) -> etree._Element | None:
    if prescription.replaces is None:
        return None
    replaced = prescription.replaces
    parent = E.parentDocument(E.id(root=document_id(replaced)), _version_number(replaced))
    return E.relatedDocument(parent, typeCode="RPLC")


def _named_dispenser(prescription: Prescription) -> etree._Element | None:
    if not prescription.named_pharmacy:
        return None
    return people.named_dispenser(prescription.named_pharmacy, stamps.document_oid(prescription, "cda dispenser"))


def _act(prescription: Prescription, code: dict[str, str]) -> etree._Element:
    """The prescription itself: its unique number and how long it is valid."""
    end = prescription.valid_until
    return E.documentationOf(
        E.serviceEvent(
            E.id(root=codes.NUMBER, extension=prescription.number),
            E.code(**code),
            E.effectiveTime(
                E.low(value=stamps.day(prescription.authored_on)),
                E.high(value=stamps.day(end)) if end else E.high(nullFlavor="UNK"),
            ),
            E.performer(people.assigned_entity(prescription.prescriber), typeCode="PRF"),
            classCode="ACT",
        )
    )


def _subtype(flag: str, words: str) -> etree._Element:
    return E.documentationOf(E.serviceEvent(E.code(code=flag, displayName=words, **codes.TA_ASIP), classCode="INFO"))


def _encounter(prescription: Prescription, time: str) -> etree._Element:
    """Care outside hospital: prescriptions written and carried out inside one are not here (CSP L4071-4)."""
    return E.componentOf(
        E.encompassingEncounter(
            E.code(code="AMB", displayName="Ambulatoire (hors établissement)", codeSystem="2.16.840.1.113883.5.4"),
            E.effectiveTime(E.high(value=time)),
            E.location(
                E.healthCareFacility(
                    people.structure_id(prescription.prescriber),
                    E.code(code="SA07", displayName="Cabinet individuel", codeSystem="1.2.250.1.71.4.2.4"),
                )
            ),
        )
    )
