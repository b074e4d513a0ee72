"""Who the prescription is for and who wrote it, when the bundle says so."""

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from prescriptions import numbers
from prescriptions.fhir.codes import FINESS_SYSTEMS, INS_OIDS, RPPS_SYSTEMS, codes_of, label
from prescriptions.fhir.node import Node
from prescriptions.fhir.shelf import Shelf

BIRTH_PLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
INSEE_CODE = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"
BIRTH_GIVEN_NAMES = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name"
SEXES = {"female": "F", "male": "M"}


@dataclass(frozen=True)
class PatientTraits:
    """A qualified identity: matricule with a right key, its OID, and the traits that go with it."""

    path: str
    ins: str
    ins_oid: str
    birth_name: str
    given_names: str
    used_name: str = ""
    birth_date: date | None = None
    birth_place: str = ""  # INSEE code
    sex: str = "U"


@dataclass(frozen=True)
class PrescriberTraits:
    path: str
    rpps: str
    given_name: str = ""
    family_name: str = ""
    title: str = ""
    profession_code: str = ""
    speciality_code: str = ""
    speciality: str = ""
    structure_name: str = ""
    structure_finess: str = ""
    address: str = ""
    postcode: str = ""
    town: str = ""
    phone: str = ""
    email: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.title} {self.given_name} {self.family_name}".strip()


def patient_of(request: Node, shelf: Shelf) -> PatientTraits | None:
    """None when the bundle names nobody, or with an INS whose key is wrong: that is not a qualified identity."""
    subject = request.get("subject")
    patient = shelf.find(subject, inside=request, kind="Patient")
    source = patient if patient is not None else subject
    identifiers = source.items("identifier") if patient is not None else [source.get("identifier")]
    for identifier in identifiers:
        oid = identifier.text("system").removeprefix("urn:oid:")
        ins = numbers.compact(identifier.text("value"))
        if oid in INS_OIDS and numbers.why_not_ins(ins) is None:
            return _traits(source, patient, ins, oid)
    return None


def _traits(source: Node, patient: Node | None, ins: str, oid: str) -> PatientTraits:
    if patient is None:
        return PatientTraits(source.path, ins, oid, "", "")
    names = {name.text("use"): name for name in patient.items("name")}
    official = names.get("official") or next(iter(names.values()), Node(None))
    birth_given = [e.text("valueString") for e in official.items("extension") if e.text("url") == BIRTH_GIVEN_NAMES]
    given = [clean for item in official.items("given") if (clean := str(item.value or "").strip())]
    return PatientTraits(
        path=patient.path,
        ins=ins,
        ins_oid=oid,
        birth_name=official.text("family"),
        given_names=next(filter(None, birth_given), " ".join(given)),
        used_name=names["usual"].text("family") if "usual" in names else "",
        birth_date=patient.day("birthDate"),
        birth_place=_birth_place(patient),
        sex=SEXES.get(patient.text("gender"), "U"),
    )


def _birth_place(patient: Node) -> str:
    for extension in patient.items("extension"):
        if extension.text("url") == BIRTH_PLACE:
            for part in extension.items("valueAddress", "extension"):
                if part.text("url") == INSEE_CODE:
                    return part.text("valueCoding", "code")
    return ""


def replaced_of(shelf: Shelf) -> PrescriberTraits | None:
    """Whom the author stands in for, when a locum writes: Provenance.agent.onBehalfOf (FHIR R4)."""
    for provenance in shelf.of("Provenance"):
        for agent in provenance.items("agent"):
            named = agent.get("onBehalfOf")
            kinds = [k for k in ("Practitioner", "PractitionerRole") if shelf.find(named, inside=provenance, kind=k)]
            found = professional_of(named, shelf, inside=provenance) if kinds else None
            if kinds and found is None:
                raise named.refuse(_("le prescripteur remplacé n’a pas de RPPS valide."), "rpps-shape")
            if found:
                return found
    return None


def prescriber_of(request: Node, shelf: Shelf) -> PrescriberTraits | None:
    return professional_of(request.get("requester"), shelf, inside=request)


