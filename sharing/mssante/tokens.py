"""A Pro Santé Connect token, for an operator that asks for one (SASL XOAUTH2). It lives some minutes: it is asked for
at each connection, from a file or a command, and never kept (CONF.28).
"""

import shlex
import subprocess
from pathlib import Path

from django.conf import settings

SECONDS = 20
TOKEN_MAX = 16_384


class NoToken(Exception):
    """Somebody has to look: the file or the command gives nothing that is a token."""


def xoauth2(mailbox: str) -> bytes:
    """What is said to sign in. Raises NoToken."""
    return f"user={mailbox}\x01auth=Bearer {_token()}\x01\x01".encode("ascii")


def _token() -> str:
    try:
        found = _from_command() if settings.MSSANTE_TOKEN_COMMAND else Path(settings.MSSANTE_TOKEN_FILE).read_text()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NoToken(type(error).__name__) from None
    token = found.strip()
    if not (0 < len(token) <= TOKEN_MAX and token.isascii() and token.isprintable() and " " not in token):
        raise NoToken("not a token")
    return token


def _from_command() -> str:
    """No shell: words as a shell would cut them."""
    command = shlex.split(settings.MSSANTE_TOKEN_COMMAND)
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout  # noqa: S603
