"""The lines of a directory's file: plain, gzip or ZIP, UTF-8 or Windows-1252, read once, never whole in memory."""

import csv
import gzip
import hashlib
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO

from sharing.directory.listed import BadFile

LONGEST_LINE = 65_536  # bytes; the longest seen has 800
MOST_LINES = 5_000_000
MOST_BYTES = 2_000_000_000
FEW = 50  # lines left out: fewer prove nothing
SHOWN = 100  # lines left out that are told one by one; the others are counted
TELL_EACH = 5_000
BOM = b"\xef\xbb\xbf"

Tell = Callable[[str, int, int], None]  # name, done, total


def silent(_name: str, _done: int, _total: int) -> None:
    pass


class Lines:
    """`for number, raw in lines`. What a reader cannot take it tells to `leave_out`; `check_end` once all is read."""

    def __init__(self, path: Path, tell: Tell = silent):
        self.path, self.name, self.tell = path, path.name, tell
        self.count = self.windows_1252 = 0
        self.left_out: list[tuple[int, str]] = []
        self.repeated: list[int] = []
        self.left_out_count: Counter[str] = Counter()
        self._last_left_out = 0
        self._ends_whole = True

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        try:
            with self.path.open("rb") as file:
                yield from self._numbered(file)
        except OSError as error:  # gzip.BadGzipFile is one
            raise BadFile(self.name, f"cannot be read: {error.strerror or 'it is damaged'}.") from None
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile):
            raise BadFile(self.name, "is cut or damaged: its compressed data do not end.") from None
        except NotImplementedError:
            raise BadFile(self.name, "is compressed in a way that is not known here.") from None

    def _numbered(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        total, read = self.path.stat().st_size, 0
        with _unpacked(file, self.name) as stream:
            while raw := stream.readline(LONGEST_LINE):
                self.count += 1
                read += len(raw)
                if self.count > MOST_LINES or read > MOST_BYTES:
                    raise BadFile(self.name, "is larger than any directory.")
                if self.count % TELL_EACH == 0:
                    self.tell(self.name, file.tell(), total)
                self._ends_whole = raw.endswith(b"\n")
                if not self._ends_whole and len(raw) == LONGEST_LINE:
                    self.leave_out(self.count, "longer than any row")
                    _skip_line(stream)
                elif text := (raw.removeprefix(BOM) if self.count == 1 else raw).strip(b"\r\n"):
                    yield self.count, text
        self.tell(self.name, total, total)

    def split(self, number: int, raw: bytes, delimiter: str, widths: range) -> list[str] | None:
        """The fields of a line, None when it is left out. A quote is a letter, except where fields are quoted."""
        text = self._decoded(raw)
        fields = text.split(delimiter)
        if len(fields) not in widths or text.startswith('"'):
            fields = _unquoted(text, delimiter)
        if len(fields) not in widths:
            return self.leave_out(number, f"{len(fields)} fields instead of {widths.stop - 1}")
        if "\0" in text:
            return self.leave_out(number, "holds a null character")
        return fields

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.windows_1252 += 1
            return raw.decode("cp1252", errors="replace")

    def leave_out(self, number: int, why: str) -> None:
        self._last_left_out = number
        self.left_out_count[why] += 1
        if len(self.left_out) < SHOWN:
            self.left_out.append((number, why))

    def note_repeated(self, number: int) -> None:
        if len(self.repeated) < SHOWN:
            self.repeated.append(number)

    def check_end(self) -> None:
        """Raises BadFile when the last line stops in the middle, or when too many could not be read."""
        if not self._ends_whole and self._last_left_out == self.count:
            raise BadFile(self.name, f"is cut: its last line ({self.count}) is not whole.")
        broken = self.left_out_count.total()
        if broken > FEW and broken * 20 > self.count:
            raise BadFile(self.name, f"is not what it should be: {broken} of its {self.count} lines cannot be read.")

    def told(self) -> dict:
        """What is kept of a file that was taken."""
        with self.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return {
            "file": self.name,
            "sha256": sha256,
            "lines": self.count,
            "windows_1252": self.windows_1252,
            "left_out": self.left_out_count.total(),
        }


def _unpacked(file: BinaryIO, name: str) -> BinaryIO:
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=file)
    if start == b"PK\x03\x04":
        return _member(file, name)
    return file


def _member(file: BinaryIO, name: str) -> BinaryIO:
    archive = zipfile.ZipFile(file)
    texts = [one for one in archive.infolist() if re.search(r"\.(txt|csv)$", one.filename, re.IGNORECASE)]
    texts = [one for one in texts if not one.filename.startswith("__MACOSX/")]
    if len(texts) != 1:
        raise BadFile(name, f"holds {len(texts)} text files; one is expected.")
    if texts[0].flag_bits & 1:
        raise BadFile(name, "is encrypted.")
    return archive.open(texts[0])


def _skip_line(stream: BinaryIO) -> None:
    while (more := stream.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
        pass


def _unquoted(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return text.split(delimiter)


def date_in(text: str) -> date | None:
    """The first day written in it, as 2026-05-12 or 202605121013."""
    for year, month, day in re.findall(r"(20\d\d)-?([01]\d)-?([0-3]\d)", text):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None
