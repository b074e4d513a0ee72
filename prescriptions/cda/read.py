"""A CDA document of a prescription, read into a draft. Nothing is written here.

Taken: eP-MED-DM of any version (2022.01 to 2024.01), and level 1 documents that wrap the PDF of a prescription. What
cannot be taken faithfully is refused with a CdaError that names the element.
"""

import base64
import binascii
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from prescriptions import numbers
from prescriptions.cda import codes
from prescriptions.cda.node import CdaError, Node
from prescriptions.cda.parse import parse
from prescriptions.cda.read_lines import MAX_TEXT, lines_of
from prescriptions.cda.read_narrative import Narrative
from prescriptions.cda.read_people import dispenser_of, patient_of, prescriber_of, replaced_of
from prescriptions.fhir.people import PatientTraits, PrescriberTraits
from prescriptions.intake.drafts import PrescriptionDraft

DISPENSATION = "60593-1"
COMMENT, PDF_COPY = "1.2.250.1.213.1.1.2.73", "1.2.250.1.213.1.1.2.243"
PREGNANT = "77386006"  # SNOMED CT
WEIGHT, HEIGHT = "29463-7", "8302-2"
RESTRICTED = {"R", "V"}
LEVEL_1 = "N1"


@dataclass(frozen=True)
class CdaDeposit:
    """`patient`, `prescriber`: None when the document does not identify them. `version`: "2024.01"…, "N1" for a PDF.

    `draft.number` is the number in the document, which another registry gave. A wrapped PDF has no lines.
    """

    draft: PrescriptionDraft
    patient: PatientTraits | None
    prescriber: PrescriberTraits | None
    pdf: bytes | None
    version: str
    replaced: PrescriberTraits | None = None


def read(data: bytes) -> CdaDeposit:
    """Raises CdaError."""
    document = parse(data)
    version = _version(document)
    draft = _draft(document, version)
    pdf = _wrapped_pdf(document) if version == LEVEL_1 else _pdf_copy(document)
    prescriber, replaced = prescriber_of(document), replaced_of(document)
    draft.source = _source(document, version, draft, prescriber, replaced)
    return CdaDeposit(draft, patient_of(document), prescriber, pdf, version, replaced)


def _version(document: Node) -> str:
    code = document.at("code", "code")
    if code == DISPENSATION:
        raise document.refuse(
            _("c’est un compte rendu de délivrance, et non une ordonnance. Rien n’a été enregistré."),
            "dispensing-report",
        )
    for template in document.all("templateId"):
        if template.get("root") == codes.EP_MED_DM and document.one("component/structuredBody"):
            return template.get("extension")[:20]
    if code in codes.PRESCRIPTIONS and document.one("component/nonXMLBody"):
        return LEVEL_1
    raise document.refuse(
        _("ce document n’est pas une ordonnance de médicaments ou de dispositifs (eP-MED-DM)."), "not-a-prescription"
    )


def _draft(document: Node, version: str) -> PrescriptionDraft:
    narrative, act = Narrative(document), _act(document)
    lines = lines_of(document, narrative) if version != LEVEL_1 else []
    if not lines and version != LEVEL_1:
        raise document.refuse(_("cette ordonnance ne prescrit rien : aucune ligne n’a été trouvée."))
    return PrescriptionDraft(
        authored_on=_authored_on(document, act),
        lines=lines,
        number=_number(act),
        valid_until=_end(act),
        flags=_flags(document),
        weight_kg=_measure(document, WEIGHT, {"kg": Decimal(1), "g": Decimal("0.001")}, 500, Decimal("0.01")),
        height_cm=_measure(document, HEIGHT, {"cm": Decimal(1), "m": Decimal(100)}, 300, Decimal("0.1")),
        comment=_comment(document, narrative),
        named_pharmacy=dispenser_of(document)[:160],
        restricted=document.at("confidentialityCode", "code") in RESTRICTED,
    )


# --- The header -------------------------------------------------------------------------------------------------------


def _events(document: Node) -> list[Node]:
    return document.all("documentationOf/serviceEvent")


def _act(document: Node) -> Node | None:
    """The prescription itself among what the document is about: the others are its sub-types."""
    events = [event for event in _events(document) if event.at("code", "code") not in codes.SUBTYPES]
    return next((event for event in events if event.one("effectiveTime")), None)


