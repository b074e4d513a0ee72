"""A whole bundle: which prescriptions it holds, for whom, by whom."""

from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from prescriptions import numbers
from prescriptions.fhir import codes, people
from prescriptions.fhir.consent import is_opposed
from prescriptions.fhir.lines import REFUSED, TAKEN, line_of
from prescriptions.fhir.links import tell_links
from prescriptions.fhir.node import FhirError, Node
from prescriptions.fhir.shelf import BUNDLE_TYPES, Shelf
from prescriptions.fhir.text import check_bounds
from prescriptions.fhir.words import own_words
from prescriptions.intake.drafts import PrescriptionDraft

MAX_LINES = 200
HEIGHT, WEIGHT = "8302-2", "29463-7"  # LOINC


@dataclass
class Deposit:
    """One prescription of a bundle. `patient`, `prescriber`: None when the bundle does not identify them."""

    draft: PrescriptionDraft
    patient: people.PatientTraits | None
    prescriber: people.PrescriberTraits | None
    replaced: people.PrescriberTraits | None = None  # when a locum writes
    warnings: list[str] = field(default_factory=list)  # what was taken on a guess that only one reading allows


def read_bundle(data: dict) -> list[Deposit]:
    """One deposit a `groupIdentifier`, in the order of the bundle. Raises FhirError; writes nothing."""
    check_bounds(data)
    shelf = Shelf(_bundle(data))
    requests = _requests(shelf)
    people.refuse_two_patients(requests, shelf)
    lone = _lone_medication(shelf, requests)
    return [_deposit(group, shelf, lone, data) for group in _groups(requests)]


def _bundle(data) -> Node:
    if not isinstance(data, dict) or data.get("resourceType") != "Bundle":
        raise FhirError("resourceType", _("ce fichier n’est pas un Bundle FHIR. Demandez un export FHIR R4."))
    bundle = Node(data)
    if bundle.text("type") not in BUNDLE_TYPES:
        raise bundle.get("type").refuse(_("ce type de Bundle n’est pas connu."))
    return bundle


def _requests(shelf: Shelf) -> list[Node]:
    for resource in shelf.of(*REFUSED):
        raise resource.refuse(
            _("ce type de prescription n’est pas encore pris. Rien n’a été enregistré : envoyez-le à part.")
        )
    requests = shelf.of(*TAKEN)
    if not requests:
        raise FhirError("entry", _("aucune prescription ici (MedicationRequest, DeviceRequest ou ServiceRequest)."))
    if len(requests) > MAX_LINES:
        raise FhirError("entry", _("plus de 200 lignes : ce n’est pas une ordonnance."))
    return requests


def _groups(requests: list[Node]) -> list[list[Node]]:
    groups: dict[tuple, list[Node]] = {}
    for request in requests:
        identifier = _group_of(request)
        groups.setdefault((identifier.text("system"), identifier.text("value")), []).append(request)
    return list(groups.values())


def _group_of(request: Node) -> Node:
    """ServiceRequest calls it `requisition`."""
    return request.get("requisition" if request.text("resourceType") == "ServiceRequest" else "groupIdentifier")


def _lone_medication(shelf: Shelf, requests: list[Node]) -> Node | None:
    """The only Medication that nothing points to, when only one line points nowhere: then there is one way to read."""
    pointing = [r for r in requests if r.get("medicationReference")]
    found = [shelf.find(r.get("medicationReference"), inside=r, kind="Medication") for r in pointing]
    inside = [
        shelf.find(i.get("itemReference"), inside=m, kind="Medication")
        for m in shelf.of("Medication")
        for i in m.items("ingredient")
    ]
    used = {node.path for node in [*found, *inside] if node is not None}
    unused = [m for m in shelf.of("Medication") if m.path not in used]
    return unused[0] if found.count(None) == 1 and len(unused) == 1 else None


def _deposit(requests: list[Node], shelf: Shelf, lone: Node | None, data: dict) -> Deposit:
    lines = [line_of(request, shelf, lone) for request in requests]
    by_id = {r.text("id"): line for r, line in zip(requests, lines, strict=True) if r.text("id")}
    for group in shelf.of("RequestGroup"):
        tell_links(group, by_id)
    first = requests[0]
    draft = PrescriptionDraft(
        authored_on=_authored_on(requests),
        lines=lines,
        number=_number(first),
        valid_until=_valid_until(requests),
        flags=_flags(requests),
        lap_certification=_certification(shelf),
        weight_kg=_measure(shelf, WEIGHT, {"kg": Decimal(1), "g": Decimal("0.001")}, 500, Decimal("0.01")),
        height_cm=_measure(shelf, HEIGHT, {"cm": Decimal(1), "m": Decimal(100)}, 300, Decimal("0.1")),
        comment=_comment(requests, shelf),
        named_pharmacy=_named_pharmacy(requests),
        opposed=is_opposed(shelf),
        restricted=_is_restricted(requests),
        source=data,
    )
    return Deposit(
        draft,
        people.patient_of(first, shelf),
        _prescriber(requests, shelf),
        people.replaced_of(shelf),
        _warnings(requests, shelf, lone),
    )


