"""The elements of a FHIR R4 Dosage, each with how it is said by itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

from prescriptions.posology import literal
from prescriptions.posology.fields import concept, one_of, quantity, ratio, span
from prescriptions.posology.model import Limits, Timing, Unsayable
from prescriptions.posology.read import dose_of, dose_type, rate_of
from prescriptions.posology.read_timing import read_timing
from prescriptions.posology.units import TIME_CODES

# A dose or a rate of one component of a mixture (ANS, FHIR e-prescription): the dosage names it by a reference alone.
OF_COMPONENT = "/fr-basis-of-dose-component"
NOTES = ("additionalInstruction", "patientInstruction", "text")
DOSAGE = {
    *("sequence", "asNeededBoolean", "asNeededCodeableConcept", "doseAndRate", "timing", "route", "site", "method"),
    *("maxDosePerAdministration", "maxDosePerPeriod", "maxDosePerLifetime", *NOTES),
}
DOSES, RATES = ("doseQuantity", "doseRange"), ("rateRatio", "rateQuantity", "rateRange")
RHYTHM = ("frequency", "frequencyMax", "period", "periodMax", "periodUnit")
LASTS = ("duration", "durationMax", "durationUnit")
BOUNDS = ("boundsDuration", "boundsRange", "boundsPeriod")
COUNTS = ("count", "countMax")
REPEAT = {*RHYTHM, *LASTS, *BOUNDS, *COUNTS, "when", "offset", "timeOfDay", "dayOfWeek"}


@dataclass(frozen=True)
class Element:
    """`strict` says the value in full words, or raises Unsayable: it is then shown as it is written.

    `label`: a key of LABELS; what `strict` says of itself ("si douleur") needs none (`is_bare`).
    """

    label: str
    value: object
    strict: Callable[[], str] | None = None
    is_bare: bool = False
    is_part: bool = False


# --- The elements of a Dosage -----------------------------------------------------------------------------------------
def elements_of(plain: dict, parts: list[bool], words: ModuleType, hint: str | None) -> Iterator[Element]:
    if "sequence" in plain:
        yield Element("order", plain["sequence"])
    yield from _needed(plain, words)
    yield from _doses(plain.get("doseAndRate"), parts, words, hint)
    yield from _timing(plain.get("timing"), words)
    for name in ("route", "site", "method"):
        if name in plain:
            yield Element(name, plain[name], lambda n=name: getattr(words, n)(concept(plain[n])), is_bare=True)
    yield from _limits(plain, words, hint)
    for note in (plain[name] for name in NOTES if name in plain):
        yield from (Element("note", each) for each in (note if isinstance(note, list) else [note]))


def _needed(plain: dict, words: ModuleType) -> Iterator[Element]:
    if plain.get("asNeededBoolean") is True:
        yield Element("needed", None, lambda: words.NEEDED, is_bare=True)
    if "asNeededCodeableConcept" in plain:
        why = plain["asNeededCodeableConcept"]
        yield Element("needed", why, lambda: words.needed_for(concept(why)), is_bare=True)


def _doses(plain: object, parts: list[bool], words: ModuleType, hint: str | None) -> Iterator[Element]:
    if not isinstance(plain, list):
        return
    for each, is_part in zip(plain, parts, strict=True):
        if isinstance(each, dict):
            yield from _dose(each, is_part, words, hint)


def _dose(each: dict, is_part: bool, words: ModuleType, hint: str | None) -> Iterator[Element]:
    label = label_of(each.get("type")) or "dose"
    for name, value in each.items():
        one = {name: value}
        if name in DOSES:
            yield Element(label, value, lambda one=one: words.amount(dose_of(one, hint)), is_part=is_part)
        elif name in RATES:
            yield Element("rate", value, lambda one=one: words.flow(rate_of(one, hint)), is_part=is_part)


def label_of(kind: object) -> str:
    """Empty for a type that is neither ordered nor calculated: the dose is said, and that something is not."""
    try:
        return {"ordered": "dose"}.get(dose_type(kind), "calculated")
    except Unsayable:
        return ""


def _limits(plain: dict, words: ModuleType, hint: str | None) -> Iterator[Element]:
    readings = {
        "maxDosePerAdministration": ("intake", lambda value: Limits(intake=quantity(value, hint))),
        "maxDosePerPeriod": ("most", lambda value: Limits(period=ratio(value, hint))),
        "maxDosePerLifetime": ("lifetime", lambda value: Limits(lifetime=quantity(value, hint))),
    }
    for name, (label, reading) in readings.items():
        if name in plain:
            value = plain[name]
            yield Element(label, value, lambda v=value, r=reading: words.limits(r(v)), is_bare=True)


def of_component(raw: dict) -> list[bool]:
    """Of each dose, whether it is of a component of the mixture."""
    doses = raw.get("doseAndRate")
    return [_is_of_component(each) for each in doses] if isinstance(doses, list) else []


def without_component(raw: dict) -> dict:
    """The same without what `of_component` says of it."""
    if not any(of_component(raw)):
        return raw
    doses = [
        {name: value for name, value in each.items() if name != "extension"} if _is_of_component(each) else each
        for each in raw["doseAndRate"]
    ]
    return {**raw, "doseAndRate": doses}


def _is_of_component(dose: object) -> bool:
    extensions = dose.get("extension") if isinstance(dose, dict) else None
    urls = [each.get("url") for each in extensions if isinstance(each, dict)] if isinstance(extensions, list) else []
    return len(urls) == 1 == len(extensions) and str(urls[0]).endswith(OF_COMPONENT)


# --- The elements of a Timing -----------------------------------------------------------------------------------------
def _timing(plain: object, words: ModuleType) -> Iterator[Element]:
    plain = plain if isinstance(plain, dict) else {}
    repeat = plain.get("repeat") if isinstance(plain.get("repeat"), dict) else {}
    yield from _together(words, RHYTHM, repeat, "rhythm", words.pace)
    yield from _together(words, ("when", "offset"), repeat, "moments", words.hours, when="moments")
    yield from _together(words, ("timeOfDay",), repeat, "hours", words.hours, timeOfDay="hours")
    yield from _together(words, ("dayOfWeek",), repeat, "days", lambda said: words.days(said.days), dayOfWeek="days")
    yield from _dates_and_code(plain, words)
    yield from _together(words, LASTS, repeat, "lasts", lambda said: words.span(said.lasts))
    bounds = dict.fromkeys(BOUNDS, "bounds")
    yield from _together(words, BOUNDS, repeat, "bounds", lambda said: words.how_long(said.bounds), **bounds)
    yield from _together(words, COUNTS, repeat, "count", lambda said: words.count(said.count, said.count_max))


def _dates_and_code(plain: dict, words: ModuleType) -> Iterator[Element]:
    if "event" in plain:
        dates = {"event": plain["event"]}
        yield Element("events", plain["event"], lambda: words.events(read_timing(dates).events))
    if "code" in plain:
        yield Element("code", plain["code"], lambda: _of_code(plain["code"], words))


def _together(
    words: ModuleType, names: tuple[str, ...], repeat: dict, label: str, say: Callable[[Timing], str], **labels: str
) -> Iterator[Element]:
    """What means nothing apart is said at once; when it cannot be, each as it is written, under `labels`."""
    given = {name: repeat[name] for name in names if name in repeat}
    if not given:
        return
    try:
        text = say(read_timing({"repeat": given}))
    except Unsayable:
        yield from (_apart(name, given, words, labels) for name in given if not _is_unit_said(name, given))
    else:
        yield Element(label, given, lambda: text)


def _apart(name: str, given: dict, words: ModuleType, labels: dict) -> Element:
    """A number with its unit, when it has one; a unit that has no number; codes one by one."""
    label, value = labels.get(name, name), given[name]
    unit = given.get(f"{name.removesuffix('Max')}Unit")
    if name.endswith("Unit"):
        return Element(label, value, lambda: _unit_of_time(value, words))
    if unit is not None and not isinstance(value, dict):
        named = _unit_of_time(unit, words) if unit in TIME_CODES else unit
        written = {"value": value, "unit": named}
        return Element(label, written, lambda: words.span(span(value, one_of(unit, TIME_CODES))))
    if isinstance(value, list):
        return Element(label, value, lambda: ", ".join(_one_code(name, code, words) for code in value))
    return Element(label, value)


def _unit_of_time(code: object, words: ModuleType) -> str:
    return words.span(span(1, one_of(code, TIME_CODES))).partition(words.NB)[2]


def _one_code(name: str, code: object, words: ModuleType) -> str:
    """A moment, an hour or a day by itself; one that is unknown is quoted."""
    try:
        timing = read_timing({"repeat": {name: [code]}})
    except Unsayable:
        return literal.said(code, words)
    return words.days(timing.days) if timing.days else words.hours(timing)


def _is_unit_said(name: str, given: dict) -> bool:
    stem = name.removesuffix("Unit")
    return name != stem and bool({stem, f"{stem}Max"} & set(given))


def _of_code(code: object, words: ModuleType) -> str:
    timing = read_timing({"code": code})
    return ", ".join(filter(None, [words.pace(timing), words.hours(timing) if timing.moments else ""]))
