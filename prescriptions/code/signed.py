"""The text inside the QR: written with a private key, read with the public ones alone. No database, no clock.

    ORD1: Base45( zlib( COSE_Sign1 ))       at most 255 characters (RFC 9285, RFC 1950, RFC 9052; ES256 only)
    protected header {1: -7, 4: kid}        kid: 8 bytes of SHA-256 of the public key (SubjectPublicKeyInfo, DER)
    payload, a CWT (RFC 8392)               {1: "ORD", 4: exp, 6: iat, 7: number in ASCII, -65537: content}
    exp                                     the first second after the last valid day, Europe/Paris; absent: end unknown
    content                                 first 16 bytes of SHA-256 of the canonical prescription (canonical.py)

No name, no INS, no medicine. The envelope is compared byte for byte before anything is decoded: another algorithm, a
critical header, an unprotected header or a trailing byte is another envelope, and is refused. A new one takes ORD2.
"""

import base64
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

import base45
import cbor2
from cwt import COSE, COSEKey
from cwt.exceptions import CWTError

PREFIX = "ORD1:"
ISSUER = "ORD"
MAX_CHARACTERS = 255  # QR of version 11 at most, level Q
MAX_INFLATED_BYTES = 1024  # ours hold 155
ES256, KID, ISS, EXP, IAT, CTI, CONTENT = -7, 4, 1, 4, 6, 7, -65537
HEAD = bytes.fromhex("d2844da201260448")  # tag 18, array of 4, bytes of 13: {1: -7, 4: bytes of 8
UNPROTECTED = bytes.fromhex("a058")  # {} and then bytes, their length on one byte
SIGNATURE = bytes.fromhex("5840")  # bytes of 64

_cose = COSE.new(alg_auto_inclusion=False, kid_auto_inclusion=False, verify_kid=True)


class TooLong(ValueError):
    """The text would not fit a QR that is read by every scanner."""


@dataclass(frozen=True)
class Claims:
    number: str
    content: bytes  # 16
    issued_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class Reading:
    """`code`: valid, expired, altered, unknown_key, revoked_key, not_ours. `claims` only when the signature holds."""

    code: str
    kid: str = ""  # hex
    claims: Claims | None = None


class Refusal(Exception):
    def __init__(self, code: str, kid: str = ""):
        super().__init__(code)
        self.code, self.kid = code, kid


# --- Writing ----------------------------------------------------------------------------------------------------------


def write(claims: Claims, *, private_pem: str, kid: bytes) -> str:
    """Signs. Signatures are random: drawn again until no end is a space, which forms and scanners would cut."""
    key = COSEKey.from_pem(private_pem, alg="ES256", kid=kid)
    payload = cbor2.dumps(_to_map(claims))
    while True:
        token = _cose.encode_and_sign(payload, key, protected={1: ES256, KID: kid})
        text = PREFIX + base45.b45encode(zlib.compress(token, 9)).decode()
        if len(text) > MAX_CHARACTERS:
            raise TooLong(f"{len(text)} characters")
        if text == text.strip():
            return text


def _to_map(claims: Claims) -> dict:
    dates = {IAT: int(claims.issued_at.timestamp())}
    if claims.expires_at:
        dates[EXP] = int(claims.expires_at.timestamp())
    return {ISS: ISSUER, **dates, CTI: claims.number.encode("ascii"), CONTENT: claims.content}


# --- Reading ----------------------------------------------------------------------------------------------------------


def is_signed_code(text: str) -> bool:
    return text.strip().upper().startswith(PREFIX)


def read(text: str, key_set: dict, *, now: datetime) -> Reading:
    """What the code alone proves. `key_set`: as published (JWKS with `revoked`, a list of kid in hex)."""
    try:
        envelope = _open(text.strip())
        claims = _verify(*envelope, key_set)
    except Refusal as refusal:
        return Reading(refusal.code, refusal.kid)
    expired = claims.expires_at is not None and now >= claims.expires_at  # no leeway
    return Reading("expired" if expired else "valid", envelope[0].hex(), claims)


def kid_of(text: str) -> str:
    """Hex; whose key it says it is, nothing verified. Raises Refusal for what is no envelope of ours."""
    return _open(text)[0].hex()


def _open(text: str) -> tuple[bytes, bytes]:
    """(kid, token) of a well-formed envelope."""
    if not text.startswith(PREFIX):
        raise Refusal("altered" if is_signed_code(text) else "not_ours")
    token = _inflate(text.removeprefix(PREFIX))
    kid, rest = token[8:16], token[16:]
    payload_ends = 3 + (rest[2] if len(rest) > 2 else 0)
    well_formed = (
        token[:8] == HEAD
        and rest[:2] == UNPROTECTED
        and rest[payload_ends : payload_ends + 2] == SIGNATURE
        and len(rest) == payload_ends + 2 + 64
    )
    if not well_formed:
        raise Refusal("altered")
    return kid, token


def _inflate(encoded: str) -> bytes:
    """Never more than MAX_INFLATED_BYTES, and nothing before, after or unfinished."""
    if len(encoded) > 2 * MAX_CHARACTERS:
        raise Refusal("altered")
    stream = zlib.decompressobj()
    try:
        token = stream.decompress(base45.b45decode(encoded), MAX_INFLATED_BYTES)
    except (ValueError, zlib.error):
        raise Refusal("altered") from None
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise Refusal("altered")
    return token


def _verify(kid: bytes, token: bytes, key_set: dict) -> Claims:
    name = kid.hex()
    if name in key_set.get("revoked", []):
        raise Refusal("revoked_key", name)
    jwk = next((jwk for jwk in key_set["keys"] if jwk.get("kid") == name), None)
    if jwk is None:
        raise Refusal("unknown_key", name)
    try:
        return _from_map(cbor2.loads(_cose.decode(token, _public_key(jwk, kid))))
    except (CWTError, ValueError):  # cwt: VerifyError for the signature, ValueError for the rest
        raise Refusal("altered", name) from None


def _public_key(jwk: dict, kid: bytes) -> COSEKey:
    x, y = (base64.urlsafe_b64decode(jwk[part] + "==") for part in "xy")
    return COSEKey.new({1: 2, 2: kid, 3: ES256, 4: [2], -1: 1, -2: x, -3: y})


def _from_map(claims: dict) -> Claims:
    """Signed by us, so well-formed; a key used for something else would not be."""
    if claims.get(ISS) != ISSUER or len(claims.get(CONTENT, b"")) != 16 or CTI not in claims or IAT not in claims:
        raise ValueError("Not the claims of a prescription.")
    return Claims(
        number=claims[CTI].decode("ascii"),
        content=claims[CONTENT],
        issued_at=datetime.fromtimestamp(claims[IAT], UTC),
        expires_at=datetime.fromtimestamp(claims[EXP], UTC) if EXP in claims else None,
    )
