"""The identity of software: OAuth 2.0 client credentials, by private-key JWT or mutual TLS (RFC 6749 §4.4, 7523, 8705).

A client proves itself with an assertion signed by its own key (ES256): `iss` = `sub` = its client id, `aud` = the token
address, `exp` at most five minutes ahead, `jti` used once; or with its TLS certificate, and then its tokens serve only
with that certificate. It gets an opaque bearer token of ten minutes, of which only the hash is kept, so that revoking
the client ends everything at once.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal import audit, mutual_tls
from portal.models import AccessToken, SoftwareClient, UsedAssertion

TOKEN_LIFE = timedelta(minutes=10)
ASSERTION_LIFE = timedelta(minutes=5)
CLOCKS_APART = timedelta(seconds=30)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION = 4096  # characters

SCOPES = {
    SoftwareClient.Kind.LAP: ("prescriptions.write", "prescriptions.read", "dispensings.read"),
    SoftwareClient.Kind.LGO: ("prescriptions.find", "dispensings.write", "shares.read", "shares.write"),
    SoftwareClient.Kind.INSURER: ("registry.check", "opposition.write"),
}


class TokenRefused(Exception):
    """`error` is the code of RFC 6749 §5.2; `sentence` says what to mend. Neither says whether a client exists."""

    def __init__(self, error: str, sentence: str):
        super().__init__(error)
        self.error, self.sentence = error, sentence


@dataclass(frozen=True)
class Issued:
    token: str
    scopes: list[str]
    seconds: int


@transaction.atomic
def register_client(*, kind: str, name: str, structure_finess: str, by) -> tuple[SoftwareClient, str]:
    """A new client and its private key (PEM, shown once and not kept)."""
    key = ec.generate_private_key(ec.SECP256R1())
    client = SoftwareClient.objects.create(
        kind=kind,
        name=name,
        structure_finess=structure_finess,
        public_jwk=json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())),
    )
    audit.record(kind="software.registered", by=by, subject=client, software=str(kind), method=client.auth_method)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return client, pem.decode()


@transaction.atomic
def register_certificate(
    *, kind: str, name: str, structure_finess: str, thumbprint: str = "", subject: str = "", by
) -> SoftwareClient:
    """A client that proves itself by mutual TLS: with one certificate, or with any of our authorities' to a subject."""
    client = SoftwareClient.objects.create(
        kind=kind,
        name=name,
        structure_finess=structure_finess,
        certificate_thumbprint=thumbprint,
        certificate_subject=subject,
    )
    audit.record(kind="software.registered", by=by, subject=client, software=str(kind), method=client.auth_method)
    return client


@transaction.atomic
def revoke_client(*, client: SoftwareClient, by) -> None:
    SoftwareClient.objects.filter(pk=client.pk, revoked_at=None).update(revoked_at=timezone.now())
    client.tokens.all().delete()
    audit.record(kind="software.revoked", by=by, subject=client)


def issue_token(
    *,
    grant_type: str,
    assertion_type: str,
    assertion: str,
    scope: str,
    client_id: str = "",
    certificate: x509.Certificate | None = None,
) -> Issued:
    """By assertion, or by `client_id` and the `certificate` of the connection."""
    if grant_type != "client_credentials":
        raise TokenRefused("unsupported_grant_type", "grant_type must be client_credentials.")
    if client_id and not assertion:
        client = _proved_by_certificate(client_id, certificate)
        return _new_token(client, _granted(client, scope), mutual_tls.thumbprint(certificate))
    if assertion_type != ASSERTION_TYPE or not assertion:
        raise TokenRefused(
            "invalid_client",
            f"Send client_assertion, and client_assertion_type={ASSERTION_TYPE}; or client_id, over mutual TLS.",
        )
    client = _proved(assertion)
    return _new_token(client, _granted(client, scope))


def _proved_by_certificate(client_id: str, certificate: x509.Certificate | None) -> SoftwareClient:
    client = _client_of(client_id)
    if client is None or certificate is None or not _is_its_certificate(client, certificate):
        raise TokenRefused(
            "invalid_client",
            "The certificate of this connection is not accepted for this client_id. Check: the certificate registered, "
            "in its time, at the address that asks for one.",
        )
    return client


