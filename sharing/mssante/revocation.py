"""The authority's list of revoked certificates (CRL), by which the operator's certificate is judged.

The file is replaced from outside, by a timer that downloads it. What it holds is taken only if it is signed by one of
our authorities, has not expired and is not older than what we had. The last good one is kept in ORDOLIEN_VAR and
serves until its own end; after that nobody is trusted any more, and nothing leaves (ECO.1.1.5 to 1.1.7).
"""

import hashlib
import logging
import os
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

log = logging.getLogger(__name__)
_PEM = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)
SOON = timedelta(days=1)
WARN_EVERY = 3600  # seconds
_warned: dict[Path, float] = {}
_seen: dict[tuple[str, str], int] = {}  # when the file that was looked at last had changed

List = x509.CertificateRevocationList


def good_list(file: str, ca: str) -> str:
    """The path of the list to go by. Raises FileNotFoundError when there has never been a good one."""
    kept = _kept_at(file, ca)
    _look_again(Path(file), ca, kept)
    if not kept.exists():
        raise FileNotFoundError("There is no good list of revoked certificates.")
    _warn_before_the_end(kept)
    return str(kept)


def expires_at(file: str, ca: str) -> datetime | None:
    """When the list that we go by ends; None when there is none."""
    try:
        return _end_of(_lists_in(Path(good_list(file, ca)).read_bytes()))
    except OSError:
        return None


def _warn_before_the_end(kept: Path) -> None:
    """Once an hour, from a day before: after the end nothing leaves."""
    if time.monotonic() - _warned.get(kept, -WARN_EVERY) < WARN_EVERY:
        return
    left = _end_of(_lists_in(kept.read_bytes())) - datetime.now(UTC)
    if left < SOON:
        _warned[kept] = time.monotonic()
        log.error("the list of revoked certificates ends in %s hours: nothing leaves then", left // timedelta(hours=1))


def _end_of(lists: list[List]) -> datetime:
    return min(crl.next_update_utc for crl in lists)


def _kept_at(file: str, ca: str) -> Path:
    """One a source: another file or another authority does not inherit what the first one said."""
    source = hashlib.sha256(f"{file}\n{ca}".encode()).hexdigest()[:16]
    return settings.VAR_DIR / "mssante" / f"{source}.crl"


def _look_again(file: Path, ca: str, kept: Path) -> None:
    """Takes what the file holds if it has changed and is good; says so if it is not."""
    try:
        changed = file.stat().st_mtime_ns
        if _seen.get((str(file), ca)) == changed and kept.exists():
            return
        _seen[str(file), ca] = changed
        found = _lists_in(file.read_bytes())
        _check(found, x509.load_pem_x509_certificates(Path(ca).read_bytes()), kept)
    except (OSError, ValueError) as error:
        log.error("the list of revoked certificates is not taken (%s): the one before stays", str(error))
        return
    _keep(found, kept)


def _lists_in(content: bytes) -> list[List]:
    """Of a PEM file, one or several; of a DER file, one. Raises ValueError."""
    blocks = _PEM.findall(content)
    return [x509.load_pem_x509_crl(block) for block in blocks] or [x509.load_der_x509_crl(content)]


def _check(found: list[List], authorities: list[x509.Certificate], kept: Path) -> None:
    """Raises ValueError, in a few words."""
    for crl in found:
        signers = [authority for authority in authorities if authority.subject == crl.issuer]
        if not any(crl.is_signature_valid(signer.public_key()) for signer in signers):
            raise ValueError("signed by nobody we trust")
        if crl.next_update_utc is None or crl.next_update_utc <= datetime.now(UTC):
            raise ValueError("expired")
    if kept.exists() and _made_at(found) < _made_at(_lists_in(kept.read_bytes())):
        raise ValueError("older than the one before")


def _made_at(lists: list[List]) -> datetime:
    return max(crl.last_update_utc for crl in lists)


def _keep(found: list[List], kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    being_written = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}")  # others may be taking it too
    being_written.write_bytes(b"".join(crl.public_bytes(Encoding.PEM) for crl in found))
    being_written.rename(kept)
