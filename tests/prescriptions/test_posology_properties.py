"""Whatever JSON comes, nothing raises, no number is lost, and no leftover of a program is shown."""

import re
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from prescriptions.posology import NOT_SAID, NOT_SPECIFIED, explain, say
from prescriptions.posology.units import UNITS
from tests.prescriptions.dosages import EDQM, UCUM

MEMBERS = """
    sequence text additionalInstruction patientInstruction timing asNeededBoolean asNeededCodeableConcept site route
    method doseAndRate maxDosePerPeriod maxDosePerAdministration maxDosePerLifetime event repeat code boundsDuration
    boundsRange boundsPeriod count countMax duration durationMax durationUnit frequency frequencyMax period periodMax
    periodUnit dayOfWeek timeOfDay when offset type doseRange doseQuantity rateRatio rateRange rateQuantity numerator
    denominator low high value unit system coding display start end extension id url
"""
NAMES = st.sampled_from(MEMBERS.split())
WORDS = st.sampled_from(
    ["MORN", "AC", "d", "h", "wk", "mon", "comprimé", "mg", "mL/h", "08:00:00", "2025-03-01", "2025-03-01T08:00:00Z"]
    + [UCUM, EDQM, "15054000", "Si douleur", "1 cp le soir", "ordered", "{tbl}", "1"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | WORDS | st.text(max_size=30)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES, inner, max_size=6)
        | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=40,
)
FEW = settings(max_examples=150, deadline=None)


@FEW
@given(JSON, JSON, st.text(max_size=60) | st.none(), st.sampled_from(["fr", "en"]))
def test_any_json_gets_an_answer(dosages, more, own_text, language):
    for given_ in (dosages, [dosages], [dosages, more]):
        said = say(given_, language=language)
        assert said is None or said.strip()
        shown = explain(given_, own_text=own_text, language=language)
        assert shown.sentence.strip()
        others = (shown.own_text, NOT_SPECIFIED[language], NOT_SAID[language])
        assert shown.faithful or shown.by_element or shown.sentence in others


VALUES = st.integers(1, 5000) | st.decimals("0.25", "9", places=2) | st.sampled_from([0.5, 0.75, 1.5, 2.5, 0.1])
UNIT = st.shared(st.sampled_from(sorted(UNITS)), key="one unit for the whole dosage")
QUANTITIES = st.fixed_dictionaries({"value": VALUES, "unit": UNIT})
SPANS = st.fixed_dictionaries(
    {"value": st.integers(1, 40), "unit": st.sampled_from(["h", "jour", "semaines", "mois", "ans"])}
)
TIME_UNIT = st.sampled_from(["min", "h", "d", "wk", "mo", "a"])
SMALL = st.integers(1, 12)
WHENS = st.lists(st.sampled_from(["MORN", "NOON", "EVE", "HS", "AC", "PCM", "C"]), min_size=1, max_size=4, unique=True)
HOURS = st.lists(st.sampled_from(["07:00:00", "12:30:00", "18:00:00"]), min_size=1, max_size=3, unique=True)
WEEKDAYS = st.lists(st.sampled_from(["mon", "tue", "wed", "sun"]), min_size=1, max_size=3, unique=True)
RHYTHM = {"frequency": SMALL, "period": SMALL | st.sampled_from([1, 1, 1, 0.5, 1.5]), "periodUnit": TIME_UNIT}
BOUNDS = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"boundsDuration": SPANS}),
    st.just({"boundsPeriod": {"start": "2025-03-03", "end": "2025-04-17"}}),
    st.fixed_dictionaries({"count": SMALL}, optional={"countMax": st.integers(13, 30)}),
    st.fixed_dictionaries({"duration": SMALL, "durationUnit": TIME_UNIT}),
)
RHYTHMS = st.one_of(
    st.fixed_dictionaries(RHYTHM),
    st.fixed_dictionaries(RHYTHM, optional={"frequencyMax": st.integers(13, 15), "periodMax": st.integers(13, 15)}),
    st.fixed_dictionaries({"when": WHENS}, optional={"dayOfWeek": WEEKDAYS}),
    st.fixed_dictionaries({"when": st.just(["AC"]) | st.just(["PCM", "HS"]), "offset": st.integers(0, 180)}),
    st.fixed_dictionaries({"timeOfDay": HOURS}, optional={"dayOfWeek": WEEKDAYS}),
    st.fixed_dictionaries({"dayOfWeek": WEEKDAYS}),
    st.fixed_dictionaries({}, optional={**RHYTHM, "when": WHENS, "timeOfDay": HOURS, "dayOfWeek": WEEKDAYS}),
)
REPEATS = st.tuples(RHYTHMS, BOUNDS).map(lambda both: {**both[0], **both[1]})
DOSES = st.fixed_dictionaries({"doseQuantity": QUANTITIES}) | st.fixed_dictionaries(
    {"doseRange": st.fixed_dictionaries({"low": QUANTITIES, "high": QUANTITIES})}
)
LARGE = st.fixed_dictionaries({"value": st.integers(5000, 10**6), "unit": UNIT})
DOSAGES = st.fixed_dictionaries(
    {"doseAndRate": st.lists(DOSES, min_size=1, max_size=1), "timing": st.fixed_dictionaries({"repeat": REPEATS})},
    optional={
        "asNeededBoolean": st.booleans(),
        "maxDosePerPeriod": st.fixed_dictionaries({"numerator": LARGE, "denominator": SPANS}),
        "maxDosePerAdministration": st.fixed_dictionaries({"value": st.just(5000), "unit": UNIT}),
        "patientInstruction": st.just("Avec 1 grand verre d’eau"),
    },
)
FINER = {"h": 60, "d": 24, "wk": 7}
CODES = {"h": "h", "jour": "d", "semaines": "wk", "mois": "mo", "ans": "a"}
IN_WORDS = {"deux": 2, "once": 1, "twice": 2, "other": 2, "un demi": "0.5", "une demi": "0.5", "un quart": "0.25"}
IN_WORDS |= {"trois quarts": "0.75", "half": "0.5", "a quarter": "0.25", "three quarters": "0.75"}


