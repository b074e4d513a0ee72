"""Whatever is in a bundle, the reader gives drafts or a FhirError: nothing else comes out."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from prescriptions.fhir import FhirError, read_bundle
from tests import factories
from tests.prescriptions import bundles

MIXTURE = {
    "resourceType": "Medication",
    "id": "mix",
    "ingredient": [{"itemReference": {"reference": "#m"}}, {"itemCodeableConcept": {"text": "NaCl"}}],
}
MEDICATION = {
    "resourceType": "Medication",
    "id": "m",
    "code": {"text": "Glucose"},
    "amount": {"numerator": {"value": 5, "unit": "g"}},
}
GROUP = {
    "resourceType": "RequestGroup",
    "action": [
        {
            "id": "1",
            "relatedAction": [{"actionId": "2", "relationship": "concurrent"}],
            "resource": {"reference": "#line-1"},
        },
        {"id": "2", "resource": {"reference": "#line-2"}},
    ],
}
WEIGHT = {
    "resourceType": "Observation",
    "code": {"coding": [{"code": "29463-7"}]},
    "valueQuantity": {"value": 70, "code": "kg"},
}
WHOLE = bundles.bundle(
    bundles.numbered("01AAAAAAAAAA", subject={"reference": "#alice"}, requester={"reference": "#role"}),
    bundles.numbered(
        "01AAAAAAAAAA",
        id="line-2",
        subject={"reference": "#alice"},
        requester={"reference": "#role"},
        medicationCodeableConcept=None,
        medicationReference={"reference": "#mix"},
        dispenseRequest={"quantity": {"value": 1}, "expectedSupplyDuration": {"value": 1, "code": "mo"}},
        substitution={"allowedBoolean": False, "reason": {"text": "MTE"}},
        note=[{"text": "Prescription textuelle: 1 le soir"}],
    ),
    MIXTURE,
    MEDICATION,
    GROUP,
    WEIGHT,
    bundles.alice_as_fhir(factories.ins_with_key("2880375056123")),
    *bundles.emma_as_fhir(factories.with_luhn("9900000101")),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


def places(value, path=()):
    """Every place of a JSON value, as a path of keys."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


PLACES = sorted(places(WHOLE), key=str)


def test_as_it_is_it_is_taken():
    (deposit,) = read_bundle(WHOLE)
    assert len(deposit.draft.lines) == 2 and deposit.patient and deposit.prescriber


@settings(max_examples=400, deadline=None)
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=3))
def test_altered_anywhere_it_is_taken_or_refused(changes):
    data = copy.deepcopy(WHOLE)
    for path, value in changes:
        _put(data, path, value)
    try:
        deposits = read_bundle(data)
    except FhirError as error:
        assert error.sentence
    else:
        assert all(line.name for deposit in deposits for line in deposit.draft.lines)


def _put(data, path, value):
    """Replaces what stands there; an earlier change may have taken the place away."""
    for key in path[:-1]:
        if not _has(data, key):
            return
        data = data[key]
    if _has(data, path[-1]):
        data[path[-1]] = value


def _has(data, key) -> bool:
    return (
        key in data if isinstance(data, dict) else isinstance(data, list) and isinstance(key, int) and key < len(data)
    )
