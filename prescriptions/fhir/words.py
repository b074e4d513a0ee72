"""The prescriber's own words about a line: dosage, instructions, note to the pharmacist."""

import re
from dataclasses import dataclass

from prescriptions.fhir.node import INVISIBLE, Node

RENDERED = {
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationRequest.renderedDosageInstruction",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-DeviceRequest.renderedDosageInstruction",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ServiceRequest.renderedDosageInstruction",
}
TEXTUAL = re.compile(r"^(?:\**\s*prescription textuelle\s*:\s*\**\s*)+", re.IGNORECASE)
SCOPES_OF_PRESCRIPTION = {"PRESCCOM"}
SCOPES_TO_PHARMACIST = {"LIPRESCCOMM", "MEDCOM"}
NAMES_THE_MEDICINE = {"LIPRESCLIBMED"}


@dataclass
class OwnWords:
    dosage: str = ""
    instructions: str = ""
    to_pharmacist: str = ""
    comment: str = ""  # on the whole prescription


def own_words(request: Node, dosages: list[Node]) -> OwnWords:
    """By the scope of each note (fr-medicationrequest-note-scope) or its first words ("Prescription textuelle")."""
    rendered = _rendered(request)
    said = {"textual": [], "patient": [], "pharmacist": [], "comment": []}
    for note in request.items("note"):
        text = note.text("text")
        if text and not _scopes(note) & NAMES_THE_MEDICINE:
            said[_place(note, text)].append(TEXTUAL.sub("", text))
    textual = "\n".join(said["textual"])
    told_by_patient = [d.text("patientInstruction") for d in dosages] + [request.text("patientInstruction")]
    dosage = rendered or textual or _texts_of(dosages)
    extra = textual if rendered and not _repeats(textual, rendered) else ""
    instructions = [line for line in [extra, *said["patient"], *told_by_patient] if line and not _repeats(line, dosage)]
    return OwnWords(dosage, _joined(instructions), _joined(said["pharmacist"]), _joined(said["comment"]))


def _place(note: Node, text: str) -> str:
    scopes = _scopes(note)
    if scopes & SCOPES_OF_PRESCRIPTION:
        return "comment"
    if scopes & SCOPES_TO_PHARMACIST:
        return "pharmacist"
    if TEXTUAL.match(text) or "LIPRESCTXT" in scopes:
        return "textual"
    return "patient"


def _scopes(note: Node) -> set[str]:
    return {extension.text("valueCode") for extension in note.items("extension")}


def _rendered(request: Node) -> str:
    texts = [e.text("valueMarkdown") or e.text("valueString") for e in request.items("extension") if _is_rendered(e)]
    return _joined(texts)


def _is_rendered(extension: Node) -> bool:
    return extension.text("url") in RENDERED


def _texts_of(dosages: list[Node]) -> str:
    """Only when each step has its text: some of them would pass half a treatment as the whole."""
    texts = [dosage.text("text") for dosage in dosages]
    return _joined(texts) if all(texts) else ""


def _joined(texts: list[str]) -> str:
    return "\n".join(dict.fromkeys(filter(None, texts)))


def _repeats(longer: str, text: str) -> bool:
    """True when `longer` is on one line and ends with `text`: "AMIODARONE 200 mg : 1 comprimé…" adds only the name."""
    flat, end = _flat(longer), _flat(text)
    return not flat or bool(end) and "\n" not in longer and flat.endswith(end) and len(flat) - len(end) <= 200


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", INVISIBLE.sub("", text)).strip(" .;\n").lower()
