"""Files in the shape of the national directories, of any size, the same every time.

`python -m tests.sharing.directory_files FOLDER [--pharmacies 21000] [--rows 535000]` writes a country's worth, to
measure `manage.py import_pharmacies` with. Everybody in them is invented.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from tests.factories import with_luhn

HEADER = (
    "Type de BAL|Adresse BAL|Type Identifiant PP|Identifiant PP|Identification nationale PP|Type identifiant structure|"
    "Identification Structure|Service de rattachement|Civilité d'exercice|Nom d'exercice|Prénom d'exercice|"
    "Catégorie profession|Libellé de catégorie profession|Code Profession|Libellé Profession|Code savoir-faire|"
    "Libellé savoir-faire|Dématérialisation|Raison Sociale structure BAL|Enseigne commerciale structure BAL|"
    "L2COMPLEMENTLOCALISATION|L3COMPLEMENTDISTRIBUTION|L4NUMEROVOIE|L4COMPLEMENTNUMEROVOIE|NL4TYPEVOIE|L4LIBELLEVOIE|"
    "L5LIEUDITMENTION|L6LIGNEACHEMINEMENT|Code postal|Département|Pays"
)
LAMBERT = "1,ATLASANTE,100,BAN,EPSG:2154 RGF93 / Lambert-93 (Métropole)"
NAMES = "DU MARCHE|DE LA GARE|DES HALLES|SAINT JEAN|STE ANNE|DU CENTRE|DE L'EUROPE|DES TILLEULS|DU PONT NEUF|LEFEBVRE"
TOWNS = "LYON|SAINT ETIENNE|LE PUY EN VELAY|VILLEURBANNE|MACON|BOURG EN BRESSE|GRENOBLE|VALENCE|ANNECY|ROANNE"
EQUIPPED = 0.85
ORG_FOR_OTHERS = 0.13  # of all rows: hospitals, laboratories


def establishment(finess: str, name: str = "PHARMACIE DU MARCHE", **facts: str) -> str:
    """One `structureet` record."""
    told = {
        "legal": with_luhn(f"{finess[:7]}9"),
        "long": "",
        "number": "12",
        "after": "",
        "kind": "PL",
        "street": "DE LA POSTE",
        "place": "",
        "department": finess[:2],
        "line": "69003 LYON",
        "phone": "0465711234",
        "category": "620",
        "siret": "",
    } | facts
    return (
        f"structureet;{finess};{told['legal']};{name};{told['long']};;;{told['number']};{told['kind']};{told['street']};"
        f"{told['after']};{told['place']};383;{told['department']};RHONE;{told['line']};{told['phone']};;"
        f"{told['category']};Pharmacie d'Officine;3201;Commerce;{told['siret']};4773Z;01;Tarif Libre;;;"
        "1999-01-01;1999-01-01;2026-01-01;"
    )


def position(finess: str, x: float = 842_666.6, y: float = 6_519_924.4, system: str = LAMBERT) -> str:
    return f"geolocalisation;{finess};{x};{y};{system};2026-05-12"


def mailbox(structure: str, address: str, **facts: str) -> str:
    """One row of the extraction, of type ORG unless told otherwise."""
    told = {"kind": "ORG", "of": "FINESS", "service": "", "paperless": "O", "name": "PHARMACIE", "sign": ""} | facts
    return (
        f"{told['kind']}|{address}||||{told['of']}|{structure}|{told['service']}||||||||||{told['paperless']}|"
        f"{told['name']}|{told['sign']}|||12||PL|DE LA POSTE||69003 LYON|69003|Rhône|France"
    )


def stock(*records: str, day: str = "2026-05-12") -> str:
    return "\n".join([f"finess;etalab;98;{day}", *records, ""])


def extraction(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows, ""])


def number(order: int) -> str:
    """FINESS of the nth establishment; at most a million of them."""
    return with_luhn(f"{order % 89 + 10:02d}{order:06d}")


# --- A country's worth ------------------------------------------------------------------------------------------------
def write_country(folder: Path, *, pharmacies: int = 21_000, rows: int = 535_000) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    establishments = folder / "etalab-cs1100507-stock-20260512-0339.csv"
    mailboxes = folder / "Extraction_Correspondance_MSSante_202605121013.txt"
    with establishments.open("w") as file:
        file.writelines(f"{line}\n" for line in _establishments(pharmacies))
    with mailboxes.open("w") as file:
        file.writelines(f"{line}\n" for line in _mailboxes(pharmacies, rows))
    return establishments, mailboxes


def _establishments(pharmacies: int) -> Iterator[str]:
    """Four other establishments for each pharmacy, as in the real one."""
    chance = random.Random(620)
    yield "finess;etalab;98;2026-05-12"
    for order in range(pharmacies * 5):
        name = f"PHARMACIE {chance.choice(NAMES.split('|'))}"
        line = f"{chance.randint(1, 95):02d}{chance.randint(0, 99) * 10:03d} {chance.choice(TOWNS.split('|'))}"
        category = "355" if order % 5 else "620"
        yield establishment(
            number(order // 5 if category == "620" else order + 200_000), name, line=line, category=category
        )
    for order in range(pharmacies):
        yield position(number(order), chance.uniform(150_000, 1_150_000), chance.uniform(6_150_000, 7_050_000))


def _mailboxes(pharmacies: int, rows: int) -> Iterator[str]:
    chance = random.Random(88)
    yield HEADER
    equipped = [order for order in range(pharmacies) if chance.random() < EQUIPPED]
    for order in equipped:
        yield mailbox(number(order), f"pharmacie-{order}@demo-pharmacie.mssante.fr")
    for order in range(rows - len(equipped)):
        kind = "ORG" if chance.random() < ORG_FOR_OTHERS else "PER"
        yield mailbox(
            number(order % 300_000 + 300_000), f"box-{order}@bal-fictive.mssante.fr", kind=kind, name="CENTRE"
        )


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--pharmacies", type=int, default=21_000)
    asked.add_argument("--rows", type=int, default=535_000)
    told = asked.parse_args()
    print(*write_country(told.folder, pharmacies=told.pharmacies, rows=told.rows), sep="\n")
