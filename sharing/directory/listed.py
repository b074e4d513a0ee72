"""What every source of the directory is turned into before it is taken: the same rows, whatever they came from."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import date

NAMELESS = "Pharmacie"  # what an establishment without a name is called


class BadFile(Exception):
    """What was given cannot be taken, and nothing of it was. Says which and why; never holds a row."""

    def __init__(self, name: str, why: str):
        super().__init__(f"{name} {why}")
        self.name, self.why = name, why


@dataclass(frozen=True, slots=True)
class Listed:
    """One pharmacy as a directory lists it. `mailboxes`: ORG addresses in lower case, the preferred one first.

    `address` and `town` in small letters, `sign`: what is written above the door when it is not the name.
    Without a position: not known, which says nothing of the position known before.
    """

    finess: str
    name: str
    address: str
    postcode: str
    town: str
    department: str
    phone: str = ""
    latitude: float | None = None
    longitude: float | None = None
    mailboxes: tuple[str, ...] = ()
    sign: str = ""
    siret: str = ""


@dataclass
class Listing:
    """All that one import brings. `closed`: FINESS numbers said to be closed; `counts`: what was read and left out.

    A listing of changes only (`is_partial`) says nothing of the pharmacies that are not in it.
    """

    pharmacies: list[Listed]
    counts: Counter
    files: list[dict] = field(default_factory=list)
    establishments_on: date | None = None
    mailboxes_on: date | None = None
    closed: frozenset[str] = frozenset()
    is_partial: bool = False


# --- As it is said --------------------------------------------------------------------------------------------------
_LITTLE = "de du des d la le les l et a au aux en sur sous lez lès pres près chez dit"
_INITIALS = "SELARL SELAS SELASU SARL SELURL EURL SNC SEL SAS SASU SA CC ZA ZI ZAC HLM CHU II III IV"
KEPT_SMALL, KEPT_CAPITAL = frozenset(_LITTLE.split()), frozenset(_INITIALS.split())
STREETS = {
    "R": "rue",
    "AV": "avenue",
    "BD": "boulevard",
    "PL": "place",
    "CHE": "chemin",
    "RTE": "route",
    "QU": "quai",
    "QUAI": "quai",
    "ALL": "allée",
    "IMP": "impasse",
    "CRS": "cours",
    "SQ": "square",
    "FG": "faubourg",
    "LOT": "lotissement",
    "RES": "résidence",
    "CTRE": "centre",
    "CC": "centre commercial",
    "CCAL": "centre commercial",
    "ESP": "esplanade",
    "PAS": "passage",
    "HAM": "hameau",
    "RPT": "rond-point",
    "MTE": "montée",
    "PROM": "promenade",
    "CAR": "carrefour",
    "TRA": "traverse",
    "QUA": "quartier",
    "PTE": "porte",
    "SEN": "sentier",
    "VLA": "villa",
    "LD": "lieu-dit",
}
AFTER_NUMBER = {"B": "bis", "T": "ter", "Q": "quater"}


def tidy(text: str) -> str:
    """Accents in one character, single spaces, nothing that cannot be shown."""
    if text.isascii() and text.isprintable():  # most fields, and there are millions
        return " ".join(text.split())
    text = unicodedata.normalize("NFC", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def said(text: str) -> str:
    """« PHARMACIE DE L'ETOILE » as « Pharmacie de l’Etoile ». What is not all in capitals is left as it is."""
    text = tidy(text).replace("'", "’")
    if text != text.upper():
        return text
    words = re.split(r"([^\w]+)", text.lower())
    capital = [_capital(word, is_first=place == 0) for place, word in enumerate(words)]
    return "".join(capital)


def _capital(word: str, *, is_first: bool) -> str:
    if word.upper() in KEPT_CAPITAL:
        return word.upper()
    return word if word in KEPT_SMALL and not is_first else word[:1].upper() + word[1:]


def street(number: str, after_number: str, kind: str, name: str, place: str = "") -> str:
    """« 29 bis place de la Poste, Centre Commercial »."""
    parts = [
        tidy(number).lower(),
        AFTER_NUMBER.get(after_number.strip().upper(), tidy(after_number)),
        STREETS.get(kind.strip().upper(), said(kind).lower()),
        _lower_first(said(name)),
    ]
    return ", ".join(part for part in (" ".join(part for part in parts if part), said(place)) if part)


def _lower_first(text: str) -> str:
    first, _space, rest = text.partition(" ")
    small = first.lower()
    is_little = small in KEPT_SMALL or re.match(r"[ld]’", small)
    if not is_little:
        return text
    return f"{small} {rest}".strip() if small in KEPT_SMALL else small[:2] + first[2:] + (f" {rest}" if rest else "")


def postcode_and_town(line: str) -> tuple[str, str]:
    """« 75674 PARIS CEDEX 14 » gives 75674 and Paris. Without a postcode: "" and the line."""
    told = re.match(r"(\d{5})\s+(.*)", tidy(line))
    postcode, town = told.groups() if told else ("", tidy(line))
    return postcode, said(re.sub(r"\s+CEDEX\b.*$", "", town, flags=re.IGNORECASE))
