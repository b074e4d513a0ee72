"""The dosage in the prescriber's words: where the document puts them, else put together from what codes point at."""

from prescriptions.cda.node import Node
from prescriptions.cda.read_narrative import Narrative
from prescriptions.cda.read_steps import conditions_of, steps_of, unit_in_words
from prescriptions.cda.write_steps import ONCE

# Columns that are about the dosage, in a table that has none called « Posologie ».
ABOUT_DOSAGE = (r"fréquence", r"\bdose", r"rythme", r"voie", r"modalité", r"prise")


def dosage_text(entry: Node, narrative: Narrative, identifier: str, *, is_coded: bool) -> str:
    """`is_coded`: the codes say it all, so that nothing needs putting together."""
    if own := narrative.text(f"{identifier}-posologie"):
        return own
    if is_coded and narrative.text(f"{identifier}-phrase"):  # which `write` made of the codes
        return ""
    said = narrative.cell(identifier, r"^posologie")
    if said or is_coded:
        return said
    return _put_together(entry, narrative) or _from_columns(narrative, identifier)


def _put_together(entry: Node, narrative: Narrative) -> str:
    steps = [_step_in_words(step, narrative) for step in steps_of(entry) or [entry]]
    if not any(steps):
        return ""
    whole = ", ".join(filter(None, _of_the_whole(entry, narrative)))
    return ". ".join(filter(None, ["\u00a0; puis ".join(filter(None, steps)), whole]))


def _step_in_words(step: Node, narrative: Narrative) -> str:
    parts = [_range(step, "doseQuantity", narrative), _frequency(step, narrative)]
    return ", ".join(filter(None, [*parts, _range(step, "rateQuantity", narrative)]))


def _range(step: Node, name: str, narrative: Narrative) -> str:
    """« 1 cp à 2 cp »"""
    ends = (step.one(f"{name}/{end}/translation") for end in ("low", "high"))
    said = dict.fromkeys(filter(None, (narrative.original(end) for end in ends)))
    return " à ".join(said)


def _frequency(step: Node, narrative: Narrative) -> str:
    periods = [*step.all("effectiveTime/period"), *step.all("effectiveTime/comp/period")]
    return ", ".join(filter(None, (narrative.original(period.one("translation")) for period in periods)))


def _of_the_whole(entry: Node, narrative: Narrative) -> list[str]:
    route = entry.one("routeCode")
    regions = [Node(each.element) for each in entry.all("approachSiteCode")]
    return [
        (narrative.original(route) or route.get("displayName")) if route else "",
        *(narrative.original(region) or region.get("displayName") for region in regions),
        *(_maximum(most, narrative) for most in entry.all("maxDoseQuantity")),
        *conditions_of(entry, narrative),
    ]


def _maximum(most: Node, narrative: Narrative) -> str:
    numerator, denominator = most.one("numerator"), most.one("denominator")
    if numerator is None or denominator is None:
        return ""
    said = narrative.original(numerator.one("translation"))
    unit = unit_in_words(numerator.get("unit").strip("{}"), "")
    much = said or f"{numerator.get('value')} {unit}".strip()
    often = ONCE.get(denominator.get("unit"), denominator.get("unit"))
    value = denominator.get("value")
    return f"au plus {much} par {often}" if value == "1" else f"au plus {much} en {value} {often}"


def _from_columns(narrative: Narrative, identifier: str) -> str:
    return ", ".join(dict.fromkeys(filter(None, (narrative.cell(identifier, head) for head in ABOUT_DOSAGE))))
