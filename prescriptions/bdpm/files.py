"""One file: its bytes within bounds, its encoding found, its rows cut into cells. A bad file is refused whole.

A few odd rows are left out and counted (the real files hold some); many mean that it is not the file it should be.
"""

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024  # inflated; all the real files together are 22 MB
MAX_CELL = 8_000  # characters; the longest real one is 1,700
ODD_ROWS_ALLOWED = 5  # or one in a hundred, whichever is more
MAX_ODD_ROWS = 10_000  # no need to read further
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\xa0\u2028\u2029]+")  # and the space that does not break


class BadFile(ValueError):
    """`name`: the file; `why`: what is wrong, in English, for the operator."""

    def __init__(self, name: str, why: str):
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


@dataclass(frozen=True)
class Layout:
    """`columns`: as documented; the real files end some rows with one more tab. `shapes`: what a column must match."""

    columns: int
    shapes: dict[int, re.Pattern]
    is_needed: bool = True


def _shapes(**patterns: str) -> dict[int, re.Pattern]:
    return {int(place[1:]): re.compile(pattern) for place, pattern in patterns.items()}


CIS = "[0-9]{8}"
FILES = {
    "CIS_bdpm": Layout(12, _shapes(c0=CIS, c1=".+", c7="([0-9]{2}/[0-9]{2}/[0-9]{4})?", c11="(?i:oui|non)")),
    "CIS_CIP_bdpm": Layout(13, _shapes(c0=CIS, c1="[0-9]{7}", c6="[0-9]{13}")),
    "CIS_COMPO_bdpm": Layout(8, _shapes(c0=CIS, c3=".+", c6="SA|FT|ST", c7="[0-9]*")),
    "CIS_GENER_bdpm": Layout(5, _shapes(c0="[0-9]{1,10}", c1=".+", c2=CIS, c3="[0124]", c4="[0-9]*")),
    "CIS_CPD_bdpm": Layout(2, _shapes(c0=CIS, c1=".+")),
    "CIS_CIP_Dispo_Spec": Layout(8, _shapes(c0=CIS, c1="([0-9]{13})?", c2="[1-4]"), is_needed=False),
}


@dataclass
class Source:
    """What was read of one file. `rows`: [(line number, cells)]; `left_out`: [(line number, why)]."""

    name: str
    sha256: str
    size: int  # bytes, inflated
    encoding: str
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)

    def keep(self, wanted: Callable[[list[str]], str]) -> None:
        """Leaves out the rows for which `wanted` gives a reason. Raises BadFile when they are many."""
        kept = []
        for line, cells in self.rows:
            why = wanted(cells)
            if why:
                self.left_out.append((line, why))
            else:
                kept.append((line, cells))
        self.rows = kept
        self.check()

    def check(self) -> None:
        odd, total = len(self.left_out), len(self.rows) + len(self.left_out)
        if not self.rows:
            raise BadFile(self.name, "holds no row of this file")
        if odd > max(ODD_ROWS_ALLOWED, total // 100) or odd * 2 > total:
            line, why = self.left_out[0]
            raise BadFile(self.name, f"{odd} rows of {total} are not as they should be. Line {line}: {why}")


def read(folder: Path, name: str) -> Source | None:
    """None when a file that is not needed is not there. Raises BadFile."""
    layout, path = FILES[name], _find(folder, name)
    if path is None:
        if layout.is_needed:
            raise BadFile(f"{name}.txt", "is missing (plain or .gz)")
        return None
    content = _bytes(path)
    text, encoding = _decode(path.name, content)
    source = Source(path.name, hashlib.sha256(content).hexdigest(), len(content), encoding)
    _fill(source, text, layout)
    return source


def _fill(source: Source, text: str, layout: Layout) -> None:
    line = 0
    for line, cells in _rows(text):
        why = _why_odd(cells, layout)
        if why:
            source.left_out.append((line, why))
        else:
            source.rows.append((line, cells))
        if len(source.left_out) > MAX_ODD_ROWS:
            break
    if source.left_out and source.left_out[-1][0] == line and not text.endswith("\n"):
        raise BadFile(source.name, f"stops in the middle of line {line}: it was cut on its way")
    source.check()


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.txt", folder / f"{name}.txt.gz") if path.is_file()), None)


def _bytes(path: Path) -> bytes:
    """Of the text itself, so that the same file gives the same hash compressed or not."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(path.name, f"cannot be read to its end ({type(error).__name__})") from None
    if len(content) > MAX_BYTES:
        raise BadFile(path.name, f"is larger than {MAX_BYTES // 1024**2} MB: it is not one of these files")
    return content


def _decode(name: str, content: bytes) -> tuple[str, str]:
    """The publisher moves from Windows-1252 to UTF-8 one file at a time, and says so nowhere."""
    if b"\0" in content:
        raise BadFile(name, "is not a text")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise BadFile(name, "is neither UTF-8 nor Windows-1252")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Only a line feed ends a row: stray carriage returns stand inside some."""
    one_space = re.sub(" {2,}", " ", CONTROL.sub(" ", text))
    for line, row in enumerate(io.StringIO(one_space, newline="\n"), start=1):
        if not row.isspace():
            yield line, [cell.strip() for cell in row.split("\t")]


def _why_odd(cells: list[str], layout: Layout) -> str:
    _drop_surplus(cells, layout.columns)
    if len(cells) != layout.columns:
        return f"{len(cells)} columns and not {layout.columns}"
    if max(map(len, cells)) > MAX_CELL:
        return f"a column of more than {MAX_CELL} characters"
    for place, shape in layout.shapes.items():
        if not shape.fullmatch(cells[place]):
            return f"column {place + 1} is not what it should be"
    return ""


def _drop_surplus(cells: list[str], columns: int) -> None:
    """Too many columns: the row ends with a tab, or tabs were typed in a text, leaving empty cells behind it.

    What is then in the wrong place does not have the shape of its column, and the row is left out.
    """
    while len(cells) > columns and not cells[-1]:
        cells.pop()
    while len(cells) > columns and "" in cells:
        cells.remove("")
