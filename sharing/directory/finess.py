"""The stock of FINESS establishments as etalab publishes it (cs1100507): `;`, no column names, two kinds of records.

`structureet`: number [1], legal entity [2], short and long name [3, 4], address [7 to 11], department [13], postcode
and town [15], telephone [16], category [18], SIRET [22]. `geolocalisation`: number [1], x [2], y [3], system [4].
"""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from sharing.directory import projections
from sharing.directory.lines import Lines, Tell, date_in, silent
from sharing.directory.listed import NAMELESS, BadFile, Listed, postcode_and_town, said, street, tidy

PHARMACY = "620"
NUMBER = re.compile(r"(?:\d{2}|2[AB])\d{7}")
LEAST_LOCATED = 0.8  # of the pharmacies; fewer: the file was cut in its second section
OVERSEAS = {"9A": "971", "9B": "972", "9C": "973", "9D": "974", "9E": "975", "9F": "976"}


@dataclass
class Stock:
    """What a stock holds for us. `others`: establishments that are no pharmacy; `legal_entities`: of the pharmacies."""

    pharmacies: dict[str, Listed] = field(default_factory=dict)
    legal_entities: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    published_on: date | None = None
    counts: Counter = field(default_factory=Counter)


def read(path: Path, tell: Tell = silent) -> tuple[Stock, Lines]:
    """Raises BadFile when it is not such a stock or was cut."""
    lines, stock = Lines(path, tell), Stock()
    places: dict[str, projections.Place | None] = {}
    for number, raw in lines:
        if number == 1 and not raw.startswith(b"structureet;"):
            stock.published_on = _published_on(raw, lines)
        elif raw.startswith((b"structureet;", b'"structureet"')):
            _take_establishment(stock, lines, number, raw)
        elif raw.startswith((b"geolocalisation;", b'"geolocalisation"')):
            _take_place(places, stock, lines, number, raw)
        else:
            lines.leave_out(number, "neither an establishment nor a position")
    _check(stock, places, lines)
    _put_in_place(stock, places)
    return stock, lines


def _published_on(raw: bytes, lines: Lines) -> date | None:
    header = raw.decode("cp1252", errors="replace").replace('"', "")
    if not header.lower().startswith("finess;etalab;"):
        raise BadFile(lines.name, "is not a FINESS stock of etalab: its first line is another.")
    return date_in(header)


def _take_establishment(stock: Stock, lines: Lines, number: int, raw: bytes) -> None:
    fields = lines.split(number, raw, ";", range(31, 34))
    if fields is None:
        return
    finess = number_of(fields[1])
    if not finess or not re.fullmatch(r"\d{3}", fields[18].strip()):
        lines.leave_out(number, "no FINESS number, or no category where they should be")
        return
    stock.counts["establishments"] += 1
    if fields[18].strip() != PHARMACY:
        stock.others.add(finess)
    elif finess in stock.pharmacies:
        stock.counts["pharmacies_repeated"] += 1
        lines.note_repeated(number)
        stock.pharmacies[finess] = _listed(finess, fields)
    else:
        stock.pharmacies[finess] = _listed(finess, fields)
        stock.legal_entities.add(number_of(fields[2]))


def number_of(text: str) -> str:
    """Nine characters, the zero that spreadsheets drop put back; "" when it is no number."""
    plain = text.strip().upper()
    plain = f"0{plain}" if re.fullmatch(r"\d{8}", plain) else plain
    return plain if NUMBER.fullmatch(plain) else ""


def _listed(finess: str, fields: list[str]) -> Listed:
    postcode, town = postcode_and_town(fields[15])
    return Listed(
        finess=finess,
        name=said(fields[4].strip() or fields[3])[:160] or NAMELESS,
        address=street(fields[7], fields[10], fields[8], fields[9], fields[11])[:200],
        postcode=postcode,
        town=town[:100],
        department=_department(fields[13].strip(), finess),
        phone=tidy(fields[16])[:20],
        siret=re.sub(r"\s", "", fields[22]),
    )


def _department(told: str, finess: str) -> str:
    """« 9A » is 971; what is none is read in the number, which begins with it in mainland France."""
    code = OVERSEAS.get(told, told)
    return code if re.fullmatch(r"\d\d|2[AB]|97\d", code) else finess[:2]


def _take_place(places: dict, stock: Stock, lines: Lines, number: int, raw: bytes) -> None:
    fields = lines.split(number, raw, ";", range(6, 7))
    if fields is None:
        return
    try:
        x, y = (float(field.replace(",", ".")) for field in fields[2:4])
        date.fromisoformat(fields[5].strip())
    except ValueError:
        lines.leave_out(number, "coordinates that are no numbers, or no day at its end")
        return
    finess = number_of(fields[1])
    places[finess] = projections.place(x, y, fields[4])
    if places[finess] is None:
        stock.counts["positions_not_believed"] += 1


def _check(stock: Stock, places: dict, lines: Lines) -> None:
    lines.check_end()
    if not stock.pharmacies:
        raise BadFile(lines.name, "is not a FINESS stock of etalab: it lists no pharmacy.")
    if sum(finess in places for finess in stock.pharmacies) < LEAST_LOCATED * len(stock.pharmacies):
        raise BadFile(lines.name, "is cut: too many pharmacies have no position.")


def _put_in_place(stock: Stock, places: dict) -> None:
    for finess, pharmacy in stock.pharmacies.items():
        if place := places.get(finess):
            latitude, longitude = (round(degrees, 6) for degrees in place)
            stock.pharmacies[finess] = replace(pharmacy, latitude=latitude, longitude=longitude)
