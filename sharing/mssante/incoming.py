"""What has come for us: from the operator by IMAP, or from the local operator's Maildirs.

Each message is given to `keep(content, is_whole=…)`, which stores it; only then is it marked as seen. Whatever happens
in between, it comes again, and is recognised. Of a message too large to be read only the beginning is kept.
"""

import imaplib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from sharing.mssante.account import portal_account, tls_context

Keep = Callable[..., object]
MESSAGE_MAX_BYTES = 30 * 1024 * 1024
BEGINNING = 64 * 1024
AT_ONCE = 50
TIMEOUT = 30


class CannotFetch(Exception):
    """The mailbox could not be read. `permanent`: somebody has to change something."""

    def __init__(self, what: str, *, permanent: bool):
        super().__init__(what)
        self.permanent = permanent


def fetch_new(keep: Keep) -> int:
    """How many were kept. Raises CannotFetch."""
    if settings.MSSANTE_IMAP_HOST:
        return _from_imap(keep)
    return sum(_from_maildir(folder, keep) for folder in _our_maildirs())


# --- The local operator ---------------------------------------------------------------------------------------------
def _our_maildirs() -> list[Path]:
    mailboxes = settings.MSSANTE_MAILBOXES
    patients = mailboxes.glob(f"*@{settings.MSSANTE_PATIENT_DOMAIN}/new")
    return [*patients, mailboxes / settings.MSSANTE_PORTAL_ADDRESS / "new"]


def _from_maildir(new: Path, keep: Keep) -> int:
    files = sorted(new.glob("*"))[:AT_ONCE] if new.is_dir() else []
    for file in files:
        is_whole = file.stat().st_size <= MESSAGE_MAX_BYTES
        with file.open("rb") as opened:
            keep(opened.read() if is_whole else opened.read(BEGINNING), is_whole=is_whole)
        file.rename(new.parent / "cur" / f"{file.name}:2,S")
    return len(files)


# --- IMAP -----------------------------------------------------------------------------------------------------------
def _from_imap(keep: Keep) -> int:
    try:
        with _signed_in() as mailbox:
            _check(mailbox.select("INBOX"))
            found = _check(mailbox.uid("SEARCH", "UNSEEN"))[0] or b""
            uids = found.split()[:AT_ONCE]
            for uid in uids:
                _keep_one(mailbox, uid, keep)
            return len(uids)
    except imaplib.IMAP4.error as error:  # said by the server; abort, its subclass, is a cut line
        raise CannotFetch(type(error).__name__, permanent=not isinstance(error, imaplib.IMAP4.abort)) from None
    except OSError as error:
        raise CannotFetch(type(error).__name__, permanent=False) from None


@contextmanager
def _signed_in() -> Iterator[imaplib.IMAP4]:
    account = portal_account()
    mailbox = imaplib.IMAP4(settings.MSSANTE_IMAP_HOST, settings.MSSANTE_IMAP_PORT, timeout=TIMEOUT)
    try:
        mailbox.starttls(tls_context(account))
        if mailbox.state != "AUTH":  # some operators greet a known certificate with PREAUTH
            mailbox.authenticate("EXTERNAL", lambda _challenge: b"")  # RFC 4422: who we are is in the certificate
        yield mailbox
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            mailbox.logout()
        with suppress(OSError):
            mailbox.shutdown()  # when the line was cut before it could say goodbye


def _keep_one(mailbox: imaplib.IMAP4, uid: bytes, keep: Keep) -> None:
    size = _check(mailbox.uid("FETCH", uid, "(RFC822.SIZE)"))[0] or b""
    said = re.search(rb"RFC822\.SIZE (\d+)", size if isinstance(size, bytes) else size[0])
    is_whole = bool(said) and int(said[1]) <= MESSAGE_MAX_BYTES
    asked = "(BODY.PEEK[])" if is_whole else f"(BODY.PEEK[]<0.{BEGINNING}>)"
    parts = _check(mailbox.uid("FETCH", uid, asked))
    content = next((part[1] for part in parts if isinstance(part, tuple)), None)
    if content is None:  # deleted meanwhile
        return
    keep(content, is_whole=is_whole)
    _check(mailbox.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"))


def _check(answer: tuple[str, list]) -> list:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return data
