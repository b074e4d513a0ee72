"""The coded dosage of a line, when it is plain, whole, and says the same as the words it points at; else None.

Writers of these documents are not always careful: in the public examples the code says one tablet where the words say
one to two. A dosage that two readers would understand in two ways is left to the prescriber's words.
"""

import re
from datetime import date, timedelta
from decimal import Decimal

from prescriptions.cda.codes import EDQM as EDQM_OID
from prescriptions.cda.node import CdaError, Node
from prescriptions.cda.read_narrative import Narrative, reference_of
from prescriptions.cda.steps import (
    DAYS,
    EDQM,
    UCUM,
    UNITS,
    Amount,
    Bounds,
    Plan,
    Rhythm,
    Step,
    annotation,
    fhir_of,
    iso_of,
    length_in_words,
    plan_of,
    rhythm_of,
)
from prescriptions.cda.write_steps import AS_NEEDED

SUBORDINATE, TAPERED = "1.2.250.1.213.1.1.3.83.1", "1.3.6.1.4.1.19376.1.5.3.1.4.8"
FIGURES = re.compile(r"\d+(?:[.,]\d+)?")
A_DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")
TIMES_A_DAY = re.compile(r"(\d+)\s*(?:fois|x|prises?|applications?)\s*(?:/|par)\s*(?:j\b|jour|24\s*h)", re.IGNORECASE)
AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*(.*)", re.DOTALL)
# UCUM annotations that come without words.
ANNOTATIONS = {"tablet": "comprimé", "tbl": "comprimé", "capsule": "gélule", "drop": "goutte", "puff": "bouffée"}
NOT_READ = ("rateQuantity", "approachSiteCode", "administrationUnitCode")


class NotPlain(Exception):
    """The words of the prescriber say it better."""


def dosage_of(entry: Node, narrative: Narrative, identifier: str) -> list[dict]:
    """FHIR R4 Dosage elements; none when it is not plain."""
    try:
        dosage = fhir_of(_plan(entry, narrative, identifier))
    except (NotPlain, CdaError):
        return []
    return dosage if plan_of(dosage) is not None else []


def _plan(entry: Node, narrative: Narrative, identifier: str) -> Plan:
    steps = steps_of(entry)
    route = _route(entry, narrative)
    if not steps:
        return Plan((_step(entry, narrative, identifier, 1, route=route, **_conditions(entry, narrative)),))
    if _conditions(entry, narrative) != {"as_needed": False, "maximum": None} or entry.one("doseQuantity"):
        raise NotPlain
    numbered = [_step(step, narrative, identifier, place, route=route) for place, step in enumerate(steps, 1)]
    return Plan(tuple(numbered), in_sequence=entry.has_template(TAPERED))


def steps_of(entry: Node) -> list[Node]:
    """In the order of their numbers."""
    found = [relation for relation in entry.all("entryRelationship") if _subordinate(relation)]
    ordered = sorted(found, key=lambda relation: int(relation.at("sequenceNumber", "value") or 0))
    return [_subordinate(relation) for relation in ordered]


def _subordinate(relation: Node) -> Node | None:
    step = relation.one("substanceAdministration")
    return step if step and step.has_template(SUBORDINATE) else None


def _step(entry: Node, narrative: Narrative, identifier: str, place: int, **whole) -> Step:
    if any(entry.all(name) for name in NOT_READ):
        raise NotPlain
    low, high = _dose(entry, narrative)
    rhythm, bounds = _frequency(entry, narrative)
    return Step(low, high, rhythm, bounds, text=narrative.text(f"{identifier}-texte-{place}"), **whole)


# --- How much ---------------------------------------------------------------------------------------------------------


def _dose(entry: Node, narrative: Narrative) -> tuple[Amount | None, Amount | None]:
    dose = entry.one("doseQuantity")
    if dose is None:
        return None, None
    if dose.get("value"):
        return (_amount(dose, narrative),) * 2
    low, high = dose.one("low"), dose.one("high")
    if low is None or high is None:
        raise NotPlain
    return _amount(low, narrative), _amount(high, narrative)


def _amount(quantity: Node, narrative: Narrative) -> Amount:
    value, unit = quantity.number(), quantity.get("unit")
    coded = quantity.one("translation")
    said = AMOUNT.match(narrative.original(coded))
    if value is None or said and Decimal(said.group(1).replace(",", ".")) != value:
        raise NotPlain
    words = unit_in_words(said.group(2), unit) if said else ""
    if coded and coded.get("codeSystem") == EDQM_OID["codeSystem"] and coded.get("code"):
        return Amount(value, coded.get("displayName"), EDQM, coded.get("code"))
    if not unit or unit == annotation(words):
        return Amount(value, words)
    return Amount(value, words or ANNOTATIONS.get(unit.strip("{}"), unit), UCUM, unit)