def _authored_on(document: Node, act: Node | None):
    first = act.one("effectiveTime/low") if act else None
    time = first or document.one("effectiveTime")
    day = time.day() if time else None
    if day is None:
        raise document.refuse(_("la date de l’ordonnance manque (effectiveTime)."))
    return day


def _end(act: Node | None):
    last = act.one("effectiveTime/high") if act else None
    return last.day() if last else None


def _number(act: Node | None) -> str:
    for identifier in act.all("id") if act else []:
        if identifier.get("root") == codes.NUMBER:
            reason = numbers.why_not_number(identifier.get("extension"))
            if reason is not None:
                raise identifier.refuse(reason.sentence, reason.code)
            return numbers.normalise_number(identifier.get("extension"))
    return ""


def _flags(document: Node) -> list[str]:
    found = {event.at("code", "code") for event in _events(document)}
    return [flag.value for flag in codes.SUBTYPES if flag.value in found]


# --- The sections around the lines ------------------------------------------------------------------------------------


def _sections(document: Node, template: str = "") -> list[Node]:
    sections = document.all("component/structuredBody/component/section")
    return [section for section in sections if not template or section.has_template(template)]


def _observations(document: Node, code: str) -> list[Node]:
    paths = ("entry/organizer/component/observation", "entry/observation")
    found = [each for section in _sections(document) for path in paths for each in section.all(path)]
    return [observation for observation in found if observation.at("code", "code") == code]


def _measure(document: Node, code: str, units: dict, maximum: int, exponent: Decimal) -> Decimal | None:
    for observation in _observations(document, code):
        quantity = observation.one("value")
        value, unit = (quantity.number(), quantity.get("unit")) if quantity else (None, "")
        if value is None or unit not in units or not 0 < value * units[unit] < maximum:
            raise observation.refuse(_("le poids (kg) ou la taille (cm) n’est pas lisible."))
        return (value * units[unit]).quantize(exponent)
    return None


def _comment(document: Node, narrative: Narrative) -> str:
    said = [narrative.text("commentaire")] if narrative.identifiers("commentaire|acte-001") else []
    if not said:
        said = [section.text("text") for section in _sections(document, COMMENT)]
    pregnancies = [each.one("value") for each in _observations(document, "11449-6")]
    if any(value and value.get("code") == PREGNANT for value in pregnancies):
        said.append("Grossesse en cours.")
    comment = "\n".join(filter(None, said))
    if len(comment) > MAX_TEXT:
        raise document.refuse(_("le commentaire dépasse 5 000 caractères."))
    return comment


# --- The PDF ----------------------------------------------------------------------------------------------------------


def _pdf_copy(document: Node) -> bytes | None:
    for section in _sections(document, PDF_COPY):
        for value in section.all("entry/organizer/component/observationMedia/value"):
            if value.get("mediaType") == "application/pdf":
                return _decoded(value)
    return None


def _wrapped_pdf(document: Node) -> bytes:
    body = document.one("component/nonXMLBody/text")
    if body is None or body.get("mediaType") != "application/pdf":
        raise document.refuse(_("le PDF attendu n’est pas dans ce document (nonXMLBody)."))
    return _decoded(body)


def _decoded(value: Node) -> bytes:
    try:
        content = base64.b64decode("".join((value.element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(b"%PDF-"):
        raise value.refuse(_("le PDF joint n’est pas lisible. Demandez à l’expéditeur de l’envoyer à nouveau."))
    return content


# --- What is kept of it -----------------------------------------------------------------------------------------------


def _source(document: Node, version: str, draft: PrescriptionDraft, prescriber, replaced) -> dict:
    """What the rows have no place for. The document itself is kept beside."""
    return {
        "format": "cda",
        "version": version,
        "document": {name: document.at("id", name) for name in ("root", "extension")},
        "number": draft.number,
        "prescriber": kept(prescriber),
        "replaced": kept(replaced),
    }


def kept(traits: PrescriberTraits | None) -> dict | None:
    if traits is None:
        return None
    return {name: value for name, value in vars(traits).items() if value and name != "path"}


__all__ = ["CdaDeposit", "CdaError", "read"]
