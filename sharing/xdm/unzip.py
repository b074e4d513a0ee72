"""A ZIP from outside, file by file, bounded: nothing is written to disk and no name leads out of it."""

import io
import re
import stat
import zipfile
import zlib

from sharing.xdm.archive import NotAnArchive

MAX_ENTRIES = 50
MAX_DIRECTORY = 64 * 1024  # bytes of the list of entries: Python reads it whole before it can be counted
MAX_INFLATED = 64 * 1024 * 1024
MAX_RATIO = 100  # of one entry; DEFLATE reaches 1,032 on zeros, XML 10 to 30
FREE_OF_RATIO = 1024 * 1024  # bytes that an entry may have whatever its ratio
KNOWN_TO_INFLATE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
UNSAFE = re.compile(r"^$|[\x00-\x1f\x7f\\:]|^/|(^|/)\.\.(/|$)")
END, LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x07"


class Files:
    """The files of an archive by name, in capitals: media of ISO 9660 know no others, and writers differ.

    Raises NotAnArchive: `not-a-zip`, `too-many-entries`, `unsafe-name`, `twice-the-same-name`, `link`, `encrypted`,
    `compression`, `too-large`, `damaged`.
    """

    def __init__(self, content: bytes):
        _check_directory(content)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            raise NotAnArchive("not-a-zip") from None
        self._entries = self._checked(self._zip.infolist())
        self._left = MAX_INFLATED

    def _checked(self, entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        _refuse_if(len(entries) > MAX_ENTRIES, "too-many-entries")
        _refuse_if(sum(entry.file_size for entry in entries) > MAX_INFLATED, "too-large")
        found = {}
        for entry in entries:
            _check_entry(entry)
            name = _name(entry.filename)
            _refuse_if(name in found, "twice-the-same-name")
            if not entry.is_dir():
                found[name] = entry
        return found

    def __iter__(self):
        return iter(self._entries)

    def __contains__(self, name: str) -> bool:
        return _name(name) in self._entries

    def read(self, name: str) -> bytes:
        entry = self._entries[_name(name)]
        try:
            with self._zip.open(entry) as file:
                content = file.read(self._left + 1)  # what comes out, whatever was announced
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
            raise NotAnArchive("damaged") from None
        self._left -= len(content)
        _refuse_if(self._left < 0, "too-large")
        return content


def _check_directory(content: bytes) -> None:
    """The end record, where zipfile will find it. The 64-bit form is for archives that mail does not carry."""
    end = content.rfind(END, max(0, len(content) - 22 - 0xFFFF))
    _refuse_if(end < 0 or len(content) < end + 22, "not-a-zip")
    _refuse_if(content[max(0, end - 20) : end].startswith(LOCATOR_64), "too-large")
    entries, size = (int.from_bytes(content[end + at : end + at + wide], "little") for at, wide in ((10, 2), (12, 4)))
    _refuse_if(entries > MAX_ENTRIES or size > MAX_DIRECTORY, "too-many-entries")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    _refuse_if(UNSAFE.search(entry.orig_filename) is not None, "unsafe-name")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    _refuse_if(kind not in {0, stat.S_IFREG, stat.S_IFDIR}, "link")
    _refuse_if(entry.flag_bits & 0x1, "encrypted")
    _refuse_if(entry.compress_type not in KNOWN_TO_INFLATE, "compression")
    inflated = max(0, entry.file_size - FREE_OF_RATIO)
    _refuse_if(inflated > MAX_RATIO * entry.compress_size, "too-large")


def _name(name: str) -> str:
    return "/".join(part for part in name.upper().split("/") if part not in {"", "."})


def _refuse_if(wrong: bool, code: str) -> None:
    if wrong:
        raise NotAnArchive(code)
