"""English words of a dosage. Same functions as `say_fr`; the prescriber's own words are quoted, not translated."""

from datetime import time
from decimal import Decimal

from prescriptions.posology.codes import need_words, route_words
from prescriptions.posology.model import Amount, Concept, Instant, Limits, Period, Rate, Span, Timing, Unit, is_spacing

NB = "\u00a0"
AND, THEN, COLON, SEMICOLON = " and ", "then ", ": ", "; "
NEEDED, DAILY = "if needed", "a day"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_SPANS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}
_WHEN = {
    **{"MORN": "in the morning", "MORN.early": "early in the morning", "MORN.late": "late in the morning"},
    **{"NOON": "at midday", "AFT": "in the afternoon", "AFT.early": "early in the afternoon"},
    **{"AFT.late": "late in the afternoon", "EVE": "in the evening", "EVE.early": "early in the evening"},
    **{"EVE.late": "late in the evening", "NIGHT": "at night", "HS": "at bedtime", "WAKE": "on waking"},
    **{"PHS": "after falling asleep", "C": "with meals", "CM": "with breakfast", "CD": "with the midday meal"},
    **{"CV": "with the evening meal"},
}
_MEALS = {"": "meals", "M": "breakfast", "D": "the midday meal", "V": "the evening meal"}
_ONE_MEAL = {"C": "with each meal", "AC": "before each meal", "PC": "after each meal"}
_SIDE = {"A": "before", "P": "after"}
_ANCHORS = {"HS": ("before", "bedtime"), "WAKE": ("after", "waking"), "PHS": ("after", "falling asleep")}
_FRACTIONS = {
    Decimal("0.25"): "a quarter of {}",
    Decimal("0.5"): "half {}",
    Decimal("0.75"): "three quarters of {}",
}


def number(value: Decimal | int) -> str:
    whole, _, part = f"{value:f}".partition(".")
    part = part.rstrip("0")
    return f"{int(whole):,}" + (f".{part}" if part else "")


def listing(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + AND + items[-1]


def unit(of: Unit, value: Decimal) -> str:
    return of.en[0] if value == 1 else of.en[1]


def amount(said: Amount) -> str:
    if said.low is None:
        return f"up to {_counted(said.high, said.unit)}"
    if said.high is not None:
        return f"{number(said.low)} to {_counted(said.high, said.unit)}"
    return _counted(said.low, said.unit)


def _counted(value: Decimal, of: Unit) -> str:
    if of.halves and value in _FRACTIONS:
        article = "an" if of.en[0][0] in "aeiou" else "a"
        return _FRACTIONS[value].format(f"{article} {of.en[0]}")
    words = unit(of, value)
    if not words:
        return f"{number(value)} × “{of.en[0]}”"
    if of.key is None:
        return f"{number(value)} “{words}”"
    return f"{number(value)}{NB}{words}"


def calculated(said: Amount) -> str:
    return f"(calculated dose: {amount(said)})"


def span(said: Span) -> str:
    one = _SPANS[said.unit]
    value = f"{said.value} to {said.high}" if said.high else number(said.value)
    return f"{value}{NB}{one}" + ("" if said.value == 1 and not said.high else "s")


def per(said: Span) -> str:
    one = _SPANS[said.unit]
    if said.value == 1 and not said.high:
        return f"{'an' if said.unit == 'h' else 'a'} {one}"
    return f"in {span(said)}"


def rate(said: Rate) -> str:
    return f"at a rate of {flow(said)}"


def flow(said: Rate) -> str:
    return f"{amount(said.amount)} {per(said.per)}"


def _every(said: Span) -> str:
    if said.value == 1 and not said.high:
        return f"every {_SPANS[said.unit]}"
    return "every other day" if said == Span(2, "d") else f"every {span(said)}"


def pace(timing: Timing) -> str:
    period = timing.period
    if not period:
        return ""
    if timing.once and period == Span(1, "d") and (timing.moments or timing.days):
        return ""
    return _every(period) if timing.once and is_spacing(period) else _times_in(timing, period)


def _times_in(timing: Timing, period: Span) -> str:
    counted = times(timing.frequency, timing.frequency_max)
    if period.value == 1 and not period.high:
        return f"{counted} {per(period)}"
    return f"{counted} every {span(period)}"


def times(low: int | None, high: int | None) -> str:
    if high is None:
        return {1: "once", 2: "twice"}.get(low or 1) or f"{number(low)}{NB}times"
    if low is None:
        return {1: "at most once", 2: "up to twice"}.get(high) or f"up to {number(high)}{NB}times"
    return f"{number(low)} to {number(high)}{NB}times"


def again(period: Span) -> str:
    return f"to be repeated if needed after {'' if period.high else 'at least '}{span(period)}"


def moments(timing: Timing) -> list[str]:
    if timing.times:
        return [f"at {clock(each)}" for each in timing.times]
    return [_moment(each, timing) for each in timing.when]


def hours(timing: Timing) -> str:
    if timing.times:
        return "at " + listing([clock(each) for each in timing.times])
    return listing(moments(timing))


def clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02}"


