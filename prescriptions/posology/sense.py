"""What contradicts itself is not said. Every check raises Unsayable, and none computes anything to be shown."""

import re
from decimal import Decimal
from itertools import combinations, pairwise, product

from prescriptions.posology.model import Amount, Limits, Period, Rate, Span, Step, Timing, Unsayable

MEALS = ("C", "AC", "PC")  # however many there are
_MINUTES = {"s": Decimal(1) / 60, "min": 1, "h": 60, "d": 1440, "wk": 10080, "mo": 43200, "a": 525600}
_UNTIL = re.compile(r"jusqu|tant qu|until|as long as", re.IGNORECASE)
_INJECTED = re.compile(r"intra|inject|sous.cutan|subcut|perfus|infus|p[ée]ridural", re.IGNORECASE)


def minutes(span: Span) -> Decimal:
    return Decimal(span.value) * _MINUTES[span.unit]


def is_cycle(step: Step) -> bool:
    """Whether "lasts" is a stretch of days of taking ("14 jours sur 21"), not one long administration."""
    lasts, worn = step.timing.lasts, bool(step.dose and step.dose.unit.worn)
    return bool(lasts and lasts.unit in ("d", "wk") and not worn)


def check(step: Step) -> None:
    if step.advice_only:
        return
    timing, limits = step.timing, step.limits
    taken = step.dose or step.rate
    if not (timing.is_set or (step.needed and (taken or limits != Limits()))):
        raise Unsayable("a dose without its moment")
    _check_moments(timing)
    _check_days(timing)
    _check_lasts(step)
    _check_limits(step)
    _check_count(timing)


def _check_moments(timing: Timing) -> None:
    """A frequency and named moments must count the same."""
    often, named = timing.frequency, timing.moments
    if not timing.period or not named:
        return
    if timing.period.unit in ("h", "min", "s") or timing.period.high:
        raise Unsayable("moments of the day in a period of hours")
    if timing.days or often is None and timing.frequency_max is None:
        return
    free = any(each in MEALS for each in timing.when)
    if timing.frequency_max and not (free and named == 1):
        raise Unsayable("a range of times at fixed moments")
    if often and not _counts_agree(often, named, free, timing.period.unit):
        raise Unsayable("a frequency that its moments contradict")


def _counts_agree(often: int, named: int, free: bool, unit: str) -> bool:
    if free:
        return named == 1 or often > named
    return often == named if unit == "d" else named == 1


def _check_days(timing: Timing) -> None:
    """Days of the week go with a period of weeks (once for each), or of one day."""
    period, often = timing.period, timing.frequency or 1
    if not timing.days or period is None:
        return
    if period.high or timing.frequency_max and timing.moments:
        raise Unsayable("days of the week in a range")
    moments = timing.moments or 1
    if period.unit == "d" and period.value == 1:
        agree = often == moments or not timing.moments
    else:
        agree = period.unit == "wk" and often == moments * len(timing.days) and not timing.frequency_max
    if not agree:
        raise Unsayable("days of the week that the frequency contradicts")


def _check_lasts(step: Step) -> None:
    timing = step.timing
    if not timing.lasts:
        return
    if timing.period and minutes(timing.lasts) > minutes(timing.period):
        raise Unsayable("longer than its own period")
    if is_cycle(step):
        _check_cycle(step)
    elif timing.lasts.unit in ("mo", "a") and not (step.dose and step.dose.unit.worn):
        raise Unsayable("an administration that lasts months")
    if step.dose and step.rate and not _rate_agrees(step.dose, step.rate, timing.lasts):
        raise Unsayable("a dose that its rate contradicts")


def _check_cycle(step: Step) -> None:
    """Only what is taken at a named moment of the day repeats each day of the stretch; anything else may last it."""
    timing, route = step.timing, step.route
    once = timing.frequency in (None, timing.moments) and not timing.frequency_max
    simple = timing.period and timing.period.unit in ("d", "wk", "mo") and not timing.period.high
    injected = step.rate or (route and _INJECTED.search(route.text or ""))
    if not (simple and timing.moments and once and not timing.days and not injected and not timing.lasts.high):
        raise Unsayable("days in a row that may be one long administration")
    if minutes(timing.lasts) >= minutes(timing.period):
        raise Unsayable("a cycle without a pause")


def _rate_agrees(dose: Amount, rate: Rate, lasts: Span) -> bool:
    given, flow = _base(dose, dose.low), _base(rate.amount, rate.amount.low)
    if None in (given, flow) or given[0] != flow[0] or dose.high or rate.amount.high or lasts.high:
        return True
    return given[1] * minutes(rate.per) == flow[1] * minutes(lasts)


def _base(amount: Amount, value: Decimal | None) -> tuple[str, Decimal] | None:
    """(dimension, value) for comparing; things are their own dimension."""
    if value is None:
        return None
    dimension, factor = amount.unit.base or (amount.unit.fr[0], Decimal(1))
    return dimension, value * factor


