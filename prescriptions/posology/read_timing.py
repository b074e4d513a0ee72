"""Timing (R4) → `Timing`. What R4's invariants forbid (tim-1…tim-10) is refused, with two exceptions said there."""

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from prescriptions.posology.fields import distinct, duration, listed, number, one_of, only, span, whole
from prescriptions.posology.model import Instant, Period, Span, Timing, Unsayable
from prescriptions.posology.units import TIME_CODES

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVENTS = (  # in the order of a day
    *("WAKE", "MORN.early", "ACM", "CM", "PCM", "MORN", "MORN.late", "ACD", "NOON", "CD", "PCD"),
    *("AFT.early", "AFT", "AFT.late", "AC", "C", "PC", "EVE.early", "ACV", "CV", "PCV", "EVE", "EVE.late"),
    *("HS", "NIGHT", "PHS"),
)
WITH_OFFSET = ("HS", "WAKE", "PHS", "AC", "ACM", "ACD", "ACV", "PC", "PCM", "PCD", "PCV")
ABBREVIATIONS = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
_CODES = {  # only those which say when by themselves; BID, TID and QID leave the hours to the place of care
    "QD": {"frequency": 1, "period": 1, "periodUnit": "d"},
    "BID": {"frequency": 2, "period": 1, "periodUnit": "d"},
    "TID": {"frequency": 3, "period": 1, "periodUnit": "d"},
    "QID": {"frequency": 4, "period": 1, "periodUnit": "d"},
    "QOD": {"frequency": 1, "period": 2, "periodUnit": "d"},
    **{f"Q{hours}H": {"frequency": 1, "period": hours, "periodUnit": "h"} for hours in (1, 2, 3, 4, 6, 8)},
    "WK": {"frequency": 1, "period": 1, "periodUnit": "wk"},
    "MO": {"frequency": 1, "period": 1, "periodUnit": "mo"},
    "BED": {"when": ["HS"]},
    "AM": {"when": ["MORN"]},
}
_PARIS = ZoneInfo("Europe/Paris")
_REPEAT = (
    *("boundsDuration", "boundsRange", "boundsPeriod", "count", "countMax", "duration", "durationMax"),
    *("durationUnit", "frequency", "frequencyMax", "period", "periodMax", "periodUnit"),
    *("dayOfWeek", "timeOfDay", "when", "offset"),
)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::00(?:\.0+)?)?")


def read_timing(raw: object) -> Timing:
    if raw is None:
        return Timing()
    raw = only(raw, "event", "repeat", "code")
    repeat = only(raw["repeat"], *_REPEAT) if "repeat" in raw else {}
    if "code" in raw:
        repeat = _with_code(raw["code"], repeat)
    if "event" in raw and repeat:
        raise Unsayable("moments given twice")
    events = tuple(_instant(each) for each in listed(raw.get("event")))
    return _timing(repeat, tuple(sorted(distinct(list(events)), key=_order)))


def _order(instant: Instant) -> tuple:
    return instant.day, instant.at or time.min


def _with_code(raw: object, repeat: dict) -> dict:
    """A known abbreviation stands for its repeat; it must not meet another way of saying when."""
    codings = listed(only(raw, "coding", "text").get("coding"))
    coding = only(codings[0], "system", "version", "code", "display", "userSelected") if codings else {}
    meant = _CODES.get(coding.get("code")) if isinstance(coding.get("code"), str) else None
    if len(codings) != 1 or coding.get("system") != ABBREVIATIONS or meant is None:
        raise Unsayable("a timing code we do not know")
    said = {"frequency", "frequencyMax", "period", "periodMax", "periodUnit", "when", "timeOfDay"} & set(repeat)
    if any(repeat[name] != meant.get(name) for name in said):
        raise Unsayable("a timing code and a timing that differ")
    return {**repeat, **meant}


def _timing(repeat: dict, events: tuple) -> Timing:
    if "when" in repeat and "timeOfDay" in repeat:  # tim-10
        raise Unsayable("both hours and moments")
    when = distinct([one_of(each, EVENTS) for each in listed(repeat.get("when"))])
    days = distinct([DAYS.index(one_of(each, DAYS)) for each in listed(repeat.get("dayOfWeek"))])
    times = distinct([_time(each) for each in listed(repeat.get("timeOfDay"))])
    return Timing(
        **_often(repeat),
        when=tuple(sorted(when, key=EVENTS.index)),
        offset=_offset(repeat.get("offset"), when),
        times=tuple(sorted(times)),
        days=tuple(sorted(days)),
        lasts=_unit_span(repeat, "duration"),
        bounds=_bounds(repeat),
        **_counts(repeat),
        events=events,
    )


