"""What a dosage says, once read: plain values, no FHIR, no language."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal


class Unsayable(Exception):
    """The structure holds something we could only guess at. The message names an element, never a value."""


@dataclass(frozen=True)
class Unit:
    """A unit of dose. `key` is None when only the prescriber's own words name it."""

    key: str | None
    fr: tuple[str, str]  # singular, plural
    en: tuple[str, str]
    feminine: bool = False
    worn: bool = False  # stays on or in the body: a patch, a ring
    halves: bool = False  # people do cut it or take half of it
    base: tuple[str, Decimal] | None = None  # (dimension, factor), to compare doses with maxima


@dataclass(frozen=True)
class Amount:
    """A dose; `high` closes a range. `low` is None for "up to `high`"."""

    low: Decimal | None
    high: Decimal | None
    unit: Unit


@dataclass(frozen=True)
class Span:
    """A length of time in whole units. `unit` is s, min, h, d, wk, mo or a; `high` closes a range."""

    value: int
    unit: str
    high: int | None = None


def is_spacing(period: Span) -> bool:
    """Whether once in it is said as a space: toutes les 6 heures, tous les 3 jours; not 1 fois par jour."""
    return bool(period.value > 1 or period.high or period.unit in ("h", "min", "s"))


@dataclass(frozen=True)
class Rate:
    """So much in so long."""

    amount: Amount
    per: Span


@dataclass(frozen=True)
class Instant:
    """A date, or a date and wall-clock time as the prescriber wrote it (Paris when written in UTC)."""

    day: date
    at: time | None = None


@dataclass(frozen=True)
class Period:
    """From and until; `lasting` when the two ends are a whole number of days or months apart."""

    start: Instant | None
    end: Instant | None
    lasting: Span | None = None


@dataclass(frozen=True)
class Concept:
    """A CodeableConcept: the words, and its (system, code) pairs."""

    text: str | None
    codes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Timing:
    """Timing.repeat. Counts are whole numbers; `when` holds EventTiming codes; `offset` is in minutes."""

    frequency: int | None = None
    frequency_max: int | None = None
    period: Span | None = None
    when: tuple[str, ...] = ()
    offset: int | None = None
    times: tuple[time, ...] = ()
    days: tuple[int, ...] = ()  # 0 is Monday
    lasts: Span | None = None  # each administration
    bounds: Span | Period | None = None
    count: int | None = None
    count_max: int | None = None
    events: tuple[Instant | datetime, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether it says how often, or at what moment."""
        often = self.frequency or self.frequency_max or self.period
        return bool(often or self.when or self.times or self.days or self.events)

    @property
    def ends(self) -> bool:
        """Whether it says, by itself, when to stop."""
        until = isinstance(self.bounds, Span) or (isinstance(self.bounds, Period) and self.bounds.end)
        return bool(until or self.count or self.count_max or self.events)

    @property
    def once(self) -> bool:
        """Once a period (R4: what no frequency means)."""
        return (self.frequency or 1) == 1 and not self.frequency_max

    @property
    def moments(self) -> int:
        """How many moments of the day it names."""
        return len(self.when) + len(self.times)


@dataclass(frozen=True)
class Limits:
    """Maxima: per intake, per period, in a lifetime."""

    intake: Amount | None = None
    period: Rate | None = None
    lifetime: Amount | None = None


@dataclass(frozen=True)
class Step:
    """One Dosage element."""

    sequence: int | None = None
    dose: Amount | None = None
    calculated: Amount | None = None
    rate: Rate | None = None
    timing: Timing = Timing()
    needed: bool = False
    needed_for: Concept | None = None
    route: Concept | None = None
    site: Concept | None = None
    method: Concept | None = None
    limits: Limits = Limits()
    instructions: tuple[str, ...] = ()

    @property
    def advice_only(self) -> bool:
        """An instruction with neither dose nor timing ("see your doctor again")."""
        bare = not (self.dose or self.rate or self.timing != Timing() or self.needed)
        return bool(self.instructions) and bare and self.limits == Limits()
