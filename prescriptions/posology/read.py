"""FHIR R4 Dosage → `Step`. Anything not read here is refused: a sentence never leaves out what it did not see."""

from prescriptions.posology.fields import (
    amount_range,
    concept,
    duration,
    listed,
    only,
    quantity,
    ratio,
    whole,
)
from prescriptions.posology.model import Amount, Limits, Rate, Step, Unsayable
from prescriptions.posology.plain import bare, words
from prescriptions.posology.read_timing import read_timing
from prescriptions.posology.units import UCUM

_DOSAGE = (
    *("sequence", "text", "additionalInstruction", "patientInstruction", "timing", "asNeededBoolean"),
    *("asNeededCodeableConcept", "site", "route", "method", "doseAndRate"),
    *("maxDosePerPeriod", "maxDosePerAdministration", "maxDosePerLifetime"),
)
_DOSE_TYPES = "http://terminology.hl7.org/CodeSystem/dose-rate-type"


def read(dosages: object, hint: str | None) -> list[Step]:
    """The steps, in the order of the list. Raises Unsayable."""
    if not isinstance(dosages, list) or not dosages:
        raise Unsayable("no dosage")
    return [_step(only(raw, *_DOSAGE), hint) for raw in dosages]


def _step(raw: dict, hint: str | None) -> Step:
    needed, needed_for = _needed(raw)
    return Step(
        sequence=whole(raw.get("sequence")),
        **_doses(listed(raw.get("doseAndRate")), hint),
        timing=read_timing(raw.get("timing")),
        needed=needed,
        needed_for=needed_for,
        **{name: concept(raw.get(name)) for name in ("route", "site", "method")},
        limits=_limits(raw, hint),
        instructions=_instructions(raw),
    )


def _needed(raw: dict) -> tuple:
    flag, why = raw.get("asNeededBoolean"), concept(raw.get("asNeededCodeableConcept"))
    if flag not in (None, True, False) or (flag is False and why):
        raise Unsayable("needed and not needed")
    return bool(flag or why), why


def _instructions(raw: dict) -> tuple[str, ...]:
    concepts = [concept(each) for each in listed(raw.get("additionalInstruction"))]
    if any(each.text is None for each in concepts):
        raise Unsayable("an instruction that is only a code")
    own = [words(raw["patientInstruction"])] if "patientInstruction" in raw else []
    return tuple(dict.fromkeys([*(each.text for each in concepts), *own]))


def _limits(raw: dict, hint: str | None) -> Limits:
    per = raw.get("maxDosePerPeriod")
    intake, lifetime = raw.get("maxDosePerAdministration"), raw.get("maxDosePerLifetime")
    return Limits(
        intake=quantity(intake, hint) if intake is not None else None,
        period=ratio(per, hint) if per is not None else None,
        lifetime=quantity(lifetime, hint) if lifetime is not None else None,
    )


def _doses(raw: list, hint: str | None) -> dict:
    """At most one dose to take ("ordered", or untyped), and the calculation it came from."""
    by_type: dict[str, dict] = {}
    for each in raw:
        each = only(each, "type", "doseRange", "doseQuantity", "rateRatio", "rateRange", "rateQuantity")
        kind = dose_type(each.get("type"))
        if kind in by_type:
            raise Unsayable("two doses at once")
        by_type[kind] = {"dose": dose_of(each, hint), "rate": rate_of(each, hint)}
    if not by_type:
        return {}
    ordered = by_type.get("ordered") or by_type["calculated"]
    source = by_type.get("calculated", {}) if "ordered" in by_type else {}
    if source.get("rate") or not any(ordered.values()) or _is_for_body(ordered["dose"]):
        raise Unsayable("a dose that is left to calculate")
    return {**ordered, "calculated": source.get("dose")}


def _is_for_body(dose: Amount | None) -> bool:
    return bool(dose and dose.unit.key and "/" in dose.unit.key)


def dose_type(raw: object) -> str:
    if raw is None:
        return "ordered"
    kind = dict(concept(raw).codes).get(_DOSE_TYPES)
    if kind not in ("ordered", "calculated"):
        raise Unsayable("an unknown type of dose")
    return kind


def dose_of(raw: dict, hint: str | None) -> Amount | None:
    if "doseQuantity" in raw and "doseRange" in raw:
        raise Unsayable("two doses at once")
    if "doseRange" in raw:
        return amount_range(raw["doseRange"], hint)
    return quantity(raw["doseQuantity"], hint) if "doseQuantity" in raw else None


def rate_of(raw: dict, hint: str | None) -> Rate | None:
    given = [name for name in ("rateRatio", "rateRange", "rateQuantity") if name in raw]
    if len(given) > 1:
        raise Unsayable("two rates at once")
    if not given:
        return None
    if given[0] == "rateRatio":
        return ratio(raw["rateRatio"], hint)
    return _flow(raw["rateQuantity"]) if given[0] == "rateQuantity" else _flow_range(raw["rateRange"])


def _flow(raw: object) -> Rate:
    """A Quantity in a unit of flow such as mL/h."""
    raw = only(raw, "value", "unit", "system", "code")
    code = raw.get("code") if raw.get("system") == UCUM else raw.get("unit")
    over, _, per = code.partition("/") if isinstance(code, str) else ("", "", "")
    if raw.get("unit") is not None and bare(words(raw["unit"])) != bare(str(code)):
        raise Unsayable("a unit whose code and words differ")
    amount = quantity({"value": raw.get("value"), "system": UCUM, "code": over or "?"})
    return Rate(amount, duration({"value": 1, "system": UCUM, "code": per}))


def _flow_range(raw: object) -> Rate:
    raw = only(raw, "low", "high")
    low, high = _flow(raw.get("low")), _flow(raw.get("high"))
    if low.per != high.per or low.amount.unit != high.amount.unit or low.amount.low >= high.amount.low:
        raise Unsayable("a range that is not one")
    return Rate(Amount(low.amount.low, high.amount.low, low.amount.unit), low.per)