def _prescriber(requests: list[Node], shelf: Shelf) -> people.PrescriberTraits | None:
    for request in requests[1:]:
        if request.get("requester").value != requests[0].get("requester").value:
            raise request.get("requester").refuse(_("deux prescripteurs pour une même ordonnance. Séparez-les."))
    return people.prescriber_of(requests[0], shelf)


def _authored_on(requests: list[Node]):
    found = None
    for request in requests:
        day = request.day("authoredOn")
        if day is None:
            raise request.get("authoredOn").refuse(_("la date de l’ordonnance manque (AAAA-MM-JJ)."))
        if found not in (None, day):
            raise request.get("authoredOn").refuse(_("deux dates pour une même ordonnance. Séparez-les."))
        found = day
    return found


def _number(request: Node) -> str:
    """Only the unique prescription number (EPU); a software's own group number is not one."""
    identifier = _group_of(request)
    if identifier.text("system") != codes.NUMBER_SYSTEM:
        return ""
    reason = numbers.why_not_number(identifier.text("value"))
    if reason is not None:
        raise identifier.get("value").refuse(reason.sentence)
    return numbers.normalise_number(identifier.text("value"))


def _valid_until(requests: list[Node]):
    ends = [request.get("dispenseRequest", "validityPeriod").day("end") for request in requests]
    return max(filter(None, ends), default=None)


def _flags(requests: list[Node]) -> list[str]:
    concepts = [
        c
        for r in requests
        for c in (*r.items("category"), *(e.get("valueCodeableConcept") for e in r.items("extension")))
    ]
    return [code for code in dict.fromkeys(codes.codes_of(concepts)) if code in codes.PRESCRIPTION_FLAGS]


def _certification(shelf: Shelf) -> str:
    """The prescribing software's certification number: the assembler of a Provenance."""
    for provenance in shelf.of("Provenance"):
        for agent in provenance.items("agent"):
            if "assembler" in codes.codes_of([agent.get("type")]):
                return agent.text("who", "identifier", "value")[:60]
    return ""


def _measure(shelf: Shelf, loinc: str, units: dict, maximum: int, exponent: Decimal) -> Decimal | None:
    for observation in shelf.of("Observation"):
        if loinc not in codes.codes_of([observation.get("code")]):
            continue
        quantity = observation.get("valueQuantity")
        value, unit = quantity.number("value"), quantity.text("code") or quantity.text("unit")
        if value is None or unit not in units or not 0 < value * units[unit] < maximum:
            raise quantity.refuse(_("le poids (kg) ou la taille (cm) n’est pas lisible."))
        return (value * units[unit]).quantize(exponent)
    return None


def _comment(requests: list[Node], shelf: Shelf) -> str:
    said = [own_words(request, []).comment for request in requests]
    said += [note.text("text") for group in shelf.of("RequestGroup") for note in group.items("note")]
    return "\n".join(dict.fromkeys(filter(None, said)))


def _named_pharmacy(requests: list[Node]) -> str:
    """The dispenser written on a secured prescription."""
    names = (request.text("dispenseRequest", "performer", "display") for request in requests)
    return next(filter(None, names), "")[:160]


def _is_restricted(requests: list[Node]) -> bool:
    """Confidentiality R or V (v3-Confidentiality): not for a parent or a carer."""
    return any(label.text("code") in {"R", "V"} for r in requests for label in r.items("meta", "security"))


def _warnings(requests: list[Node], shelf: Shelf, lone: Node | None) -> list[str]:
    if lone is None:
        return []
    lost = [r for r in requests if r.get("medicationReference")]
    lost = [r for r in lost if shelf.find(r.get("medicationReference"), inside=r, kind="Medication") is None]
    return [
        _("%(path)s : la référence ne mène à rien ; le seul produit décrit dans le fichier a été pris.")
        % {"path": request.get("medicationReference").path}
        for request in lost
    ]
