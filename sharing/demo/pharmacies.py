"""Two thousand pharmacies that do not exist, spread over real French towns. The same ones every time.

FINESS numbers have an order number that begins with 99 (overseas: 9) and a right key; telephone numbers are of the
ranges kept for fiction (ARCEP); mailboxes are under `pharma.mssante.test`. Town positions: approximate, WGS 84.
"""

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stdnum import luhn

from sharing.directory import Listed, normalise, words_of

COUNT = 2000
EQUIPPED = 0.6  # share of those that have an organisational mailbox
SEED = "ordolien: pharmacies"
TOWNS = Path(__file__).parent / "data" / "towns.tsv"
NAMES = Path(__file__).parent / "data" / "names.txt"
DOMAIN = "pharma.mssante.test"
MARKET_FINESS = "699900015"
MARKET = Listed(
    finess=MARKET_FINESS,
    name="Pharmacie du Marché",
    address="14 place Guichard",
    postcode="69003",
    town="Lyon 3e",
    department="69",
    phone="+33 4 65 71 22 10",
    latitude=45.7597,
    longitude=4.8473,
    mailboxes=(f"contact@pharmacie-du-marche.{DOMAIN}",),
)
FICTION = {"1": "1 99 00", "2": "2 61 91", "3": "3 53 01", "4": "4 65 71", "5": "5 36 49"}
ZONES = {
    "1": "75 77 78 91 92 93 94 95",
    "2": "14 22 27 28 29 35 36 37 41 44 45 49 50 53 56 61 72 76 85 18",
    "3": "02 08 10 21 25 39 51 52 54 55 57 58 59 60 62 67 68 70 71 80 88 89 90",
    "4": "01 03 04 05 06 07 11 13 15 26 2A 2B 30 34 38 42 43 48 63 66 69 73 74 83 84",
}


@dataclass(frozen=True)
class Town:
    name: str
    postcode: str
    department: str
    latitude: float
    longitude: float
    weight: int


def towns() -> list[Town]:
    rows = [line.split("\t") for line in TOWNS.read_text().splitlines() if not line.startswith("#")]
    return [Town(n, p, d, float(la), float(lo), int(w)) for n, p, d, la, lo, w in rows]


def pharmacies() -> list[Listed]:
    """All of them; the first is « Pharmacie du Marché », where Chloé works."""
    chance = random.Random(SEED)  # noqa: S311 - the same every time is what is wanted
    words = _names()
    made = [MARKET]
    for town, count in _shares(towns(), COUNT - 1):
        taken = {normalise(MARKET.name)} if town.name == MARKET.town else set()
        made += [_pharmacy(chance, town, words, taken, len(made) + place) for place in range(count)]
    return made


def _shares(places: list[Town], total: int) -> Iterator[tuple[Town, int]]:
    """`total` pharmacies by weight, at least one a town (largest remainders)."""
    whole = sum(town.weight for town in places)
    exact = [town.weight * total / whole for town in places]
    counts = [max(1, math.floor(value)) for value in exact]
    order = sorted(range(len(places)), key=lambda n: exact[n] - counts[n], reverse=True)
    for n in order[: total - sum(counts)]:
        counts[n] += 1
    return zip(places, counts, strict=True)


def _names() -> dict[str, list[str]]:
    """Sections of names.txt: places, people, streets, forms."""
    sections: dict[str, list[str]] = {}
    for line in NAMES.read_text().splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif line:
            current.append(line)
    return sections


def _pharmacy(chance: random.Random, town: Town, words: dict, taken: set[str], order: int) -> Listed:
    name = _name(chance, town, words, taken)
    spread = 0.011 if town.weight > 3 else 0.004  # degrees around the town's centre
    equipped = chance.random() < EQUIPPED
    return Listed(
        finess=finess(town.department, order),
        name=name,
        address=f"{chance.randint(1, 160)} {chance.choice(words['streets'])}",
        postcode=town.postcode,
        town=town.name,
        department=town.department,
        phone=_phone(chance, town.department),
        latitude=round(town.latitude + chance.uniform(-spread, spread), 5),
        longitude=round(town.longitude + chance.uniform(-spread, spread), 5),
        mailboxes=(_mailbox(name, town),) if equipped else (),
    )


def _name(chance: random.Random, town: Town, words: dict, taken: set[str]) -> str:
    """One that the town does not have yet."""
    while True:
        kind = chance.random()
        if kind < 0.62:
            name = f"{chance.choice(words['forms'])} {chance.choice(words['places'])}"
        elif kind < 0.92:
            people = chance.sample(words["people"], 2 if kind > 0.86 else 1)
            name = f"{chance.choice(words['forms'])} {'-'.join(people)}"
        else:
            name = f"Grande Pharmacie {chance.choice(words['places'])}"
        told = normalise(name)
        if told not in taken:
            taken.add(told)
            return name


def finess(department: str, order: int) -> str:
    """Department, order number in the range nobody is given, key (Luhn; a Corsican letter counts as A=1, B=2)."""
    start = f"{department}9{order:04d}" if len(department) == 3 else f"{department}99{order:04d}"
    key = luhn.calc_check_digit(start.replace("A", "1").replace("B", "2"))
    return f"{start}{key}"


def _phone(chance: random.Random, department: str) -> str:
    zone = next((zone for zone, places in ZONES.items() if department in places.split()), "5")
    return f"+33 {FICTION[zone]} {chance.randint(0, 99):02d} {chance.randint(0, 99):02d}"


def _mailbox(name: str, town: Town) -> str:
    label = re.sub(r"[^a-z0-9]+", "-", "-".join(words_of(name)))
    return f"contact@{label}.{'-'.join(words_of(town.name))}.{DOMAIN}"