def numbers_in(sentence, language):
    """All the numbers that a reader finds, halves and quarters in words too."""
    text = re.sub(r"(\d)[\u00a0,](?=\d{3}(?!\d))" if language == "fr" else r"(\d),(?=\d{3})", r"\1", sentence.lower())
    text = text.replace(",", ".") if language == "fr" else text
    found = {Decimal(each) for each in re.findall(r"\d+(?:\.\d+)?", text)}
    found |= {Decimal(each) + Decimal("0.5") for each in re.findall(r"(\d+)\u00a0\w+ et demie?", text)}
    return found | {Decimal(value) for words, value in IN_WORDS.items() if words in text}


def expected(dosage):
    """For each number of the structure, the forms it may take: 120 min are 2 h. 1 a day goes unsaid."""
    repeat = dosage["timing"]["repeat"]
    for name in ("frequency", "frequencyMax", "count", "countMax"):
        if repeat.get(name, 1) != 1:
            yield {Decimal(repeat[name])}
    for name, unit in (("period", "periodUnit"), ("periodMax", "periodUnit"), ("duration", "durationUnit")):
        if name in repeat and repeat[name] != 1:
            yield forms(repeat[name], repeat.get(unit))
    if repeat.get("offset"):
        yield forms(repeat["offset"], "min")
    if "boundsDuration" in repeat:
        yield forms(repeat["boundsDuration"]["value"], CODES[repeat["boundsDuration"]["unit"]])
    for hour in repeat.get("timeOfDay", []):
        yield {Decimal(hour[:2])}
    yield from map(forms, (amount["value"] for amount in amounts(dosage)))


def forms(value, unit=None):
    value = Decimal(str(value))
    finest = {value * 168} if unit == "wk" else set()  # half a week is said as 84 hours
    return {value, value * FINER[unit]} | finest if unit in FINER else {value, value / 60 if unit == "min" else value}


def amounts(tree):
    if isinstance(tree, dict) and set(tree) == {"value", "unit"} and tree["unit"] in UNITS:
        yield tree
    for branch in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from amounts(branch)


@settings(FEW, max_examples=400)
@given(st.lists(DOSAGES, min_size=1, max_size=2), st.sampled_from(["fr", "en"]))
def test_no_number_of_the_structure_is_lost(dosages, language):
    said = say(dosages, language=language)
    if said is None:
        return
    numbers = numbers_in(said, language)
    for dosage in dosages:
        for allowed in expected(dosage):
            assert allowed & numbers, (allowed, said)


@FEW
@given(st.lists(DOSAGES, min_size=1, max_size=2), st.sampled_from(["fr", "en"]))
def test_nothing_of_the_program_shows(dosages, language):
    said = say(dosages, language=language)
    if said is None:
        return
    assert not re.search(r"None|null|[{}\[\]_]|  |\s[,.]|,,|\.\.|: *[.,]", said), said
    assert said[0].isupper() or said[0].isdigit()
    assert said.endswith(".")


@FEW
@given(DOSAGES)
def test_a_sentence_agrees_with_itself_and_comes_in_both_languages(dosage):
    french = say([dosage])
    assert bool(french) == bool(say([dosage], language="en"))
    if french:
        assert say([dosage], renderings=[french]) == french
