"""A second reader of signed codes, written from the RFCs alone, that shares no line with the first.

RFC 9285 by hand, RFC 9052 §4.4 Sig_structure, `cbor2` and `cryptography`. True when the signature of a known key holds.
"""

import base64
import hashlib
import io
import zlib

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

WRONG = (InvalidSignature, cbor2.CBORDecodeError, zlib.error, EOFError, AttributeError, LookupError)
WRONG += (TypeError, ValueError, OverflowError)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def payload_of(text: str, key_set: dict) -> dict | None:
    """The claims, or None when anything at all is wrong."""
    try:
        return _payload_of(text, key_set)
    except WRONG:
        return None


def _payload_of(text: str, key_set: dict) -> dict:
    assert text.startswith("ORD1:") or _wrong()
    stream = io.BytesIO(_inflate(_base45(text[5:])))
    outer = cbor2.load(stream)
    protected, unprotected, payload, signature = outer.value
    headers = cbor2.loads(protected)
    assert (outer.tag == 18 and not stream.read() and headers.keys() == {1, 4} and unprotected == {}) or _wrong()
    assert (headers[1] == -7 and len(signature) == 64) or _wrong()
    jwk = {bytes.fromhex(jwk["kid"]): jwk for jwk in key_set["keys"]}[headers[4]]
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    _key(jwk).verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    return cbor2.loads(payload)


def _wrong():
    raise ValueError


def _base45(text: str) -> bytes:
    out = b""
    for start in range(0, len(text), 3):
        group = [ALPHABET.index(character) for character in text[start : start + 3]]
        out += sum(digit * 45**place for place, digit in enumerate(group)).to_bytes(len(group) - 1)
    return out


def _inflate(packed: bytes) -> bytes:
    stream = zlib.decompressobj()
    token = stream.decompress(packed, 2048)
    assert (stream.eof and not stream.unused_data) or _wrong()
    return token


def _key(jwk: dict) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(base64.urlsafe_b64decode(jwk[part] + "==")) for part in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def kid_of(public_der: bytes) -> str:
    return hashlib.sha256(public_der).digest()[:8].hex()
