"""The certificate with which software opened its TLS connection, as the proxy that ended TLS tells it (RFC 8705).

WSGI has no place for a client's certificate, so the proxy writes it in a header (RFC 9440):
`Client-Cert: :<base64 of DER>:`, or the PEM percent-encoded, as nginx writes it. Anybody can write a header: it is
believed only on a connection from a proxy named in ORDOLIEN_CLIENT_CERT_PROXIES, and is thrown away on any other.

Software proves itself with one certificate that was registered (self_signed_tls_client_auth: the thumbprint is
compared; the handshake proved who holds the key), or with any that an authority of ours gave to the registered subject
(tls_client_auth: the chain is verified here, whatever the proxy did).
"""

import base64
import binascii
import hashlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification
from django.conf import settings
from django.utils import timezone

MAX_HEADER = 16_384  # characters


def read_header(get_response):
    """Middleware, before the one that replaces the connection's address: sets request.client_certificate."""

    def middleware(request):
        name = f"HTTP_{settings.CLIENT_CERT_HEADER.upper().replace('-', '_')}"
        told = request.META.pop(name, "") if settings.CLIENT_CERT_HEADER else ""
        is_ours = (request.META.get("REMOTE_ADDR") or "unix") in settings.CLIENT_CERT_PROXIES  # a socket has no address
        request.client_certificate = _certificate(told) if told and is_ours else None
        return get_response(request)

    return middleware


def _certificate(told: str) -> x509.Certificate | None:
    """None when it is no certificate."""
    try:
        if len(told) > MAX_HEADER:
            return None
        if told.startswith(":") and told.endswith(":"):
            return x509.load_der_x509_certificate(base64.b64decode(told[1:-1], validate=True))
        return x509.load_pem_x509_certificate(unquote_to_bytes(told))
    except (ValueError, binascii.Error):
        return None


def thumbprint(certificate: x509.Certificate) -> str:
    """`x5t#S256` of RFC 8705: base64url of SHA-256 of the DER, 43 characters."""
    digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()


def is_in_its_time(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_before_utc <= timezone.now() < certificate.not_valid_after_utc


def is_from_our_authorities(certificate: x509.Certificate) -> bool:
    """Signed by one of the authorities of ORDOLIEN_CLIENT_CERT_CA, for a client, and in its time."""
    if not settings.CLIENT_CERT_CA:
        return False
    policy = verification.PolicyBuilder().store(_authorities(settings.CLIENT_CERT_CA)).time(timezone.now())
    try:
        policy.build_client_verifier().verify(certificate, [])
    except verification.VerificationError:
        return False
    return True


@lru_cache(maxsize=1)
def _authorities(file: Path) -> verification.Store:
    return verification.Store(x509.load_pem_x509_certificates(file.read_bytes()))
