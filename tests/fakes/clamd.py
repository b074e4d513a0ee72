"""Enough of clamd for INSTREAM: finds EICAR's test file, or says what it is told to say."""

import socket
import struct
import threading
from contextlib import suppress

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    def __init__(self, says: bytes = b""):
        self.says, self.scanned = says, []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Clamd":
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _listen(self) -> None:
        while True:
            try:
                line, _peer = self._socket.accept()
            except OSError:
                return
            with line, line.makefile("rb") as reader:
                self._serve(line, reader)

    def _serve(self, line, reader) -> None:
        assert reader.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack("!L", reader.read(4))[0]:
            content += reader.read(size)
        self.scanned.append(content)
        found = b"stream: Eicar-Test-Signature FOUND" if EICAR in content else b"stream: OK"
        line.sendall((self.says or found) + b"\0")
