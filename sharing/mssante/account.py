"""Where the operator is and who we are to it."""

import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class Account:
    host: str
    port: int
    ca: str  # file of the authorities that may sign the operator's certificate; no other is trusted
    certificate: str = ""
    key: str = ""
    tls: str = "starttls"  # or "implicit"; never in clear
    hello: str = "localhost"  # our name in EHLO
    patience: float = 600  # seconds, for each stage at most


def is_configured() -> bool:
    return bool(settings.MSSANTE_SMTP_HOST)


def portal_account() -> Account:
    return Account(
        host=settings.MSSANTE_SMTP_HOST,
        port=settings.MSSANTE_SMTP_PORT,
        ca=str(settings.MSSANTE_CA),
        certificate=str(settings.MSSANTE_CLIENT_CERT),
        key=str(settings.MSSANTE_CLIENT_KEY),
        tls=settings.MSSANTE_SMTP_TLS,
        hello=settings.MSSANTE_PORTAL_ADDRESS.rpartition("@")[2],
        patience=settings.MSSANTE_SMTP_TIMEOUT,
    )


def tls_context(account: Account) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError included) when a file is missing or is not what it should be."""
    files = [account.ca, account.certificate, account.key]
    changed = tuple(Path(file).stat().st_mtime_ns if file else 0 for file in files)
    return _context(account.ca, account.certificate, account.key, changed)


@lru_cache(maxsize=16)
def _context(ca: str, certificate: str, key: str, _changed: tuple) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca)  # checks the name too
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(certificate, key or None)
    return context
