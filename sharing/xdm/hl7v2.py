"""People and structures as metadata write them: data types CX, XCN and XON of HL7 v2.5 (ITI TF-3 table 4.2.3.1.7-2)."""

from prescriptions.cda.read_header import Actor, Author
from prescriptions.fhir.codes import INS_OIDS
from prescriptions.fhir.people import PatientTraits

# What separates components, as HL7 v2 writes it inside one.
ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "~": "\\R\\", "^": "\\S\\", "&": "\\T\\"})
SEXES = {"F": "F", "M": "M"}
RPPS, STRUCTURE = "1.2.250.1.71.4.2.1", "1.2.250.1.71.4.2.2"


def cx(number: str, oid: str) -> str:
    """A patient's identifier: an INS is an NH."""
    return f"{_part(number)}^^^&{oid}&ISO^{'NH' if oid in INS_OIDS else 'PI'}"


def xcn(actor: Actor | None) -> str:
    if actor is None or not (actor.number or actor.family):
        return ""
    names = f"{_part(actor.number)}^{_part(actor.family)}^{_part(actor.given)}"
    return f"{names}^^^^^^&{_part(actor.oid)}&ISO^D^^^{_kind(actor.oid)}" if actor.oid else names


def xon(structure: Actor | None) -> str:
    if structure is None or not structure.family:
        return ""
    if not structure.number:
        return _part(structure.family)
    kind = "IDNST" if structure.oid == STRUCTURE else "RI"
    return f"{_part(structure.family)}^^^^^&{_part(structure.oid)}&ISO^{kind}^^^{_part(structure.number)}"


def speciality(author: Author) -> str:
    code = author.speciality
    return f"{_part(code.code)}^{_part(code.name)}^{_part(code.system)}" if code else ""


def patient_actor(patient: PatientTraits) -> Actor:
    given = patient.given_names.split(" ")[0]
    return Actor(patient.ins, patient.ins_oid, patient.used_name or patient.birth_name, given)


def traits(patient: PatientTraits) -> list[str]:
    """sourcePatientInfo: names of birth (L) and in use (D), birth date, sex."""
    given = _part(patient.given_names.split(" ")[0])
    names = [f"PID-5|{_part(patient.birth_name)}^{given}^^^^^L"]
    if patient.used_name:
        names.append(f"PID-5|{_part(patient.used_name)}^{given}^^^^^D")
    born = [f"PID-7|{patient.birth_date:%Y%m%d}"] if patient.birth_date else []
    return [*names, *born, f"PID-8|{SEXES.get(patient.sex, 'U')}"]


def _part(text: str) -> str:
    return " ".join(text.split()).translate(ESCAPES)


def _kind(oid: str) -> str:
    if oid in INS_OIDS:
        return "NH"
    return "IDNPS" if oid == RPPS else "RI"
