"""A dosage plain enough to be the same in FHIR and in CDA: doses, one rhythm, bounds, route, maximum, steps.

`plan_of` takes FHIR R4 Dosage elements only if `fhir_of` gives them back whole; everything else stays text. Shapes:
HL7 FHIR R4 Dosage and Timing; HL7 V3 data types PIVL_TS, IVL_TS, PQ.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

UCUM = "http://unitsofmeasure.org"
EDQM = "http://standardterms.edqm.eu"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = ("s", "min", "h", "d", "wk", "mo", "a")  # of time, UCUM
WORDS = {"s": "s", "min": "min", "h": "h", "d": "j", "wk": "semaine", "mo": "mois", "a": "an"}


@dataclass(frozen=True)
class Amount:
    """`unit` in words; `system` (UCUM or EDQM) and `code` when the prescriber's software gave them."""

    value: Decimal
    unit: str = ""
    system: str = ""
    code: str = ""


@dataclass(frozen=True)
class Rhythm:
    """So many times every so long; `weekday` (one of DAYS) only for once a week."""

    frequency: int
    period: Decimal
    unit: str
    weekday: str = ""


@dataclass(frozen=True)
class Bounds:
    """ISO dates or moments, or a length."""

    start: str = ""
    end: str = ""
    length: Amount | None = None


@dataclass(frozen=True)
class Step:
    low: Amount | None = None
    high: Amount | None = None  # the same as `low` but for a range
    rhythm: Rhythm | None = None
    bounds: Bounds | None = None
    route: tuple[str, str] | None = None  # EDQM code, words
    as_needed: bool = False
    maximum: tuple[Amount, Amount] | None = None  # so much in so long
    text: str = ""


@dataclass(frozen=True)
class Plan:
    steps: tuple[Step, ...]
    in_sequence: bool = False  # one after the other; else all at once


# --- FHIR → plan ------------------------------------------------------------------------------------------------------


def plan_of(dosage: list) -> Plan | None:
    """None when it is not plain: the prescriber's text says it then."""
    try:
        plan = Plan(tuple(map(_step, dosage)), in_sequence=len(dosage) > 1 and all("sequence" in d for d in dosage))
        is_plain = plan.steps and _essence(fhir_of(plan)) == _essence(dosage) and _is_plain(plan)
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError):  # not the shape that is plain
        return None
    return plan if is_plain else None


def _step(element: dict) -> Step:
    repeat = element.get("timing", {}).get("repeat", {})
    dose = element.get("doseAndRate", [{}])[0]
    most = element.get("maxDosePerPeriod")
    low = dose.get("doseQuantity") or dose.get("doseRange", {}).get("low")
    high = dose.get("doseQuantity") or dose.get("doseRange", {}).get("high")
    return Step(
        low=_amount(low) if low else None,
        high=_amount(high) if high else None,
        rhythm=_rhythm(repeat) if "period" in repeat else None,
        bounds=_bounds(repeat),
        route=_route(element["route"]) if "route" in element else None,
        as_needed=element.get("asNeededBoolean") is True,
        maximum=(_amount(most["numerator"]), _amount(most["denominator"])) if most else None,
        text=element.get("text", ""),
    )


def _amount(quantity: dict) -> Amount:
    words = (quantity.get(name, "") for name in ("unit", "system", "code"))
    return Amount(_decimal(quantity["value"]), *words)


def _decimal(number) -> Decimal:
    return Decimal(str(number))


def _rhythm(repeat: dict) -> Rhythm:
    weekday = repeat.get("dayOfWeek", [""])[0]
    return Rhythm(repeat["frequency"], _decimal(repeat["period"]), repeat["periodUnit"], weekday)


def _bounds(repeat: dict) -> Bounds | None:
    if "boundsDuration" in repeat:
        return Bounds(length=_amount(repeat["boundsDuration"]))
    if "boundsPeriod" in repeat:
        period = repeat["boundsPeriod"]
        return Bounds(period.get("start", ""), period.get("end", ""))
    return None


def _route(concept: dict) -> tuple[str, str]:
    coding = concept["coding"][0]
    return coding["code"], coding.get("display", "")


def _is_plain(plan: Plan) -> bool:
    return all(map(_is_plain_step, plan.steps)) and (len(plan.steps) == 1 or _go_together(plan.steps))


def _is_plain_step(step: Step) -> bool:
    """What CDA can hold of it, without loss."""
    if (step.low is None) != (step.high is None) or (step.rhythm is None and (step.bounds or step.low is None)):
        return False
    amounts = [amount for amount in (step.low, step.high, *(step.maximum or ())) if amount]
    return all(map(is_writable, amounts)) and _is_plain_rhythm(step.rhythm) and _are_plain_bounds(step.bounds)


def is_writable(amount: Amount) -> bool:
    """A code of UCUM or EDQM that the document can hold, or words alone."""
    if not (amount.code or amount.system):
        return True
    is_word = amount.code == annotation(amount.unit)  # which is how words alone are written
    return amount.system in {UCUM, EDQM} and bool(re.fullmatch(r"\S+", amount.code)) and not is_word


def _is_plain_rhythm(rhythm: Rhythm | None) -> bool:
    if rhythm is None:
        return True
    if (
        rhythm.unit not in UNITS
        or rhythm.period <= 0
        or rhythm.weekday
        and (rhythm.frequency, rhythm.period, rhythm.unit) != (1, 1, "wk")
    ):
        return False
    repeats = interval_of(rhythm)
    return repeats is not None and rhythm_of(*repeats, weekday=rhythm.weekday) == rhythm


