"""Enough of an IMAP server (RFC 9051) for a client that reads an inbox over STARTTLS with its certificate.

Written after what Dovecot answers to the same commands.
"""

import base64
import re
import socket
import ssl
import threading
from contextlib import suppress

PATIENCE = 30


class Imap:
    """`messages`: bytes by UID; `seen`: UIDs. `refuses`: a command it answers NO to; `cuts`: one it hangs up at.
    `token`: opens to who signs in with it (XOAUTH2) and to nobody else. `injects`: said before the encryption.
    `meanwhile`: said of other messages while it searches and fetches."""

    def __init__(self, certificates, messages: list[bytes] = (), **options):
        self.certificates = certificates
        self.refuses, self.cuts = options.get("refuses", ""), options.get("cuts", "")
        self.token, self.injects = options.get("token", ""), options.get("injects", b"")
        self.meanwhile = options.get("meanwhile", b"")
        self.offers = options.get("offers", "STARTTLS AUTH=EXTERNAL AUTH=XOAUTH2")
        self.uidvalidity = 1
        self.messages = dict(enumerate(messages, start=11))
        self.seen: set[int] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Imap":
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(PATIENCE)

    def _listen(self) -> None:
        while True:
            try:
                line, _peer = self._socket.accept()
            except OSError:
                return
            line.settimeout(PATIENCE)
            self._line = line
            with suppress(OSError):
                self._serve(line)
            self._line.close()

    def _serve(self, line) -> None:
        reader = line.makefile("rb")
        line.sendall(b"* OK ready\r\n")
        while command := reader.readline():
            tag, verb, rest = re.match(rb"(\S+) (\S+) ?(.*)\r\n", command).groups()
            name = (rest.split()[0] if verb.upper() == b"UID" else verb).decode().upper()
            if name == self.cuts:
                return
            if name == self.refuses:
                line.sendall(tag + b" NO refused\r\n")
                continue
            if name == "STARTTLS":
                line.sendall(tag + b" OK go on\r\n" + self.injects)
                line = self._line = self._secure(line)
                reader = line.makefile("rb")
                continue
            if name == "AUTHENTICATE":
                line.sendall(b"+ \r\n")
                if not self._lets_in(base64.b64decode(reader.readline())):
                    line.sendall(b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n")
                    reader.readline()
                    line.sendall(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")
                    continue
            if name in {"SEARCH", "FETCH"}:
                line.sendall(self.meanwhile)
            for answer in getattr(self, f"_{name.lower()}", lambda _rest: [])(rest):
                line.sendall(answer)
            line.sendall(tag + b" OK done\r\n")
            if name == "LOGOUT":
                return

    def _secure(self, line):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.certificates.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self.certificates.certificate("operator"), self.certificates.key("operator"))
        return context.wrap_socket(line, server_side=True)

    def _lets_in(self, said: bytes) -> bool:
        return not self.token or said.endswith(f"\x01auth=Bearer {self.token}\x01\x01".encode())

    def _capability(self, _rest):
        return [f"* CAPABILITY IMAP4rev1 {self.offers}\r\n".encode()]

    def _select(self, _rest):
        return [b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] yes\r\n" % (len(self.messages), self.uidvalidity)]

    def _search(self, rest):
        since = re.search(rb"UID (\d+):\*", rest)
        if since:
            found = {uid for uid in self.messages if uid >= int(since[1])} | {max(self.messages, default=0)} - {0}
        else:
            found = set(self.messages) - self.seen
        return [b"* SEARCH " + b" ".join(b"%d" % uid for uid in sorted(found)) + b"\r\n"]

    def _fetch(self, rest):
        uid = int(rest.split()[1])
        content = self.messages.get(uid)
        if content is None:
            return []
        if b"RFC822.SIZE" in rest:
            return [b"* 1 FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, len(content))]
        part = re.search(rb"<0\.(\d+)>", rest)
        content = content[: int(part[1])] if part else content
        return [b"* 1 FETCH (UID %d BODY[] {%d}\r\n" % (uid, len(content)) + content + b")\r\n"]

    def _store(self, rest):
        self.seen.add(int(rest.split()[1]))
        return []

    def _logout(self, _rest):
        return [b"* BYE\r\n"]
