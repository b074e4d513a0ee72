"""What is prescribed: one line for each coded entry, and for each act that the document only has in words."""

import re
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from prescriptions.cda import codes
from prescriptions.cda.node import Node
from prescriptions.cda.others import STYLES
from prescriptions.cda.read_narrative import Narrative, reference_of
from prescriptions.cda.read_steps import dosage_of, unit_in_words
from prescriptions.cda.read_words import dosage_text
from prescriptions.intake.drafts import LineDraft
from prescriptions.models import PrescriptionLine

Kind = PrescriptionLine.Kind
MAX_LINES = 200
MAX_NAME = 500
MAX_TEXT = 5000
MAX_QUANTITY = Decimal("9999999")
MAX_DAYS = 3660
MEDICINES, DEVICES = "1.2.250.1.213.1.1.2.171", "1.2.250.1.213.1.1.2.222"
TO_PATIENT, TO_DISPENSER = "1.2.250.1.213.1.1.3.33", "1.2.250.1.213.1.1.3.34"
QUANTITY, SUBSTITUTION = "1.2.250.1.213.1.1.3.86", "1.2.250.1.213.1.1.3.87"
DAYS = {"h": Decimal(1) / 24, "d": Decimal(1), "wk": Decimal(7), "mo": Decimal(30), "a": Decimal(365)}
PACKS = {code: words for words, code in codes.PACKS.items()} | codes.OTHER_PACKS
SYSTEMS = {system: name for name, (system, _) in codes.PRODUCT_SYSTEMS.items()}
FLAG_CODES = {code: flag for flag, (_, code, *_) in codes.LINE_FLAGS.items()}
KINDS = {style: kind for kind, style in STYLES.items()}
AMOUNT = re.compile(r"\d+(?:[.,]\d+)?\s*(.*)", re.DOTALL)
# How the three reasons are worded (arrêté of 12 November 2019), when their letters are not written.
REASONS = {"MTE": r"\bMTE\b|marge th", "EFG": r"\bEFG\b|enfant|6 ans", "CIF": r"\bCIF\b|contre-indic|excipient"}


def lines_of(document: Node, narrative: Narrative) -> list[LineDraft]:
    """Medicines, then devices, then the acts that are only in words."""
    medicines = _entries(document, MEDICINES, "substanceAdministration")
    devices = _entries(document, DEVICES, "supply")
    acts = narrative.identifiers(r"acte-\d{3}")
    if len(medicines) + len(devices) + len(acts) > MAX_LINES:
        raise document.refuse(_("plus de 200 lignes : ce n’est pas une ordonnance."))
    coded = [(_medicine, entry) for entry in medicines] + [(_device, entry) for entry in devices]
    lines = [_bounded(read(entry, narrative), entry) for read, entry in coded]
    return lines + [_act(identifier, narrative) for identifier in acts]


def _bounded(line: LineDraft, entry: Node) -> LineDraft:
    if max(map(len, (line.dosage_text, line.instructions, line.dispenser_note))) > MAX_TEXT:
        raise entry.refuse(_("une consigne ou une posologie dépasse 5 000 caractères."))
    return line


def _entries(document: Node, template: str, tag: str) -> list[Node]:
    sections = [s for s in document.all("component/structuredBody/component/section") if s.has_template(template)]
    return [entry for section in sections for entry in section.all(f"entry/{tag}")]


# --- Medicines --------------------------------------------------------------------------------------------------------


def _medicine(entry: Node, narrative: Narrative) -> LineDraft:
    identifier = reference_of(entry.one("text"))
    material = entry.one("consumable/manufacturedProduct/manufacturedMaterial")
    if material is None:
        raise entry.refuse(_("le produit prescrit manque ici (manufacturedMaterial)."))
    dosage = dosage_of(entry, narrative, identifier)
    starts_on, days = _duration(entry)
    no_substitution, why = _no_substitution(entry, narrative)
    return LineDraft(
        kind=Kind.MEDICINE,
        name=product_name(material, narrative, identifier),
        form=_form(material)[:120],
        codes=product_codes(material.all("code")),
        components=_components(material, narrative),
        dosage=dosage,
        dosage_text=dosage_text(entry, narrative, identifier, is_coded=bool(dosage)),
        instructions=told(entry, TO_PATIENT, narrative),
        dispenser_note="\n".join(filter(None, [why, told(entry, TO_DISPENSER, narrative)])),
        starts_on=starts_on,
        duration_days=days,
        renewals=_renewals(entry),
        no_substitution=no_substitution,
        flags=_flags(entry),
        **quantity_of(_supplied(entry), narrative),
    )


