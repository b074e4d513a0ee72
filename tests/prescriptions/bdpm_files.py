"""A few invented medicines in files of the public database's layout: as the publisher writes them, to be altered.

Three are one group of generics; one is a narcotic on its own; codes are of no real medicine.
"""

import gzip
from pathlib import Path

from stdnum import ean

LAYOUT = ("CIS_bdpm", "CIS_CIP_bdpm", "CIS_COMPO_bdpm", "CIS_GENER_bdpm", "CIS_CPD_bdpm", "CIS_CIP_Dispo_Spec")
ORIGINAL, GENERIC, OTHER, NARCOTIC = "69900001", "69900002", "69900003", "69900004"


def cip13(cip7: str) -> str:
    body = f"34009{cip7}"
    return body + ean.calc_check_digit(body)


ORIGINAL_30, GENERIC_30, GENERIC_90, NARCOTIC_14 = map(cip13, ("9990001", "9990002", "9990003", "9990004"))
OLD_30 = cip13("9990005")


def medicine(cis: str, name: str, form: str = "gélule", **told) -> list[str]:
    facts = {"routes": "orale", "status": "Autorisation active", "procedure": "Procédure nationale"}
    facts |= {"sold": "Commercialisée", "holder": " LABORATOIRE D’ESSAI", "watched": "Non"} | told
    return [
        *(cis, name, form, facts["routes"], facts["status"], facts["procedure"], facts["sold"], "16/03/2011"),
        *("", "", facts["holder"], facts["watched"]),
    ]


def pack(cis: str, cip: str, label: str, *, state="Déclaration de commercialisation", **told) -> list[str]:
    facts = {"day": "30/04/2022", "rate": "65%", "price": "3,75", "public": "4,77", "cases": ""} | told
    return [
        *(cis, cip[5:12], label, "Présentation active", state, facts["day"], cip, "oui"),
        *(facts["rate"], facts["price"], facts["public"], "1,02", facts["cases"]),
    ]


def rows() -> dict[str, list[list[str]]]:
    """By file; the shortage file is optional and not among them."""
    return {
        "CIS_bdpm": [
            medicine(ORIGINAL, "FICTAVAL 5 mg, gélule"),
            medicine(GENERIC, "IMAGINOL ESSAI 5 mg, gélule"),
            medicine(OTHER, "IMAGINOL EG 5 mg, gélule", sold="Non commercialisée", status="Autorisation abrogée"),
            medicine(
                NARCOTIC, "MORPHEDON L.P. 2,4 POUR CENT, solution buvable", form="solution buvable", watched="Oui"
            ),
        ],
        "CIS_CIP_bdpm": [
            pack(ORIGINAL, ORIGINAL_30, "plaquette(s) PVC de 30 gélule(s)"),
            pack(GENERIC, GENERIC_30, "1 flacon(s) de 30 gélule(s)"),
            pack(GENERIC, GENERIC_90, "3 flacon(s) de 30 gélule(s)", rate="65 %", price="1,003,48", public="1,004,50"),
            pack(GENERIC, OLD_30, "sachet(s)", state="Déclaration d'arrêt de commercialisation"),
            pack(NARCOTIC, NARCOTIC_14, "14 ampoule(s)", rate="", price="", public=""),
        ],
        "CIS_COMPO_bdpm": [
            [ORIGINAL, "gélule", "1", "IMAGINOL (CHLORHYDRATE D')", "5,6 mg", "une gélule", "SA", "1", ""],
            [ORIGINAL, "gélule", "2", "IMAGINOL", "5 mg", "une gélule", "FT", "1", ""],
            [GENERIC, "gélule", "1", "IMAGINOL (CHLORHYDRATE D')", "5,6 mg", "une gélule", "SA", "1", ""],
            [GENERIC, "gélule", "2", "IMAGINOL", "5 mg", "une gélule", "FT", "1", ""],
            [NARCOTIC, "solution", "3", "MORPHINE (SULFATE DE)", "24 mg", "1 ml", "SA", "1", ""],
        ],
        "CIS_GENER_bdpm": [
            ["7", "IMAGINOL 5 mg - FICTAVAL 5 mg, gélule.", ORIGINAL, "0", "1", ""],
            ["7", "IMAGINOL 5 mg - FICTAVAL 5 mg, gélule.", GENERIC, "1", "2", ""],
            ["7", "IMAGINOL 5 mg - FICTAVAL 5 mg, gélule.", OTHER, "1", "3", ""],
            ["7", "IMAGINOL 5 mg - FICTAVAL 5 mg, gélule.", "60000000", "1", "4", ""],
        ],
        "CIS_CPD_bdpm": [
            [ORIGINAL, "liste II"],
            [GENERIC, "liste II"],
            [NARCOTIC, "stupéfiants"],
            [NARCOTIC, "prescription limitée à 4 semaines"],
            [NARCOTIC, "prescription réservée aux spécialistes et services ONCOLOGIE MEDICALE"],
            [NARCOTIC, "prescription réservée aux spécialistes et services HEMATOLOGIE"],
            [NARCOTIC, "à conserver d’une façon très particulière"],
        ],
    }


def shortage(cis=GENERIC, code="", kind="1", page="https://ansm.sante.fr/disponibilites/imaginol") -> list[str]:
    return [cis, code, kind, "libellé changeant", "02/05/2022", "03/06/2022", "", page]


def many(count: int) -> dict[str, list[list[str]]]:
    """The same with so many more medicines, each with one pack, one substance and one condition."""
    found = rows()
    for number in range(count):
        cis, cip = f"68{number:06d}", cip13(f"88{number:05d}")
        found["CIS_bdpm"].append(medicine(cis, f"COPIOL {number} mg, gélule"))
        found["CIS_CIP_bdpm"].append(pack(cis, cip, "30 gélule(s)"))
        found["CIS_COMPO_bdpm"].append([cis, "gélule", "9", "COPIOL", "1 mg", "une gélule", "SA", "1", ""])
        found["CIS_GENER_bdpm"].append([f"{1000 + number}", "COPIOL - COPIAL", cis, "1", "1", ""])
        found["CIS_CPD_bdpm"].append([cis, "liste I"])
    return found


def write(
    folder: Path,
    tables: dict | None = None,
    *,
    encodings: dict | None = None,
    line_ends: dict | None = None,
    compressed: bool = False,
    **raw: bytes,
) -> Path:
    """`raw`: a file given as bytes, whatever its table says. As published: Windows-1252 and CRLF, but for CIS_CIP."""
    folder.mkdir(exist_ok=True)
    encodings = {"CIS_CIP_bdpm": "utf-8"} | (encodings or {})
    line_ends = {"CIS_CIP_bdpm": "\n"} | (line_ends or {})
    contents = {
        name: as_text(table, line_ends.get(name, "\r\n")).encode(encodings.get(name, "cp1252"))
        for name, table in (rows() if tables is None else tables).items()
    }
    for name, content in (contents | raw).items():
        path = folder / f"{name}.txt"
        if compressed:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
        else:
            path.write_bytes(content)
    return folder


def as_text(table: list[list[str]], line_end: str = "\r\n") -> str:
    return "".join("\t".join(row) + line_end for row in table)
