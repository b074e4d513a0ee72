"""The door to a virus scanner that speaks clamd's protocol (INSTREAM). ORDOLIEN_SCANNER: tcp://host:3310 or
unix:///run/clamav/clamd.ctl. Empty: not configured, and said so.
"""

import socket
import struct
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings

SECONDS = 30
PIECE = 64 * 1024
ANSWER_MAX = 4096


class Verdict(StrEnum):
    CLEAN = "clean"
    INFECTED = "infected"
    NOT_CONFIGURED = "not-configured"
    AWAY = "away"  # it did not answer, or not that it had looked: ask again later


def is_configured() -> bool:
    return bool(settings.SCANNER)


def scan(content: bytes) -> Verdict:
    if not is_configured():
        return Verdict.NOT_CONFIGURED
    try:
        with _connection() as scanner:
            scanner.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), PIECE):
                piece = content[start : start + PIECE]
                scanner.sendall(struct.pack("!L", len(piece)) + piece)
            scanner.sendall(struct.pack("!L", 0))
            return _verdict(_answer(scanner))
    except OSError:
        return Verdict.AWAY


def _connection() -> socket.socket:
    place = urlsplit(settings.SCANNER)
    if place.scheme == "unix":
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(SECONDS)
        try:
            line.connect(place.path)
        except OSError:
            line.close()
            raise
        return line
    return socket.create_connection((place.hostname, place.port or 3310), timeout=SECONDS)


def _answer(scanner: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\0") and len(said) < ANSWER_MAX:
        piece = scanner.recv(ANSWER_MAX)
        if not piece:
            break
        said += piece
    return said.rstrip(b"\0\n")


def _verdict(said: bytes) -> Verdict:
    if said.endswith(b" FOUND"):
        return Verdict.INFECTED
    return Verdict.CLEAN if said == b"stream: OK" else Verdict.AWAY
