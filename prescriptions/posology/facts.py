"""What a text about a dosage names, read by patterns: numbers with what they count, moments, words that weigh."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal

from prescriptions.posology.model import Unit
from prescriptions.posology.plain import bare, shown
from prescriptions.posology.units import TIME_WORDS, UNITS
from prescriptions.posology.vocabulary import (
    DAY_PARTS,
    EACH,
    MEALS,
    MONTHS,
    NUMBERS,
    PERIODS,
    SAME_WORDS,
    WEEKDAYS,
    WORDS_OF_NO_WEIGHT,
)

DAY = 1440  # minutes
_MONTH = Decimal("30.4375") * DAY  # equal to no number of days; 12 make a year
_MINUTES = {"s": Decimal(1) / 60, "min": 1, "h": 60, "d": DAY, "wk": 7 * DAY, "mo": _MONTH, "a": 12 * _MONTH}
_N = r"(?<![\d.])\d+(?:\.\d+)?"
_RANGE = rf"(?P<low>{_N})(?:\s*(?:a|-|ou|et)\s*(?P<high>{_N}))?\s*"
_TIME = "|".join(sorted((name for name in TIME_WORDS if name != "a"), key=len, reverse=True))
_UNIT = "|".join(sorted((re.escape(name) for name in UNITS), key=len, reverse=True))
_AT = r"(?:\s+\(?a\s+(?P<hour>\d{1,2})\s*(?:h|:|heures?)\s*(?P<minute>\d{2})?(?!\w))?"
_DATES = (
    re.compile(rf"\b(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)\b{_AT}"),
    re.compile(rf"\b(?P<d>\d{{1,2}})/(?P<m>\d{{1,2}})/(?P<y>\d{{4}})\b{_AT}"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:er)? (?P<m>{'|'.join(MONTHS)})(?: (?P<y>\d{{4}}))?\b{_AT}"),
)
_STRENGTH = re.compile(
    rf"{_RANGE}(?P<unit>{_UNIT})\s*(?:/| par )\s*(?P<of>kg|m2|h|ml|(?P<n>\d+(?:\.\d+)?)\s*(?:h|ml))(?!\w)"
)
_EVERY = r"tou(?:s|tes) les|apres|entre|respecter|espace\w* de|intervalle\w* de|delais? (?:de|minimum|min)"
_FOR = r"pendant|pdt|durant|sur|en|par|garder|laisser|dans|x"
_SPAN = re.compile(
    rf"(?P<before>\b(?:{_EVERY}|{_FOR}) )?{_RANGE}(?P<unit>{_TIME})(?P<more>\d\d)?\b"
    rf"(?P<after> (?:de )?(?:delai|minimum|au moins|avant|apres|d'intervalle|entre))?"
)
_CLOCK = re.compile(r"(?<![\d.])(?P<hour>[01]?\d|2[0-3])\s*(?:h|:|heures?)\s*(?P<minute>[0-5]\d)?(?!\w)")
_TIMES = re.compile(rf"{_RANGE}(?:fois|prises)\b")
_OUT_OF = re.compile(r"\bsur (\d+)\b")
_ORDINAL = re.compile(r"(?<![\d.])(\d+)\s?(?:ere?|e|eme|ieme|nde?)\b")
_LIMIT = r"\b(?:(?:dose )?max\w*(?: (?:de|a))?|depasser|ni)(?: (?:par )?(?:prise|jour))?(?: de)? "
_DOSE = re.compile(
    rf"(?P<limit>{_LIMIT})?{_RANGE}(?P<unit>{_UNIT}|%)(?!\w)(?P<after> max\w*)?"
    r"(?P<total>(?= par (?:jour|semaine|mois)\b))?"
)
_PER = re.compile(r"\bpar (jour|semaine|mois|heure|an)s?\b")
_DAYS = "|".join(WEEKDAYS)
_LENGTHS = ("every", "for hours", "for days", "per")


class Facts:
    """Facts of one text, by subject; `order` holds them as they come; `words` are those that weigh.

    Subjects: date, year, hour of a date, dose and limit (dimension, value), every, for hours, for days and per (in
    minutes), clock, times, out of, ordinal, weekday, part (of the day), meal, bare (numbers of we know not what).
    And of the doses: counted (their plain numbers), things (those that count things), total (said "par jour").
    """

    def __init__(self, text: str):
        self._by: dict[str, set] = defaultdict(set)
        self.order: list[tuple[int, str, tuple]] = []
        self._rest = spelled_out(text)
        for pattern, note in self._patterns():
            self._take(pattern, note)
        self.order.sort(key=lambda mark: mark[0])
        self.words = set(map(_weighed, re.findall(r"[a-z]+", self._rest))) - {""}

    def __getitem__(self, subject: str) -> set:
        return self._by[subject]

    def forget(self) -> None:
        self._by.clear()

    def lengths(self) -> set:
        """Every length of time, with the day or the week that named moments imply when nothing spaces them out."""
        named = set().union(*(self[subject] for subject in _LENGTHS))
        if self["every"] or self["per"]:
            return named
        if self["weekday"]:
            return named | {7 * DAY}
        return named | {DAY} if self["clock"] or self["part"] or self["meal"] else named

    def _patterns(self) -> Iterable[tuple[re.Pattern, Callable]]:
        yield from ((pattern, self._date) for pattern in _DATES)
        yield _STRENGTH, self._strength
        yield _SPAN, self._span
        yield _CLOCK, lambda found: self._add("clock", found, (int(found["hour"]), int(found["minute"] or 0)))
        yield _DOSE, self._dose
        yield _TIMES, lambda found: self._add("times", found, *_ends(found))
        yield _OUT_OF, lambda found: self._add("out of", found, Decimal(found[1]))
        yield _ORDINAL, lambda found: self._add("ordinal", found, Decimal(found[1]))
        yield _PER, lambda found: self._add("per", found, _MINUTES[PERIODS[found[1]]])
        yield re.compile(_N), lambda found: self._add("bare", found, Decimal(found[0]))
        yield re.compile(rf"\bdu ({_DAYS}) au ({_DAYS})\b"), self._from_day_to_day
        yield re.compile(rf"\b({_DAYS})s?\b"), lambda found: self._add("weekday", found, found[1])
        for subject, table in (("meal", MEALS), ("part", DAY_PARTS)):
            for pattern, name in table.items():
                yield re.compile(rf"\b(?:{pattern})"), lambda found, s=subject, n=name: self._add(s, found, n)

    def _take(self, pattern: re.Pattern, note: Callable) -> None:
        """Notes each match, and blots it out so that it is read once; `note` answers False to leave it."""
        self._rest = pattern.sub(lambda found: found[0] if note(found) is False else "#" * len(found[0]), self._rest)

    def _add(self, subject: str, found: re.Match, *facts: object) -> None:
        self._by[subject].update(facts)
        self.order.append((found.start(), subject, facts))

    def _date(self, found: re.Match) -> None:
        self._add("date", found, (MONTHS.get(found["m"]) or int(found["m"]), int(found["d"])))
        if found["y"]:
            self._add("year", found, int(found["y"]))
        if found["hour"]:
            self._add("hour of a date", found, (int(found["hour"]), int(found["minute"] or 0)))

    def _strength(self, found: re.Match) -> None:
        of = re.sub(r"\s", "", found["of"])
        self._add("dose", found, *((f"{found['unit']}/{of}", end) for end in _ends(found)))

    def _span(self, found: re.Match) -> bool | None:
        unit, before = TIME_WORDS[found["unit"]], (found["before"] or "").strip()
        if unit == "h" and not before and not found["after"] and max(_ends(found)) <= 24:
            return False  # an hour of the day
        lengths = [end * _MINUTES[unit] + int(found["more"] or 0) for end in _ends(found)]
        return self._add(_kind_of_length(before, found["after"], lengths), found, *lengths)

    def _dose(self, found: re.Match) -> None:
        subject = "limit" if found["limit"] or found["after"] else "dose"
        known = UNITS.get(found["unit"])
        dimension, factor = _counted(known) if known else ("%", Decimal(1))
        doses = [(dimension, (end * factor).normalize()) for end in _ends(found)]
        self._by["counted"].update(_ends(found))
        self._by["things"].update(_ends(found) if known and not known.base else ())
        if found["total"] is not None and subject == "dose" and not found.string[: found.start()].endswith("fois "):
            self._by["total"].update(doses)
        self._add(subject, found, *doses)

    def _from_day_to_day(self, found: re.Match) -> None:
        first, last = (WEEKDAYS.index(found[each]) for each in (1, 2))
        self._add("weekday", found, *WEEKDAYS[first : last + 1])


def _counted(unit: Unit) -> tuple[str, Decimal]:
    """What it counts and by how many. A syringe is what the French call an injection."""
    return unit.base or ({"seringue": "injection"}.get(unit.fr[0], unit.fr[0]), Decimal(1))


def _ends(found: re.Match) -> list[Decimal]:
    return [Decimal(found[name]) for name in ("low", "high") if found[name]]


def _kind_of_length(before: str, after: str | None, lengths: list) -> str:
    if before in ("en", "par") and lengths == [DAY]:
        return "per"
    if (after and "avant" not in after and "apres" not in after) or re.fullmatch(_EVERY, before):
        return "every"
    return "for days" if max(lengths) >= DAY and before != "garder" else "for hours"


def _weighed(word: str) -> str:
    """The word as it is compared: without its plural, a unit by its usual name; empty when it weighs nothing."""
    stem = word.rstrip("sx") or word
    if {word, stem} & WORDS_OF_NO_WEIGHT:
        return ""
    unit = UNITS.get(word) if word != "cas" else None  # "en cas de", far more often than a spoon
    return unit.fr[0] if unit else SAME_WORDS.get(word) or SAME_WORDS.get(stem) or stem


def spelled_out(text: str) -> str:
    """Numbers and habits of writing in one form: « trois-quart de cp », ¾, 3/4 → 0.75; 3x1g/j → 3 fois 1g par jour."""
    plain = bare(re.sub("([¼½¾])", r" \1", shown(text))).replace("⁄", "/")
    plain = re.sub(r"[®*«»“”\"#]", " ", plain).replace("ne pas depasser", "sans depasser")
    plain = re.sub(rf"\b({'|'.join(NUMBERS)})\b", lambda found: NUMBERS[found[1]], plain)
    plain = re.sub(r"(?<![\w.,/])(\d{1,3})((?: \d{3})+)(?!\d)", lambda found: found[0].replace(" ", ""), plain)
    plain = _fractions(re.sub(r"(\d),(\d)", r"\1.\2", plain))
    plain = re.sub(r"(\d)\s*x(?:\s*(?=\d)|\b)", r"\1 fois ", plain)
    plain = re.sub(r"\bx\s*(\d+)(?=\s*(?:par |/|$|[,.;]))", r"\1 fois", plain)
    plain = re.sub(
        r"\bde (\d+\s*h\s*\d*) (?=a \d+\s*h)|(?<!\w)(\d+\s*h\s*\d*)\s*-\s*(?=\d+\s*h)", r"entre \1\2 ", plain
    )
    plain = re.sub(r"\bentre (?:2|chaque) prises?\b", "entre prises", plain)
    plain = re.sub(r"\s*/\s*(jour|j|prise|24\s*h|semaine|sem|mois)\b", r" par \1", plain)
    plain = re.sub(r"\bpar (?:j|24\s*h)\b", "par jour", plain)
    plain = re.sub(rf"\bune? (?=(?:{_UNIT}|{_TIME}|fois)\b)", "1 ", plain)
    for pattern, each in EACH.items():
        plain = re.sub(rf"\b(?:{pattern})\b", each, plain)
    return re.sub(r"\b(?:1|un) jour sur 2\b", "tous les 2 jours", " ".join(plain.split()))


def _fractions(plain: str) -> str:
    plain = re.sub(
        r"(?:(?<![\d/.])(\d+) )?(?<![\d/.])([13])\s?/\s?([24])(?![\d/])",
        lambda found: f"{Decimal(found[1] or 0) + Decimal(found[2]) / Decimal(found[3]):f}",
        plain,
    )
    plain = re.sub(r"\b3[ -]quarts?(?: de| d')?\s*", "0.75 ", plain)
    plain = re.sub(r"\bun quart(?: de| d')?\s*", "0.25 ", plain)
    plain = re.sub(rf"(?<![\d.])(\d+) ({_UNIT}) et demie?\b", r"\1.5 \2", plain)
    return re.sub(r"\b(?:une? )?(?:demie?|moitie d'une?)[ -]", "0.5 ", plain)