def product_name(material: Node, narrative: Narrative, identifier: str) -> str:
    """Of the product, else of its code, else what the narrative says there."""
    said = material.text("name") or material.at("code", "displayName")
    for code in material.all("code"):
        said = said or narrative.original(code)
    return _required(said or narrative.text(identifier), material)


def _required(name: str, node: Node) -> str:
    """On one line: « Préparation magistrale : 30 g de…, 70 g de… »."""
    first, *others = [line.removeprefix("- ").strip() for line in name.split("\n") if line.strip()] or [""]
    name = " ".join(filter(None, [first, ", ".join(others)]))
    if not name or len(name) > MAX_NAME:
        raise node.refuse(_("ce qui est prescrit doit avoir un libellé de 1 à 500 caractères."))
    return name


def _form(material: Node) -> str:
    form = material.all("pharm:formCode")
    return form[0].get("displayName") or form[0].text("pharm:originalText") if form else ""


def product_codes(found: list[Node]) -> dict:
    coded = {}
    for code in [each for node in found for each in (node, *node.all("translation"))]:
        name = SYSTEMS.get(code.get("codeSystem"))
        if name and code.get("code"):
            coded.setdefault(name, _code(code))
    return coded


def _code(node: Node) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.-]{1,40}", node.get("code")):
        raise node.refuse(_("ce code de produit n’a pas la forme d’un code."))
    return node.get("code")


def _components(material: Node, narrative: Narrative) -> list[dict]:
    """Of a mixture; what a plain medicine is made of is in its name."""
    parts = material.all("pharm:ingredient")
    found = [_component(part, narrative) for part in parts]
    is_ours = any(part.one("pharm:ingredient/pharm:code") is None for part in parts)
    return [component for component in found if component["name"]] if is_ours or len(found) > 1 else []


def _component(part: Node, narrative: Narrative) -> dict:
    words = part.element.find("{*}ingredient/{*}code/{*}originalText/{*}reference")
    place = words.get("value", "").removeprefix("#") if words is not None else ""
    strength = narrative.text(f"{place}-dosage") if place else _strength(part)
    return {
        "name": part.text("pharm:ingredient/pharm:name"),
        "strength": strength,
        "diluent": part.get("classCode") == "IACT",
    }


def _strength(part: Node) -> str:
    above, below = part.one("pharm:quantity/numerator"), part.one("pharm:quantity/denominator")
    if above is None:
        return ""
    told = f"{above.get('value').replace('.', ',')} {above.get('unit')}".strip()
    unit = below.get("unit") if below else ""
    return f"{told}/{unit}" if unit and below.get("value") == "1" else told


def _duration(entry: Node) -> tuple[date | None, int | None]:
    """The first effectiveTime: both ends count."""
    time = next((time for time in entry.all("effectiveTime") if time.type == "IVL_TS"), None)
    if time is None:
        return None, None
    low, high, width = time.one("low"), time.one("high"), time.one("width")
    first, last = low.day() if low else None, high.day() if high else None
    if first and last:
        if last < first:
            raise time.refuse(_("la fin du traitement vient avant son début."))
        return first, _bounded_days((last - first).days + 1, time)
    return first, _days(width) if width else None