def _often(repeat: dict) -> dict:
    """Frequency and period. No frequency means once a period (R4); a period is never assumed.

    A frequencyMax alone is "up to"; a periodMax alone says nothing sure (tim-6).
    """
    frequency, high = whole(repeat.get("frequency")), whole(repeat.get("frequencyMax"))
    period = _unit_span(repeat, "period")
    if (frequency or high) and not period:
        raise Unsayable("a frequency without a period")
    if frequency and high is not None and high <= frequency:
        raise Unsayable("a range that is not one")
    return {"frequency": frequency, "frequency_max": high, "period": period}


def _counts(repeat: dict) -> dict:
    """A countMax alone (against tim-8) can only be a maximum."""
    count, high = whole(repeat.get("count")), whole(repeat.get("countMax"))
    if count and high is not None and high <= count:
        raise Unsayable("a range that is not one")
    return {"count": count, "count_max": high}


def _unit_span(repeat: dict, name: str) -> Span | None:
    given = [part for part in (name, f"{name}Max", f"{name}Unit") if part in repeat]
    if not given:
        return None
    if name not in given or f"{name}Unit" not in given:  # tim-1, tim-2, tim-6, tim-7
        raise Unsayable("a length of time without its number or its unit")
    unit = one_of(repeat[f"{name}Unit"], TIME_CODES)
    return span(repeat[name], unit, repeat.get(f"{name}Max"))


def _offset(raw: object, when: tuple[str, ...]) -> int | None:
    """Minutes before or after the moment; 0 means just at its side (tim-9: not with C, CM, CD, CV)."""
    if raw is None:
        return None
    if not when or any(each not in WITH_OFFSET for each in when):
        raise Unsayable("an offset from nothing")
    if raw == 0 and not isinstance(raw, bool):
        return 0
    value = number(raw)
    if value != int(value) or value > 24 * 60:
        raise Unsayable("an offset out of bounds")
    return int(value)


def _time(raw: object) -> time:
    found = _TIME.fullmatch(raw) if isinstance(raw, str) else None
    if not found:
        raise Unsayable("an hour that is not one")
    return time(int(found[1]), int(found[2]))


def _bounds(repeat: dict) -> Span | Period | None:
    given = [name for name in ("boundsDuration", "boundsRange", "boundsPeriod") if name in repeat]
    if not given:
        return None
    if len(given) > 1:
        raise Unsayable("bounds given twice")
    raw = repeat[given[0]]
    if given[0] == "boundsDuration":
        return duration(raw)
    return _bounds_range(raw) if given[0] == "boundsRange" else _period(raw)


def _bounds_range(raw: object) -> Span:
    raw = only(raw, "low", "high")
    low, high = duration(raw.get("low")), duration(raw.get("high"))
    if low.unit != high.unit or low.value >= high.value:
        raise Unsayable("a range that is not one")
    return Span(low.value, low.unit, high.value)


def _period(raw: object) -> Period:
    raw = only(raw, "start", "end")
    start, end = (_moment(raw[name]) if name in raw else None for name in ("start", "end"))
    if start is None and end is None:
        raise Unsayable("a period without an end")
    if start is None or end is None:
        return Period(_wall(start), _wall(end))
    if type(start) is not type(end) or start >= end:
        raise Unsayable("a period that is not one")
    past = _after(end)
    closed = past if isinstance(past, datetime) else end
    return Period(_wall(start), _wall(closed), _lasting(start, past))


def _after(end: date | datetime) -> date | datetime:
    """The first moment past the end: a Period includes its end, and software writes 18:59:59 for 19:00."""
    if not isinstance(end, datetime):
        return end + timedelta(days=1)
    return end + timedelta(seconds=1) if end.second == 59 else end


def _lasting(start: date | datetime, past: date | datetime) -> Span | None:
    months = (past.year - start.year) * 12 + past.month - start.month
    if months > 0 and _plus_months(start, months) == past:
        return Span(months, "mo")
    length = past - start
    if length.days and length == timedelta(days=length.days):
        return Span(length.days, "d")
    return None


def _plus_months(start: date | datetime, months: int) -> date | datetime | None:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > 9999 or start.day > monthrange(year, month + 1)[1]:
        return None
    return start.replace(year=year, month=month + 1)


def _moment(raw: object) -> date | datetime:
    """A full date, or a date and time with its offset."""
    if not isinstance(raw, str) or len(raw) < 10:
        raise Unsayable("a date that is not whole")
    try:
        if len(raw) == 10:
            return date.fromisoformat(raw)
        moment = datetime.fromisoformat(raw)
    except ValueError:
        raise Unsayable("a date that is not one")
    if moment.tzinfo is None or not 1900 <= moment.year <= 2200:
        raise Unsayable("a time without its offset")
    return moment.replace(microsecond=0)


def _instant(raw: object) -> Instant:
    return _wall(_moment(raw))


def _wall(moment: date | datetime | None) -> Instant | None:
    """What the clock said where it was written; Paris when it was written in UTC by a machine."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        return Instant(moment)
    local = moment.astimezone(_PARIS) if moment.utcoffset() == timedelta(0) else moment
    if local.second:
        raise Unsayable("a time down to the second")
    return Instant(local.date(), local.time().replace(tzinfo=None))
