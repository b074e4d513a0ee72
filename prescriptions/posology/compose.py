"""Puts the words of one language together: dose, moments, then what is common to the whole."""

from dataclasses import replace
from types import ModuleType

from prescriptions.posology.model import Step, Timing
from prescriptions.posology.sense import MEALS, in_turn, is_cycle


def compose(steps: list[Step], words: ModuleType) -> list[str]:
    """The parts, in order: one for each step of a treatment in steps, otherwise one sentence (or several)."""
    groups = in_turn(steps)
    if len(groups) == 1:
        return [_finished(_upper(_body(groups[0], words)), _apart(groups[0], words))]
    said = [_in_turn(group, words) for group in groups]
    return [_upper(said[0]), *(f"{words.THEN}{each}" for each in said[1:])]


def without_instructions(steps: list[Step], words: ModuleType) -> str:
    """What the structure alone says, to compare an instruction with."""
    bare_steps = [replace(step, instructions=()) for step in steps if not step.advice_only]
    return words.SEMICOLON.join(_alone(step, words) for step in bare_steps)


def joined(parts: list[str], words: ModuleType) -> str:
    """All the parts in one text."""
    if len(parts) == 1:
        return parts[0]
    return _finished(words.SEMICOLON.join(parts), [])


def _finished(sentence: str, others: list[str]) -> str:
    return " ".join(each if each[-1] in ".!?…" else each + "." for each in [sentence, *map(_upper, others)])


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _body(group: list[Step], words: ModuleType) -> str:
    """Doses that differ only by their moment share what follows: 1 le matin et 2 le soir, pendant 7 jours."""
    taken = [step for step in group if not step.advice_only]
    frames = {(_condition(step, words), _tail(step, words), _notes(step, words)) for step in taken}
    if len(frames) > 1:  # "si besoin" comes last, or it would seem to hold for what follows
        return words.SEMICOLON.join(_alone(step, words) for step in sorted(taken, key=lambda each: each.needed))
    condition, tail, _ = frames.pop()
    heads = [head for head in (_head(step, words) for step in taken) if head]
    return condition + ", ".join([*([words.listing(heads)] if heads else []), *tail])


def _alone(step: Step, words: ModuleType) -> str:
    """One dose among others that it shares nothing with, its own notes in brackets."""
    said = [each for each in (_head(step, words), *_tail(step, words)) if each]
    return _condition(step, words) + ", ".join(said) + _bracketed(_notes(step, words))


def _bracketed(notes: tuple[str, ...]) -> str:
    return "".join(f" ({note.rstrip(' .')})" for note in notes)


def _condition(step: Step, words: ModuleType) -> str:
    if not step.needed:
        return ""
    return (words.needed_for(step.needed_for) if step.needed_for else words.NEEDED) + words.COLON


def _head(step: Step, words: ModuleType) -> str:
    """Dose, moment, then how fast and what it was calculated from."""
    said = _dose_and_moment(step, words)
    if step.calculated:
        said = f"{said} {words.calculated(step.calculated)}"
    return ", ".join(each for each in (said, words.rate(step.rate) if step.rate else "") if each)


def _dose_and_moment(step: Step, words: ModuleType) -> str:
    dose, timing = _dose(step, words), step.timing
    if timing.events:
        return _spaced(dose, words.events(timing.events))
    return _after_dose(dose, step, words) if timing.is_set else dose


def _dose(step: Step, words: ModuleType) -> str:
    return words.amount(step.dose) if step.dose else ""


def _spaced(dose: str, moment: str) -> str:
    return f"{dose} {moment}" if dose else moment


def _after_dose(dose: str, step: Step, words: ModuleType) -> str:
    timing = step.timing
    often = _often(step, words)
    on = words.days(timing.days) if timing.days else ""
    if not often and not timing.moments:
        return _spaced(dose, on)
    if often and timing.moments > 1 and not is_cycle(step):
        often = f"{often}{words.COLON}{words.hours(timing)}"
        return ", ".join(each for each in (dose, often, on) if each)
    if often and not is_cycle(step):
        return ", ".join(each for each in (dose, often, _at(timing, words), on) if each)
    return ", ".join(each for each in (_each_time(dose, timing, words), often, on) if each)


def _at(timing: Timing, words: ModuleType) -> str:
    return words.hours(timing) if timing.moments else ""


def _each_time(dose: str, timing: Timing, words: ModuleType) -> str:
    """The dose said at each moment, so that nobody shares one dose between two."""
    if not dose:
        return words.hours(timing)
    return words.listing([f"{dose} {moment}" for moment in words.moments(timing)])


def _often(step: Step, words: ModuleType) -> str:
    timing = step.timing
    if is_cycle(step):
        return words.cycle(timing.lasts, timing.period)
    if step.needed and _is_wait(timing):
        return words.again(timing.period)
    if timing.moments > 2 and not timing.period and not timing.days and not set(timing.when) & set(MEALS):
        return words.times(timing.moments, None) + " " + words.DAILY
    return words.pace(timing)


def _is_wait(timing: Timing) -> bool:
    """As needed, "once every 6 hours" means at least 6 hours between two intakes."""
    most = timing.frequency_max or timing.frequency or 1
    return bool(timing.period) and timing.period.unit in ("h", "min") and most == 1


def _tail(step: Step, words: ModuleType) -> tuple[str, ...]:
    timing = step.timing
    lasts = timing.lasts if not is_cycle(step) else None
    said = (
        words.lasting(lasts, bool(step.dose and step.dose.unit.worn)) if lasts else "",
        *(getattr(words, name)(getattr(step, name)) for name in ("route", "site", "method") if getattr(step, name)),
        words.bounds(timing.bounds) if timing.bounds else "",
        words.count(timing.count, timing.count_max) if timing.count or timing.count_max else "",
        words.limits(step.limits),
        *(text for text, goes_on in map(words.own_words, step.instructions) if goes_on),
    )
    return tuple(each for each in said if each)


def _notes(step: Step, words: ModuleType) -> tuple[str, ...]:
    """The instructions that make sentences of their own."""
    said = [words.own_words(each) for each in step.instructions]
    return tuple(text for text, goes_on in said if not goes_on)


def _apart(group: list[Step], words: ModuleType) -> list[str]:
    """Sentences after the first one: advice by itself, and what every dose has in common."""
    notes = [_notes(step, words) for step in group if not step.advice_only]
    framed = {(_condition(step, words), _tail(step, words)) for step in group if not step.advice_only}
    shared = notes[0] if len(set(notes)) == 1 and len(framed) == 1 else ()
    advice = [note for step in group if step.advice_only for note in step.instructions]
    return list(dict.fromkeys([*shared, *(words.own_words(each)[0] for each in advice)]))


def _in_turn(group: list[Step], words: ModuleType) -> str:
    """One step of several, its instructions beside it."""
    others = _apart(group, words)
    if all(step.advice_only for step in group):
        return ", ".join(words.lower_first(each.rstrip(" .")) for each in others)
    return _body(group, words) + _bracketed(tuple(others))
