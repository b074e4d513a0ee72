"""Where the operator is and who we are to it: a certificate (a mailbox of an application), or a Pro Santé Connect token
(a mailbox of a person or an organisation), or both."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from sharing.mssante import revocation


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


def crl_ends_at() -> datetime | None:
    """When the list of revoked certificates that we go by ends: nobody is trusted after it. None: there is none."""
    account = portal_account()
    return revocation.expires_at(account.crl, account.ca) if account.crl else None


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
