"""The database into a file and back, by the database's own means: SQLite's backup API, pg_dump and pg_restore.

`save` is called inside a transaction and gives what that transaction sees. `put_back` replaces everything at once.
Both raise CannotCopy.
"""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient


class CannotCopy(Exception):
    """The sentence says which tool failed and what it said of itself: no row is in it."""


def save(folder: Path) -> Path:
    return _STORES[connection.vendor][0](folder)


def put_back(file: Path, unknown_tables: list[str]) -> None:
    """`unknown_tables`: those that the copy does not hold; they go."""
    connection.close()
    _STORES[connection.vendor][1](file, unknown_tables)


# --- SQLite ---------------------------------------------------------------------------------------------------------
def _save_sqlite(folder: Path) -> Path:
    """The caller's transaction holds the only writer: nothing changes between the copy and what is counted."""
    file = folder / "database.sqlite3"
    _copy(connection.settings_dict["NAME"], file)
    return file


def _put_back_sqlite(file: Path, _unknown_tables: list[str]) -> None:
    _copy(file, connection.settings_dict["NAME"])


def _copy(source: str | Path, target: str | Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
            read.backup(written)
    except sqlite3.Error as error:
        raise CannotCopy(f"SQLite: {error}") from None


# --- PostgreSQL -----------------------------------------------------------------------------------------------------
def _save_postgres(folder: Path) -> Path:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # it waits for pg_dump, however long
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
    file = folder / "database.dump"
    _run("pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={file}")
    return file


def _put_back_postgres(file: Path, unknown_tables: list[str]) -> None:
    with connection.cursor() as cursor:
        for table in unknown_tables:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")
    connection.close()
    _run("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error", file=file)


def _run(tool: str, *options: str, file: Path | None = None) -> None:
    """`file`: what pg_restore reads; it wants the name of the database as an option."""
    (_psql, *where, name), environment = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    target = ["--dbname", name, str(file)] if file else [name]
    try:
        done = subprocess.run(  # noqa: S603 - our own words and those of DATABASE_URL
            [tool, *where, *options, *target],
            env={**os.environ, **(environment or {}), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise CannotCopy(f"{tool} is not installed: apt-get install postgresql-client.") from None
    if done.returncode:
        raise CannotCopy(f"{tool} failed ({done.returncode}): {_first_line(done.stderr)}")


def _first_line(said: str) -> str:
    """What follows may quote a row."""
    return said.strip().partition("\n")[0][:300]


_STORES = {"sqlite": (_save_sqlite, _put_back_sqlite), "postgresql": (_save_postgres, _put_back_postgres)}