def professional_of(reference: Node, shelf: Shelf, *, inside: Node) -> PrescriberTraits | None:
    """From Practitioner, or PractitionerRole with its Practitioner and Organization. None without a valid RPPS."""
    role = shelf.find(reference, inside=inside, kind="PractitionerRole")
    person = shelf.find(role.get("practitioner") if role else reference, inside=role or inside, kind="Practitioner")
    role = role or _role_of(person, shelf)
    holders = [person, role]
    identifiers = [i for holder in holders if holder is not None for i in holder.items("identifier")]
    rpps = next(filter(None, map(_rpps, [*identifiers, reference.get("identifier")])), "")
    if not rpps:
        return None
    place = shelf.find(role.get("organization"), inside=role, kind="Organization") if role else None
    return PrescriberTraits(
        path=(person or role or reference).path,
        rpps=rpps,
        **(_person(person) if person else {}),
        **(_role(role) if role else {}),
        **_place(place),
        **_contacts([h for h in (role, person, place) if h is not None]),
    )


def _role_of(person: Node | None, shelf: Shelf) -> Node | None:
    if person is None:
        return None
    roles = shelf.of("PractitionerRole")
    found = [r for r in roles if shelf.find(r.get("practitioner"), inside=r, kind="Practitioner") is person]
    return found[0] if len(found) == 1 else None


def _rpps(identifier: Node) -> str:
    """11 digits; the national identifier puts an 8 in front."""
    if identifier.text("system") not in RPPS_SYSTEMS | {""}:
        return ""
    value = numbers.compact(identifier.text("value"))
    value = value[1:] if len(value) == 12 and value.startswith("8") else value
    return value if numbers.why_not_rpps(value) is None else ""


def _person(person: Node) -> dict:
    names = person.items("name")
    name = next((n for n in names if n.text("use") == "official"), names[0] if names else Node(None))
    return {
        "given_name": " ".join(str(item.value or "") for item in name.items("given")),
        "family_name": name.text("family"),
        "title": " ".join(str(item.value or "") for item in name.items("prefix")),
    }


def _role(role: Node) -> dict:
    speciality, profession = role.items("specialty"), role.items("code")
    return {
        "speciality": label(speciality[0]) if speciality else "",
        "speciality_code": next(iter(codes_of(speciality)), ""),
        "profession_code": next(iter(codes_of(profession)), ""),
    }


def _place(place: Node | None) -> dict:
    if place is None:
        return {}
    address = next(iter(place.items("address")), Node(None))
    finess = [i.text("value") for i in place.items("identifier") if i.text("system") in FINESS_SYSTEMS]
    return {
        "structure_name": place.text("name"),
        "structure_finess": next((_finess(value) for value in finess if _finess(value)), ""),
        "address": ", ".join(str(line.value) for line in address.items("line")),
        "postcode": address.text("postalCode"),
        "town": address.text("city"),
    }


def _finess(value: str) -> str:
    """9 characters; as a structure identifier it comes with a 1 in front."""
    value = numbers.compact(value)
    value = value[1:] if len(value) == 10 and value.startswith("1") else value
    return value if numbers.why_not_finess(value) is None else ""


def _contacts(holders: list[Node]) -> dict:
    found = {"phone": "", "email": ""}
    for holder in holders:
        for contact in holder.items("telecom"):
            kind = contact.text("system")
            if kind in found and not found[kind]:
                found[kind] = contact.text("value")
    return found


def refuse_two_patients(requests: list[Node], shelf: Shelf) -> None:
    """A file is one patient's: whoever changes from line to line is refused."""
    first = _who(requests[0], shelf)
    for request in requests[1:]:
        if _who(request, shelf) != first:
            raise request.get("subject").refuse(_("deux patients dans le même fichier. Faites un fichier par patient."))


def _who(request: Node, shelf: Shelf):
    subject = request.get("subject")
    patient = shelf.find(subject, inside=request, kind="Patient")
    return patient.path if patient is not None else subject.value
