"""A connection to the operator's mailbox: imaplib with what secure messaging asks and what imaplib lacks.

- TLS always, the operator's name and revocation checked, our certificate or token shown;
- nothing said in clear is believed once encrypted (CVE-2011-0411 and its kin);
- a patience for each answer as a whole, and bounds on its size;
- IDLE (RFC 2177), until something comes, it is time to look anyway, or we are asked to stop.
"""

import imaplib
import select
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

from sharing.mssante import tokens
from sharing.mssante.account import Account, tls_context

PATIENCE = 30  # seconds for one line
PATIENCE_FOR_MESSAGE = 300
LINE_MAX = 1_000_000
LITERAL_MAX = 64 * 1024 * 1024
LOOK_UP_SECONDS = 0.5  # while idle: how soon a stop is seen


class Mailbox(imaplib.IMAP4):
    """Raises imaplib.IMAP4.error (said by the server), abort (cut or out of step), OSError."""

    def __init__(self, host: str, port: int, account: Account):
        self.account = account
        self._unread = b""
        self._heard_on = None  # the socket that `_unread` came from
        super().__init__(host, port, timeout=PATIENCE)

    def sign_in(self) -> None:
        if "STARTTLS" not in self.capabilities:
            raise self.error("no starttls")
        self.starttls(tls_context(self.account))
        if self.account.mailbox:
            self._with_token()
        else:
            self.authenticate("EXTERNAL", lambda _challenge: b"")  # RFC 4422: who we are is in the certificate
        offered = self.capability()[1][-1] or b""
        self.capabilities = offered.decode("ascii", "replace").upper().split()

    def _with_token(self) -> None:
        try:
            said = iter([tokens.xoauth2(self.account.mailbox)])
        except tokens.NoToken as error:
            raise self.error(f"no token: {error}") from None
        self.authenticate("XOAUTH2", lambda _challenge: next(said, b""))  # asked again: it says why it refuses

    def wait_for_news(self, seconds: float, is_stopping: Callable[[], bool]) -> None:
        """The server must offer IDLE."""
        tag = self._new_tag()
        self.send(tag + b" IDLE\r\n")
        if not self.readline().startswith(b"+"):
            raise self.error("IDLE refused")
        until = time.monotonic() + seconds
        while not is_stopping() and time.monotonic() < until:
            if self._something_comes() and b" EXISTS" in self.readline().upper():
                break
        self.send(b"DONE\r\n")
        while not (line := self.readline()).startswith(tag):
            if not line:
                raise self.abort("cut")

    def _something_comes(self) -> bool:
        if b"\n" in self._unread or self.sock.pending():
            return True
        return bool(select.select([self.sock], [], [], LOOK_UP_SECONDS)[0])

    # --- What imaplib reads with ------------------------------------------------------------------------------------
    def readline(self) -> bytes:
        until = time.monotonic() + PATIENCE
        self._refuse_what_was_said_in_clear()
        while b"\n" not in self._unread:
            if len(self._unread) > LINE_MAX:
                raise self.error("endless line")
            self._hear(until)
        line, newline, self._unread = self._unread.partition(b"\n")
        return line + newline

    def read(self, size: int) -> bytes:
        if size > LITERAL_MAX:
            raise self.error("endless message")
        until, pieces, missing = time.monotonic() + PATIENCE_FOR_MESSAGE, [], size
        while missing > 0:
            if not self._unread:
                self._hear(until)
            pieces.append(self._unread[:missing])
            missing, self._unread = missing - len(pieces[-1]), self._unread[missing:]
        return b"".join(pieces)

    def _hear(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        piece = self.sock.recv(65536)
        if not piece:
            raise self.abort("cut")
        self._unread += piece

    def _refuse_what_was_said_in_clear(self) -> None:
        if self._heard_on is not self.sock and self._unread:
            raise self.error("injected")
        self._heard_on = self.sock

    def hang_up(self) -> None:
        with suppress(OSError, imaplib.IMAP4.error):
            self.logout()
        with suppress(OSError):
            self.shutdown()  # when the line was cut before it could say goodbye


def needs_somebody(error: Exception) -> bool:
    """What the server refuses, a certificate, a file that is missing: time alone mends none. A cut line, it does."""
    if isinstance(error, imaplib.IMAP4.error):
        return not isinstance(error, imaplib.IMAP4.abort)
    is_trust = isinstance(error, ssl.SSLError | FileNotFoundError | PermissionError)
    return is_trust and not isinstance(error, ssl.SSLEOFError)
