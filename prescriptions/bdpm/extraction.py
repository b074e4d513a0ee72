"""The files together: one Medicine a CIS with its substances and conditions, its presentations, its generic groups."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from prescriptions import numbers
from prescriptions.bdpm import facts, files
from prescriptions.bdpm.files import FILES, ODD_ROWS_ALLOWED, BadFile, Source

STRANGERS_ALLOWED = 20  # one row in so many may name a CIS that is not in CIS_bdpm; more: not the same extraction
DECLARED_TOGETHER = 3  # so many presentations declared on one day make it a day of the extraction, not a mistyped year


@dataclass
class Extraction:
    sources: dict[str, Source]
    medicines: dict[str, facts.Medicine]
    presentations: dict[str, facts.Presentation]
    groups: dict[tuple[str, str], facts.Group]
    facts_until: date | None  # the latest day of which the files tell; they carry no date of their own

    def counts(self) -> dict[str, int]:
        return {name: len(source.rows) for name, source in self.sources.items()}


def read_folder(folder: Path, tell: Callable[[int, int], None] = lambda done, total: None) -> Extraction:
    """`tell` hears how many files were read, of how many. Raises BadFile."""
    sources = {}
    for done, name in enumerate(FILES, start=1):
        source = files.read(folder, name)
        if source is not None:
            sources[name] = source
        tell(done, len(FILES))
    return _gather(sources)


def _gather(sources: dict[str, Source]) -> Extraction:
    medicines = _medicines(sources["CIS_bdpm"])
    for name in ("CIS_CIP_bdpm", "CIS_COMPO_bdpm", "CIS_CPD_bdpm"):
        _check_same_extraction(sources[name], medicines)
    for row in _known(sources["CIS_COMPO_bdpm"], medicines):
        medicines[row[0]].substances.append(facts.substance(row))
    for row in _known(sources["CIS_CPD_bdpm"], medicines):
        if row[1] not in medicines[row[0]].conditions:
            medicines[row[0]].conditions.append(row[1])
    for row in _known(sources.get("CIS_CIP_Dispo_Spec"), medicines):
        medicines[row[0]].shortages.append(facts.shortage(row))
    return Extraction(
        sources=sources,
        medicines=medicines,
        presentations=_presentations(sources["CIS_CIP_bdpm"], medicines),
        groups=_groups(sources["CIS_GENER_bdpm"], medicines),
        facts_until=_facts_until(sources["CIS_CIP_bdpm"]),
    )


def _known(source: Source | None, medicines: dict) -> Iterator[list[str]]:
    """Rows of a CIS that is in CIS_bdpm; others exist (medicines long gone)."""
    return (row for _line, row in (source.rows if source else ()) if row[0] in medicines)


def _check_same_extraction(source: Source, medicines: dict) -> None:
    strangers = sum(row[0] not in medicines for _line, row in source.rows)
    if strangers > max(ODD_ROWS_ALLOWED, len(source.rows) // STRANGERS_ALLOWED):
        raise BadFile(
            source.name,
            f"{strangers} rows of {len(source.rows)} are of medicines that CIS_bdpm does not have: "
            "the files are not of the same day, or CIS_bdpm was cut",
        )


def _medicines(source: Source) -> dict[str, facts.Medicine]:
    seen: set[str] = set()

    def why_not(row: list[str]) -> str:
        is_repeated = row[0] in seen
        seen.add(row[0])
        return "this CIS was met before" if is_repeated else ""

    source.keep(why_not)
    return {row[0]: facts.medicine(row) for _line, row in source.rows}


def _presentations(source: Source, medicines: dict) -> dict[str, facts.Presentation]:
    """A CIP13 that is said of two medicines names neither: a wrong card is worse than none."""
    owners: dict[str, set[str]] = {}
    for _line, row in source.rows:
        owners.setdefault(row[6], set()).add(row[0])

    def why_not(row: list[str]) -> str:
        if len(owners[row[6]]) > 1:
            return "this CIP13 is said of two medicines"
        return "the key of this CIP13 is wrong" if numbers.why_not_cip13(row[6]) else ""

    source.keep(why_not)
    return {row[6]: facts.presentation(row) for row in _known(source, medicines)}


def _groups(source: Source, medicines: dict) -> dict[tuple[str, str], facts.Group]:
    return {(row[0], row[2]): facts.group(row) for _line, row in source.rows if row[2] in medicines}


def _facts_until(source: Source) -> date | None:
    told = Counter(found for _line, row in source.rows if (found := facts.day(row[5])))
    together = [day for day, times in told.items() if times >= DECLARED_TOGETHER]
    return max(together or told, default=None)
