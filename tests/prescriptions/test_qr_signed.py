"""The text of the QR: what two independent readers accept, and everything they refuse."""

import random
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta

import base45
import cbor2
import pytest
import time_machine
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cwt import COSE, COSEKey
from django.utils import timezone

from portal.models import AuditEvent
from prescriptions.code import keys, qr, signed
from prescriptions.models import SigningKey
from prescriptions.numbers import CROCKFORD
from tests import factories
from tests.prescriptions import second_verifier

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
NOW = datetime(2026, 11, 23, 11, tzinfo=UTC)
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def claims(number="01S2TBPZ2JCNZZYGHZ", expires_at=NOW + timedelta(days=90)):
    return signed.Claims(number=number, content=bytes(range(16)), issued_at=NOW, expires_at=expires_at)


def write(said=None, key=None):
    key = key or keys.signing_key()
    return signed.write(said or claims(), private_pem=key.private_pem, kid=bytes.fromhex(key.kid))


def read(text, now=NOW, key_set=None):
    return signed.read(text, key_set or keys.key_set(), now=now)


def packed(token: bytes) -> str:
    return signed.PREFIX + base45.b45encode(zlib.compress(token)).decode()


def token_in(text: str) -> bytes:
    return zlib.decompress(base45.b45decode(text.removeprefix(signed.PREFIX)))


def test_what_was_written_is_read_by_both():
    text = write()
    assert read(text).code == "valid"
    assert read(text).claims == claims()
    theirs = second_verifier.payload_of(text, keys.key_set())
    assert (theirs[7], theirs[-65537], theirs[4]) == (
        b"01S2TBPZ2JCNZZYGHZ",
        bytes(range(16)),
        int(claims().expires_at.timestamp()),
    )


def test_the_code_says_a_number_and_a_hash_and_nothing_else():
    payload = cbor2.loads(cbor2.loads(token_in(write())).value[2])
    assert set(payload) == {1, 4, 6, 7, -65537}


@pytest.mark.parametrize("length", [10, 18, 26])
def test_every_number_that_is_accepted_fits(length):
    text = write(claims(number=CROCKFORD[:length]))
    assert len(text) <= 255
    assert len(qr._matrix(text)) <= 61  # version 11


def test_a_number_too_long_is_refused_at_creation():
    with pytest.raises(signed.TooLong):
        write(claims(number=2 * CROCKFORD))


def test_no_end_of_a_code_is_a_space():
    texts = [write() for _ in range(150)]
    assert all(text == text.strip() for text in texts)


# --- Time -------------------------------------------------------------------------------------------------------------


def test_it_expires_to_the_second():
    text, end = write(), claims().expires_at
    assert read(text, now=end - timedelta(seconds=1)).code == "valid"
    assert read(text, now=end).code == "expired"


def test_without_a_known_end_it_does_not_expire():
    assert read(write(claims(expires_at=None)), now=NOW + timedelta(days=9000)).code == "valid"


# --- Forgeries --------------------------------------------------------------------------------------------------------


def test_a_thousand_changes_are_all_refused_by_both():
    text, key_set, draw = write(), keys.key_set(), random.Random(20261123)
    for _ in range(1000):
        changed = mutated(text, draw)
        assert read(changed, key_set=key_set).claims is None, changed
        assert second_verifier.payload_of(changed, key_set) is None, changed


def mutated(text, draw):
    place = draw.randrange(len(text))
    letter = draw.choice([letter for letter in BASE45 if letter != text[place]])
    return draw.choice(
        [
            text[:place] + letter + text[place + 1 :],
            text[:place] + text[place + 1 :],
            text[:place] + letter + text[place:],
            text[: place + 1] + text[place:],
        ]
    )


def test_a_thousand_changed_bits_inside_are_all_refused_by_both():
    token, key_set, draw = token_in(write()), keys.key_set(), random.Random(7)
    for _ in range(1000):
        changed = bytearray(token)
        changed[draw.randrange(len(token))] ^= 1 << draw.randrange(8)
        assert read(packed(bytes(changed)), key_set=key_set).claims is None
        assert second_verifier.payload_of(packed(bytes(changed)), key_set) is None


def envelope(headers: dict, *, unprotected=None, payload=None):
    """A token signed by our real key, by hand, under other headers."""
    protected = cbor2.dumps(headers)
    payload = payload or cbor2.dumps({1: "ORD", 6: 1, 7: b"01S2TBPZ2JCNZZYGHZ", -65537: bytes(16)})
    private = serialization.load_pem_private_key(keys.signing_key().private_pem.encode(), None)
    signature = private.sign(cbor2.dumps(["Signature1", protected, b"", payload]), ec.ECDSA(hashes.SHA256()))
    raw = b"".join(number.to_bytes(32) for number in decode_dss_signature(signature))
    return packed(cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected or {}, payload, raw])))


def our_kid():
    return bytes.fromhex(keys.signing_key().kid)


def test_the_same_envelope_made_by_hand_is_accepted():
    assert read(envelope({1: -7, 4: our_kid()})).code == "valid"


