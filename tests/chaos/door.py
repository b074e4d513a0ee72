"""The way in: the web unit's socket, where we speak as the proxy does, or the port of `serve`."""

import http.client
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


class OnSocket(http.client.HTTPConnection):
    def __init__(self, file: Path, patience: float):
        super().__init__(HOST, timeout=patience)
        self._file = str(file)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._file)


@dataclass(frozen=True)
class Door:
    """Raises OSError and http.client.HTTPException."""

    port: int = 0
    socket: Path | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Forwarded-For": HOST} if self.socket else {}

    def open(self, patience: float) -> http.client.HTTPConnection:
        return OnSocket(self.socket, patience) if self.socket else http.client.HTTPConnection(HOST, self.port, patience)

    def ask(self, path: str, patience: float, *, method: str = "GET", **headers: str) -> tuple[int, str]:
        """Status and body, over a connection of its own."""
        with closing(self.open(patience)) as line:
            line.request(method, path, headers=self.headers | headers)
            answer = line.getresponse()
            return answer.status, whole(answer)


def whole(answer: http.client.HTTPResponse) -> str:
    """The body. http.client takes headers for complete wherever the line ends, as when a server is killed between two;
    all of ours say how long they are."""
    if answer.length is None and not answer.chunked:
        raise http.client.IncompleteRead(b"")
    return answer.read().decode()
