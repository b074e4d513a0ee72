"""Whose a document is and of what type, before it is read for what it says."""

from dataclasses import dataclass

from prescriptions.cda.parse import parse
from prescriptions.cda.read_people import patient_of
from prescriptions.fhir.people import PatientTraits


@dataclass(frozen=True)
class Whose:
    """`patient`: None when the document gives no qualified identity. `type_code`: LOINC."""

    patient: PatientTraits | None
    type_code: str


def whose(data: bytes) -> Whose:
    """Raises CdaError."""
    document = parse(data)
    return Whose(patient_of(document), document.at("code", "code"))