def unit_in_words(words: str, unit: str) -> str:
    """« gélules » as one: what stands between the braces is the word without its plural."""
    words = words.strip(" .;,")
    return words[:-1] if annotation(words[:-1]) == unit and words.endswith("s") else words


# --- How often, from when, until when ---------------------------------------------------------------------------------


def _frequency(entry: Node, narrative: Narrative) -> tuple[Rhythm | None, Bounds | None]:
    """In a line, the first effectiveTime is how long the treatment lasts; in a step there is only one."""
    times = [time for time in entry.all("effectiveTime") if time.type != "IVL_TS"]
    if not times:
        return None, None
    if len(times) > 1:
        raise NotPlain
    parts = times[0].all("comp") if times[0].type == "SXPR_TS" else times
    found = {part.type: part for part in parts}
    if set(found) - {"PIVL_TS", "IVL_TS"} or len(found) != len(parts) or "PIVL_TS" not in found:
        raise NotPlain
    bounds, length = _bounds(found["IVL_TS"]) if "IVL_TS" in found else (None, None)
    return _rhythm(found["PIVL_TS"], narrative, length), bounds


def _bounds(interval: Node) -> tuple[Bounds, Decimal | None]:
    """And the figure of its length, which the words may repeat."""
    width = interval.one("width")
    length = _length(width) if width else None
    start, end = interval.at("low", "value"), interval.at("high", "value")
    if length is None:
        return Bounds(iso_of(start), iso_of(end)), None
    if not start and not end:
        return Bounds(length=length), length.value
    if length.code != "d" or end or len(start) != 8:
        raise NotPlain
    last = date.fromisoformat(iso_of(start)) + timedelta(days=int(length.value) - 1)
    return Bounds(iso_of(start), last.isoformat()), length.value


def _length(width: Node) -> Amount:
    value, unit = width.number(), width.get("unit")
    if value is None or unit not in UNITS:
        raise NotPlain
    return length_in_words(Amount(value, code=unit))


def _rhythm(repeats: Node, narrative: Narrative, length: Decimal | None) -> Rhythm:
    period = repeats.one("period")
    value, unit = (period.number(), period.get("unit")) if period else (None, "")
    if not value or unit not in UNITS:
        raise NotPlain
    is_left_open = repeats.get("institutionSpecified") == "true"
    said = narrative.original(period.one("translation"))
    rhythm = _as_said(said, value, unit) or rhythm_of(value, unit, is_left_open, weekday=_weekday(repeats))
    if rhythm is None or not _says_the_same(said, rhythm, length):
        raise NotPlain
    return rhythm


def _as_said(said: str, period: Decimal, unit: str) -> Rhythm | None:
    """Every 8 h that the words call 3 times a day is 3 times a day."""
    found = TIMES_A_DAY.search(said)
    if found is None or unit != "h" or Decimal(found.group(1)) * period != 24:
        return None
    return Rhythm(int(found.group(1)), Decimal(1), "d")


def _weekday(repeats: Node) -> str:
    first = repeats.one("phase/low")
    if first is None:
        if repeats.all("phase"):
            raise NotPlain
        return ""
    if repeats.get("alignment") != "DW":
        raise NotPlain
    return DAYS[first.day().weekday()]


def _says_the_same(said: str, rhythm: Rhythm, length: Decimal | None) -> bool:
    """Each figure of the words is one of the code's."""
    figures = {Decimal(figure.replace(",", ".")) for figure in FIGURES.findall(A_DATE.sub(" ", said))}
    return figures <= {Decimal(rhythm.frequency), rhythm.period, length}


# --- The whole line ---------------------------------------------------------------------------------------------------


def _route(entry: Node, narrative: Narrative) -> tuple[str, str] | None:
    route = entry.one("routeCode")
    if route is None:
        return None
    if route.get("codeSystem") != EDQM_OID["codeSystem"] or not route.get("code"):
        raise NotPlain
    return route.get("code"), route.get("displayName") or narrative.original(route)


def _conditions(entry: Node, narrative: Narrative) -> dict:
    """« Si besoin » is the only condition that both sides know; the others stay words."""
    said = conditions_of(entry, narrative)
    if said and said != [AS_NEEDED]:
        raise NotPlain
    return {"as_needed": bool(said), "maximum": _maximum(entry, narrative)}


def conditions_of(entry: Node, narrative: Narrative) -> list[str]:
    texts = [condition.one("criterion/text") for condition in entry.all("precondition")]
    said = [narrative.text(reference_of(text)) or text.text() for text in texts if text]
    return [words for words in said if words and words != "-"]


def _maximum(entry: Node, narrative: Narrative) -> tuple[Amount, Amount] | None:
    most = entry.all("maxDoseQuantity")
    if not most:
        return None
    numerator, denominator = most[0].one("numerator"), most[0].one("denominator")
    if len(most) > 1 or numerator is None or denominator is None:
        raise NotPlain
    return _amount(numerator, narrative), _length(denominator)
