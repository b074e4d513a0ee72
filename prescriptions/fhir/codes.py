"""The code systems a prescription uses, and what they name here."""

from prescriptions.fhir.node import Node
from prescriptions.models import Prescription, PrescriptionLine

NUMBER_SYSTEM = "urn:oid:1.2.250.1.215.500.1.1"  # the unique prescription number (EPU)
INS_OIDS = tuple(f"1.2.250.1.213.1.4.{n}" for n in (8, 9, 10, 11))
RPPS_SYSTEMS = {"urn:oid:1.2.250.1.71.4.2.1", "https://rpps.esante.gouv.fr", "http://rpps.fr"}
FINESS_SYSTEMS = {"urn:oid:1.2.250.1.71.4.2.2", "https://finess.esante.gouv.fr", "http://finess.sante.gouv.fr"}
ANSM = "http://data.esante.gouv.fr/ansm/medicament/"

# The system that the registry names in its answers, then the others it also reads.
SYSTEM_OF = {
    "cip13": f"{ANSM}Presentation",
    "cis": f"{ANSM}SpecialitePharmaceutique",
    "ucd": f"{ANSM}UCD",
    "sms": f"{ANSM}codeSMS",
    "mv": "https://www.medicabase.fr",
    "lpp": "urn:oid:1.2.250.1.215.200.2.1",
    "nabm": "urn:oid:1.2.250.1.215.200.3.2",
}
PRODUCT_SYSTEMS = {system: name for name, system in SYSTEM_OF.items()} | {
    "http://BogusSystemMedicabase.com": "mv",  # as the ANS examples name Medicabase
    "urn:oid:1.2.250.1.213.2.59": "mv",
    "urn:oid:1.2.250.1.213.2.3.1": "cis",
    "urn:oid:1.2.250.1.213.2.3.2": "cip13",
    "urn:oid:2.16.840.1.113883.3.6905.2": "sms",
}

# Sub-types of a prescription and flags of a line, in MedicationRequest.category: codes of eP-MED-DM (TA_ASIP,
# 1.2.250.1.213.1.1.4.322).
PRESCRIPTION_FLAGS = set(Prescription.Flag.values)
LINE_FLAGS = {flag: flag for flag in PrescriptionLine.Flag.values} | {"MED-574": PrescriptionLine.Flag.ALD.value}

# ServiceRequest.category, SNOMED CT
SERVICE_KINDS = {
    "108252007": PrescriptionLine.Kind.BIOLOGY,
    "9632001": PrescriptionLine.Kind.NURSING,
    "91251008": PrescriptionLine.Kind.PHYSIOTHERAPY,
}


def product_codes(concept: Node) -> dict:
    """{"ucd": "3400…"} of a CodeableConcept: the first code of each system that is known here."""
    found = {}
    for coding in concept.items("coding"):
        system = PRODUCT_SYSTEMS.get(coding.text("system"))
        code = coding.text("code")
        if system and code:
            found.setdefault(system, code)
    return found


def label(concept: Node) -> str:
    """What a person reads of a CodeableConcept: its text, else the first display."""
    return concept.text("text") or next(filter(None, (c.text("display") for c in concept.items("coding"))), "")


def codes_of(concepts: list[Node]) -> list[str]:
    return [coding.text("code") for concept in concepts for coding in concept.items("coding")]
