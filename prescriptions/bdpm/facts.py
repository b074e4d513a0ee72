"""What a row says, typed. Words stay the publisher's own; dates are `date`, prices `Decimal` in euros."""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

ANSM_PAGE = re.compile(r"https?://(www\.)?ansm\.sante\.fr/[\w./%-]*")


@dataclass
class Substance:
    """`nature`: SA, the substance as it is put in; FT, the part of it that acts, under the same `link`."""

    element: str  # of the medicine: "comprimé", "comprimé jaune"
    name: str
    dose: str
    per: str
    nature: str
    link: int


@dataclass
class Shortage:
    """`kind`: 1 rupture, 2 tension, 3 end of marketing, 4 back. `cip13` empty: the whole medicine. ISO dates or ""."""

    kind: int
    cip13: str
    since: str
    updated: str
    back: str
    page: str  # the ANSM's; empty when the link is not theirs


@dataclass
class Medicine:
    cis: str
    name: str
    form: str
    routes: list[str]
    status: str
    procedure: str
    is_marketed: bool
    holder: str
    is_watched: bool
    substances: list[dict] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    shortages: list[dict] = field(default_factory=list)


@dataclass
class Presentation:
    cis: str
    cip13: str
    cip7: str
    label: str
    is_active: bool
    state: str
    rates: list[str]
    price: Decimal | None
    in_some_cases: bool


@dataclass
class Group:
    """One medicine in one group of generics."""

    cis: str
    group: str
    label: str
    role: int


def medicine(row: list[str]) -> Medicine:
    return Medicine(
        cis=row[0],
        name=row[1],
        form=row[2],
        routes=_list(row[3]),
        status=row[4],
        procedure=row[5],
        is_marketed=row[6].lower() == "commercialisée",
        holder=" ; ".join(_list(row[10])),
        is_watched=row[11].lower() == "oui",
    )


def presentation(row: list[str]) -> Presentation:
    return Presentation(
        cis=row[0],
        cip13=row[6],
        cip7=row[1],
        label=row[2],
        is_active=row[3].lower() == "présentation active",
        state=row[4],
        rates=[f"{rate.rstrip('% ')} %" for rate in _list(row[8])],
        price=price(row[10]) or price(row[9]),
        in_some_cases=bool(row[12]),
    )


def substance(row: list[str]) -> dict:
    nature = "FT" if row[6] == "ST" else row[6]  # the specification says ST, the files FT
    return vars(Substance(row[1], row[3], row[4], row[5], nature, int(row[7] or 0)))


def group(row: list[str]) -> Group:
    return Group(cis=row[2], group=row[0], label=row[1].rstrip(". "), role=int(row[3]))


def shortage(row: list[str]) -> dict:
    """The kind comes from its number: its wording varies in the file."""
    dates = [found.isoformat() if (found := day(text)) else "" for text in row[4:7]]
    page = row[7].replace("http://", "https://", 1) if ANSM_PAGE.fullmatch(row[7]) else ""
    return vars(Shortage(int(row[2]), row[1], *dates, page))


def price(text: str) -> Decimal | None:
    """The last comma is the decimal one, those before it part the thousands: "1,003,48" is 1003.48."""
    whole, comma, cents = text.replace(" ", "").rpartition(",")
    if not comma:
        whole, cents = cents, "0"
    digits = whole.replace(",", "")
    if not re.fullmatch(r"[0-9]{1,8}", digits) or not re.fullmatch(r"[0-9]{1,2}", cents):
        return None
    return Decimal(f"{digits}.{cents}")


def day(text: str) -> date | None:
    """JJ/MM/AAAA."""
    try:
        return date(int(text[6:10]), int(text[3:5]), int(text[0:2]))
    except ValueError:
        return None


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
