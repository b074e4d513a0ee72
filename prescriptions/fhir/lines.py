"""One request, one line: MedicationRequest, DeviceRequest, ServiceRequest."""

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from prescriptions.fhir import codes, quantities
from prescriptions.fhir.node import Node
from prescriptions.fhir.products import MAX_NAME, product_of
from prescriptions.fhir.shelf import Shelf, refuse_modifiers
from prescriptions.fhir.words import own_words
from prescriptions.intake.drafts import LineDraft
from prescriptions.models import PrescriptionLine

Kind = PrescriptionLine.Kind
TAKEN = ("MedicationRequest", "DeviceRequest", "ServiceRequest")
REFUSED = ("VisionPrescription", "NutritionOrder", "SupplyRequest", "MedicationStatement")
ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order", "option"}
NO_SUBSTITUTION = set(PrescriptionLine.NoSubstitution.values)
MAX_QUANTITY = Decimal("9999999")


def line_of(request: Node, shelf: Shelf, lone_medication: Node | None) -> LineDraft:
    _refuse_if_not_an_order(request)
    refuse_modifiers(request)
    kind = request.text("resourceType")
    if kind == "MedicationRequest":
        return _medicine(request, shelf, lone_medication)
    return _device(request, shelf) if kind == "DeviceRequest" else _service(request)


def _refuse_if_not_an_order(request: Node) -> None:
    if request.text("status") != "active":
        raise request.get("status").refuse(
            _("cette ligne n’est pas active dans le logiciel d’origine. Retirez-la ou faites-la valider.")
        )
    if request.text("intent") not in ORDERS:
        raise request.get("intent").refuse(_("cette ligne n’est pas une prescription (order). Retirez-la."))
    if request.flag("doNotPerform"):
        raise request.get("doNotPerform").refuse(
            _("cette ligne interdit le produit au lieu de le prescrire. Retirez-la.")
        )


def _medicine(request: Node, shelf: Shelf, lone_medication: Node | None) -> LineDraft:
    product = product_of(request, shelf, lone_medication)
    dosages = request.items("dosageInstruction")
    words = own_words(request, dosages)
    if not dosages and not words.dosage:
        raise request.get("dosageInstruction").refuse(_("la posologie manque. Complétez-la dans le logiciel."))
    for dosage in dosages:
        if not isinstance(dosage.value, dict) or not dosage:
            raise dosage.refuse(_("une posologie est attendue ici."))
    supply = request.get("dispenseRequest")
    return LineDraft(
        kind=Kind.MEDICINE,
        name=product.name,
        form=_bounded(request, product.form, 120),
        codes=product.codes,
        components=product.components,
        dosage=[dosage.value for dosage in dosages],
        dosage_text=words.dosage,
        instructions=words.instructions,
        dispenser_note=words.to_pharmacist,
        starts_on=_start(dosages),
        duration_days=quantities.days(supply.get("expectedSupplyDuration")) or _duration(dosages),
        quantity=_quantity(supply.get("quantity")),
        quantity_unit=_bounded(supply, supply.text("quantity", "unit"), 60),
        renewals=quantities.small_count(supply.get("numberOfRepeatsAllowed"), maximum=99),
        no_substitution=_no_substitution(request.get("substitution")),
        flags=_flags(request),
    )


def _device(request: Node, shelf: Shelf) -> LineDraft:
    concept = request.get("codeCodeableConcept")
    device = shelf.find(request.get("codeReference"), inside=request, kind="Device")
    if device:
        concept = device.get("type")
    name = codes.label(concept) or _device_name(device) or request.text("codeReference", "display")
    parameters = {codes.label(p.get("code")).lower(): p.get("valueQuantity") for p in request.items("parameter")}
    quantity, renewals = parameters.get("quantité"), parameters.get("renouvellements")
    return _act(
        request,
        Kind.DEVICE,
        _required(request, name, "code[x]"),
        codes=codes.product_codes(concept),
        quantity=_quantity(quantity) if quantity else None,
        quantity_unit=_bounded(quantity, quantity.text("unit"), 60) if quantity else "",
        renewals=quantities.small_count(renewals.get("value"), maximum=99) if renewals else 0,
        duration_days=quantities.days(parameters["durée"]) if "durée" in parameters else None,
    )


