"""The machine is lost in the middle of a day. What was in the backup is there again; nothing leaves as two messages."""

import base64
import json
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.models import AuditEvent
from sharing import actions, delivery, reconciliation
from sharing.models import Delivery, Share
from sharing.states import DeliveryStatus as D
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def share_one(patient_user, pharmacy) -> Delivery:
    prescription = factories.prescription(factories.patient_of(patient_user))
    share = actions.share_prescription(
        prescription=prescription, pharmacy=pharmacy, message="J’ai mal.", by=patient_user
    )
    return share.deliveries.get()


def destroy() -> None:
    """The database is gone, as after the loss of its disk; the server has been installed again."""
    if connection.vendor == "sqlite":
        name = Path(connection.settings_dict["NAME"])
        connection.close()
        for file in name.parent.glob(f"{name.name}*"):
            file.unlink()
    else:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


@pytest.fixture
def whole_again(tmp_path):
    """Whatever a test breaks, the next one finds a database."""
    folder = tmp_path / "whole"
    call_command("backup", folder, verbosity=0)
    yield
    call_command("restore", folder, "--force")


def test_destroyed_in_the_middle_of_a_day_and_restored(open_sink, whole_again, tmp_path, alice, market, capsys):
    sink, folder = open_sink(), tmp_path / "backup"
    before = share_one(alice, market)
    delivery.sweep_once()
    waiting = share_one(alice, market)
    call_command("backup", folder)
    after = share_one(alice, market)
    delivery.sweep_once()  # both leave, and the backup knows of neither
    destroy()
    call_command("restore", folder)
    assert "The database is what the backup says" in capsys.readouterr().out

    assert not Share.objects.filter(pk=after.share_id).exists()
    statuses = {row.pk: row.status for row in Delivery.objects.all()}
    assert statuses == {before.pk: D.SENT, waiting.pk: D.QUEUED}
    assert Share.objects.get(pk=before.share_id).message == "J’ai mal."
    delivery.sweep_once()
    told = [(mail.message_id, mail.sha256) for mail in sink.accepted]
    assert len(told) == 4  # the one that waited left twice…
    assert len(set(told)) == len({message_id for message_id, _sha256 in told}) == 3  # …as the same message
    assert not any(reconciliation.counts().values())
    assert AuditEvent.objects.filter(kind="backup.restored").count() == 1


def test_what_is_not_as_in_the_backup_is_said(whole_again, tmp_path, alice, prescription, capsys):
    call_command("backup", tmp_path / "backup")
    call_command("restore", tmp_path / "backup", "--check")
    prescription.lines.all().delete()
    with pytest.raises(CommandError, match="1 thing"):
        call_command("restore", tmp_path / "backup", "--check")
    assert "prescriptions_prescriptionline: 1 rows in the backup, 0 here." in capsys.readouterr().err


def test_a_database_that_holds_data_is_replaced_only_when_asked(whole_again, tmp_path, alice):
    call_command("backup", tmp_path / "backup")
    factories.bob()
    with pytest.raises(CommandError, match="holds data"):
        call_command("restore", tmp_path / "backup")
    call_command("restore", tmp_path / "backup", "--force")
    assert not factories.User.objects.filter(email="bob@ordolien.test").exists()


@pytest.fixture
def saved(tmp_path, prescription):
    call_command("backup", tmp_path / "backup")
    return tmp_path / "backup"


ANOTHER_KEY = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("FIELD_KEYS", f"other:{ANOTHER_KEY}", "ORDOLIEN_FIELD_KEYS lacks"),
        ("FIELD_KEYS", f"demo:{ANOTHER_KEY}", "another key by that name"),
        ("BLIND_INDEX_KEY", "another", "ORDOLIEN_BLIND_INDEX_KEY"),
    ],
)
def test_without_its_keys_nothing_is_touched(saved, settings, setting, value, said):
    setattr(settings, setting, value)
    with pytest.raises(CommandError, match=said):
        call_command("restore", saved, "--force")
    assert Share.objects.count() == 0 and factories.User.objects.exists()


def test_a_copy_that_was_cut_or_is_none_is_refused(saved, tmp_path):
    [file] = saved.glob("database.*")
    os.truncate(file, file.stat().st_size - 1)
    for folder, said in (
        (saved, "not what was written"),
        (tmp_path, "does not hold a backup"),
        (tmp_path / "nowhere", "does not hold a backup: manifest.json, No such file"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("restore", folder, "--force")


def test_another_versions_backup_is_for_that_version(saved):
    told = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps(told | {"migrations": told["migrations"][1:]}))
    with pytest.raises(CommandError, match="Another version of Ordolien"):
        call_command("restore", saved, "--force")


@contextmanager
def no_room_for_files():
    """Nobody here, nor any process started here, writes a larger one."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_what_cannot_be_written_is_said_and_leaves_nothing_half_done(tmp_path, prescription):
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="cannot be written: File exists"):
        call_command("backup", tmp_path / "file")
    with no_room_for_files(), pytest.raises(CommandError, match="disk|pg_dump failed"):
        call_command("backup", tmp_path / "backup")
    call_command("backup", tmp_path / "backup")


def test_a_row_that_nobody_sealed_does_not_close_the_whole_backup(whole_again, tmp_path, prescription):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE prescriptions_patient SET birth_name = 'in clear'")
    call_command("backup", tmp_path / "backup")
    with pytest.raises(CommandError, match="thing"):  # said once it is restored, of that row alone
        call_command("restore", tmp_path / "backup", "--force")


def test_a_backup_holds_no_key_and_is_for_its_owner_alone(saved, settings):
    manifest = (saved / "manifest.json").read_text()
    keys = [entry.partition(":")[2] for entry in settings.FIELD_KEYS.split(",")]
    assert [key for key in [*keys, settings.SECRET_KEY, settings.BLIND_INDEX_KEY] if key in manifest] == []
    assert {oct(path.stat().st_mode & 0o777) for path in [saved, *saved.glob("database.*")]} == {"0o700", "0o600"}
    assert json.loads(manifest)["tables"]["prescriptions_prescription"] == 1
    with pytest.raises(CommandError, match="not empty"):
        call_command("backup", saved)


@pytest.mark.postgres
def test_pg_dump_may_take_longer_than_a_transaction_may_idle(tmp_path, prescription):
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '150ms'")
    call_command("backup", tmp_path / "backup", verbosity=0)
    connection.close()
