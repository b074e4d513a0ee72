"""A mail server that misbehaves on demand, over real sockets and real TLS.

`behave(stage, turn)` says what to do at each stage of each message (`turn` counts them from 1); None is to do right.
Stages: connect, starttls, ehlo, mail, rcpt, data, dot, quit. What it may say:

    "550 5.1.1 Unknown"   answers that instead
    DROP                  cuts the line
    HANG                  says nothing until the sink stops or the client goes
    DRIP                  one byte now and then, never a whole line
    GARBAGE               something that is not SMTP
    TAKE_AND_DROP         at `dot`: accepts, then cuts before answering
    TAKE_AND_HANG         at `dot`: accepts, then says nothing
    HOLD                  waits for `sink.release()`, then goes on
"""

import base64
import hashlib
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

DROP, HANG, DRIP, GARBAGE, HOLD = "drop", "hang", "drip", "garbage", "hold"
TAKE_AND_DROP, TAKE_AND_HANG = "take-and-drop", "take-and-hang"
PATIENCE = 30


@dataclass(frozen=True)
class Accepted:
    message_id: str
    sender: str
    recipient: str
    content: bytes
    options: str  # of MAIL and RCPT

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Over(Exception):
    """This conversation ends."""


class Sink:
    def __init__(self, certificates, behave: Callable[[str, int], str | None] = lambda stage, turn: None, **options):
        """`starttls` False: does not offer it. `server`: name of its certificate. `extensions`: what EHLO says.
        `conversation`: how it talks."""
        self.certificates, self.behave = certificates, behave
        self.starttls = options.get("starttls", True)
        self.server_name = options.get("server", "operator")
        self.extensions = options.get("extensions", ("SIZE 26214400", "8BITMIME", "DSN"))
        self.conversation = options.get("conversation", Conversation)
        self.token = options.get("token", "")
        self.accepted: list[Accepted] = []
        self.connections = self.turns = 0
        self.leaving: Counter = Counter()  # by domain, now
        self.most: Counter = Counter()  # by domain, at worst; "" is all of them
        self.held = 0
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._stopping = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]

    def __enter__(self) -> "Sink":
        self._threads[0].start()
        return self

    def __exit__(self, *_error) -> None:
        self._stopping.set()
        self._released.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for line in list(self._open):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def release(self) -> None:
        self._released.set()

    def wait_until(self, reached: Callable[["Sink"], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: reached(self), PATIENCE), "the sink waited in vain"

    # --- Conversations ----------------------------------------------------------------------------------------------
    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                line, _peer = self._socket.accept()
            except OSError:
                return
            self._open.add(line)
            thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        self.connections += 1
        conversation = self.conversation(self, line)
        try:
            conversation.run()
        except (Over, OSError, ValueError):
            pass  # the client or the script ended it
        finally:
            conversation.forget()
            self._open.discard(line)
            with suppress(OSError):
                conversation.line.close()
            line.close()

    def note(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()


class Conversation:
    def __init__(self, sink: Sink, line: socket.socket):
        self.sink, self.line = sink, line
        line.settimeout(PATIENCE)
        self.reader = line.makefile("rb")
        self.sender = self.recipient = self.options = self.domain = ""
        self.secured = False
        self.signed_in = not sink.token

    def run(self) -> None:
        self._say_or("connect", "220 sink ESMTP")
        while command := self.reader.readline().decode("utf-8", "replace").rstrip("\r\n"):
            verb = command.split(":")[0].split(" ")[0].upper()
            getattr(self, f"_{verb.lower()}", self._unknown)(command)

    def _say_or(self, stage: str, answer: str, first: Callable[[], None] = lambda: None) -> bool:
        """Does what the script says; True when the right answer was given. `first`: done just before it."""
        asked = self.sink.behave(stage, self.sink.turns)
        if asked == HOLD:
            self.sink.note(lambda: setattr(self.sink, "held", self.sink.held + 1))
            self.sink._released.wait(PATIENCE)
            asked = None
        if asked in (None, TAKE_AND_DROP, TAKE_AND_HANG):
            first()
        if asked is None:
            self._say(answer)
            return True
        self._misbehave(asked)
        return False

    def _misbehave(self, asked: str) -> None:
        if asked in (DROP, TAKE_AND_DROP):
            raise Over
        if asked in (HANG, TAKE_AND_HANG):
            self.reader.read(1)  # until one of us goes
            raise Over
        if asked == DRIP:
            while not self.sink._stopping.wait(0.05):
                self.line.sendall(b"2")
            raise Over
        self._say("?%&! \x00\xff" if asked == GARBAGE else asked)

    def _say(self, text: str) -> None:
        self.line.sendall(text.encode("latin-1") + b"\r\n")

    def _unknown(self, command: str) -> None:
        self._say("500 5.5.2 What?")

    def _ehlo(self, command: str) -> None:
        auth = ["AUTH PLAIN XOAUTH2"] if self.sink.token and self.secured else []
        offered = [*self.sink.extensions, *auth, *(["STARTTLS"] if self.sink.starttls and not self.secured else [])]
        lines = ["sink", *offered]
        answer = "\r\n".join(f"250{'-' if n < len(lines) else ' '}{line}" for n, line in enumerate(lines, start=1))
        self._say_or("ehlo" if self.secured else "plain-ehlo", answer)

    def _starttls(self, command: str) -> None:
        if not self._say_or("starttls", "220 Go on"):
            return
        known = self.sink.certificates
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=known.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(known.certificate(self.sink.server_name), known.key(self.sink.server_name))
        self.line = context.wrap_socket(self.line, server_side=True)
        self.sink._open.add(self.line)
        self.reader = self.line.makefile("rb")
        self.secured = True

    def _auth(self, command: str) -> None:
        """RFC 7628's way of refusing: the reason first, then the refusal."""
        said = base64.b64decode(command.split()[2]).decode()
        self.signed_in = said.endswith(f"\x01auth=Bearer {self.sink.token}\x01\x01")
        if self.signed_in:
            self._say("235 2.7.0 Welcome")
            return
        self._say("334 eyJzdGF0dXMiOiI0MDEifQ==")
        self.reader.readline()
        self._say("535 5.7.8 Token refused")

    def _mail(self, command: str) -> None:
        self.sink.turns += 1
        if not self.signed_in:
            self._say("530 5.7.0 Sign in first")
            return
        self.sender, self.options = re.search(r"<(.*?)>", command)[1], command
        self._say_or("mail", "250 2.1.0 OK")

    def _rcpt(self, command: str) -> None:
        recipient = re.search(r"<(.*?)>", command)[1]
        if recipient == self.sender:  # the portal asks whether all are refused
            self._say_or("own-rcpt", "250 2.1.5 OK")
            return
        self.recipient, self.options = recipient, f"{self.options} {command}"
        self.domain = recipient.rpartition("@")[2]
        self.sink.note(lambda: self._count(1))
        self._say_or("rcpt", "250 2.1.5 OK")

    def _count(self, by: int) -> None:
        for name in (self.domain, ""):
            self.sink.leaving[name] += by
            self.sink.most[name] = max(self.sink.most[name], self.sink.leaving[name])

    def forget(self) -> None:
        if self.domain:
            self.sink.note(lambda: self._count(-1))
            self.domain = ""

    def _data(self, command: str) -> None:
        if not self._say_or("data", "354 Go on"):
            return
        lines = []
        while (line := self.reader.readline()) != b".\r\n":
            if not line:
                raise Over
            lines.append(line[1:] if line.startswith(b".") else line)
        self._take_or_not(b"".join(lines))

    def _take_or_not(self, content: bytes) -> None:
        self._say_or("dot", "250 2.0.0 Filed", first=lambda: self._accept(content))

    def _accept(self, content: bytes) -> None:
        found = re.search(rb"(?im)^message-id:\s*(<[^>]+>)", content)
        message_id = found[1].decode() if found else ""
        mail = Accepted(message_id, self.sender, self.recipient, content, self.options)
        self.sink.note(lambda: self.sink.accepted.append(mail))
        self.forget()

    def _rset(self, command: str) -> None:
        self.forget()
        self._say("250 2.0.0 OK")

    def _quit(self, command: str) -> None:
        self._say_or("quit", "221 Bye")
        raise Over
