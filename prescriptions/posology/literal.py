"""A value of a structure shown as it is written, with no more reading than its own type asks for (HL7 FHIR R4)."""

from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType

from prescriptions.posology import say_en, say_fr
from prescriptions.posology.model import Unsayable
from prescriptions.posology.plain import words as clean

COMPARATORS = {"<": "<", "<=": "≤", ">=": "≥", ">": ">"}


@dataclass(frozen=True)
class Marks:
    """How one language quotes, and puts two values side by side."""

    quote: str
    between: tuple[str, str, str]  # both ends, the lower one alone, the upper one alone
    during: tuple[str, str, str]
    each: str
    unsaid_unit: str
    code: str


MARKS = {
    say_fr: Marks(
        quote="«\u00a0%s\u00a0»",
        between=("de %s à %s", "au moins %s", "jusqu’à %s"),
        during=("du %s au %s", "à partir du %s", "jusqu’au %s"),
        each="%s pour %s",
        unsaid_unit="(unité non précisée)",
        code="(code %s)",
    ),
    say_en: Marks(
        quote="“%s”",
        between=("from %s to %s", "at least %s", "up to %s"),
        during=("from %s to %s", "from %s", "until %s"),
        each="%s for %s",
        unsaid_unit="(unit not given)",
        code="(code %s)",
    ),
}


def said(value: object, words: ModuleType) -> str:
    """Raises Unsayable for what is neither a text, a number nor a common type of FHIR."""
    if isinstance(value, str):
        return quoted(value, words)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _number(value, words)
    if isinstance(value, list) and value:
        return ", ".join(said(each, words) for each in value)
    if isinstance(value, dict):
        return _typed(value, words)
    raise Unsayable("a value of no known type")


def quoted(text: str, words: ModuleType) -> str:
    return MARKS[words].quote % clean(text)


def _typed(value: dict, words: ModuleType) -> str:
    names = set(value)
    if "value" in names and names <= {"value", "comparator", "unit", "system", "code"}:
        return _quantity(value, words)
    if names and names <= {"low", "high"}:
        return _ends(value.get("low"), value.get("high"), MARKS[words].between, words)
    if names == {"numerator", "denominator"}:
        return MARKS[words].each % (said(value["numerator"], words), said(value["denominator"], words))
    if names and names <= {"start", "end"}:
        return _ends(value.get("start"), value.get("end"), MARKS[words].during, words)
    if names and names <= {"coding", "text"}:
        return _concept(value, words)
    raise Unsayable("a value of no known type")


def _number(value, words: ModuleType) -> str:
    exact = Decimal(str(value))
    if not exact.is_finite() or abs(exact) > 10**9 or exact != round(exact, 6):
        raise Unsayable("a number out of bounds")
    return words.number(exact) if exact >= 0 else f"-{words.number(-exact)}"


def _quantity(value: dict, words: ModuleType) -> str:
    """A unit and a code that are not the same are both shown: which one is right is not ours to say."""
    sign, unit, code = (value.get(name) for name in ("comparator", "unit", "code"))
    if sign not in (None, *COMPARATORS):
        raise Unsayable("an unknown comparator")
    named = quoted(unit or code, words) if isinstance(unit or code, str) else MARKS[words].unsaid_unit
    coded = [MARKS[words].code % quoted(code, words)] if unit and isinstance(code, str) and code != unit else []
    return " ".join([*([COMPARATORS[sign]] if sign else []), said(value["value"], words), named, *coded])


def _ends(low: object, high: object, marks: tuple[str, str, str], words: ModuleType) -> str:
    if low is None or high is None:
        return marks[2] % said(high, words) if low is None else marks[1] % said(low, words)
    return marks[0] % (said(low, words), said(high, words))


def _concept(value: dict, words: ModuleType) -> str:
    """Its words, and its codes: they may say something else."""
    codings = value.get("coding")
    codings = [each for each in codings if isinstance(each, dict)] if isinstance(codings, list) else []
    named = [value.get("text"), *(each.get("display") for each in codings)]
    text = next((each for each in named if isinstance(each, str) and each.strip()), None)
    codes = [quoted(each["code"], words) for each in codings if isinstance(each.get("code"), str)]
    if text is None and not codes:
        raise Unsayable("a concept without words")
    if text is None:
        return ", ".join(codes)
    return " ".join([quoted(text, words), *([MARKS[words].code % ", ".join(codes)] if codes else [])])
