"""Does the operator answer at all? A connection and its greeting, with little patience: for the deep health check."""

import socket

from django.conf import settings

SECONDS = 3


def mail_answers() -> bool | None:
    """None: not configured."""
    greets = None if settings.MSSANTE_SMTP_TLS == "implicit" else b"220"
    return _answers(settings.MSSANTE_SMTP_HOST, settings.MSSANTE_SMTP_PORT, greets)


def imap_answers() -> bool | None:
    return _answers(settings.MSSANTE_IMAP_HOST, settings.MSSANTE_IMAP_PORT, b"* ")


def _answers(host: str, port: int, greeting: bytes | None) -> bool | None:
    """`greeting`: how the server's first words begin; None when it waits for TLS and says nothing."""
    if not host:
        return None
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as line:
            return greeting is None or line.recv(64).startswith(greeting)
    except OSError:
        return False
