"""What the current edition of the public medicines database says of a code: CIP13, CIP7 or CIS. Facts, in its words.

`codes` is a line's: {"cis", "cip13", "cip7", …: text}; codes of other systems are not looked at. Nothing here advises,
and no interaction is computed: that is what medical devices do. How it is said to people: medicine_words.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from prescriptions import numbers
from prescriptions.bdpm.facts import Shortage, Substance
from prescriptions.medicine.catalogue import CataloguedMedicine, CataloguedPresentation, Edition, GenericMember
from prescriptions.medicine.cataloguing import current_edition

CODES = ("cis", "cip13", "cip7")
NOTICE = "https://base-donnees-publique.medicaments.gouv.fr/extrait.php?specid={cis}"  # followed by people only
SHORTAGES = "CIS_CIP_Dispo_Spec"


@dataclass(frozen=True)
class Relative:
    cis: str
    name: str


@dataclass(frozen=True)
class Generics:
    """A medicine's group. `originals` is empty when the original left the database: only `label` names it then."""

    label: str
    role: GenericMember.Role
    originals: list[Relative]
    others: list[Relative]  # every other one that is on sale, by name; nobody is put first


@dataclass(frozen=True)
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
    substances: list[Substance]
    conditions: list[str]
    shortages: list[Shortage] | None  # None: the edition says nothing of them
    presentations: list[CataloguedPresentation]
    generics: list[Generics]
    notice_url: str
    edition: Edition


# --- From codes to a medicine -----------------------------------------------------------------------------------------


def find(codes: dict) -> Medicine | None:
    """None when no edition was imported, when no code is known, or when they name two different medicines."""
    edition = current_edition()
    cis = _named(edition, [codes])[0] if edition else ""
    return _medicine(edition, cis) if cis else None


def conditions_of(codes: dict) -> list[str]:
    """Of prescription and of dispensing, as CIS_CPD words them: "liste I", "prescription limitée à 4 semaines"…"""
    edition = current_edition()
    cis = _named(edition, [codes])[0] if edition else ""
    return CataloguedMedicine.objects.get(edition=edition, cis=cis).conditions if cis else []


def unknown_among(asked: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of ("cip13", "3400…") pairs, those that the current edition does not have; none when there is no edition."""
    edition = current_edition()
    asked = {(system, numbers.compact(code)) for system, code in asked}
    return asked - set(_owners(edition, asked)) if edition else set()


def cards_for(lines) -> dict:
    """{line's pk: CIS} of the prescription lines that have a card; three queries for all of them."""
    lines = list(lines)
    edition = current_edition() if lines else None
    if edition is None:
        return {}
    named = _named(edition, [line.codes for line in lines])
    return {line.pk: cis for line, cis in zip(lines, named, strict=True) if cis}


def _asked(codes: dict) -> list[tuple[str, str]]:
    return [(system, numbers.compact(str(codes[system]))) for system in CODES if codes.get(system)]


def _named(edition: Edition, many: list[dict]) -> list[str]:
    """The CIS that each set of codes names; empty for none, and for two: a wrong card is worse than none."""
    owners = _owners(edition, {pair for codes in many for pair in _asked(codes)})
    named = [{cis for pair in _asked(codes) for cis in owners.get(pair, ())} for codes in many]
    return [found.pop() if len(found) == 1 else "" for found in named]


def _owners(edition: Edition, asked: set[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
    """(system, code) → the CIS it belongs to."""
    wanted = {system: [code for known, code in asked if known == system] for system in CODES}
    owners: dict[tuple[str, str], set[str]] = {}
    for cis in _of(CataloguedMedicine, edition, cis__in=wanted["cis"]).values_list("cis", flat=True):
        owners["cis", cis] = {cis}
    for system in ("cip13", "cip7"):
        if wanted[system]:
            found = _of(CataloguedPresentation, edition, **{f"{system}__in": wanted[system]})
            for code, cis in found.values_list(system, "cis"):
                owners.setdefault((system, code), set()).add(cis)
    return owners


def _of(table, edition: Edition, **wanted):
    return table.objects.filter(edition=edition, **wanted)


# --- All that is known of it ------------------------------------------------------------------------------------------


def _medicine(edition: Edition, cis: str) -> Medicine:
    row = CataloguedMedicine.objects.get(edition=edition, cis=cis)
    knows_shortages = any(source["file"].startswith(SHORTAGES) for source in edition.sources)
    return Medicine(
        cis=row.cis,
        name=row.name,
        form=row.form,
        routes=row.routes,
        status=row.status,
        procedure=row.procedure,
        is_marketed=row.is_marketed,
        holder=row.holder,
        is_watched=row.is_watched,
        substances=[Substance(**told) for told in row.substances],
        conditions=row.conditions,
        shortages=[Shortage(**told) for told in row.shortages] if knows_shortages else None,
        presentations=list(_of(CataloguedPresentation, edition, cis=cis).order_by("pk")),
        generics=[_generics(edition, place) for place in _of(GenericMember, edition, cis=cis).order_by("pk")],
        notice_url=NOTICE.format(cis=cis),
        edition=edition,
    )


def _generics(edition: Edition, place: GenericMember) -> Generics:
    roles = dict(_of(GenericMember, edition, group=place.group).values_list("cis", "role"))
    others = _of(CataloguedMedicine, edition, cis__in=set(roles) - {place.cis}).order_by("name", "cis")
    named = [(Relative(row.cis, row.name), row.is_marketed) for row in others.only("cis", "name", "is_marketed")]
    original = GenericMember.Role.ORIGINAL
    return Generics(
        label=place.label,
        role=GenericMember.Role(place.role),
        originals=[relative for relative, _sold in named if roles[relative.cis] == original],
        others=[relative for relative, is_sold in named if is_sold and roles[relative.cis] != original],
    )