@pytest.mark.parametrize(
    "headers",
    [
        lambda: {1: -7},
        lambda: {4: our_kid()},
        lambda: {1: -7, 4: our_kid(), 2: [99], 99: 1},
        lambda: {1: -7, 4: our_kid(), 3: "text/plain"},
        lambda: {1: -7, 4: our_kid()[:7]},
        lambda: {1: -7, 4: our_kid() + b"\0"},
    ],
    ids=["no kid", "no algorithm", "critical header", "extra header", "short kid", "long kid"],
)
def test_any_other_header_is_refused(headers):
    text = envelope(headers())
    assert read(text).code == "altered"
    assert second_verifier.payload_of(text, keys.key_set()) is None


def test_an_unprotected_header_is_refused():
    text = envelope({1: -7, 4: our_kid()}, unprotected={4: our_kid()})
    assert read(text).code == "altered"
    assert second_verifier.payload_of(text, keys.key_set()) is None


def test_another_algorithm_with_our_public_key_as_secret_is_refused():
    public = keys.signing_key().public_pem.encode()
    mac = COSEKey.from_symmetric_key(public, alg="HS256", kid=our_kid())
    payload = cbor2.dumps({1: "ORD", 6: 1, 7: b"01S2TBPZ2JCNZZYGHZ", -65537: bytes(16)})
    text = packed(COSE.new().encode_and_mac(payload, mac, {1: 5, 4: our_kid()}))
    assert read(text).code == "altered"
    assert second_verifier.payload_of(text, keys.key_set()) is None


@pytest.mark.parametrize("payload", [{1: "ORD"}, {1: "EUDCC", 6: 1, 7: b"X", -65537: bytes(16)}, {6: 1}])
def test_our_signature_under_other_claims_is_no_prescription(payload):
    assert read(envelope({1: -7, 4: our_kid()}, payload=cbor2.dumps(payload))).code == "altered"


def test_something_after_the_token_is_refused():
    token = token_in(write())
    assert read(packed(token + b"\x00")).code == "altered"
    hidden = signed.PREFIX + base45.b45encode(zlib.compress(token) + b"more").decode()
    assert read(hidden).code == "altered"


def test_a_bomb_is_not_inflated():
    bomb = packed(bytes(3_000_000))
    tracemalloc.start()
    assert read(bomb).code == "altered"
    small_bomb = packed(bytes(100_000))  # short enough a text, still too much inside
    assert len(small_bomb) < 510
    assert read(small_bomb).code == "altered"
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000, "bytes held at once: not the 3 MB"


def test_an_unfinished_stream_is_refused():
    squeezed = zlib.compress(token_in(write()))
    assert read(signed.PREFIX + base45.b45encode(squeezed[:-4]).decode()).code == "altered"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_ours"),
        ("HC1:6BFOXN", "not_ours"),
        ("https://example.org/ORD1:ABC", "not_ours"),
        ("ORD1:", "altered"),
        ("ORD1:été", "altered"),
        ("ord1:abc", "altered"),
        ("ORD1:" + "0" * 600, "altered"),
    ],
)
def test_what_is_no_code_of_ours(text, code):
    assert read(text, key_set={"keys": [], "revoked": []}).code == code
    assert second_verifier.payload_of(text, {"keys": []}) is None


# --- Keys -------------------------------------------------------------------------------------------------------------


def test_the_first_key_is_made_on_demand_and_named_by_its_public_half():
    key = keys.signing_key()
    public = serialization.load_pem_public_key(key.public_pem.encode())
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert key.kid == second_verifier.kid_of(der)
    assert keys.signing_key() == key
    assert AuditEvent.objects.filter(kind="qr-key.made").count() == 1


def test_a_retired_key_still_verifies_and_a_revoked_one_no_more():
    old = write()
    first = keys.signing_key()
    with time_machine.travel(timezone.now() + timedelta(seconds=1)):
        second = keys.rotate(by="system:test")
        assert keys.signing_key() == second != first
    assert read(old).code == read(write(key=second)).code == "valid"
    assert second_verifier.payload_of(old, keys.key_set())
    keys.revoke(kid=first.kid, by="system:test")
    assert (read(old).code, read(old).kid) == ("revoked_key", first.kid)
    assert second_verifier.payload_of(old, keys.key_set()) is None


def test_a_code_of_another_registry_has_an_unknown_key():
    text = write()
    SigningKey.objects.all().delete()
    assert read(text).code == "unknown_key"


def test_the_published_set_holds_no_secret():
    keys.signing_key()
    [jwk] = keys.key_set()["keys"]
    assert set(jwk) == {"kty", "crv", "alg", "use", "kid", "x", "y"}


# --- The prescription's own code --------------------------------------------------------------------------------------


def test_a_prescription_is_signed_once(prescription):
    text = qr.text_of(prescription)
    assert qr.text_of(prescription) == text
    assert read(text, now=timezone.now()).claims.number == prescription.number


def test_it_is_good_until_the_last_minute_of_its_last_day_in_paris():
    summer = factories.prescription(valid_until=datetime(2026, 7, 14).date(), authored_on=datetime(2026, 6, 1).date())
    ends = read(qr.text_of(summer)).claims
    assert ends is not None
    assert ends.expires_at == datetime(2026, 7, 14, 22, tzinfo=UTC)


def test_rotation_leaves_it_and_revocation_signs_it_again(prescription):
    text, kid = qr.text_of(prescription), keys.signing_key().kid
    keys.rotate(by="system:test")
    assert qr.text_of(prescription) == text
    keys.revoke(kid=kid, by="system:test")
    again = qr.text_of(prescription)
    assert again != text
    assert read(again, now=timezone.now()).code == "valid"
    assert qr.code_of(prescription).position == 1
