"""Who: the patient with a qualified identity, the prescriber, whom they stand in for, the structure."""

import re

from lxml import etree

from prescriptions.cda import codes
from prescriptions.cda.xml import E
from prescriptions.models import Patient, Prescriber

SEXES = {Patient.Sex.FEMALE: ("F", "Féminin"), Patient.Sex.MALE: ("M", "Masculin")}  # JDV_J143
UNKNOWN_SEX = ("UN", "Inconnu")
HOUSE_NUMBER = re.compile(r"(\d+(?: ?(?:bis|ter|quater|[A-D]))?),? (.+)", re.IGNORECASE)
TITLES = {"dr": "DR", "docteur": "DR", "pr": "PR", "professeur": "PR"}
CIVILITIES = {"m": "M", "mr": "M", "monsieur": "M", "mme": "MME", "madame": "MME"}


# --- The patient ------------------------------------------------------------------------------------------------------


def record_target(patient: Patient) -> etree._Element:
    """INS: matricule and OID, with the five traits. No address is known here: it was not asked."""
    return E.recordTarget(
        E.patientRole(
            E.id(extension=patient.ins, root=patient.ins_oid),
            E.addr(nullFlavor="NASK"),
            E.telecom(value=f"mailto:{patient.mss_address}"),
            E.patient(
                E.name(
                    E.family(patient.birth_name, qualifier="BR"),
                    E.given(patient.given_names),
                    E.given(patient.given_names.split(" ")[0], qualifier="BR"),
                    E.family(patient.family_name, qualifier="CL"),
                    E.given(patient.given_name, qualifier="CL"),
                ),
                _sex(patient),
                E.birthTime(value=patient.birth_date.replace("-", "")),
                _birthplace(patient),
                classCode="PSN",
            ),
        )
    )


def _sex(patient: Patient) -> etree._Element:
    code, words = SEXES.get(patient.sex, UNKNOWN_SEX)
    return E.administrativeGenderCode(code=code, displayName=words, codeSystem="2.16.840.1.113883.5.1")


def _birthplace(patient: Patient) -> etree._Element:
    """Its INSEE code is one of the five traits: when it is not known, the document says so."""
    county = E.county(patient.birth_place) if patient.birth_place else E.county(nullFlavor="UNK")
    return E.birthplace(E.place(E.addr(county)))


# --- The prescriber ---------------------------------------------------------------------------------------------------


def author(prescriber: Prescriber, time: str) -> etree._Element:
    return E.author(
        E.time(value=time),
        E.assignedAuthor(
            identity(prescriber),
            E.assignedPerson(name_of(prescriber)),
            E.representedOrganization(structure(prescriber)),
            classCode="ASSIGNED",
        ),
        contextControlCode="OP",
        typeCode="AUT",
    )


def custodian(prescriber: Prescriber) -> etree._Element:
    return E.custodian(E.assignedCustodian(E.representedCustodianOrganization(structure(prescriber))))


def legal_authenticator(prescriber: Prescriber, time: str) -> etree._Element:
    return E.legalAuthenticator(E.time(value=time), E.signatureCode(code="S"), assigned_entity(prescriber))


def assigned_entity(prescriber: Prescriber) -> etree._Element:
    return E.assignedEntity(
        identity(prescriber),
        E.assignedPerson(name_of(prescriber)),
        E.representedOrganization(
            structure(prescriber),
            E.standardIndustryClassCode(code="AMBULATOIRE", displayName="Ambulatoire", **codes.PRACTICE_SETTING),
        ),
    )


def replaced(prescriber: Prescriber) -> etree._Element:
    """Whom a locum writes for."""
    return E.participant(
        E.functionCode(code="CORRE", displayName="Correspondant", codeSystem="1.2.250.1.213.1.1.4.2.280"),
        E.time(nullFlavor="UNK"),
        E.associatedEntity(
            identity(prescriber),
            E.associatedPerson(name_of(prescriber)),
            E.scopingOrganization(structure(prescriber)),
            classCode="PROV",
        ),
        typeCode="CON",
    )


def named_dispenser(name: str, identifier: str) -> etree._Element:
    """The pharmacy written on the prescription: mandatory for substitution treatment of opioid dependence.

    `identifier`: an OID of this document alone; only the name is known here.
    """
    return E.participant(
        E.time(nullFlavor="NA"),
        E.associatedEntity(
            E.id(root=identifier, extension="1"),
            E.code(code="G15_21", displayName="Pharmacien", **codes.PROFESSION),
            E.scopingOrganization(E.name(name)),
            classCode="PROV",
        ),
        typeCode="PRF",
    )


def identity(prescriber: Prescriber) -> list[etree._Element]:
    """RPPS, profession and speciality, address, telephone and e-mail."""
    return [
        E.id(root=codes.RPPS, extension=f"8{prescriber.rpps}"),
        profession(prescriber),
        address(prescriber),
        telecoms(prescriber),
    ]


def profession(prescriber: Prescriber) -> etree._Element:
    """TRE_G15, with the speciality when the framework's list has it."""
    code, speciality = prescriber.profession_code, prescriber.speciality_code
    if code not in codes.PROFESSIONS:
        return E.code(code="312", displayName="Autre professionnel", codeSystem="1.2.250.1.213.1.6.1.107")
    name, pattern = codes.PROFESSIONS[code]
    if pattern and re.fullmatch(pattern, speciality):
        return E.code(
            code=f"G15_{code}/{speciality}", displayName=f"{name} - {prescriber.speciality}", **codes.PROFESSION
        )
    return E.code(code=f"G15_{code}", displayName=name, **codes.PROFESSION)


def name_of(prescriber: Prescriber) -> etree._Element:
    """A title goes behind the name, a civility in front; another word has no place."""
    said = prescriber.title.strip(" .").lower()
    return E.name(
        E.prefix(CIVILITIES[said]) if said in CIVILITIES else None,
        E.given(prescriber.given_name),
        E.family(prescriber.family_name),
        E.suffix(TITLES[said]) if said in TITLES else None,
    )


def structure(prescriber: Prescriber) -> list[etree._Element]:
    return [structure_id(prescriber), E.name(prescriber.structure_name), telecoms(prescriber)[:1], address(prescriber)]


def structure_id(prescriber: Prescriber) -> etree._Element:
    return E.id(root=codes.STRUCTURE, extension=f"1{prescriber.structure_finess}")


def address(prescriber: Prescriber) -> etree._Element:
    found = HOUSE_NUMBER.fullmatch(prescriber.address)
    number, street = found.groups() if found else ("", prescriber.address)
    parts = ((E.houseNumber, number), (E.streetName, street), (E.postalCode, prescriber.postcode))
    return E.addr(
        [part(text) for part, text in (*parts, (E.city, prescriber.town)) if text],
        E.country("FRANCE"),
    )


def telecoms(prescriber: Prescriber) -> list[etree._Element]:
    phone = re.sub(r"[^\d+]", "", prescriber.phone)
    known = [f"tel:{phone}" if phone else "", f"mailto:{prescriber.email}" if prescriber.email else ""]
    return [E.telecom(value=value, use="WP") for value in known if value] or [E.telecom(nullFlavor="UNK")]
