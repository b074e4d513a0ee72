"""MedicationDispense (FHIR R4) as pharmacy software says it, read into what the registry records.

status `completed` or `declined` (with statusReasonCodeableConcept) · authorizingPrescription: MedicationRequest/<line>
(DeviceRequest/<line>), or the prescription's groupIdentifier when it has one line for a pharmacy · quantity in boxes ·
whenHandedOver · type FFC, FFP, RFP, RFC: only the P of a partial one is believed, the registry counts by itself ·
medication: CIP13, contained Medication.batch · substitution · supportingInformation.identifier: billing reference ·
performer.actor: the professional · location.display: the pharmacy's name · extensions CHANGE and OVERRIDE.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from prescriptions import numbers, reach
from prescriptions.dispensing import Handed
from prescriptions.fhir import FhirError
from prescriptions.fhir.codes import FINESS_SYSTEMS, RPPS_SYSTEMS, label, product_codes
from prescriptions.fhir.node import Node
from prescriptions.models import DispensingLine, Prescription, PrescriptionLine

BASE = "https://ordolien.test/fhir/StructureDefinition"
CHANGE = f"{BASE}/dispense-change"  # extensions `what`, `why` (valueString), `agreed` (valueDate)
OVERRIDE = f"{BASE}/dispense-override"  # valueString: why the pharmacist goes past the soft rules
MOST_LINES = 100


@dataclass(frozen=True)
class Told:
    prescription: Prescription
    lines: list[Handed]
    dispensed_at: datetime
    pharmacy_name: str
    dispenser: str
    dispenser_rpps: str
    billing_reference: str


def read(resources: list[Node], *, finess: str) -> Told:
    """One dispensing of one prescription. Raises FhirError with the field."""
    if not 0 < len(resources) <= MOST_LINES:
        raise FhirError("entry", _("une délivrance compte de 1 à 100 lignes."), "too-many-lines")
    for resource in resources:
        _check_kind(resource)
        _check_place(resource, finess)
    prescription, lines = _lines_of(resources, finess)
    return Told(
        prescription=prescription,
        lines=[_handed(resource, line) for resource, line in zip(resources, lines, strict=True)],
        dispensed_at=_one([_moment(r) for r in resources], resources[-1].get("whenHandedOver")),
        pharmacy_name=_first(r.text("location", "display") for r in resources)[:160],
        dispenser=_first(a.text("display") for a in _actors(resources))[:160],
        dispenser_rpps=_rpps(resources),
        billing_reference=_billing(resources),
    )


def _first(texts) -> str:
    return next(filter(None, texts), "")


def _one(values: list, place: Node):
    if len(set(values)) != 1:
        raise place.refuse(_("une délivrance a une seule date et une seule facture."), "several-dispensings")
    return values[0]


def _check_kind(resource: Node) -> None:
    if resource.text("resourceType") != "MedicationDispense":
        raise resource.get("resourceType").refuse(_("seul MedicationDispense est attendu ici."), "not-a-dispense")
    if resource.text("status") not in {"completed", "declined"}:
        raise resource.get("status").refuse(
            _("le statut est « completed » ou « declined » ; une annulation se fait par $undo."), "status-not-taken"
        )


def _check_place(resource: Node, finess: str) -> None:
    """Whatever names a structure names the one this software is registered for."""
    for reference in [resource.get("location"), *(p.get("actor") for p in resource.items("performer"))]:
        named = reference.get("identifier")
        if named.text("system") in FINESS_SYSTEMS and named.text("value") != finess:
            raise named.get("value").refuse(
                _("cette structure n’est pas celle pour laquelle ce logiciel est inscrit."), "structure-not-yours"
            )


def _moment(resource: Node) -> datetime:
    at = resource.moment("whenHandedOver")
    if at is None:
        raise resource.get("whenHandedOver").refuse(
            _("la date et l’heure de remise manquent, avec leur fuseau."), "date-missing"
        )
    return at


def _actors(resources: list[Node]) -> list[Node]:
    return [performer.get("actor") for resource in resources for performer in resource.items("performer")]


def _rpps(resources: list[Node]) -> str:
    for actor in _actors(resources):
        named = actor.get("identifier")
        if named.text("system") in RPPS_SYSTEMS:
            if reason := numbers.why_not_rpps(named.text("value")):
                raise named.get("value").refuse(reason.sentence, reason.code)
            return numbers.compact(named.text("value"))
    return ""


def _billing(resources: list[Node]) -> str:
    told = [info for resource in resources for info in resource.items("supportingInformation")]
    found = {info.text("identifier", "value"): info for info in told}
    found.pop("", None)
    if not found:
        return ""
    text = _one(list(found), next(iter(found.values())))
    if len(text) > 60:
        raise found[text].refuse(_("la référence de facturation compte 60 caractères au plus."), "too-long")
    return text


# --- Which line -------------------------------------------------------------------------------------------------------


def _lines_of(resources: list[Node], finess: str) -> tuple[Prescription, list[PrescriptionLine]]:
    found = [_line_of(resource, finess) for resource in resources]
    if len({prescription.pk for prescription, _ in found}) != 1:
        raise FhirError("entry", _("une délivrance est celle d’une seule ordonnance."), "several-prescriptions")
    return found[0][0], [line for _, line in found]


def _line_of(resource: Node, finess: str) -> tuple[Prescription, PrescriptionLine]:
    named = next(iter(resource.items("authorizingPrescription")), resource.get("authorizingPrescription"))
    kind, _slash, id = named.text("reference").rpartition("/")
    if id:
        return _by_reference(named.get("reference"), kind, id, finess)
    return _by_number(named.get("identifier", "value"), finess)


def _by_reference(named: Node, kind: str, id: str, finess: str):
    try:
        wanted = uuid.UUID(id)
    except ValueError:
        raise named.refuse(_("cette ligne n’est pas connue."), "prescription-unknown") from None
    prescription = reach.to_record(finess, lines=wanted)
    if prescription is None or kind not in {"MedicationRequest", "DeviceRequest", "Request"}:
        raise named.refuse(_("cette ligne n’est pas connue."), "prescription-unknown")
    return prescription, next(line for line in prescription.lines.all() if line.pk == wanted)


def _by_number(named: Node, finess: str):
    number = numbers.normalise_number(str(named.value or ""))
    prescription = reach.to_record(finess, number=number) if number else None
    if prescription is None:
        raise named.refuse(_("aucune ordonnance n’a ce numéro."), "prescription-unknown")
    lines = [line for line in prescription.lines.all() if line.is_for_pharmacy()]
    if len(lines) != 1:
        raise named.refuse(_("cette ordonnance a plusieurs lignes : nommez celle-ci par son id."), "line-ambiguous")
    return prescription, lines[0]


# --- What was done ----------------------------------------------------------------------------------------------------


def _handed(resource: Node, line: PrescriptionLine) -> Handed:
    declined = resource.text("status") == "declined"
    product, batch = _product(resource)
    change = _extension(resource, CHANGE)
    return Handed(
        line=line,
        quantity=0 if declined else _boxes(resource),
        complete=not _first(c.text("code") for c in resource.items("type", "coding")).endswith("P"),
        cip13="" if declined else _cip13(product),
        delivered_name="" if declined else label(product)[:500],
        lot=_short(batch.get("lotNumber"), 40),
        expires_on=batch.day("expirationDate"),
        substitution=_substitution(resource),
        substitution_reason=_short(_reason(resource), 200),
        change=_short(_extension(change, "what").get("valueString"), 300),
        change_reason=_short(_extension(change, "why").get("valueString"), 200),
        prescriber_agreed_on=_extension(change, "agreed").day("valueDate"),
        override_reason=_short(_extension(resource, OVERRIDE).get("valueString"), 300),
        not_dispensed_reason=_why_not(resource) if declined else "",
    )


def _short(node: Node, most: int) -> str:
    text = Node({"text": node.value}, node.path).text("text")
    if len(text) > most:
        raise node.refuse(_("ce texte est trop long."), "too-long")
    return text


def _boxes(resource: Node) -> int:
    value = resource.number("quantity", "value")
    if value is None or value != int(value) or not 0 < value <= 999:
        raise resource.get("quantity", "value").refuse(
            _("la quantité est un nombre entier de boîtes, 1 au moins."), "quantity-invalid"
        )
    return int(value)


def _product(resource: Node) -> tuple[Node, Node]:
    """The CodeableConcept of what was handed over, and its batch."""
    contained = next((c for c in resource.items("contained") if c.text("resourceType") == "Medication"), None)
    batch = contained.get("batch") if contained else Node(None, resource.path)
    own = resource.get("medicationCodeableConcept")
    return (own if own or contained is None else contained.get("code")), batch


def _cip13(product: Node) -> str:
    code = product_codes(product).get("cip13", "") if product else ""
    if code and (reason := numbers.why_not_cip13(code)):
        raise product.refuse(reason.sentence, reason.code)
    return code


def _substitution(resource: Node) -> str:
    said = resource.get("substitution")
    if not said.flag("wasSubstituted"):
        return ""
    code = _first(c.text("code") for c in said.items("type", "coding")) or DispensingLine.Substitution.GENERIC
    if code not in DispensingLine.Substitution.values:
        raise said.get("type").refuse(_("la substitution est G, E ou TE."), "substitution-unknown")
    return str(code)


def _reason(resource: Node) -> Node:
    reasons = resource.items("substitution", "reason")
    return reasons[0].get("text") if reasons else Node(None, resource.path)


def _extension(holder: Node, url: str) -> Node:
    if not holder:
        return Node(None, holder.path)
    return next((e for e in holder.items("extension") if e.text("url") == url), Node(None, f"{holder.path}.extension"))


def _why_not(resource: Node) -> str:
    concept = resource.get("statusReasonCodeableConcept")
    text = label(concept) if concept else ""
    if not 0 < len(text) <= 200:
        raise concept.refuse(_("dites pourquoi rien n’a été délivré, en 200 caractères au plus."), "reason-missing")
    return text
