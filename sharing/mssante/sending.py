"""One message to one mailbox, over a connection that each thread keeps a little while."""

import re
import ssl
import threading
import time
from contextlib import suppress
from socket import SHUT_RDWR

from sharing.mssante.account import Account, portal_account
from sharing.mssante.line import Line, Stopped
from sharing.mssante.outcome import Kind, Reply, SendOutcome, Stage, judge

IDLE_SECONDS = 15  # a connection quiet for longer is not used again
MESSAGES_A_LINE = 100

_kept = threading.local()
_lines: dict[int, Line] = {}  # the last one of each thread, to cut them all at the end


def send(
    *, envelope_from: str, envelope_to: str, content: bytes, envid: str = "", account: Account | None = None
) -> SendOutcome:
    """Never raises for what the network or the server does. `content`: CRLF lines; `envid`: comes back in a report."""
    account = account or portal_account()
    if _is_malformed(envelope_from, envelope_to, content):
        return SendOutcome(Stage.MAIL, "malformed", Kind.RECIPIENT)
    line = _take_kept(account)
    if line is None:
        line = _lines[threading.get_ident()] = Line(account)
    may_go_on = False
    try:
        outcome = _carry(line, envelope_from, envelope_to, content, envid)
        may_go_on = outcome.kind in {Kind.SENT, Kind.RECIPIENT}
        return outcome
    finally:
        _keep(line) if may_go_on else line.close()


def _is_malformed(envelope_from: str, envelope_to: str, content: bytes) -> bool:
    """What servers would read in different ways: an address that goes on after itself, a line end that is not CRLF
    (SMTP smuggling, CVE-2023-51764 to 51766), a NUL."""
    if re.search(r"[\x00-\x20<>\x7f]", envelope_from + envelope_to):
        return True
    ends = content.count(b"\r\n")  # counted: a search with alternatives takes 10 ms for each message
    return b"\x00" in content or not content.count(b"\r") == content.count(b"\n") == ends


def _carry(line: Line, envelope_from, envelope_to, content, envid) -> SendOutcome:
    try:
        if line.sock is None:
            line.open()
        return _talk(line, envelope_from, envelope_to, content, envid)
    except Stopped as stopped:
        return stopped.outcome
    except OSError as error:
        return _after_failure(line, error)


def _talk(line: Line, envelope_from, envelope_to, content, envid) -> SendOutcome:
    too_large = _why_not_take(line, envelope_from, envelope_to, content)
    if too_large:
        return too_large
    line.stage = Stage.MAIL
    line.ask(f"MAIL FROM:<{envelope_from}>{_mail_options(line, envelope_from + envelope_to, content, envid)}")
    line.stage = Stage.RCPT
    reply = line.try_to(f"RCPT TO:<{envelope_to}>{_rcpt_options(line, envelope_to)}")
    if not reply.is_positive():
        return _refused_recipient(line, reply, envelope_from)
    reply = line.send_content(content)
    if 200 <= reply.code < 300:
        line.carried += 1
        return SendOutcome(Stage.DONE, reply.said, Kind.SENT)
    return SendOutcome(Stage.SENT_DOT, reply.said, judge(Stage.SENT_DOT, reply))


def _why_not_take(line: Line, envelope_from: str, envelope_to: str, content: bytes) -> SendOutcome | None:
    """What the server said in its greeting that it would refuse."""
    limit = line.esmtp_features.get("size", "")
    if limit.isdigit() and 0 < int(limit) < len(content):
        return SendOutcome(Stage.MAIL, "552 5.3.4", Kind.RECIPIENT)
    if not (envelope_from + envelope_to).isascii() and not line.has_extn("smtputf8"):
        return SendOutcome(Stage.MAIL, "553 5.6.7", Kind.RECIPIENT)
    if not content.isascii() and not line.has_extn("8bitmime"):
        return SendOutcome(Stage.MAIL, "554 5.6.3", Kind.RECIPIENT)
    return None