def _thing(amount: Amount) -> str | None:
    """What it counts, when it counts things (tablets, puffs): never two kinds in one dosage. None for mg, mL, IU."""
    return None if amount.unit.base else amount.unit.fr[0]


def _over(amount: Amount | None, value: Decimal | None, limit: Amount | None) -> bool:
    """Whether so much of it is surely above the limit (another dimension is not comparable)."""
    if amount is None or limit is None or value is None:
        return False
    one, most = _base(amount, value), _base(limit, limit.low)
    return one[0] == most[0] and one[1] > most[1]


def _check_limits(step: Step) -> None:
    dose, limits = step.dose, step.limits
    period = limits.period.amount if limits.period else None
    if len({_thing(each) for each in (dose, limits.intake, period, limits.lifetime) if each} - {None}) > 1:
        raise Unsayable("doses counted in different things")
    most = (dose.high or dose.low) if dose else None
    if _over(dose, most, limits.intake) or _over(dose, most, period) or _over(dose, most, limits.lifetime):
        raise Unsayable("a dose above its own maximum")
    if limits.intake and _over(limits.intake, limits.intake.low, period):
        raise Unsayable("maxima that contradict each other")
    if dose and dose.low and period and not step.needed and minutes(limits.period.per) == 1440:
        daily = dose.low * times_a_day(step.timing)
        if _over(dose, daily, period):
            raise Unsayable("a daily dose above its own maximum")


def times_a_day(timing: Timing) -> Decimal:
    """At least so many times on a day of taking; 1 when it is not known to be more."""
    if timing.moments:
        return Decimal(timing.moments)
    period, often = timing.period, timing.frequency or 1
    if not period or minutes(period) > 1440:
        return Decimal(1)
    longest = Span(period.high or period.value, period.unit)
    return max(Decimal(1), Decimal(often) * 1440 // minutes(longest))


def _check_count(timing: Timing) -> None:
    bounds, period = timing.bounds, timing.period
    exact = timing.count and timing.frequency and not (timing.frequency_max or timing.count_max or timing.days)
    if not exact or not isinstance(bounds, Span) or bounds.high or period.high:
        return
    if timing.count * minutes(period) != timing.frequency * minutes(bounds):
        raise Unsayable("a count that the duration contradicts")


def in_turn(steps: list[Step]) -> list[list[Step]]:
    """Groups one after the other; in a group, at the same time. R4: same `sequence`, at the same time.

    Software also numbers lines that go together 1, 2, 3: so a step is followed by another only if it says when it ends.
    """
    for step in steps:
        check(step)
    numbered = [step.sequence is not None for step in steps]
    if any(numbered) and not all(numbered):
        raise Unsayable("steps that are half numbered")
    ranks = sorted({step.sequence or 0 for step in steps})
    groups = [[step for step in steps if (step.sequence or 0) == rank] for rank in ranks]
    for group in groups:
        _check_together(group)
    for group, following in pairwise(groups):
        _check_follows(group, following)
    if all(step.advice_only for step in groups[0]):
        raise Unsayable("an instruction without a dose")
    return groups


def _check_together(group: list[Step]) -> None:
    for one, other in combinations(group, 2):
        if not (one.advice_only or other.advice_only or _told_apart(one, other)):
            raise Unsayable("two doses at the same moment")


def _told_apart(one: Step, other: Step) -> bool:
    if one.needed != other.needed:
        return True
    if one.needed:
        return bool(one.needed_for and other.needed_for and one.needed_for != other.needed_for)
    return _on_other_moments(one.timing, other.timing) or _apart_in_time(one.timing, other.timing)


def _on_other_moments(one: Timing, other: Timing) -> bool:
    """Never on the same day of the week, or never at the same named moment, and both named in one way."""
    if one.days and other.days and not set(one.days) & set(other.days):
        return True
    clocks = one.times and other.times and not set(one.times) & set(other.times)
    if clocks:
        return True
    pairs = list(product(one.when, other.when))
    return bool(pairs) and not any(_overlap(first, second) for first, second in pairs)


def _overlap(one: str, other: str) -> bool:
    """The same moment, or one inside the other: AC holds ACM, MORN holds MORN.early."""
    return one.startswith(other) or other.startswith(one)


def _apart_in_time(one: Timing, other: Timing) -> bool:
    first, second = one.bounds, other.bounds
    if not (isinstance(first, Period) and isinstance(second, Period)):
        return False
    return _before(first, second) or _before(second, first)


def _before(one: Period, other: Period) -> bool:
    return bool(one.end and other.start and one.end.day <= other.start.day)


def _check_follows(group: list[Step], following: list[Step]) -> None:
    for step in group:
        if not (step.timing.ends or any(_UNTIL.search(each) for each in step.instructions)):
            raise Unsayable("a step that does not say when it ends")
    for one in group:
        for other in following:
            first, second = one.timing.bounds, other.timing.bounds
            if isinstance(first, Period) and isinstance(second, Period) and not _before(first, second):
                raise Unsayable("an order that the dates contradict")
