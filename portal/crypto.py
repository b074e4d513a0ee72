"""Identifying traits at rest: AES-256-GCM, key id in front, bound to table, column and row; found by blind index.

Stored form: `kid.base64url(nonce ‖ ciphertext ‖ tag)`. The additional data is `table.column.primary key`, so that a
value copied to another row, column or table does not open. Keys: ORDOLIEN_FIELD_KEYS, `kid:base64` separated by
commas, the first one writes and all of them read. Rows must know their primary key before they are saved
(UUID keys do).
"""

import base64
import hashlib
import hmac
import json
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute

NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """The stored value was not written here by one of our keys: moved, altered, or the key is gone."""


class Sealed(str):
    """A value as the database holds it. Only its owner row opens it."""

    __slots__ = ()


@lru_cache(maxsize=4)
def _read_secrets(configured: str) -> dict[str, bytes]:
    found = {}
    for entry in configured.split(","):
        kid, _, encoded = entry.strip().partition(":")
        secret = _bytes_of(encoded)
        if not kid or "." in kid or len(secret) != 32:
            raise ImproperlyConfigured("ORDOLIEN_FIELD_KEYS holds kid:base64 of 32 bytes, separated by commas.")
        found[kid] = secret
    return found


def _bytes_of(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        return b""


@lru_cache(maxsize=4)
def _read_keys(configured: str) -> dict[str, AESGCM]:
    return {kid: AESGCM(secret) for kid, secret in _read_secrets(configured).items()}


def seal(plain: bytes, *, bound_to: str) -> Sealed:
    keys = _read_keys(settings.FIELD_KEYS)
    kid = next(iter(keys))
    nonce = secrets.token_bytes(NONCE_BYTES)
    body = nonce + keys[kid].encrypt(nonce, plain, bound_to.encode())
    return Sealed(f"{kid}.{base64.urlsafe_b64encode(body).decode()}")


def unseal(sealed: str, *, bound_to: str) -> bytes:
    kid, _, encoded = sealed.partition(".")
    key = _read_keys(settings.FIELD_KEYS).get(kid)
    if key is None:
        raise CannotDecrypt(f"No key {kid!r} to open a value of {bound_to.rsplit('.', 1)[0]}.")
    body = base64.urlsafe_b64decode(encoded)
    try:
        return key.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], bound_to.encode())
    except InvalidTag:
        raise CannotDecrypt(f"A value of {bound_to.rsplit('.', 1)[0]} does not belong to its row.") from None


def current_key_id() -> str:
    return next(iter(_read_keys(settings.FIELD_KEYS)))


def fingerprints() -> dict[str, str]:
    """Of the keys that can open here, by name: the same for the same key, and nothing of it can be read there."""
    secrets_by_id = _read_secrets(settings.FIELD_KEYS).items()
    return {kid: hmac.new(secret, b"fingerprint", hashlib.sha256).hexdigest()[:32] for kid, secret in secrets_by_id}


def blind_index(*parts: str) -> str:
    """HMAC-SHA256 hex of the parts: equal values are found without being readable."""
    message = "\x1f".join(parts).encode()
    return hmac.new(settings.BLIND_INDEX_KEY.encode(), message, hashlib.sha256).hexdigest()


class _OpensOnRead(DeferredAttribute):
    """Opens the value on the first read of the attribute, when the row (and its key) is known."""

    def __get__(self, instance, cls=None):
        value = super().__get__(instance, cls)
        if instance is not None and isinstance(value, Sealed):
            value = self.field.open(value, instance)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance, value):
        # With it Python asks this descriptor first, not the instance's own dictionary.
        instance.__dict__[self.field.attname] = value


class _EncryptedField(models.TextField):
    descriptor_class = _OpensOnRead
    is_encrypted = True

    def to_bytes(self, value) -> bytes:
        raise NotImplementedError

    def from_bytes(self, plain: bytes):
        raise NotImplementedError

    def bound_to(self, instance) -> str:
        if instance.pk is None:
            raise ValueError(f"{self.model.__name__} needs its key before {self.name} can be encrypted.")
        return f"{self.model._meta.db_table}.{self.column}.{instance.pk}"

    def open(self, sealed: Sealed, instance):
        return self.from_bytes(unseal(sealed, bound_to=self.bound_to(instance)))

    def pre_save(self, model_instance, add):
        value = model_instance.__dict__.get(self.attname, models.NOT_PROVIDED)
        if value is models.NOT_PROVIDED:
            value = getattr(model_instance, self.attname)
        if value is None or isinstance(value, Sealed):
            return value
        return seal(self.to_bytes(value), bound_to=self.bound_to(model_instance))

    def get_prep_value(self, value):
        # update(), filter() and bulk_update() do not know the row: refuse rather than store in clear.
        if value is None or isinstance(value, Sealed):
            return value
        raise TypeError(f"{self.name} is encrypted: set it on the row and save() it; find it by its blind index.")

    def from_db_value(self, value, expression, connection):
        return None if value is None else Sealed(value)

    def to_python(self, value):
        return value

    def value_to_string(self, obj):
        return self.value_from_object(obj)

    def get_lookup(self, lookup_name):
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


class EncryptedTextField(_EncryptedField):
    def to_bytes(self, value) -> bytes:
        return str(value).encode()

    def from_bytes(self, plain: bytes) -> str:
        return plain.decode()


class EncryptedJSONField(_EncryptedField):
    def to_bytes(self, value) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def from_bytes(self, plain: bytes):
        return json.loads(plain)


class EncryptedBinaryField(_EncryptedField):
    """Documents and frozen messages. Text in base64 on purpose: one storage form for every encrypted value."""

    def to_bytes(self, value) -> bytes:
        return bytes(value)

    def from_bytes(self, plain: bytes) -> bytes:
        return plain
