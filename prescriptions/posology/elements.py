"""A structure said element by element, where it cannot be made one faithful sentence.

« Dose : 2 flacons · Nombre de fois : 1 · Jours : le vendredi ». Each element is said by itself, as it is written:
nothing is concluded from two of them, and what cannot be said even alone is announced. Only `compose` makes a sentence.
"""

from types import ModuleType

from prescriptions.posology import literal
from prescriptions.posology.elements_of import (
    DOSAGE,
    DOSES,
    NOTES,
    RATES,
    REPEAT,
    Element,
    elements_of,
    label_of,
    of_component,
    without_component,
)
from prescriptions.posology.labels import LABELS
from prescriptions.posology.model import Unsayable


def say_each(dosages: object, words: ModuleType, hint: str | None) -> tuple[str, ...]:
    """One text a dosage, then what to do; () when there is nothing to show but instructions, or meaning is changed."""
    raw = dosages if isinstance(dosages, list) else []
    given = [each for each in raw if isinstance(each, dict)]
    if not any(set(each) & DOSAGE - {"sequence", *NOTES} for each in given) or _changes_meaning(raw):
        return ()
    said = [_say_one(each, words, hint, alone=len(given) == 1) for each in given]
    texts = tuple(text for text, _is_whole in said if text)
    is_whole = len(given) == len(raw) and all(is_whole for _text, is_whole in said)
    return (*texts, LABELS[words]["ask" if is_whole else "unread"]) if texts else ()


def _changes_meaning(value: object) -> bool:
    if isinstance(value, dict):
        return "modifierExtension" in value or any(map(_changes_meaning, value.values()))
    return isinstance(value, list) and any(map(_changes_meaning, value))


def _say_one(raw: dict, words: ModuleType, hint: str | None, *, alone: bool) -> tuple[str, bool]:
    """And whether nothing is left out."""
    plain, is_whole = _without_extensions(without_component(raw))
    elements = elements_of(plain, of_component(raw), words, hint)
    texts = [_say(element, words) for element in elements if not (alone and element.label == "order")]
    return " · ".join(filter(None, texts)), is_whole and all(texts) and _is_known(plain)


def _without_extensions(value: object) -> tuple[object, bool]:
    """And whether there was none. An id says nothing, null neither."""
    if isinstance(value, list):
        found = [_without_extensions(each) for each in value]
        return [each for each, _is_whole in found], all(is_whole for _each, is_whole in found)
    if not isinstance(value, dict):
        return value, True
    extensions = {name for name in value if name == "extension" or name[:1] == "_"}
    own = {name for name, each in value.items() if each is not None} - extensions - {"id"}
    found = {name: _without_extensions(value[name]) for name in value if name in own}
    plain = {name: each for name, (each, _is_whole) in found.items()}
    return plain, not extensions and all(is_whole for _each, is_whole in found.values())


def _is_known(plain: dict) -> bool:
    """Every element has its place here: one of another version of FHIR has none."""
    timing = plain.get("timing", {})
    repeat = timing.get("repeat", {}) if isinstance(timing, dict) else {}
    needed, doses = plain.get("asNeededBoolean"), plain.get("doseAndRate", [])
    return (
        set(plain) <= DOSAGE
        and _is_among(timing, {"repeat", "event", "code"})
        and _is_among(repeat, REPEAT)
        and isinstance(doses, list)
        and all(_is_among(each, {"type", *DOSES, *RATES}) and label_of(each.get("type")) for each in doses)
        and (needed in (None, True) or (needed is False and "asNeededCodeableConcept" not in plain))
    )


def _is_among(value: object, names: set[str]) -> bool:
    return isinstance(value, dict) and set(value) <= names


def _say(element: Element, words: ModuleType) -> str:
    """Empty when it cannot be said, even as it is written."""
    for say in (element.strict, lambda: literal.said(element.value, words)):
        try:
            text = say() if say else ""
        except Unsayable:
            continue
        if text:
            return _under_its_label(element, text, words, is_bare=element.is_bare and say is element.strict)
    return ""


def _under_its_label(element: Element, text: str, words: ModuleType, *, is_bare: bool) -> str:
    if is_bare:
        return text[0].upper() + text[1:]
    label = LABELS[words][element.label]
    return f"{LABELS[words]['part'] % label if element.is_part else label}{words.COLON}{text}"