def _is_its_certificate(client: SoftwareClient, certificate: x509.Certificate) -> bool:
    if client.certificate_thumbprint:
        is_registered = secrets.compare_digest(client.certificate_thumbprint, mutual_tls.thumbprint(certificate))
        return is_registered and mutual_tls.is_in_its_time(certificate)
    is_named = bool(client.certificate_subject) and client.certificate_subject == mutual_tls.subject(certificate)
    return is_named and mutual_tls.is_from_our_authorities(certificate)


def _proved(assertion: str) -> SoftwareClient:
    client = _claimed_client(assertion)
    try:
        claims = jwt.decode(
            assertion,
            jwt.PyJWK(client.public_jwk, algorithm="ES256").key,
            algorithms=["ES256"],
            audience=[f"{settings.SITE_URL}/api/token/", settings.SITE_URL],
            issuer=str(client.pk),
            subject=str(client.pk),
            leeway=CLOCKS_APART,
            options={"require": ["exp", "iss", "sub", "aud", "jti"]},
        )
    except jwt.PyJWTError as error:
        raise _not_proved() from error
    _use_once(client, claims)
    return client


def _not_proved() -> TokenRefused:
    return TokenRefused(
        "invalid_client",
        "The assertion is not accepted. Check: ES256 with the registered key, iss and sub = client id, "
        f"aud = {settings.SITE_URL}/api/token/, exp at most 5 minutes ahead, a new jti each time.",
    )


def _claimed_client(assertion: str) -> SoftwareClient:
    """Whose key to try. Nothing it says is believed before the signature holds."""
    if len(assertion) > MAX_ASSERTION:
        raise _not_proved()
    try:
        client = _client_of(jwt.decode(assertion, options={"verify_signature": False}).get("iss", ""))
    except jwt.PyJWTError as error:
        raise _not_proved() from error
    if client is None or not client.public_jwk:
        raise _not_proved()
    return client


def _client_of(client_id) -> SoftwareClient | None:
    try:
        return SoftwareClient.objects.filter(pk=UUID(str(client_id)), revoked_at=None).first()
    except ValueError:
        return None


def _use_once(client: SoftwareClient, claims: dict) -> None:
    try:
        expires = datetime.fromtimestamp(claims["exp"], UTC)
    except (OverflowError, OSError, ValueError, TypeError) as error:
        raise _not_proved() from error
    jti = claims["jti"]
    too_long = expires > timezone.now() + ASSERTION_LIFE + CLOCKS_APART
    if too_long or not isinstance(jti, str) or not 8 <= len(jti) <= 100:
        raise _not_proved()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(client=client, jti=jti, expires_at=expires + CLOCKS_APART)
    except IntegrityError as error:
        raise _not_proved() from error


def _granted(client: SoftwareClient, asked: str) -> list[str]:
    allowed = SCOPES[client.kind]
    wanted = asked.split() or list(allowed)
    if not set(wanted) <= set(allowed):
        raise TokenRefused("invalid_scope", f"This software may ask for: {' '.join(allowed)}.")
    return wanted


def _new_token(client: SoftwareClient, scopes: list[str], thumbprint: str = "") -> Issued:
    token, now = secrets.token_urlsafe(32), timezone.now()
    AccessToken.objects.create(
        client=client,
        token_hash=_hash(token),
        certificate_thumbprint=thumbprint,
        scopes=scopes,
        expires_at=now + TOKEN_LIFE,
    )
    SoftwareClient.objects.filter(pk=client.pk).update(last_token_at=now)
    return Issued(token, scopes, int(TOKEN_LIFE.total_seconds()))


def bearer_of(token: str, certificate: x509.Certificate | None = None) -> AccessToken | None:
    """The live token with its client, or None: unknown, expired, revoked, or bound to another certificate than that of
    this connection, are one answer."""
    found = (
        AccessToken.objects.select_related("client")
        .filter(token_hash=_hash(token), expires_at__gt=timezone.now(), client__revoked_at=None)
        .first()
    )
    if found is None or not found.certificate_thumbprint:
        return found
    is_same = certificate is not None and mutual_tls.thumbprint(certificate) == found.certificate_thumbprint
    return found if is_same else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