def _moment(code: str, timing: Timing) -> str:
    if timing.offset is not None and (timing.offset or code not in _ANCHORS):
        return _offset(code, timing.offset, timing.period)
    if code in _ONE_MEAL and not timing.period:
        return _ONE_MEAL[code]
    if code in _WHEN:
        return _WHEN[code]
    return f"{_SIDE[code[0]]} {_MEALS[code[2:]]}"


def _offset(code: str, offset: int, period: Span | None) -> str:
    side, anchor = _ANCHORS.get(code) or (_SIDE[code[0]], _MEALS[code[2:]])
    anchor = "each meal" if code in _ONE_MEAL and not period else anchor
    if not offset:
        return f"just {side} {anchor}"
    length = Span(offset, "min") if offset % 60 else Span(offset // 60, "h")
    return f"{span(length)} {side} {anchor}"


def days(of: tuple[int, ...]) -> str:
    if len(of) == 7:
        return "every day"
    if len(of) > 2 and of[-1] - of[0] == len(of) - 1:
        return f"from {WEEKDAYS[of[0]]} to {WEEKDAYS[of[-1]]}"
    return "on " + listing([WEEKDAYS[day] for day in of])


def cycle(lasts: Span, period: Span) -> str:
    if lasts.unit == period.unit:
        return f"{number(lasts.value)} out of every {span(period)}"
    return f"for {span(lasts)}, {_every(period)}"


def lasting(lasts: Span, worn: bool) -> str:
    return f"kept on for {span(lasts)}" if worn else f"over {span(lasts)} each time"


def instant(said: Instant, *, year: bool = True) -> str:
    day = f"{said.day.day} {MONTHS[said.day.month - 1]}" + (f" {said.day.year}" if year else "")
    return f"{day} at {clock(said.at)}" if said.at else day


def events(all_: tuple[Instant, ...]) -> str:
    return "on " + listing([instant(each) for each in all_])


def bounds(said: Span | Period) -> str:
    if isinstance(said, Span):
        return f"for {span(said)}"
    if said.start and said.end:
        lasting = f"for {span(said.lasting)}, " if said.lasting else ""
        start = instant(said.start, year=said.start.day.year != said.end.day.year)
        return f"{lasting}from {start} to {instant(said.end)}" + ("" if said.end.at else " inclusive")
    if said.start:
        return f"from {instant(said.start)}"
    return f"until {instant(said.end)}" + ("" if said.end.at else " inclusive")


def how_long(said: Span | Period) -> str:
    return bounds(said).removeprefix("for ")


def count(low: int | None, high: int | None) -> str:
    if low is None:
        return {1: "at most once", 2: "at most twice"}.get(high) or f"at most {number(high)}{NB}times"
    return f"{times(low, high)} in all"


def limits(said: Limits) -> str:
    all_ = []
    if said.intake:
        all_.append(f"{amount(said.intake)} each time")
    if said.period:
        all_.append(f"{amount(said.period.amount)} {per(said.period.per)}")
    if said.lifetime:
        all_.append(f"{amount(said.lifetime)} in a lifetime")
    return "no more than " + " or ".join(all_) if all_ else ""


def route(said: Concept) -> str:
    known = route_words(said)
    return known.en if known else f"route: “{said.text}”"


def site(said: Concept) -> str:
    return f"where: “{said.text}”"


def method(said: Concept) -> str:
    return f"how: “{said.text}”"


def needed_for(said: Concept) -> str:
    known = need_words(said)
    return f"if needed {known.en}" if known else f"if needed (“{said.text}”)"


def lower_first(text: str) -> str:
    return text[0].lower() + text[1:]


def own_words(text: str) -> tuple[str, bool]:
    """The prescriber's instruction, quoted; never woven into the sentence."""
    return f"The prescriber wrote: “{text.rstrip(' .')}”", False
