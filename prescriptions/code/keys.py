"""The keys that sign the QR (ES256, P-256). One signs; retired ones still verify, revoked ones no more.

Published as a JSON Web Key Set at /.well-known/ordolien-keys.json, with one member of ours: `revoked`, kids in hex.
"""

import base64
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import audit
from portal.reasons import Reason, Refused
from prescriptions.models import SigningKey

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


def signing_key() -> SigningKey:
    """The one that signs now; the first one is made on demand.

    Two processes at the same first second may make two: both verify, the younger one signs.
    """
    with transaction.atomic():
        return _current() or _make(by="system:keys")


def _current() -> SigningKey | None:
    usable = SigningKey.objects.filter(retired_at=None, revoked_at=None, signs_from__lte=timezone.now())
    return usable.order_by("-signs_from", "-id").first()


def _make(*, by) -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key()
    key = SigningKey.objects.create(
        kid=hashlib.sha256(public.public_bytes(DER, SPKI)).digest()[:8].hex(),
        private_pem=private.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        public_pem=public.public_bytes(PEM, SPKI).decode(),
        signs_from=timezone.now(),
    )
    audit.record(kind="qr-key.made", by=by, subject=key, kid=key.kid)
    return key


def rotate(*, by) -> SigningKey:
    """A new key signs from now on; the earlier ones only verify."""
    with transaction.atomic():
        now = timezone.now()
        for key in SigningKey.objects.select_for_update().filter(retired_at=None):
            key.retired_at = now
            key.save(update_fields=["retired_at"])
            audit.record(kind="qr-key.retired", by=by, subject=key, kid=key.kid)
        return _make(by=by)


def revoke(*, kid: str, by) -> SigningKey:
    """Whatever it signed is refused from now on; those prescriptions are signed again when next shown."""
    with transaction.atomic():
        key = SigningKey.objects.select_for_update().filter(kid=kid).first()
        if key is None:
            raise Refused(Reason("unknown-key", _("Aucune clé ne porte cet identifiant.")))
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
            audit.record(kind="qr-key.revoked", by=by, subject=key, kid=key.kid)
        return key


def is_revoked(kid: str) -> bool:
    return SigningKey.objects.filter(kid=kid).exclude(revoked_at=None).exists()


def key_set() -> dict:
    """RFC 7517, and `revoked`. A key made a moment ago may be missing from a copy: ask again before refusing it."""
    keys = list(SigningKey.objects.defer("private_pem"))
    return {
        "keys": [_jwk(key) for key in keys if key.revoked_at is None],
        "revoked": [key.kid for key in keys if key.revoked_at is not None],
    }


def _jwk(key: SigningKey) -> dict:
    numbers = serialization.load_pem_public_key(key.public_pem.encode()).public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key.kid, "x": x, "y": y}
