"""Dosage in plain words: FHIR R4 Dosage → the sentence a patient reads, in French or in English.

    >>> say([{"timing": {"repeat": {"when": ["EVE"]}},
    ...       "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "comprimé"}}]}])
    '2\\xa0comprimés le soir.'

Never a guess. `say` reads every element or answers None: an element, code, extension or unit it does not know, a
thing left out that R4 does not give a default for, and a structure that contradicts itself are all refused
(`read`, `read_timing`, `sense`). Where the prescriber's own text stands beside the structure, the sentence is shown
only if it says all that the text says and nothing else on the same subjects (`written`): else the text is shown.

The answers are plain text. A `<` in them is data: it is for the template to escape.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prescriptions.posology import say_en, say_fr
from prescriptions.posology.compose import compose, joined, without_instructions
from prescriptions.posology.elements import say_each
from prescriptions.posology.model import Step, Unsayable
from prescriptions.posology.plain import bare, shown
from prescriptions.posology.read import read
from prescriptions.posology.written import agrees, fullest, gives_another_dosage

__all__ = ["NOT_SAID", "NOT_SPECIFIED", "Posology", "explain", "fullest", "say"]

NOT_SPECIFIED = {
    "fr": "Posologie non précisée\u00a0: demandez à votre pharmacien.",
    "en": "Dosage not specified: please ask your pharmacist.",
}


# A dosage was given, but neither a faithful sentence nor the prescriber's own text can be shown.
NOT_SAID = {
    "fr": "Nous ne savons pas dire cette posologie en une phrase\u00a0: demandez à votre pharmacien.",
    "en": "We cannot put this dosage into a sentence: please ask your pharmacist.",
}


@dataclass(frozen=True)
class Posology:
    """What a patient is shown for one line.

    `sentence` is never empty. `faithful`: it was made from the structure and leaves nothing out. Otherwise it is the
    prescriber's own text, as written, or, when `missing`, the request to ask the pharmacist.
    `own_text` is what the prescriber wrote, when anything; it is worth showing beside a faithful sentence too.
    `parts` holds the steps of a treatment in steps ("…", "puis …"), else the sentence alone.
    `besides`: instructions in the structure that `sentence` does not hold, when it is not made from the structure.
    Show them too: "ne pas conduire" may be nowhere else.
    `by_element`: the structure is said piece by piece (`elements`), for want of a faithful sentence and of a text.
    """

    sentence: str
    faithful: bool
    own_text: str | None
    parts: tuple[str, ...]
    besides: tuple[str, ...] = ()
    by_element: bool = False

    @property
    def missing(self) -> bool:
        return self.sentence in {*NOT_SPECIFIED.values(), *NOT_SAID.values()}

    @property
    def in_own_words(self) -> bool:
        """The sentence is the prescriber's text: say so beside it, it may use a prescriber's abbreviations."""
        return not (self.faithful or self.missing or self.by_element)


def say(
    dosages: list[dict],
    *,
    language: str = "fr",
    unit_hint: str | None = None,
    renderings: Sequence[str] | None = None,
    medicine: str | None = None,
) -> str | None:
    """The dosage as one text, or None when it cannot be said faithfully.

    `dosages`: `MedicationRequest.dosageInstruction`, as parsed from JSON (numbers may be int, float or Decimal).
    `language`: "fr" or "en" ("en-gb" is English; any other is French). In English the prescriber's French words are
    quoted. `unit_hint`: the form of the medicine ("comprimé pelliculé"), for a dose given without a unit; a form that
    is not counted ("sirop") does not serve.
    `renderings`: texts already written for the same dosage (`renderedDosageInstruction`, the note); with
    `Dosage.text`, they are what the sentence must agree with. `medicine`: the label of the medicine, so that its
    strength, repeated in a text, does not pass for a dose.
    """
    parts = _parts(dosages, language, unit_hint, [*(renderings or ()), *_texts(dosages)], medicine)
    return joined(parts, _words(language)) if parts else None


def explain(
    dosages: list[dict],
    *,
    own_text: str | None = None,
    language: str = "fr",
    unit_hint: str | None = None,
    renderings: Sequence[str] | None = None,
    medicine: str | None = None,
) -> Posology:
    """What to show. Never raises on any parsed JSON; the arguments are those of `say`.

    `own_text` is the prescriber's text for the whole line. In order: the sentence made from the structure, if it can be
    said and agrees with every text; else the text that says most among `own_text`, `renderings` and `Dosage.text`
    (the last one only if each step has its own); else the structure element by element; else the instructions to the
    patient; else that it cannot be said (`NOT_SAID`), or was not given (`NOT_SPECIFIED`).
    """
    given = [text for text in (own_text, *(renderings or ())) if isinstance(text, str) and shown(text)]
    parts = _parts(dosages, language, unit_hint, [*given, *_texts(dosages)], medicine)
    written = _own(dosages, given, medicine)
    if parts:
        return Posology(joined(parts, _words(language)), True, written, tuple(parts))
    if not (given or _whole_texts(dosages, "text")) and (each := say_each(dosages, _words(language), unit_hint)):
        return Posology(_in_a_row(each, _words(language)), False, None, each, by_element=True)
    sentence = written or _neither(dosages)[_language(language)]
    return Posology(sentence, False, written, (sentence,), _besides(dosages, sentence))


def _in_a_row(said: tuple[str, ...], words) -> str:
    """What to do about it is a sentence of its own."""
    return f"{words.SEMICOLON.join(said[:-1])}. {said[-1]}"


def _neither(dosages: object) -> dict[str, str]:
    return NOT_SAID if any(_elements(dosages)) else NOT_SPECIFIED


def _language(language: str) -> str:
    return "en" if str(language).lower().startswith("en") else "fr"


def _words(language: str):
    return say_en if _language(language) == "en" else say_fr


def _parts(
    dosages: object, language: str, hint: str | None, texts: list[str], medicine: str | None
) -> list[str] | None:
    """The comparison is made in French, the language of the texts, whatever the language asked for."""
    try:
        steps = read(dosages, hint)
        in_french = joined(compose(steps, say_fr), say_fr)
        parts = compose(steps, _words(language))
        _check_instructions(steps)
    except Unsayable:
        return None
    return parts if all(agrees(in_french, text, medicine) for text in texts) else None


def _check_instructions(steps: list[Step]) -> None:
    said = without_instructions(steps, say_fr)
    if any(gives_another_dosage(said, each) for step in steps for each in step.instructions):
        raise Unsayable("an instruction that gives a dosage of its own")


def _elements(raw: object) -> list[dict]:
    return [each for each in raw if isinstance(each, dict)] if isinstance(raw, list) else []


def _texts(dosages: object, name: str = "text") -> list[str]:
    found = [element.get(name) for element in _elements(dosages)]
    return [text for text in found if isinstance(text, str) and shown(text)]


def _besides(dosages: object, sentence: str) -> tuple[str, ...]:
    added = [each.get("additionalInstruction") for each in _elements(dosages)]
    found = [*(text for each in added for text in _texts(each)), *_texts(dosages, "patientInstruction")]
    return tuple(dict.fromkeys(shown(text) for text in found if bare(shown(text)).rstrip(" .") not in bare(sentence)))


def _own(dosages: object, given: list[str], medicine: str | None) -> str | None:
    """The prescriber's text. Steps whose texts are not all there make none: half of a treatment misleads."""
    candidates = list(given)
    for name in ("text", "patientInstruction"):
        texts = _whole_texts(dosages, name)
        if texts and (name == "text" or not candidates):
            candidates.append(" ; ".join(dict.fromkeys(map(shown, texts))))
    return shown(fullest(candidates, medicine)) if candidates else None


def _whole_texts(dosages: object, name: str) -> list[str]:
    texts = _texts(dosages, name)
    return texts if texts and len(texts) == len(dosages) else []
