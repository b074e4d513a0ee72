"""The open extraction of MSSanté mailboxes: UTF-8, `|`, one header line, one row an address and a service.

Two forms of the header are known: some of its last columns are named alone, or followed by « structure BAL ». Columns
are found by their names, so either is read, and any order. Type PER (a person's) and APP (a program's) are left out.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sharing.directory.lines import Lines, Tell, date_in, silent
from sharing.directory.listed import BadFile, tidy
from sharing.directory.mailboxes import Boxes
from sharing.directory.words import all_words_of

# No limit of 64 before the @ (RFC 5321): longer ones are in use.
ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{}~-]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
NEEDED = {
    "kind": "type de bal",
    "address": "adresse bal",
    "structure": "identification structure",
    "service": "service de rattachement",
    "paperless": "dematerialisation",
}
WELCOME = {"sign": "enseigne commerciale", "red_list": "liste rouge"}
YES = frozenset({"o", "oui", "1", "true", "vrai"})


@dataclass(frozen=True)
class Columns:
    """Where each thing is; -1 for what this extraction does not say."""

    width: int
    places: dict[str, int]

    def of(self, fields: list[str], name: str) -> str:
        place = self.places[name]
        return tidy(fields[place]) if place >= 0 else ""


def read(path: Path, boxes: Boxes, tell: Tell = silent) -> Lines:
    """Puts each organisational mailbox in `boxes`. Raises BadFile when it is not such an extraction or was cut."""
    lines, columns = Lines(path, tell), None
    for number, raw in lines:
        if columns is None:
            columns = _columns(raw, lines)
        elif raw.startswith(b"PER|") and raw.count(b"|") == columns.width - 1:
            boxes.counts["rows_of_mailboxes"] += 1  # six rows out of seven: not looked at further
        else:
            _take(lines, number, raw, columns, boxes)
    if columns is None:
        raise BadFile(lines.name, "is empty.")
    lines.check_end()
    if not boxes.counts["rows_of_organisations"]:
        raise BadFile(lines.name, "holds no organisational mailbox.")
    return lines


def date_of(path: Path) -> date | None:
    """The publisher writes the day in the file's name only."""
    return date_in(path.name)


def _columns(raw: bytes, lines: Lines) -> Columns:
    names = [_plain(name) for name in raw.decode("utf-8", errors="replace").replace('"', "").split("|")]
    wanted = NEEDED | WELCOME
    places = {key: names.index(name) if name in names else -1 for key, name in wanted.items()}
    missing = [NEEDED[key] for key in NEEDED if places[key] < 0]
    if missing:
        raise BadFile(lines.name, f"is not an extraction of MSSanté mailboxes: no column « {missing[0]} ».")
    return Columns(len(names), places)


def _plain(name: str) -> str:
    return " ".join(all_words_of(name)).removesuffix(" structure bal")


def _take(lines: Lines, number: int, raw: bytes, columns: Columns, boxes: Boxes) -> None:
    fields = lines.split(number, raw, "|", range(columns.width, columns.width + 1))
    if fields is None:
        return
    boxes.counts["rows_of_mailboxes"] += 1
    if columns.of(fields, "kind").upper() != "ORG":
        return
    boxes.counts["rows_of_organisations"] += 1
    finess = boxes.find(columns.of(fields, "structure"))
    if finess is None:
        return
    address = columns.of(fields, "address").lower()
    if not ADDRESS.fullmatch(address) or len(address) > 254:
        lines.leave_out(number, "an address that is none")
    elif columns.of(fields, "red_list").lower() in YES:
        boxes.counts["red_listed"] += 1
    elif not _put(boxes, finess, address, fields, columns):
        lines.note_repeated(number)


def _put(boxes: Boxes, finess: str, address: str, fields: list[str], columns: Columns) -> bool:
    return boxes.put(
        finess,
        address,
        service=columns.of(fields, "service"),
        is_paperless=columns.of(fields, "paperless").lower() in YES,
        sign=columns.of(fields, "sign"),
    )