def _mail_options(line: Line, addresses: str, content: bytes, envid: str) -> str:
    options = []
    if line.has_extn("size"):
        options.append(f"SIZE={len(content)}")
    if not content.isascii():
        options.append("BODY=8BITMIME")
    line.command_encoding = "ascii"
    if not addresses.isascii():
        line.command_encoding = "utf-8"
        options.append("SMTPUTF8")
    if line.has_extn("dsn"):
        options += ["RET=HDRS", f"ENVID={_xtext(envid)}"] if envid else ["RET=HDRS"]
    return "".join(f" {option}" for option in options)


def _rcpt_options(line: Line, envelope_to: str) -> str:
    return f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{_xtext(envelope_to)}" if line.has_extn("dsn") else ""


def _xtext(text: str) -> str:
    """RFC 3461 §4."""
    return "".join(char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}" for char in text)


def _refused_recipient(line: Line, reply: Reply, envelope_from: str) -> SendOutcome:
    """A permanent refusal is this mailbox's only if the server takes another one: our own, which it hosts."""
    kind = judge(Stage.RCPT, reply)
    if kind == Kind.REFUSED:
        with suppress(OSError):  # gone: it has not shown it
            own = line.try_to(f"RCPT TO:<{envelope_from}>")
            kind = Kind.RECIPIENT if own.is_positive() else Kind.CONFIGURATION if own.is_permanent() else kind
    return SendOutcome(Stage.RCPT, reply.said, kind)


def _after_failure(line: Line, error: OSError) -> SendOutcome:
    stage, word = line.stage, _word(error)
    if stage == Stage.SENT_DOT:
        return SendOutcome(stage, word, Kind.UNKNOWN)
    if stage == Stage.TLS and isinstance(error, ssl.SSLError | FileNotFoundError | PermissionError):
        cut = isinstance(error, ssl.SSLEOFError)
        return SendOutcome(stage, word, Kind.TEMPORARY if cut else Kind.CONFIGURATION)
    if _is_about_our_certificate(line, error):
        return SendOutcome(Stage.TLS, "certificate", Kind.CONFIGURATION)
    return SendOutcome(stage, word, Kind.TEMPORARY)


def _is_about_our_certificate(line: Line, error: OSError) -> bool:
    """TLS 1.3: the handshake passes; the refusal comes with the answer to our greeting, or the line is cut there."""
    if line.stage != Stage.EHLO or isinstance(error, TimeoutError):
        return False
    return isinstance(error, ssl.SSLError) or line.tls_version == "TLSv1.3"


_VERDICTS = {  # OpenSSL's x509_vfy.h
    3: "no crl",
    10: "cert expired",
    12: "crl expired",
    23: "cert revoked",
    62: "wrong name",
    64: "wrong name",
}


def _word(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERDICTS.get(error.verify_code, "bad certificate")
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "no file" if isinstance(error, FileNotFoundError) else "dropped"


# --- The connection each thread keeps -------------------------------------------------------------------------------
def _take_kept(account: Account) -> Line | None:
    line, _kept.line = getattr(_kept, "line", None), None
    if line is None:
        return None
    if line.account == account and line.is_fresh(IDLE_SECONDS, MESSAGES_A_LINE):
        return line
    line.hang_up()
    return None


def _keep(line: Line) -> None:
    line.quiet_since = time.monotonic()
    _kept.line = line


def hang_up() -> None:
    """Ends this thread's connection, if it has one."""
    line, _kept.line = getattr(_kept, "line", None), None
    _lines.pop(threading.get_ident(), None)
    if line is not None:
        line.hang_up()


def hang_up_all() -> None:
    """Cuts every connection of this process, so that it can end: what was leaving is settled or sent again later."""
    alive = {thread.ident for thread in threading.enumerate()}
    for owner, line in list(_lines.items()):
        if owner not in alive:
            line.close()
        elif (sock := line.sock) is not None:
            with suppress(OSError):
                sock.shutdown(SHUT_RDWR)
