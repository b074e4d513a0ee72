"""What the environment says is taken as it is or refused with the name of the setting, never guessed."""

import sqlite3

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from portal import env


def test_a_setting_with_known_values_takes_no_other(monkeypatch):
    assert env.one_of("MSSANTE_SENDER_X", "patient", "portal") == "patient"
    monkeypatch.setenv("MSSANTE_SENDER_X", "portal")
    assert env.one_of("MSSANTE_SENDER_X", "patient", "portal") == "portal"
    monkeypatch.setenv("MSSANTE_SENDER_X", "Patient")
    with pytest.raises(ImproperlyConfigured, match="MSSANTE_SENDER_X must be patient or portal, not 'Patient'"):
        env.one_of("MSSANTE_SENDER_X", "patient", "portal")


def test_a_number_is_one(monkeypatch):
    monkeypatch.setenv("SIZE_X", "25MB")
    with pytest.raises(ImproperlyConfigured, match="SIZE_X must be a whole number"):
        env.number("SIZE_X", 1)


def test_a_machine_that_vanishes_is_noticed_unless_the_address_says_otherwise(tmp_path):
    def options(said: str) -> dict:
        return env.database(f"postgres://o:p@db/ordolien{said}", sqlite_default=tmp_path)["OPTIONS"]

    usual = options("")
    assert int(usual["connect_timeout"]) < 30 and "idle_in_transaction_session_timeout=" in usual["options"]
    said = {"connect_timeout": "3", "keepalives_idle": "5", "options": "", "sslmode": "verify-full"}
    query = "&".join(f"{name}={value}" for name, value in said.items())
    assert options(f"?{query}") == usual | said


def test_sqlite_keeps_what_it_has_promised_and_lets_a_writer_wait_for_its_turn(tmp_path):
    """A promise on the screen is on the disk."""
    kept = env.database("", sqlite_default=tmp_path / "db.sqlite3")["OPTIONS"]
    line = sqlite3.connect(tmp_path / "db.sqlite3")
    line.executescript(kept["init_command"])
    asked = [line.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert asked == ["wal", 2, 1]  # 2: FULL
    assert (kept["transaction_mode"], kept["timeout"]) == ("IMMEDIATE", 20)
    line.close()


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_takes_what_it_is_told():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('idle_in_transaction_session_timeout')")
        assert cursor.fetchone() == ("1min",)
        cursor.execute("SELECT current_setting('tcp_keepalives_idle')")
        assert cursor.fetchone() == ("30",)
