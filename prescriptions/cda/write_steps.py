"""A plain dosage in CDA: frequency (PIVL_TS, SXPR_TS), dose, maximum, and the words that each of them points at."""

import re
from datetime import date, timedelta
from decimal import Decimal

from lxml import etree

from prescriptions.cda import stamps
from prescriptions.cda.codes import EDQM as EDQM_OID
from prescriptions.cda.narrative import content, original
from prescriptions.cda.steps import (
    DAYS,
    EDQM,
    UCUM,
    Amount,
    Bounds,
    Rhythm,
    Step,
    annotation,
    interval_of,
    stamp_of,
)
from prescriptions.cda.xml import E

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
ONCE = {"s": "seconde", "min": "minute", "h": "heure", "d": "jour", "wk": "semaine", "mo": "mois", "a": "an"}
FEMININE = {"s", "min", "h", "wk"}
AS_NEEDED = "si besoin"
PLAIN_WORD = re.compile(r"[a-zà-ÿ]{4,}[^sxz\W]")  # takes an s in the plural, as everywhere in the site


# --- Coded ------------------------------------------------------------------------------------------------------------


def frequency(step: Step, identifier: str, anchor: date, *, operator: str | None = None) -> etree._Element | None:
    """`anchor`: the first day a weekly dose may fall on. `operator`: "A" where it narrows the treatment's duration."""
    if step.rhythm is None:
        return None
    repeats = _repeats(step.rhythm, identifier, anchor)
    if step.bounds is None:
        return E.effectiveTime(repeats, xsi_type="PIVL_TS", operator=operator, **_how(step.rhythm))
    return E.effectiveTime(
        E.comp(_bounds(step.bounds), xsi_type="IVL_TS", operator="A"),
        E.comp(repeats, xsi_type="PIVL_TS", operator="A", **_how(step.rhythm)),
        xsi_type="SXPR_TS",
        operator=operator,
    )


def _repeats(rhythm: Rhythm, identifier: str, anchor: date) -> list[etree._Element | None]:
    value, unit, _ = interval_of(rhythm)
    phase = E.phase(E.low(value=stamps.day(_first(rhythm.weekday, anchor)))) if rhythm.weekday else None
    return [phase, E.period(E.translation(original(identifier)), value=_figure(value), unit=unit)]


def _how(rhythm: Rhythm) -> dict:
    _, _, is_left_open = interval_of(rhythm)
    return {
        "institutionSpecified": "true" if is_left_open else None,
        "alignment": "DW" if rhythm.weekday else None,
    }


def _first(weekday: str, anchor: date) -> date:
    return anchor + timedelta(days=(DAYS.index(weekday) - anchor.weekday()) % 7)


def _bounds(bounds: Bounds) -> list[etree._Element]:
    if bounds.length:
        return [E.width(value=_figure(bounds.length.value), unit=bounds.length.code)]
    ends = ((E.low, bounds.start), (E.high, bounds.end))
    return [tag(value=stamp_of(end)) for tag, end in ends if end]


def dose(step: Step, identifier: str, place: int) -> etree._Element | None:
    if step.low is None:
        return None
    return E.doseQuantity(
        E.low(_amount(step.low, f"{identifier}-doseMin-{place}"), **_pq(step.low)),
        E.high(_amount(step.high, f"{identifier}-doseMax-{place}"), **_pq(step.high)),
    )


def maximum(step: Step, identifier: str) -> etree._Element | None:
    if step.maximum is None:
        return None
    most, length = step.maximum
    return E.maxDoseQuantity(
        E.numerator(_amount(most, f"{identifier}-max"), xsi_type="PQ", **_pq(most)),
        E.denominator(xsi_type="PQ", value=_figure(length.value), unit=length.code),
    )


def _amount(amount: Amount, identifier: str) -> etree._Element:
    """The amount as the prescriber's software says it: EDQM code, and the words."""
    coded = {"code": amount.code, "displayName": amount.unit or None, **EDQM_OID} if amount.system == EDQM else {}
    return E.translation(original(identifier), value=_figure(amount.value) if coded else None, **coded)


def _pq(amount: Amount) -> dict:
    return {"value": _figure(amount.value), "unit": amount.code if amount.system == UCUM else annotation(amount.unit)}


def _figure(value: Decimal) -> str:
    return format(value.normalize(), "f")


# --- In words ---------------------------------------------------------------------------------------------------------


def step_in_words(step: Step, identifier: str, place: int) -> list:
    """« 1 à 2 gélules, 3 fois par jour pendant 2 jours », each figure in a piece that the codes point at."""
    parts = [_dose_in_words(step, identifier, place)] if step.low else []
    if step.rhythm:
        parts += [", "] if parts else []
        parts.append(content(f"{identifier}-frequence-{place}", _rhythm_in_words(step)))
    return parts


def _dose_in_words(step: Step, identifier: str, place: int) -> list:
    low, high = f"{identifier}-doseMin-{place}", f"{identifier}-doseMax-{place}"
    if step.low == step.high:
        return [E.content(content(high, say(step.high)), ID=low)]
    return [content(low, say(step.low)), " à ", content(high, say(step.high))]


def say(amount: Amount) -> str:
    unit = amount.unit or amount.code
    if amount.system != UCUM and abs(amount.value) >= 2 and PLAIN_WORD.fullmatch(unit):
        unit += "s"
    return f"{_french(amount.value)} {unit}".strip()


def _french(value: Decimal) -> str:
    return _figure(value).replace(".", ",")


def _rhythm_in_words(step: Step) -> str:
    rhythm, often = step.rhythm, _often(step.rhythm)
    weekday = f", le {WEEKDAYS[DAYS.index(rhythm.weekday)]}" if rhythm.weekday else ""
    return " ".join([often + weekday, *_bounds_in_words(step.bounds)])


def _often(rhythm: Rhythm) -> str:
    if rhythm.period == 1:
        return f"{rhythm.frequency} fois par {ONCE[rhythm.unit]}"
    each = "toutes les" if rhythm.unit in FEMININE else "tous les"
    return f"{each} {_french(rhythm.period)} {_plural(rhythm.unit)}"


def _plural(unit: str) -> str:
    return ONCE[unit] if ONCE[unit].endswith("s") else f"{ONCE[unit]}s"


def _bounds_in_words(bounds: Bounds | None) -> list[str]:
    if bounds is None:
        return []
    if bounds.length:
        unit = bounds.length.code
        return [f"pendant {_french(bounds.length.value)} {ONCE[unit] if bounds.length.value < 2 else _plural(unit)}"]
    ends = (("à partir du", bounds.start), ("jusqu’au", bounds.end))
    return [f"{word} {date.fromisoformat(end[:10]):%d/%m/%Y}" for word, end in ends if end]


def maximum_in_words(step: Step, identifier: str) -> list | None:
    if step.maximum is None:
        return None
    most, length = step.maximum
    each = ONCE[length.code] if length.value == 1 else f"{_french(length.value)} {_plural(length.code)}"
    return ["au plus ", content(f"{identifier}-max", say(most)), f" par {each}"]
