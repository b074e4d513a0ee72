"""Reading JSON strictly: a value is of the expected shape, or the dosage is Unsayable."""

from decimal import Decimal

from prescriptions.posology.model import Amount, Concept, Rate, Span, Unsayable
from prescriptions.posology.plain import bare, words
from prescriptions.posology.units import TIME_CODES, TIME_WORDS, UCUM, unit_of

_LARGEST = Decimal(10) ** 9
_FINER = {"h": ("min", 60), "d": ("h", 24), "wk": ("d", 7)}  # exact: a month or a year is not


def only(raw: object, *names: str) -> dict:
    """`raw` when it is an object with no other member. An extension, or a name unknown to R4, changes the meaning."""
    if not isinstance(raw, dict) or set(raw) - {"id", *names}:
        raise Unsayable("an unknown element")
    return raw


def listed(raw: object) -> list:
    """A list that is not empty; an absent one is []."""
    if raw is None:
        return []
    if not isinstance(raw, list) or not raw:
        raise Unsayable("a list that is not one")
    return raw


def distinct(values: list) -> tuple:
    """The same, as a tuple; the same value twice is a contradiction."""
    if len(set(values)) != len(values):
        raise Unsayable("the same thing twice")
    return tuple(values)


def number(raw: object) -> Decimal:
    """A number above 0, with at most 6 decimals."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise Unsayable("a number that is not one")
    value = Decimal(str(raw)) if isinstance(raw, float) else Decimal(raw)
    if not value.is_finite() or not 0 < value <= _LARGEST:
        raise Unsayable("a number out of bounds")
    if round(value, 6) != value:
        raise Unsayable("a number too precise to be meant")
    return value


def whole(raw: object) -> int | None:
    if raw is None:
        return None
    value = number(raw)
    if value != value.to_integral_value():
        raise Unsayable("a count that is not whole")
    return int(value)


def one_of(raw: object, codes: tuple[str, ...]) -> str:
    if not isinstance(raw, str) or raw not in codes:
        raise Unsayable("an unknown code")
    return raw


def concept(raw: object) -> Concept | None:
    """CodeableConcept: its text, else the first display; its codes. Unsayable when it has neither text nor display."""
    if raw is None:
        return None
    raw = only(raw, "coding", "text")
    codings = [only(each, "system", "version", "code", "display", "userSelected") for each in listed(raw.get("coding"))]
    shown = [raw.get("text"), *(each.get("display") for each in codings)]
    text = next((words(each) for each in shown if each is not None), None)
    codes = tuple((str(each.get("system")), str(each.get("code"))) for each in codings if each.get("code"))
    if text is None and not codes:
        raise Unsayable("a concept without words")
    return Concept(text, codes)


def quantity(raw: object, hint: str | None = None) -> Amount:
    raw = only(raw, "value", "unit", "system", "code")  # a comparator (<, ≥) is no dose
    value = number(raw.get("value"))
    if not all(isinstance(raw.get(name), str | None) for name in ("system", "code")):
        raise Unsayable("a code that is not text")
    said = words(raw["unit"]) if raw.get("unit") is not None else None
    return Amount(value, None, unit_of(said, raw.get("code"), raw.get("system"), hint))


def amount_range(raw: object, hint: str | None = None) -> Amount:
    """Range of doses: both ends, or only the upper one."""
    raw = only(raw, "low", "high")
    high = quantity(raw.get("high"), hint)
    low = quantity(raw["low"], hint) if raw.get("low") is not None else None
    if low and (low.unit != high.unit or low.low >= high.low):
        raise Unsayable("a range that is not one")
    return Amount(low.low if low else None, high.low, high.unit)


def ratio(raw: object, hint: str | None = None) -> Rate:
    raw = only(raw, "numerator", "denominator")
    return Rate(quantity(raw.get("numerator"), hint), duration(raw.get("denominator")))


def duration(raw: object) -> Span:
    raw = only(raw, "value", "unit", "system", "code")
    return span(raw.get("value"), _time_unit(raw))


def span(value: object, unit: str, high: object = None) -> Span:
    """In whole units, going to a finer one when needed (1.5 h is 90 min), to hours when minutes make some."""
    ends = [number(each) for each in (value, high) if each is not None]
    while any(end != end.to_integral_value() for end in ends):
        if unit not in _FINER:
            raise Unsayable("a length of time that is not whole")
        unit, factor = _FINER[unit]
        ends = [end * factor for end in ends]
    if unit == "min" and all(end % 60 == 0 for end in ends):
        unit, ends = "h", [end / 60 for end in ends]
    if len(ends) == 2 and ends[0] >= ends[1]:
        raise Unsayable("a range that is not one")
    return Span(int(ends[0]), unit, int(ends[1]) if len(ends) == 2 else None)


def _time_unit(raw: dict) -> str:
    unit, code = raw.get("unit"), raw.get("code")
    named = TIME_WORDS.get(bare(words(unit))) if unit is not None else None
    if code is None:
        coded = named
    else:
        coded = one_of(code, TIME_CODES)
        if raw.get("system") not in (UCUM, None) or (unit is not None and named != coded):
            raise Unsayable("a unit of time whose code and words differ")
    if coded is None:
        raise Unsayable("an unknown unit of time")
    return coded
