"""Any plain dosage is the same after FHIR → CDA → FHIR; any other is left to the words; nothing makes it fail."""

import copy
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prescriptions.cda import medicines, read_steps, steps
from prescriptions.cda.node import Node
from prescriptions.cda.read_narrative import Narrative
from prescriptions.cda.xml import E
from prescriptions.models import Prescription, PrescriptionLine
from tests.prescriptions.cda_cases import DAY, EDQM, TABLET, UCUM, as_needed, dose, every, tapering, weekly

amounts = st.one_of(
    st.integers(1, 500), st.decimals(Decimal("0.01"), 99, places=2).map(float).filter(lambda value: value % 1)
)
units = st.sampled_from(
    [
        {"unit": "comprimé"},
        {"unit": "gélule"},
        {"unit": "dose du matin"},
        {"unit": "U"},
        {},
        TABLET,
        {"unit": "mg", "system": UCUM, "code": "mg"},
        {"unit": "µg", "system": UCUM, "code": "ug"},
        {"unit": "comprimés", "system": UCUM, "code": "{tablet}"},
    ]
)
rhythms = st.one_of(
    st.builds(every, st.just(1), st.integers(1, 30), st.sampled_from(["h", "d", "wk", "mo"])),
    st.builds(every, st.sampled_from([2, 3, 4, 6, 8, 12]), st.just(1), st.just("d")),
    st.builds(every, st.sampled_from([2, 4, 5]), st.just(1), st.sampled_from(["wk", "mo"])),
    st.builds(
        lambda day: every(1, 1, "wk", dayOfWeek=[day]),
        st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    ),
)
bounds = st.one_of(
    st.just({}),
    st.integers(1, 90).map(lambda days: {"boundsDuration": {"value": days} | DAY}),
    st.just({"boundsPeriod": {"start": "2026-11-20", "end": "2026-12-01"}}),
    st.just({"boundsPeriod": {"start": "2026-11-20T08:00:00+01:00"}}),
)


@st.composite
def plain_steps(draw):
    timing = copy.deepcopy(draw(rhythms))
    timing["repeat"] |= draw(bounds)
    unit = draw(units)
    low, high = sorted([draw(amounts), draw(amounts)])
    is_range = draw(st.booleans()) and low != high
    ends = {"low": {"value": low} | unit, "high": {"value": high} | unit}
    return {
        "timing": timing,
        "doseAndRate": [{"doseRange": ends}]
        if is_range
        else dose(low, **unit)
        if unit
        else [{"doseQuantity": {"value": low}}],
    }


@st.composite
def plain_dosages(draw):
    elements = draw(st.lists(plain_steps(), min_size=1, max_size=4))
    if len(elements) > 1 and draw(st.booleans()):
        elements = [{"sequence": place} | each for place, each in enumerate(elements, start=1)]
    return elements


def there_and_back(dosage: list) -> list:
    """Through the entry and the narrative of a medicine, without a database."""
    line = PrescriptionLine(kind="medicine", name="MÉDICAMENT", dosage=dosage)
    line.prescription = Prescription(authored_on=date(2026, 11, 20))
    medicine = medicines.Medicine(line, "med-001", steps.plan_of(dosage), "20261120")
    entry = medicines._entry(medicine)
    document = E.ClinicalDocument(E.text(medicines._table(medicine, line.prescription)), E.entry(entry))
    return read_steps.dosage_of(Node(entry), Narrative(Node(document)), "med-001")


@given(plain_dosages())
def test_a_plain_dosage_is_the_same_on_the_other_side(dosage):
    assert steps._essence(there_and_back(dosage)) == steps._essence(dosage)


@pytest.mark.parametrize("case", [as_needed(), tapering(), weekly()], ids=lambda case: case["name"])
def test_so_are_those_of_the_cases(case):
    assert there_and_back(case["dosage"]) == case["dosage"]


def test_an_application_has_a_rhythm_and_no_dose():
    assert there_and_back([{"timing": every(2, 1, "d")}]) == [{"timing": every(2, 1, "d")}]


def test_the_words_of_each_step_come_back():
    dosage = [{"text": "un le matin"} | tapering()["dosage"][0] | {"sequence": 1}, tapering()["dosage"][1]]
    assert there_and_back(dosage) == dosage


NOT_PLAIN = [
    {},
    {"text": "seulement des mots"},
    {"timing": {"repeat": {"when": ["MORN"]}}, "doseAndRate": dose(1)},
    {"timing": {"repeat": {"timeOfDay": ["08:00:00"]}}, "doseAndRate": dose(1)},
    {"timing": every(1, 1, "d", frequencyMax=2), "doseAndRate": dose(1)},
    {"timing": every(7, 1, "d"), "doseAndRate": dose(1)},
    {"timing": every(3, 2, "d"), "doseAndRate": dose(1)},
    {"timing": every(1, 1, "wk", dayOfWeek=["mon", "fri"]), "doseAndRate": dose(1)},
    {"timing": every(1, 1, "lune"), "doseAndRate": dose(1)},
    {"timing": every(1, 1, "d"), "doseAndRate": dose(1), "additionalInstruction": [{"text": "à jeun"}]},
    {"timing": every(1, 1, "d"), "doseAndRate": dose(1), "asNeededCodeableConcept": {"text": "si douleur"}},
    {"timing": every(1, 1, "d"), "doseAndRate": dose(1), "asNeededBoolean": False},
    {"timing": every(1, 1, "d"), "doseAndRate": [*dose(1), *dose(2)]},
    {"timing": every(1, 1, "d"), "doseAndRate": dose(1, unit="g", system="http://other", code="g")},
    {"timing": every(1, 1, "d"), "doseAndRate": [{"rateRatio": {"numerator": {"value": 1}}}]},
    {"timing": every(1, 1, "d", boundsPeriod={"start": "2026-11"}), "doseAndRate": dose(1)},
    {"timing": every(1, 1, "d"), "doseAndRate": dose(1), "route": {"text": "orale"}},
    {"timing": every(1, 0, "d"), "doseAndRate": dose(1)},
    {"timing": every(0, 1, "d"), "doseAndRate": dose(1)},
]


@pytest.mark.parametrize("element", NOT_PLAIN, ids=range(len(NOT_PLAIN)))
def test_what_is_not_plain_is_left_to_the_words(element):
    assert steps.plan_of([element]) is None
    assert there_and_back([element]) == []


@pytest.mark.parametrize(
    "dosage",
    [
        [tapering()["dosage"][0], as_needed()["dosage"][0]],
        [weekly()["dosage"][0], weekly()["dosage"][0] | {"route": {"coding": [{"system": EDQM, "code": "20053000"}]}}],
        [{"sequence": 2} | weekly()["dosage"][0], {"sequence": 1} | weekly()["dosage"][0]],
    ],
    ids=["as needed in a step", "two routes", "out of order"],
)
def test_steps_that_do_not_go_together_are_left_to_the_words(dosage):
    assert steps.plan_of(dosage) is None


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["timing", "repeat", "doseAndRate", "doseQuantity", "value", "unit", "period", "route", "coding"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(anything, max_size=3))
def test_nothing_that_json_can_hold_makes_it_fail(dosage):
    plan = steps.plan_of(dosage)
    assert plan is None or steps._essence(steps.fhir_of(plan)) == steps._essence(dosage)
