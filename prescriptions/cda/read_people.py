"""Who the document is for and who wrote it."""

from dataclasses import dataclass

from prescriptions import numbers
from prescriptions.cda import codes
from prescriptions.cda.node import Node
from prescriptions.fhir.codes import INS_OIDS
from prescriptions.fhir.people import PatientTraits, PrescriberTraits

TITLES = {"DR": "Dr", "PR": "Pr", "M": "M.", "MME": "Mme"}


def patient_of(document: Node) -> PatientTraits | None:
    """None without an INS whose key is right: that is not a qualified identity."""
    role = document.one("recordTarget/patientRole")
    for identifier in role.all("id") if role else []:
        ins, oid = numbers.compact(identifier.get("extension")), identifier.get("root")
        if oid in INS_OIDS and numbers.why_not_ins(ins) is None:
            return _traits(role, identifier.path, ins, oid)
    return None


def _traits(role: Node, path: str, ins: str, oid: str) -> PatientTraits:
    person = role.one("patient")
    if person is None:
        return PatientTraits(path, ins, oid, "", "")
    birth = person.one("birthTime")
    return PatientTraits(
        path=path,
        ins=ins,
        ins_oid=oid,
        birth_name=_named(person, "family", "BR", "SP", ""),
        given_names=_named(person, "given", "", "BR"),
        used_name=_used_name(person),
        birth_date=birth.day() if birth else None,
        birth_place=person.text("birthplace/place/addr/county"),
        sex=person.at("administrativeGenderCode", "code") if _is_sex(person) else "U",
    )


def _named(person: Node, part: str, *qualifiers: str) -> str:
    """The first one whose qualifier comes first in the list: all the given names, else the first of them."""
    found = {each.get("qualifier"): each.text() for each in reversed(person.all(f"name/{part}"))}
    return next((found[qualifier] for qualifier in qualifiers if found.get(qualifier)), "")


def _used_name(person: Node) -> str:
    used = _named(person, "family", "CL", "SP")
    return used if used != _named(person, "family", "BR", "SP", "") else ""


def _is_sex(person: Node) -> bool:
    return person.at("administrativeGenderCode", "code") in {"F", "M"}


# --- Professionals ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Where the parts of a professional stand: they have other names in each participation."""

    person: str
    organisation: str


AUTHOR = _Place("assignedPerson", "representedOrganization")
PARTICIPANT = _Place("associatedPerson", "scopingOrganization")


def prescriber_of(document: Node) -> PrescriberTraits | None:
    """The author. None without a name and without a number that has the shape of an RPPS."""
    role = document.one("author/assignedAuthor")
    return _professional(role, AUTHOR) if role else None


def professional_of(role: Node) -> PrescriberTraits | None:
    """Of an assignedAuthor: a prescriber, a pharmacist."""
    return _professional(role, AUTHOR)


def replaced_of(document: Node) -> PrescriberTraits | None:
    """Whom a locum writes for: a participant CON whose function is CORRE."""
    for participant in document.all("participant"):
        if participant.get("typeCode") == "CON" and participant.at("functionCode", "code") == "CORRE":
            role = participant.one("associatedEntity")
            return _professional(role, PARTICIPANT) if role else None
    return None


def dispenser_of(document: Node) -> str:
    """The name of the pharmacy, else of the pharmacist, that the prescription names."""
    for participant in document.all("participant"):
        role = participant.one("associatedEntity")
        if participant.get("typeCode") == "PRF" and role:
            name = role.one("associatedPerson/name")
            return role.text("scopingOrganization/name") or (_full_name(name) if name else "")
    return ""


def _professional(role: Node, place: _Place) -> PrescriberTraits | None:
    name = role.one(f"{place.person}/name")
    organisation = role.one(place.organisation)
    found = PrescriberTraits(
        path=role.path,
        rpps=_number(role, codes.RPPS, 11, "8"),
        title=_title(name) if name else "",
        given_name=name.text("given") if name else "",
        family_name=name.text("family") if name else "",
        **_speciality(role),
        structure_name=organisation.text("name") if organisation else "",
        structure_finess=_number(organisation, codes.STRUCTURE, 9, "1") if organisation else "",
        **_address(role.one("addr") or (organisation.one("addr") if organisation else None)),
        **_telecoms(role, organisation),
    )
    return found if found.rpps or found.family_name else None


def _number(role: Node, root: str, length: int, kind: str) -> str:
    """Without the digit in front that says which kind it is. Its key is not looked at: fictitious ones circulate."""
    for identifier in role.all("id"):
        number = numbers.compact(identifier.get("extension"))
        number = number[1:] if len(number) == length + 1 and number.startswith(kind) else number
        if identifier.get("root") == root and len(number) == length:
            return number
    return ""


def _title(name: Node) -> str:
    said = name.text("suffix") or name.text("prefix")
    return TITLES.get(said.strip(".").upper(), said)


def _full_name(name: Node) -> str:
    return " ".join(filter(None, [_title(name), name.text("given"), name.text("family")]))


def _speciality(role: Node) -> dict:
    """G15_10/SM54: profession and speciality."""
    code = role.one("code")
    if code is None:
        return {}
    profession, _, speciality = code.get("code").removeprefix("G15_").partition("/")
    words = code.get("displayName")
    return {
        "profession_code": profession if profession in codes.PROFESSIONS else "",
        "speciality_code": speciality[:10],
        "speciality": words.partition(" - ")[2] or words,
    }


def _address(address: Node | None) -> dict:
    if address is None:
        return {}
    lines = [each.text() for each in address.all("streetAddressLine")]
    street = " ".join(filter(None, [address.text("houseNumber"), address.text("streetName")]))
    return {
        "address": ", ".join(filter(None, [street, *lines])),
        "postcode": address.text("postalCode"),
        "town": address.text("city"),
    }


def _telecoms(role: Node, organisation: Node | None) -> dict:
    found = {"phone": "", "email": ""}
    for telecom in [*role.all("telecom"), *(organisation.all("telecom") if organisation else [])]:
        kind, _, value = telecom.get("value").partition(":")
        name = {"tel": "phone", "mailto": "email"}.get(kind, "")
        if name and not found[name]:
            found[name] = value
    return found