def _days(width: Node) -> int | None:
    value, unit = width.number(), width.get("unit")
    if value is None or unit not in DAYS:
        raise width.refuse(_("cette durée n’est pas lisible : un nombre de d, wk, mo ou a."))
    return _bounded_days(-int(-value * DAYS[unit] // 1), width)


def _bounded_days(days: int, node: Node) -> int:
    if not 0 < days <= MAX_DAYS:
        raise node.refuse(_("cette durée n’est pas celle d’un traitement : entre 1 jour et 10 ans."))
    return days


def _renewals(entry: Node) -> int:
    """0 when the number is not limited (nullFlavor NI): the words say until when."""
    repeat = entry.one("repeatNumber")
    value = repeat.number() if repeat else None
    if value is not None and (value != value.to_integral_value() or value > 99):
        raise repeat.refuse(_("un nombre entier entre 0 et 99 est attendu ici."))
    return int(value or 0)


def _supplied(entry: Node) -> Node | None:
    supplies = [relation.one("supply") for relation in entry.all("entryRelationship")]
    return next((s.one("quantity") for s in supplies if s and s.has_template(QUANTITY)), None)


def quantity_of(quantity: Node | None, narrative: Narrative) -> dict:
    value = quantity.number() if quantity else None
    if value is None:
        return {}
    if not Decimal("0.01") <= value <= MAX_QUANTITY:
        raise quantity.refuse(_("la quantité doit être plus grande que zéro."))
    return {"quantity": value.quantize(Decimal("0.01")), "quantity_unit": _unit(quantity, narrative)[:60]}


def _unit(quantity: Node, narrative: Narrative) -> str:
    unit = quantity.get("unit")
    if unit in PACKS:
        return PACKS[unit]
    said = AMOUNT.match(narrative.original(quantity.one("translation")))
    if said:
        return unit_in_words(said.group(1), unit)
    return "conditionnement" if unit.isdigit() else unit.strip("{}")  # a pack of EDQM that is not in the list


def _no_substitution(entry: Node, narrative: Narrative) -> tuple[str, str]:
    """MTE, EFG or CIF; when the reason is another, the words for the pharmacist."""
    for relation in entry.all("entryRelationship"):
        act = relation.one("act")
        code = act.one("code") if act and act.has_template(SUBSTITUTION) else None
        if code and code.get("code") == "N":
            said = narrative.original(code)
            reason = next((name for name, words in REASONS.items() if re.search(words, said, re.IGNORECASE)), "")
            return reason, "" if reason else " : ".join(filter(None, ["Non substituable", said]))
    return "", ""


def told(entry: Node, template: str, narrative: Narrative) -> str:
    acts = [relation.one("act") for relation in entry.all("entryRelationship")]
    texts = [act.one("text") for act in acts if act and act.has_template(template)]
    return "\n".join(filter(None, (narrative.text(reference_of(text)) for text in texts)))


def _flags(entry: Node) -> list[str]:
    found = set()
    for relation in entry.all("entryRelationship"):
        observation = relation.one("observation")
        if observation and observation.at("value", "value") == "true":
            found.add(FLAG_CODES.get(observation.at("code", "code")))
    return [flag.value for flag in codes.LINE_FLAGS if flag in found]


# --- Devices and acts -------------------------------------------------------------------------------------------------


def _device(entry: Node, narrative: Narrative) -> LineDraft:
    identifier = reference_of(entry.one("text"))
    starts_on, days = _duration(entry)
    use = entry.one("expectedUseTime/width")
    found = entry.all("participant/participantRole/playingDevice/code")
    return LineDraft(
        kind=Kind.DEVICE,
        name=_device_name(entry, found, narrative, identifier),
        codes=product_codes(found),
        dosage_text=narrative.text(f"{identifier}-posologie"),
        instructions=told(entry, TO_PATIENT, narrative),
        dispenser_note=told(entry, TO_DISPENSER, narrative),
        starts_on=starts_on,
        duration_days=_days(use) if use else days,
        renewals=_renewals(entry),
        flags=_flags(entry),
        **quantity_of(entry.one("quantity"), narrative),
    )


def _device_name(entry: Node, found: list[Node], narrative: Narrative, identifier: str) -> str:
    """The LPP's words are the product's own; those of EMDN are a class of products."""
    words = [each.get("displayName") for code in found for each in (*code.all("translation"), code)]
    originals = [narrative.original(code) for code in found]
    return _required(next(filter(None, [*words, *originals, narrative.text(identifier)]), ""), entry)


def _act(identifier: str, narrative: Narrative) -> LineDraft:
    """Nursing, physiotherapy, biology: this document has no entry for them, `write` puts them in words."""
    days = re.fullmatch(r"(\d{1,4}) jours?", narrative.text(f"{identifier}-duree"))
    return LineDraft(
        kind=KINDS.get(narrative.style(identifier), Kind.OTHER),
        name=narrative.text(identifier)[:MAX_NAME],
        dosage_text=narrative.text(f"{identifier}-posologie"),
        instructions=narrative.text(f"{identifier}-instrPatient"),
        dispenser_note=narrative.text(f"{identifier}-instrDisp"),
        duration_days=int(days.group(1)) if days else None,
    )
