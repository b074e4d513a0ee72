"""The DataMatrix of a French medicine box (GS1, CIP13 in a GTIN-14), as a scanner types it at a keyboard.

01 GTIN (14 digits: 0 and the CIP13) · 17 expiry (YYMMDD, day 00: end of the month) · 10 lot · 21 serial number. Lot and
serial end with the separator FNC1 (ASCII 29), which many scanners drop: a lot that cannot be told apart is not read.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date

from prescriptions import numbers

SEPARATOR = "\x1d"
MATRIX = re.compile(r"^(?:\]d2)?\(?01\)?0(3400\d{9})(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Box:
    cip13: str = ""
    lot: str = ""
    expires_on: date | None = None


def read(text: str) -> Box:
    """Anything that is not a DataMatrix is taken for a CIP13 as typed."""
    scanned = text.strip(" \t\r\n")
    found = MATRIX.match(scanned)
    if found is None:
        return Box(cip13=numbers.compact(scanned))
    cip13, rest = found[1], found[2].replace("(", "").replace(")", "")
    lot, expires_on = "", None
    while rest:
        code, rest = rest[:2], rest[2:]
        if code == "17":
            expires_on, rest = _end(rest[:6]), rest[6:]
        elif code in {"10", "21"}:
            value, separator, rest = rest.partition(SEPARATOR)
            if code == "10" and (separator or _stands_alone(value)):
                lot = value
        else:
            break
    return Box(cip13, lot, expires_on)


def _stands_alone(value: str) -> bool:
    """No separator follows: the lot is the last thing there, and hides no serial number."""
    return len(value) <= 20 and not re.search("21.{8,}$", value)


def _end(text: str) -> date | None:
    if not re.fullmatch(r"\d{6}", text):
        return None
    year, month, day = 2000 + int(text[:2]), int(text[2:4]), int(text[4:])
    if not 1 <= month <= 12 or day > 31:
        return None
    last = calendar.monthrange(year, month)[1]
    return date(year, month, min(day, last) or last)