def _device_name(device: Node | None) -> str:
    return next((n.text("name") for n in device.items("deviceName")), "") if device else ""


def _service(request: Node) -> LineDraft:
    found = codes.codes_of(request.items("category"))
    kind = next((codes.SERVICE_KINDS[code] for code in found if code in codes.SERVICE_KINDS), Kind.OTHER)
    details = [codes.label(detail) for detail in request.items("orderDetail")]
    name = ", ".join(filter(None, [codes.label(request.get("code")), *details]))
    return _act(
        request,
        kind,
        _required(request, name, "code"),
        codes=codes.product_codes(request.get("code")),
        quantity=_quantity(request.get("quantityQuantity")),
        quantity_unit=_bounded(request, request.text("quantityQuantity", "unit"), 60),
    )


def _act(request: Node, kind: str, name: str, **facts) -> LineDraft:
    """What a device and an act share: when (a Timing, kept as a Dosage), the prescriber's words, flags."""
    timing = request.get("occurrenceTiming")
    words = own_words(request, [])
    dosage = [{"timing": timing.value}] if timing else []
    as_dosage = [Node(item, request.path) for item in dosage]
    duration = facts.pop("duration_days", None) or _duration(as_dosage)
    return LineDraft(
        kind=kind,
        name=name,
        dosage=dosage,
        dosage_text=words.dosage,
        instructions=words.instructions,
        dispenser_note=words.to_pharmacist,
        starts_on=_start(as_dosage) or request.day("occurrenceDateTime") or request.day("occurrencePeriod", "start"),
        duration_days=duration or quantities.days_of_period(request.get("occurrencePeriod")),
        flags=_flags(request),
        **facts,
    )


def _required(request: Node, name: str, field: str) -> str:
    if not name or len(name) > MAX_NAME:
        raise request.get(field).refuse(_("ce qui est prescrit doit avoir un libellé de 1 à 500 caractères."))
    return name


def _bounded(where: Node, text: str, maximum: int) -> str:
    if len(text) > maximum:
        raise where.refuse(_("un libellé dépasse %(max)s caractères : abrégez-le.") % {"max": maximum})
    return text


def _quantity(quantity: Node) -> Decimal | None:
    value = quantity.number("value")
    if value is not None and not Decimal("0.01") <= value <= MAX_QUANTITY:
        raise quantity.refuse(_("la quantité doit être plus grande que zéro."))
    return value.quantize(Decimal("0.01")) if value is not None else None


def _start(dosages: list[Node]) -> date | None:
    starts = [dosage.get("timing", "repeat", "boundsPeriod").day("start") for dosage in dosages]
    return min(filter(None, starts), default=None)


def _duration(dosages: list[Node]) -> int | None:
    """Said by the dosages only when all of them say the same; steps one after the other are not added up here."""
    found = set()
    for dosage in dosages:
        repeat = dosage.get("timing", "repeat")
        found.add(
            quantities.days(repeat.get("boundsDuration")) or quantities.days_of_period(repeat.get("boundsPeriod"))
        )
    return found.pop() if len(found) == 1 else None


def _no_substitution(substitution: Node) -> str:
    """MTE, EFG or CIF when the prescriber forbids a substitute; the reason is then required (CSS L162-16)."""
    forbidden = substitution.flag("allowedBoolean") is False
    forbidden = forbidden or "N" in codes.codes_of([substitution.get("allowedCodeableConcept")])
    if not forbidden:
        return ""
    reason = substitution.get("reason")
    words = {*codes.codes_of([reason]), codes.label(reason).upper()}
    found = next((word for word in sorted(words) if word in NO_SUBSTITUTION), "")
    if not found:
        raise reason.refuse(_("la mention « non substituable » doit être motivée : MTE, EFG ou CIF."))
    return found


def _flags(request: Node) -> list[str]:
    found = [codes.LINE_FLAGS.get(code) for code in codes.codes_of(_categories(request))]
    return list(dict.fromkeys(filter(None, found)))


def _categories(request: Node) -> list[Node]:
    """DeviceRequest has no category in R4: its flags come as the extension of the same meaning."""
    return [*request.items("category"), *(e.get("valueCodeableConcept") for e in request.items("extension"))]
