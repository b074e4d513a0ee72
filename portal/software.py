"""The identity of software: OAuth 2.0 client credentials with a private-key JWT (RFC 6749 §4.4, RFC 7523).

A client proves itself with an assertion signed by its own key (ES256): `iss` = `sub` = its client id, `aud` = the token
address, `exp` at most five minutes ahead, `jti` used once. It gets an opaque bearer token of ten minutes, of which only
the hash is kept, so that revoking the client ends everything at once.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal import audit
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
    audit.record(kind="software.registered", by=by, subject=client, software=str(kind))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return client, pem.decode()


@transaction.atomic
def revoke_client(*, client: SoftwareClient, by) -> None:
    SoftwareClient.objects.filter(pk=client.pk, revoked_at=None).update(revoked_at=timezone.now())
    client.tokens.all().delete()
    audit.record(kind="software.revoked", by=by, subject=client)


def issue_token(*, grant_type: str, assertion_type: str, assertion: str, scope: str) -> Issued:
    if grant_type != "client_credentials":
        raise TokenRefused("unsupported_grant_type", "grant_type must be client_credentials.")
    if assertion_type != ASSERTION_TYPE or not assertion:
        raise TokenRefused("invalid_client", f"Send client_assertion, and client_assertion_type={ASSERTION_TYPE}.")
    client = _proved(assertion)
    scopes = _granted(client, scope)
    return _new_token(client, scopes)


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
        claimed = jwt.decode(assertion, options={"verify_signature": False}).get("iss", "")
        client = SoftwareClient.objects.filter(pk=UUID(str(claimed)), revoked_at=None).first()
    except (jwt.PyJWTError, ValueError) as error:
        raise _not_proved() from error
    if client is None:
        raise _not_proved()
    return client


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


def _new_token(client: SoftwareClient, scopes: list[str]) -> Issued:
    token, now = secrets.token_urlsafe(32), timezone.now()
    AccessToken.objects.create(client=client, token_hash=_hash(token), scopes=scopes, expires_at=now + TOKEN_LIFE)
    SoftwareClient.objects.filter(pk=client.pk).update(last_token_at=now)
    return Issued(token, scopes, int(TOKEN_LIFE.total_seconds()))


def bearer_of(token: str) -> AccessToken | None:
    """The live token with its client, or None: unknown, expired or revoked are one answer."""
    return (
        AccessToken.objects.select_related("client")
        .filter(token_hash=_hash(token), expires_at__gt=timezone.now(), client__revoked_at=None)
        .first()
    )


def forget_old_tokens() -> None:
    AccessToken.objects.filter(expires_at__lt=timezone.now()).delete()
    UsedAssertion.objects.filter(expires_at__lt=timezone.now()).delete()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
