"""Where the operator is and who we are to it: a certificate (a mailbox of an application), or a Pro Santé Connect token
(a mailbox of a person or an organisation), or both."""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from django.conf import settings

from sharing.mssante import revocation

ALARM_DAYS = {"crl_days_left": 1, "certificate_days_left": 21}  # below: said in the logs and by the deep health check


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
    crl: str = ""  # file of revoked certificates; empty: not looked at
    mailbox: str = ""  # signs in to it with a token (tokens.py); empty: the certificate says it all


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
        crl=str(settings.MSSANTE_CRL),
        mailbox=settings.MSSANTE_PORTAL_ADDRESS if settings.MSSANTE_AUTH == "xoauth2" else "",
    )


def days_left() -> dict[str, int | None]:
    """Until the list of revoked certificates ends, and until our own certificate does. None: there is none."""
    account = portal_account()
    ends = {
        "crl_days_left": revocation.expires_at(account.crl, account.ca) if account.crl else None,
        "certificate_days_left": _end_of(account.certificate) if account.certificate else None,
    }
    return {name: (end - datetime.now(UTC)).days if end else None for name, end in ends.items()}


def _end_of(certificate: str) -> datetime | None:
    with suppress(OSError, ValueError):
        return x509.load_pem_x509_certificate(Path(certificate).read_bytes()).not_valid_after_utc
    return None


def tls_context(account: Account) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError included) when a file is missing or is not what it should be."""
    crl = revocation.good_list(account.crl, account.ca) if account.crl else ""
    files = [account.ca, account.certificate, account.key, crl]
    changed = tuple(Path(file).stat().st_mtime_ns if file else 0 for file in files)
    return _context(*files, changed)


@lru_cache(maxsize=16)
def _context(ca: str, certificate: str, key: str, crl: str, _changed: tuple) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca)  # checks the name too
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(certificate, key or None)
    if crl:
        context.load_verify_locations(cafile=crl)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return context
