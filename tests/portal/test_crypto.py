"""Identifying traits are unreadable in the database, open only where they belong, and keys can be changed."""

import base64
import io

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import call_command
from django.db import connection

from portal import crypto, resealing
from portal.models import AuditEvent
from prescriptions.models import Document, Patient, Prescription
from tests import factories
from tests.portal.signing import TOTP_SECRET, code_now, give_password, give_the_code, give_the_password

pytestmark = pytest.mark.django_db
PATIENT, SHARE = "prescriptions_patient", "sharing_share"


def stored(table: str, column: str, pk) -> str:
    """What the disk holds."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [_raw(pk)])
        return cursor.fetchone()[0]


def store(table: str, column: str, pk, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [value, _raw(pk)])


def _raw(pk):
    return pk.hex if connection.vendor == "sqlite" else pk


def a_key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


@pytest.mark.parametrize(
    ("column", "plain"),
    [
        ("ins", "2880375056123"),
        ("birth_name", "Moreau"),
        ("given_names", "Alice"),
        ("birth_date", "1988"),
        ("birth_place", "75056"),
    ],
)
def test_the_database_does_not_hold_the_trait(alice_patient, column, plain):
    raw = stored(PATIENT, column, alice_patient.pk)
    assert plain not in raw and raw.startswith("demo.")
    assert plain not in base64.urlsafe_b64decode(raw.partition(".")[2]).decode("latin-1")
    assert plain in getattr(Patient.objects.get(pk=alice_patient.pk), column)


def test_documents_messages_and_deposits_are_sealed_too(alice):
    photo = factories.photo_prescription()
    picture = photo.documents.get()
    shared = factories.share(photo, message="Je passerai après le travail")
    photo.source = {"resourceType": "Bundle"}
    photo.save()
    assert "PNG" not in stored("prescriptions_document", "content", picture.pk)
    assert "travail" not in stored(SHARE, "message", shared.pk)
    assert "Bundle" not in stored("prescriptions_prescription", "source", photo.pk)
    assert Document.objects.get(pk=picture.pk).content == picture.content
    assert Prescription.objects.get(pk=photo.pk).source == {"resourceType": "Bundle"}


def test_the_same_value_is_never_stored_twice_the_same(alice_patient, bob_patient):
    alice_patient.birth_place = bob_patient.birth_place = "69123"
    alice_patient.save()
    bob_patient.save()
    assert stored(PATIENT, "birth_place", alice_patient.pk) != stored(PATIENT, "birth_place", bob_patient.pk)


def test_a_value_moved_to_another_row_does_not_open(alice_patient, bob_patient):
    store(PATIENT, "ins", bob_patient.pk, stored(PATIENT, "ins", alice_patient.pk))
    with pytest.raises(crypto.CannotDecrypt, match="does not belong to its row"):
        _ = Patient.objects.get(pk=bob_patient.pk).ins


def test_a_value_moved_to_another_column_does_not_open(alice_patient):
    store(PATIENT, "birth_name", alice_patient.pk, stored(PATIENT, "ins", alice_patient.pk))
    with pytest.raises(crypto.CannotDecrypt):
        _ = Patient.objects.get(pk=alice_patient.pk).birth_name


def test_a_value_moved_to_another_table_does_not_open(alice):
    shared = factories.share(message="Bonjour")
    patient = shared.patient
    Patient.objects.filter(pk=patient.pk).update(birth_place=crypto.Sealed(stored(SHARE, "message", shared.pk)))
    with pytest.raises(crypto.CannotDecrypt):
        _ = Patient.objects.get(pk=patient.pk).birth_place


@pytest.mark.parametrize("place", [5, 20, -8])
def test_an_altered_value_does_not_open(alice_patient, place):
    raw = stored(PATIENT, "ins", alice_patient.pk)
    other = "A" if raw[place] != "A" else "B"
    cut = place % len(raw)
    store(PATIENT, "ins", alice_patient.pk, raw[:cut] + other + raw[cut + 1 :])
    with pytest.raises(crypto.CannotDecrypt):
        _ = Patient.objects.get(pk=alice_patient.pk).ins


def test_the_error_names_no_row_and_no_value(alice_patient, settings):
    settings.FIELD_KEYS = f"other:{a_key('x')}"
    with pytest.raises(crypto.CannotDecrypt) as refused:
        _ = Patient.objects.get(pk=alice_patient.pk).ins
    assert str(refused.value) == "No key 'demo' to open a value of prescriptions_patient.ins."


def test_finding_and_changing_in_bulk_are_refused(alice_patient):
    with pytest.raises(FieldError, match="Unsupported lookup"):
        list(Patient.objects.filter(ins=alice_patient.ins))
    with pytest.raises(FieldError, match="Unsupported lookup"):
        list(Patient.objects.filter(birth_name__icontains="mor"))
    with pytest.raises(TypeError, match="encrypted"):
        Patient.objects.filter(pk=alice_patient.pk).update(birth_name="Durand")
    with pytest.raises(TypeError, match="encrypted"):
        Patient.objects.bulk_update([alice_patient], ["birth_name"])


def test_a_patient_is_found_by_the_blind_index(alice_patient):
    spaced = f"2 88 03 75 056 123 {alice_patient.ins[-2:]}"
    assert Patient.objects.get(ins_index=Patient.index_of(spaced, alice_patient.ins_oid)) == alice_patient
    assert alice_patient.ins not in alice_patient.ins_index and len(alice_patient.ins_index) == 64


@pytest.mark.parametrize("configured", ["k", "k:AAAA", "k:é", f":{a_key('x')}", f"a.b:{a_key('x')}"])
def test_a_key_that_is_not_one_is_refused(settings, configured):
    settings.FIELD_KEYS = configured
    with pytest.raises(ImproperlyConfigured, match="ORDOLIEN_FIELD_KEYS holds"):
        crypto.seal(b"x", bound_to="t.c.1")


# --- Changing the key -----------------------------------------------------------------------------------------------
@pytest.fixture
def new_key_first(settings):
    def change():
        settings.FIELD_KEYS = f"k2:{a_key('n')},{settings.FIELD_KEYS}"

    return change


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_field_keys", stdout=out)
    return out.getvalue()


def everything_is_under(kid: str) -> bool:
    return all(not resealing.due(field).exists() for field in resealing.sealed_fields())


def test_every_value_moves_to_the_new_key_and_the_old_one_can_go(alice, bob, settings, new_key_first):
    shared = factories.share(factories.photo_prescription(), message="Merci")
    give_password(bob)
    new_key_first()
    assert Patient.objects.get(pk=shared.patient_id).birth_name == "Moreau"  # still read
    said = rotate()
    assert "prescriptions.Patient.ins: 2 sealed again" in said and "key 'k2'" in said
    settings.FIELD_KEYS = settings.FIELD_KEYS.partition(",")[0]
    patient = Patient.objects.get(pk=shared.patient_id)
    assert (patient.full_name, patient.birth_place) == ("Alice Moreau", "75056")
    shared.refresh_from_db()
    assert shared.message == "Merci" and shared.prescription.documents.get().content.startswith(b"\x89PNG")
    assert AuditEvent.objects.get(kind="keys.rotated").detail["values"] > 10


def test_second_factors_still_open_after_a_change_of_key(client, bob, settings, new_key_first):
    give_password(bob)
    factories.alice().authenticator_set.all().delete()
    new_key_first()
    rotate()
    settings.FIELD_KEYS = settings.FIELD_KEYS.partition(",")[0]
    assert TOTP_SECRET not in str(bob.authenticator_set.get().data) and code_now()
    give_the_password(client, bob)
    give_the_code(client)
    assert "_auth_user_id" in client.session


def test_it_stops_and_starts_again_anywhere(settings, new_key_first, monkeypatch):
    for number in range(5):
        factories.patient(f"19003690{10000 + number}", birth_name="Petit", given_names="Dan", birth_date="1990-03-01")
    monkeypatch.setattr(resealing, "BATCH", 2)
    new_key_first()
    ins = Patient._meta.get_field("ins")
    assert resealing.due(ins).count() == 5
    next(resealing.reseal(ins))  # and the machine stops
    assert resealing.due(ins).count() == 3
    rotate()
    assert everything_is_under("k2") and all(p.birth_name == "Petit" for p in Patient.objects.all())
    assert "Done: 0 value(s)" in rotate()


def test_an_edit_at_the_same_moment_wins(alice_patient, new_key_first):
    new_key_first()
    field = Patient._meta.get_field("birth_name")
    read = resealing.due(field).only("pk", "birth_name").get()
    _ = read.__dict__["birth_name"]
    alice_patient.birth_name = "Moreau-Durand"
    alice_patient.save()
    assert resealing._reseal_one(read, field) == 0
    assert Patient.objects.get().birth_name == "Moreau-Durand"