def _are_plain_bounds(bounds: Bounds | None) -> bool:
    if bounds is None:
        return True
    if bounds.length:
        return bounds.length.code in UNITS
    return bool(bounds.start or bounds.end) and all(iso_of(stamp_of(day)) == day for day in (bounds.start, bounds.end))


def _go_together(steps: tuple[Step, ...]) -> bool:
    """In CDA the route, the maximum and "as needed" belong to the whole."""
    return len({step.route for step in steps}) == 1 and not any(step.maximum or step.as_needed for step in steps)


# --- Plan → FHIR ------------------------------------------------------------------------------------------------------


def fhir_of(plan: Plan) -> list[dict]:
    return [_element(step, place if plan.in_sequence else 0) for place, step in enumerate(plan.steps, start=1)]


def _element(step: Step, place: int) -> dict:
    repeat = _repeat(step)
    parts = {
        "sequence": place,
        "text": step.text,
        "timing": {"repeat": repeat} if repeat else None,
        "asNeededBoolean": step.as_needed,
        "route": {"coding": [_filled({"system": EDQM, "code": step.route[0], "display": step.route[1]})]}
        if step.route
        else None,
        "doseAndRate": [_dose(step)] if step.low else None,
        "maxDosePerPeriod": {"numerator": _quantity(step.maximum[0]), "denominator": _quantity(step.maximum[1])}
        if step.maximum
        else None,
    }
    return _filled(parts)


def _filled(parts: dict) -> dict:
    return {name: value for name, value in parts.items() if value}


def _repeat(step: Step) -> dict:
    repeat = {}
    if step.rhythm:
        rhythm = step.rhythm
        repeat |= {"frequency": rhythm.frequency, "period": _number(rhythm.period), "periodUnit": rhythm.unit}
        repeat |= {"dayOfWeek": [rhythm.weekday]} if rhythm.weekday else {}
    if step.bounds and step.bounds.length:
        repeat["boundsDuration"] = _quantity(step.bounds.length)
    elif step.bounds:
        repeat["boundsPeriod"] = _filled({"start": step.bounds.start, "end": step.bounds.end})
    return repeat


def _dose(step: Step) -> dict:
    if step.low == step.high:
        return {"doseQuantity": _quantity(step.low)}
    return {"doseRange": {"low": _quantity(step.low), "high": _quantity(step.high)}}


def _quantity(amount: Amount) -> dict:
    words = _filled({"unit": amount.unit, "system": amount.system, "code": amount.code})
    return {"value": _number(amount.value)} | words


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _essence(dosage: list) -> list:
    """Without the words for a length of time, which its code says."""
    return [_without_time_words(element) for element in dosage]


def _without_time_words(value):
    if isinstance(value, list):
        return [_without_time_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without_time_words(item) for name, item in value.items()}
    if kept.get("code") in UNITS and "value" in kept:
        kept = {"value": kept["value"], "code": kept["code"]}
    return kept


# --- What CDA says in other ways --------------------------------------------------------------------------------------


def interval_of(rhythm: Rhythm) -> tuple[Decimal, str, bool] | None:
    """PIVL_TS: the period, its unit, and institutionSpecified: so many times a day, at hours left open.

    3 times a day is every 8 h left open; every 8 h is every 8 h.
    """
    if rhythm.frequency == 1:
        return rhythm.period, rhythm.unit, False
    if rhythm.frequency < 1 or rhythm.period != 1:
        return None
    if rhythm.unit == "d":
        return Decimal(24) / rhythm.frequency, "h", True
    return Decimal(1) / rhythm.frequency, rhythm.unit, True


def rhythm_of(period: Decimal, unit: str, is_left_open: bool, *, weekday: str = "") -> Rhythm | None:
    """The way back; None when it falls on no whole number of times."""
    if not is_left_open:
        return Rhythm(1, period, unit, weekday)
    times = (Decimal(24) if unit == "h" else Decimal(1)) / period
    if times != times.to_integral_value() or times <= 1:
        return None
    return Rhythm(int(times), Decimal(1), "d" if unit == "h" else unit, weekday)


def annotation(words: str) -> str | None:
    """UCUM has no tablets: what it does not know is said between braces, in ASCII."""
    plain = unicodedata.normalize("NFKD", words.lower())
    letters = re.sub("[^a-z]", "", plain)
    return f"{{{letters}}}" if len(letters) > 1 else None


def length_in_words(amount: Amount) -> Amount:
    """A length of time read from CDA, as FHIR writes it."""
    return Amount(amount.value, WORDS[amount.code], UCUM, amount.code)


def stamp_of(iso: str) -> str:
    """2026-11-20 → 20261120; 2026-11-20T08:00:00+01:00 → 20261120080000+0100"""
    if not iso:
        return ""
    if len(iso) == 10:
        return f"{date.fromisoformat(iso):%Y%m%d}"
    return f"{datetime.fromisoformat(iso):%Y%m%d%H%M%S%z}"


def iso_of(stamp: str) -> str:
    if not stamp:
        return ""
    if len(stamp) == 8:
        return datetime.strptime(stamp, "%Y%m%d").date().isoformat()
    return datetime.strptime(stamp, "%Y%m%d%H%M%S%z").isoformat()
