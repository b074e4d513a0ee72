"""Codes of routes and of reasons to take, with the words of both languages side by side."""

from typing import NamedTuple

from prescriptions.posology.model import Concept, Unsayable
from prescriptions.posology.plain import bare


class Words(NamedTuple):
    fr: str
    en: str
    stems: tuple[str, ...]  # what the source's own words hold when they mean the same


_ORAL = Words("par voie orale", "by mouth", ("oral", "orale", "per os", "par la bouche", "by mouth"))
_SUBCUTANEOUS = Words("par voie sous-cutanée", "under the skin (subcutaneous)", ("sous-cut", "sous cut", "subcut"))
_INTRAMUSCULAR = Words("par voie intramusculaire", "into a muscle (intramuscular)", ("intramusc",))
_INTRAVENOUS = Words("par voie intraveineuse", "into a vein (intravenous)", ("intravein", "intraven"))
_TRANSDERMAL = Words("sur la peau (voie transdermique)", "on the skin (transdermal)", ("transderm",))
_CUTANEOUS = Words("sur la peau (voie cutanée)", "on the skin", ("cutan", "topi"))

ROUTES = {  # EDQM Standard Terms and SNOMED CT
    "20053000": _ORAL,
    "26643006": _ORAL,
    "20066000": _SUBCUTANEOUS,
    "34206005": _SUBCUTANEOUS,
    "20035000": _INTRAMUSCULAR,
    "78421000": _INTRAMUSCULAR,
    "20045000": _INTRAVENOUS,
    "47625008": _INTRAVENOUS,
    "20070000": _TRANSDERMAL,
    "45890007": _TRANSDERMAL,
    "20003000": _CUTANEOUS,
}
NEEDS = {  # SNOMED CT
    "22253000": Words("si douleur", "for pain", ("douleur", "douleurs", "pain")),
    "24199005": Words("si agitation", "for agitation", ("agitation",)),
    "386661006": Words("si fièvre", "for fever", ("fievre", "fever")),
    "422587007": Words("si nausées", "for nausea", ("nausee", "nausees", "nausea")),
    "49727002": Words("si toux", "for cough", ("toux", "cough")),
    "25064002": Words("si mal de tête", "for headache", ("mal de tete", "maux de tete", "cephalees", "headache")),
}


def route_words(said: Concept) -> Words | None:
    """The words of a known route; None when only its own words name it. Unsayable when code and words differ."""
    known = _known(said, ROUTES)
    if known and said.text and not any(stem in bare(said.text) for stem in known.stems):
        raise Unsayable("a route whose code and words differ")
    return known


def need_words(said: Concept) -> Words | None:
    """The words of a known reason, when the source's words add nothing to it ("si douleurs", "pain")."""
    known = _known(said, NEEDS)
    plain = bare(said.text or "").removeprefix("si ").removeprefix("en cas de ")
    if not plain:
        return known
    meant = next((each for each in NEEDS.values() if plain in each.stems), None)
    if known and meant and known != meant:
        raise Unsayable("a reason whose code and words differ")
    return meant


def _known(said: Concept, table: dict[str, Words]) -> Words | None:
    known = {table[code] for _, code in said.codes if code in table}
    if len(known) > 1:
        raise Unsayable("codes that differ")
    if not known and not said.text:
        raise Unsayable("a code we do not know, without words")
    return known.pop() if known else None
