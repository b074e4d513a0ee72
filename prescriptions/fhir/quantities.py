"""Quantities, strengths and durations as a person reads them in French."""

import math
from datetime import timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from prescriptions.fhir.node import Node

DAYS = {
    "h": Decimal(1) / 24,
    "d": Decimal(1),
    "j": Decimal(1),
    "day": Decimal(1),
    "jour": Decimal(1),
    "jours": Decimal(1),
    "wk": Decimal(7),
    "semaine": Decimal(7),
    "semaines": Decimal(7),
    "mo": Decimal(30),
    "mois": Decimal(30),
    "a": Decimal(365),
    "an": Decimal(365),
}
MAX_DAYS = 3660
ALMOST = timedelta(minutes=1)  # "until 7 h 59" or "until 8 h": the same number of days


def number_text(value: Decimal) -> str:
    """0.50 as "0,5", 100 as "100"."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", ",")


def quantity_text(quantity: Node) -> str:
    """{"value": 500, "unit": "mL"} as "500 mL"; "" without a value."""
    value = quantity.number("value")
    unit = quantity.text("unit") or quantity.text("code")
    return " ".join(filter(None, [number_text(value) if value is not None else "", unit]))


def ratio_text(ratio: Node) -> str:
    """40 mg / 1 as "40 mg", 75 µg / 1 h as "75 µg/h", 15 mg / 16 h as "15 mg/16 h"."""
    top, bottom = ratio.get("numerator"), ratio.get("denominator")
    above = quantity_text(top) if top.get("value") else ""
    value = bottom.number("value")
    unit = bottom.text("unit") or bottom.text("code")
    if not above or not unit:
        return above
    return f"{above}/{unit}" if value in (None, 1) else f"{above}/{number_text(value)} {unit}"


def days(duration: Node) -> int | None:
    """A Duration in whole days, rounded up. None when there is none."""
    value = duration.number("value")
    if value is None:
        return None
    unit = duration.text("code") or duration.text("unit")
    if unit not in DAYS:
        raise duration.refuse(_("l’unité de cette durée n’est pas connue : h, d, wk, mo ou a."))
    total = math.ceil(value * DAYS[unit])
    if not 0 < total <= MAX_DAYS:
        raise duration.refuse(_("cette durée n’est pas celle d’un traitement : entre 1 jour et 10 ans."))
    return total


def days_of_period(period: Node) -> int | None:
    """Whole days between the two ends, both counted when they are dates without a time."""
    start, end = period.moment("start"), period.moment("end")
    if start and end:
        return max(1, math.ceil((end - start - ALMOST) / timedelta(days=1))) if end >= start else None
    first, last = period.day("start"), period.day("end")
    return (last - first).days + 1 if first and last and last >= first else None


def small_count(node: Node, *, maximum: int) -> int:
    """A whole number between 0 and `maximum`; 0 when missing."""
    value = node.value
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
        raise node.refuse(_("un nombre entier entre 0 et %(max)s est attendu ici.") % {"max": maximum})
    return value
