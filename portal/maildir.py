"""One folder a mailbox, `<address>/{new,cur,tmp}`: what the local operator and the demo file into."""

import itertools
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

_count = itertools.count(1)
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}")


def folder_of(mailboxes: Path, address: str) -> Path:
    """Raises ValueError for an address that would not be a plain folder name."""
    if _SAFE.fullmatch(address) is None or ".." in address:
        raise ValueError("Not the name of a mailbox.")
    return mailboxes / address.lower()


def file_message(mailboxes: Path, address: str, content: bytes) -> Path:
    """The name tells nothing. No fsync: in a demonstration, waiting for the disk is not worth four times the time."""
    folder = folder_of(mailboxes, address)
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns()}.{os.getpid()}_{next(_count)}.{socket.gethostname()[:40]}"
    being_written = folder / "tmp" / name
    being_written.write_bytes(content)
    return being_written.rename(folder / "new" / name)


def messages_in(mailboxes: Path, address: str) -> Iterator[Path]:
    """Newest first."""
    folder = folder_of(mailboxes, address)
    files = [file for name in ("new", "cur") for file in (folder / name).glob("*")]
    yield from sorted(files, key=lambda file: file.name, reverse=True)
