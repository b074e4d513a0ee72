"""A connection to the operator: smtplib with what secure messaging asks and what smtplib lacks.

- TCP_NODELAY before the handshake: with Nagle each message over TLS takes 45 ms;
- TLS always, the operator's name checked, only the given authorities trusted, our certificate shown;
- a token, where the mailbox wants one (RFC 4954, XOAUTH2);
- a patience for each stage as a whole, so that a server that drips a byte now and then does not hold us;
- the stage it is at, so that a failure says what it means.
"""

import base64
import re
import smtplib
import socket
import time

from sharing.mssante import tokens
from sharing.mssante.account import Account, tls_context
from sharing.mssante.outcome import Kind, Reply, SendOutcome, Stage, judge

REPLY_MAX = 64 * 1024  # bytes of one answer
PIECE = 64 * 1024  # bytes sent between two looks at the clock
REACH_SECONDS = 20  # to an address; this alone cannot be cut: less than a stop waits
PATIENCE = {  # seconds (RFC 5321 §4.5.3.2)
    Stage.CONNECT: 60,
    Stage.TLS: 60,
    Stage.EHLO: 300,
    Stage.AUTH: 60,
    Stage.MAIL: 300,
    Stage.RCPT: 300,
    Stage.DATA: 180,
    Stage.SENT_DOT: 600,
    Stage.DONE: 5,
}


class Stopped(Exception):
    """The conversation ends here, with this outcome."""

    def __init__(self, outcome: SendOutcome):
        super().__init__(f"{outcome.stage} {outcome.code}")
        self.outcome = outcome


class Line(smtplib.SMTP):
    """Raises OSError (timeouts, drops, TLS) and Stopped; the caller turns both into an outcome."""

    def __init__(self, account: Account):
        super().__init__(local_hostname=account.hello)
        self.account = account
        self._host = account.host  # the name that TLS checks
        self.stage = Stage.CONNECT
        self.tls_version = ""
        self.carried = 0
        self.quiet_since = 0.0
        self._unread = b""

    def open(self) -> None:
        self.timeout = min(self._patience(), REACH_SECONDS)
        self._expect(Reply(*_read(self.connect(self.account.host, self.account.port))))
        if self.account.tls != "implicit":
            self._greet()
            self._start_tls()
        self._greet()
        if self.account.mailbox:
            self._sign_in()
        self.quiet_since = time.monotonic()

    def _get_socket(self, host, port, timeout):
        sock = super()._get_socket(host, port, timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._secured(sock) if self.account.tls == "implicit" else sock

    def _secured(self, sock):
        """Under TLS 1.3 a server that wants another certificate says so only at the next command."""
        self.stage = Stage.TLS
        sock.settimeout(self._patience())
        context = tls_context(self.account)
        # Ours before the handshake, so that a server that hangs in it can be hung up on.
        self.sock = context.wrap_socket(sock, server_hostname=self._host, do_handshake_on_connect=False)
        self.sock.do_handshake()
        self.tls_version = self.sock.version()
        return self.sock

    def _start_tls(self) -> None:
        self.stage = Stage.TLS
        if not self.has_extn("starttls"):
            raise Stopped(SendOutcome(Stage.TLS, "no starttls", Kind.CONFIGURATION))
        self.ask("STARTTLS")
        if self._unread:  # said in clear, to be taken for the server's own words (CVE-2011-0411)
            raise Stopped(SendOutcome(Stage.TLS, "injected", Kind.CONFIGURATION))
        self._secured(self.sock)

    def _greet(self) -> None:
        self.stage = Stage.EHLO
        self._expect(Reply(*_read(self.ehlo())))

    def _sign_in(self) -> None:
        self.stage = Stage.AUTH
        if "XOAUTH2" not in self.esmtp_features.get("auth", "").upper().split():
            raise Stopped(SendOutcome(Stage.AUTH, "no xoauth2", Kind.CONFIGURATION))
        try:
            said = base64.b64encode(tokens.xoauth2(self.account.mailbox)).decode()
        except tokens.NoToken:
            raise Stopped(SendOutcome(Stage.AUTH, "no token", Kind.CONFIGURATION)) from None
        reply = self.try_to(f"AUTH XOAUTH2 {said}")
        if reply.code == 334:  # why it refuses, in JSON; it says so again to an empty line
            reply = self.try_to("")
        self._expect(reply)

    def ask(self, command: str) -> Reply:
        """Sends a command and gives its positive answer."""
        return self._expect(self.try_to(command))

    def try_to(self, command: str) -> Reply:
        return Reply(*_read(self.docmd(command)))

    def _expect(self, reply: Reply) -> Reply:
        if not reply.is_positive():
            raise Stopped(SendOutcome(self.stage, reply.said, judge(self.stage, reply)))
        return reply

    def send_content(self, content: bytes) -> Reply:
        """Everything up to the final dot, then the dot: before it a failure means that nothing was accepted."""
        self.stage = Stage.DATA
        reply = self.try_to("DATA")
        if reply.code != 354:
            raise Stopped(SendOutcome(self.stage, reply.said, judge(self.stage, reply)))
        lines = re.sub(rb"(?m)^\.", b"..", content)
        self._send_in_pieces(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
        if self._unread:  # an answer to nothing we asked would be taken for the one to the dot
            raise ConnectionError("out of step")
        self.stage = Stage.SENT_DOT
        self.send(b".\r\n")
        return Reply(*_read(self.getreply()))

    def _send_in_pieces(self, data: bytes) -> None:
        until = time.monotonic() + self._patience()
        for start in range(0, len(data), PIECE):
            self._wait_no_longer_than(until)
            self.sock.sendall(data[start : start + PIECE])

    def send(self, s) -> None:
        if self.sock is None:
            raise ConnectionError("closed")
        self.sock.settimeout(self._patience())
        self.sock.sendall(s.encode(self.command_encoding) if isinstance(s, str) else s)

    def getreply(self) -> tuple[int, bytes]:
        until, lines = time.monotonic() + self._patience(), []
        while True:
            line = self._read_line(until)
            found = re.match(rb"(\d{3})([ -]|$)(.*)", line)
            if found is None:
                return -1, b"?"  # smtplib takes an empty answer for a closed line
            lines.append(found[3].strip())
            if found[2] != b"-":
                return int(found[1]), b"\n".join(lines)

    def _read_line(self, until: float) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > REPLY_MAX:
                raise ConnectionError("endless answer")
            self._wait_no_longer_than(until)
            piece = self.sock.recv(4096)
            if not piece:
                raise ConnectionError("dropped")
            self._unread += piece
        line, _newline, self._unread = self._unread.partition(b"\n")
        return line.rstrip(b"\r")

    def _wait_no_longer_than(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)

    def _patience(self) -> float:
        return min(PATIENCE[self.stage], self.account.patience)

    def is_fresh(self, idle: float, messages: int) -> bool:
        """Whether the server still listens, and has forgotten the last message."""
        if self.carried >= messages or time.monotonic() - self.quiet_since > idle:
            return False
        self.stage = Stage.DONE
        try:
            return self.try_to("RSET").is_positive()
        except OSError:
            return False

    def hang_up(self) -> None:
        """What happens here changes nothing: what was accepted is accepted."""
        self.stage = Stage.DONE
        try:
            if self.sock is not None:
                self.try_to("QUIT")
        except OSError:
            pass  # the server has gone first
        finally:
            self.close()


def _read(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], answer[1].decode("ascii", "replace")
