"""When the sentence made from the structure may stand in for the prescriber's own text.

The rule. It may, only when:

1. it says everything the text says: each number with what it counts, each moment of the day, day, meal and date, and
   each word that weighs (`vocabulary.WORDS_OF_NO_WEIGHT` lists those that do not);
2. it says nothing else on a subject the text speaks of: where the text gives a dose, an hour, a day, a duration, a
   frequency or a maximum, the sentence gives the same. On a subject the text leaves out, the structure may add;
3. where there are several doses, both give them in the same order with the same hours, days or durations.

Otherwise the text is right: a person wrote it and read it again, while the structure came from boxes beside it.
Reading goes by patterns, so it errs on one side only: what it does not understand counts as said by the text alone.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice

from prescriptions.posology.facts import DAY, Facts
from prescriptions.posology.plain import bare
from prescriptions.posology.vocabulary import IMPLIED

_SAME = ("clock", "times", "out of", "ordinal", "weekday", "meal", "date", "year", "hour of a date")
_NO_OTHER = ("dose", "limit", "clock", "times", "every", "for hours", "for days", "part", "weekday", "meal", "date")
_PAIRED = ("clock", "part", "weekday", "meal", "for days")
_IF = {"si", "besoin", "ca", "cas", "lorsque", "quand", "selon"}
_LONGEST_LABEL = 200
_CUES = re.compile(
    r"\b(?:si|sauf|en cas|ne|pas|fois|jours?|tou(?:te)?s|pendant|matin|midi|soir|coucher|repas|puis|prises?|max\w*)\b"
)


def agrees(sentence: str, text: str, medicine: str | None = None) -> bool:
    """Whether the French `sentence` may stand in for `text`.

    `medicine` is the label of the medicine: its strength and its words, repeated in the text, are no dosage.
    """
    ours, label = Facts(sentence), Facts(medicine or "")
    theirs = Facts(_without_label(text, label))
    if not (theirs["dose"] - label["dose"] or theirs["bare"] - label["bare"]):
        label.forget()  # the only dose the text gives: it may be more than a strength
    return (
        _says_all(ours, theirs, label)
        and _says_no_other(ours, theirs, label)
        and _in_the_same_order(ours, theirs, label)
        and _as_much_in_all(ours, theirs, label)
        and _on_the_same_condition(sentence, ours, theirs)
    )


def _on_the_same_condition(sentence: str, ours: Facts, theirs: Facts) -> bool:
    """As needed in one is as needed in the other; with two reasons, which dose goes with which cannot be checked."""
    reasons = len(re.findall(r"\bsi (?!besoin)", bare(sentence)))
    return reasons < 2 and (not ours.words & _IF or bool(theirs.words & _IF))


def _says_all(ours: Facts, theirs: Facts, label: Facts) -> bool:
    parts = ours["part"] | {IMPLIED[meal] for meal in ours["meal"] & IMPLIED.keys()}
    numbers = theirs["bare"] - label["bare"] - label["counted"]
    return (
        (theirs["dose"] | theirs["limit"]) - label["dose"] <= ours["dose"] | ours["limit"]
        and theirs.lengths() - label.lengths() <= ours.lengths()
        and theirs["part"] <= parts
        and numbers <= ours["bare"] | ours["things"]
        and theirs.words - label.words <= ours.words | {thing for thing, _ in ours["dose"] | ours["limit"]}
        and all(theirs[subject] - label[subject] <= ours[subject] for subject in _SAME)
    )


def _says_no_other(ours: Facts, theirs: Facts, label: Facts) -> bool:
    spoken_of = [subject for subject in _NO_OTHER if theirs[subject] - label[subject]]
    return all(ours[subject] <= theirs[subject] | _continued(subject, theirs) for subject in spoken_of)


def _continued(subject: str, theirs: Facts) -> set:
    """« 1 comprimé le matin, 2 le soir »: the bare 2 counts what the 1 counted."""
    dimensions = {dimension for dimension, _ in theirs["dose"]} if subject == "dose" else ()
    return {(dimension, value) for dimension in dimensions for value in theirs["bare"]}


def _as_much_in_all(ours: Facts, theirs: Facts, label: Facts) -> bool:
    """« 2 comprimés par jour » is a total: one intake of 2, or 2 of 1, not 2 of 2."""
    for dimension, _ in theirs["total"] - label["dose"]:
        most = max(value for other, value in theirs["total"] if other == dimension)
        intake = max((value for other, value in ours["dose"] if other == dimension), default=0)
        if intake * _times(ours) != most:
            return False
    return True


def _times(facts: Facts) -> Decimal:
    """How many times in a day (or in the week, for days of the week), at most."""
    if facts["times"]:
        return max(facts["times"])
    often = [DAY / length for length in facts["every"] if 0 < length < DAY]
    return Decimal(max([1, *often, *(len(facts[subject]) for subject in ("clock", "part", "meal", "weekday"))]))


def _in_the_same_order(ours: Facts, theirs: Facts, label: Facts) -> bool:
    """« 1 le matin, 2 le soir » and « 2 le matin, 1 le soir » name the same things."""
    if len(ours["dose"] - _strengths(ours)) < 2:
        return True
    paired = [subject for subject in _PAIRED if len(ours[subject]) > 1]
    return _order(ours, label, paired) == _order(theirs, label, paired)


def _strengths(facts: Facts) -> set:
    """mg/m² and the like: beside a dose, never one more dose."""
    return {fact for fact in facts["dose"] if "/" in fact[0]}


def _order(facts: Facts, label: Facts, paired: list[str]) -> list:
    """Doses as plain numbers (the text may not repeat the unit) among the facts they go with."""
    said = []
    for _, subject, values in facts.order:
        if subject == "dose" and not set(values) <= label["dose"] | _strengths(facts):
            said.append([value for _, value in values])
        elif subject == "bare":
            said.append(list(values))
        elif subject in paired:
            said.append((subject, *values))
    return said


def gives_another_dosage(sentence: str, instruction: str) -> bool:
    """Whether an instruction beside the structure gives doses, times or days that the structure's sentence does not.

    "Au 1er, 8e et 15e jour du cycle" beside "3 fois par mois": the two together would confuse.
    """
    ours, theirs = Facts(sentence), Facts(instruction)
    dimensions = {dimension for dimension, _ in ours["dose"] | ours["limit"]}
    doses = {fact for fact in theirs["dose"] | theirs["limit"] if fact[0] in dimensions}
    limited = ours["limit"] if ours["limit"] else theirs["limit"]
    return (
        bool(theirs["ordinal"])
        or not doses <= ours["dose"] | limited
        or any(not theirs[subject] <= ours[subject] for subject in ("clock", "times", "every"))
        or bool(ours["for days"])
        and not theirs["for days"] <= ours["for days"]
    )


def _without_label(text: str, label: Facts) -> str:
    """The text after « NAME strength form : », when what precedes gives no dosage and what follows gives a dose."""
    for found in islice(re.finditer(r"\s?:\s|\s[-–]+\s", text[:_LONGEST_LABEL]), 3):
        name, rest = Facts(text[: found.start()]), Facts(text[found.end() :])
        named = name["dose"] or name.words & label.words
        if named and not _CUES.search(bare(text[: found.start()])) and (rest["dose"] or rest["limit"]):
            return text[found.end() :]
    return text


def fullest(texts: Sequence[str], medicine: str | None = None) -> str:
    """The first text that says all that the others say (but for the medicine's label), else the longest."""
    covering = [text for text in texts if all(agrees(text, other, medicine) for other in texts)]
    return covering[0] if covering else max(texts, key=len)
