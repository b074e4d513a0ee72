"""What has come for us: from the operator by IMAP, or from the local operator's Maildirs.

Each message is given to `keep(content, is_whole=…)`, which stores it; only then is it marked as seen, and only then is
its place noted. Whatever happens in between, it comes again, and is recognised. Of a message too large to be read only
the beginning is kept.
"""

import imaplib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from django.conf import settings

from sharing.mssante.account import portal_account
from sharing.mssante.mailbox import Mailbox, needs_somebody

Keep = Callable[..., object]
MESSAGE_MAX_BYTES = 30 * 1024 * 1024
BEGINNING = 64 * 1024
AT_ONCE = 50
IDLE_SECONDS = 120  # then we look anyway: some servers forget to tell


class CannotFetch(Exception):
    """The mailbox could not be read. `permanent`: somebody has to change something."""

    def __init__(self, what: str, *, permanent: bool):
        super().__init__(what)
        self.permanent = permanent


@dataclass(frozen=True)
class Place:
    """How far a mailbox was read (RFC 9051 §2.3.1.1). Of another `uidvalidity` the UIDs say nothing."""

    uidvalidity: int = 0
    uid: int = 0


Note = Callable[[Place], object]


@contextmanager
def open_inbox() -> Iterator["Imap | Maildirs"]:
    """Raises CannotFetch, also for what its methods meet."""
    if not settings.MSSANTE_IMAP_HOST:
        yield Maildirs()
        return
    mailbox = None
    try:
        mailbox = Mailbox(settings.MSSANTE_IMAP_HOST, settings.MSSANTE_IMAP_PORT, portal_account())
        mailbox.sign_in()
        yield Imap(mailbox)
    except (imaplib.IMAP4.error, OSError) as error:
        raise CannotFetch(type(error).__name__, permanent=needs_somebody(error)) from None
    finally:
        if mailbox is not None:
            mailbox.hang_up()


# --- The local operator ---------------------------------------------------------------------------------------------
class Maildirs:
    """What was read has left the folder `new`: no place is needed."""

    def fetch_new(self, keep: Keep, since: Place, note: Note) -> int:
        return sum(self._from(folder, keep) for folder in self._ours())

    def wait(self, stopping: Event) -> None:
        stopping.wait(settings.COLLECT_SECONDS)

    def _ours(self) -> list[Path]:
        mailboxes = settings.MSSANTE_MAILBOXES
        patients = mailboxes.glob(f"*@{settings.MSSANTE_PATIENT_DOMAIN}/new")
        return [*patients, mailboxes / settings.MSSANTE_PORTAL_ADDRESS / "new"]

    def _from(self, new: Path, keep: Keep) -> int:
        files = sorted(new.glob("*"))[:AT_ONCE] if new.is_dir() else []
        for file in files:
            is_whole = file.stat().st_size <= MESSAGE_MAX_BYTES
            with file.open("rb") as opened:
                keep(opened.read() if is_whole else opened.read(BEGINNING), is_whole=is_whole)
            file.rename(new.parent / "cur" / f"{file.name}:2,S")
        return len(files)


# --- IMAP -----------------------------------------------------------------------------------------------------------
class Imap:
    """One inbox, open."""

    def __init__(self, mailbox: Mailbox):
        self._mailbox = mailbox
        _check(mailbox.select("INBOX"))
        self._uidvalidity = _number(mailbox.response("UIDVALIDITY")[1][-1] or b"0")

    def fetch_new(self, keep: Keep, since: Place, note: Note) -> int:
        """How many were kept: what is not marked as seen, and what came after `since` even if somebody else marked it.
        `note(place)` is called after each."""
        last = since.uid if since.uidvalidity == self._uidvalidity else 0
        later = {uid for uid in self._search(f"UID {last + 1}:*") if uid > last}  # n:* always gives the last one too
        uids = sorted(later.union(self._search("UNSEEN")))[:AT_ONCE]
        for uid in uids:
            self._keep_one(uid, keep)
            last = max(last, uid)
            note(Place(self._uidvalidity, last))
        return len(uids)

    def wait(self, stopping: Event) -> None:
        if "IDLE" in self._mailbox.capabilities:
            self._mailbox.wait_for_news(IDLE_SECONDS, stopping.is_set)
        else:
            stopping.wait(settings.COLLECT_SECONDS)

    def _search(self, criteria: str) -> list[int]:
        return [_number(uid) for uid in (_check(self._mailbox.uid("SEARCH", criteria))[0] or b"").split()]

    def _keep_one(self, uid: int, keep: Keep) -> None:
        size = self._size(uid)
        is_whole = size is None or size <= MESSAGE_MAX_BYTES  # unsaid is not large: the mailbox bounds what it reads
        content = self._content(uid, "(BODY.PEEK[])" if is_whole else f"(BODY.PEEK[]<0.{BEGINNING}>)")
        if content is None:  # deleted meanwhile
            return
        keep(content, is_whole=is_whole)
        _check(self._mailbox.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)"))

    def _size(self, uid: int) -> int | None:
        said = b" ".join(said for said, _ in self._said_of(uid, "(RFC822.SIZE)"))
        found = re.search(rb"\bRFC822\.SIZE (\d{1,19})", said, re.IGNORECASE)
        return int(found[1]) if found else None

    def _content(self, uid: int, asked: str) -> bytes | None:
        return next((content for _, content in self._said_of(uid, asked) if content is not None), None)

    def _said_of(self, uid: int, asked: str) -> Iterator[tuple[bytes, bytes | None]]:
        """What is said of this one, and its content. What the server said of others meanwhile comes with it: somebody
        who reads the same mailbox has set a flag (RFC 9051 §7.5.2)."""
        parts = _check(self._mailbox.uid("FETCH", str(uid), asked))
        for part, after in zip(parts, [*parts[1:], b""], strict=True):
            is_long = isinstance(part, tuple)  # its content, then what follows it
            said = part[0] + b" " + after if is_long else part or b""
            if re.search(rb"\bUID %d\b" % uid, said, re.IGNORECASE):
                yield said, part[1] if is_long else None


def _check(answer: tuple[str, list]) -> list:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return data


def _number(said: bytes) -> int:
    if re.fullmatch(rb"\d{1,10}", said) is None:
        raise imaplib.IMAP4.error("not a number")
    return int(said)
