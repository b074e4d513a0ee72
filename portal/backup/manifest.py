"""What a backup says of itself, and whether it is whole, ours, and can be opened here."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Cast, Left, StrIndex
from django.db.utils import DatabaseError
from django.utils import timezone

from portal import audit, audit_heads, crypto
from portal.resealing import sealed_fields

FORMAT = "ordolien-backup-1"
NAME = "manifest.json"
OPENED_AT_MOST = 200  # rows of each sealed column, the newest
# A new database has rows in these before anybody came.
FILLED_BY_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission", "sqlite_sequence"}


class CannotRestore(Exception):
    """The sentence says why and what to do."""


# --- Said -----------------------------------------------------------------------------------------------------------
def describe(file: Path) -> dict:
    """What this database holds now, and the file it was copied to."""
    return {
        "format": FORMAT,
        "at": timezone.now().astimezone(UTC).isoformat(timespec="seconds"),
        "database": connection.vendor,
        "file": {"name": file.name, "bytes": file.stat().st_size, "sha256": _sha256(file)},
        "migrations": _migrations(),
        "tables": count_tables(),
        "audit": audit_heads.signed_heads(),
        "keys": sorted({key for field in sealed_fields() for key in _keys_of(field)}),
        "blind_index": crypto.blind_index("backup"),
    }


def _migrations() -> list[str]:
    """Of this code: what it needs the database to be."""
    return sorted(f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations)


def count_tables() -> dict[str, int]:
    quote = connection.ops.quote_name
    counts = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT count(*) FROM {quote(table)}")  # noqa: S608 - names from the catalogue
            counts[table] = cursor.fetchone()[0]
    return counts


def _keys_of(field: models.Field) -> set[str]:
    """Names of the keys that sealed what is in this column."""
    text = Cast(field.name, models.TextField())
    rows = field.model._base_manager.filter(**{f"{field.name}__isnull": False}).order_by()
    return set(rows.values_list(Left(text, StrIndex(text, models.Value(".")) - 1), flat=True).distinct())


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# --- Read -----------------------------------------------------------------------------------------------------------
def read(folder: Path) -> dict:
    """Raises CannotRestore when something is missing, cut, foreign, or sealed by keys that are not here."""
    try:
        manifest = json.loads((folder / NAME).read_text())
        file = folder / manifest["file"]["name"]
        is_whole = manifest["format"] == FORMAT and _sha256(file) == manifest["file"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise CannotRestore(f"{folder} does not hold a backup.") from None
    if not is_whole:
        raise CannotRestore(f"{file.name} is not what was written: another copy of this backup is needed.")
    _refuse_what_does_not_open(manifest)
    return manifest


def _refuse_what_does_not_open(manifest: dict) -> None:
    missing = set(manifest["keys"]) - crypto.key_ids()
    if manifest["database"] != connection.vendor:
        raise CannotRestore(f"It is a backup of {manifest['database']}, DATABASE_URL names {connection.vendor}.")
    if manifest["migrations"] != _migrations():
        raise CannotRestore("Another version of Ordolien wrote this backup: restore with that one, then upgrade.")
    if missing:
        raise CannotRestore(f"ORDOLIEN_FIELD_KEYS lacks {', '.join(sorted(missing))}: nobody could be read.")
    if manifest["blind_index"] != crypto.blind_index("backup"):
        raise CannotRestore("ORDOLIEN_BLIND_INDEX_KEY is not the one of this backup: no patient would be found.")


# --- Compared -------------------------------------------------------------------------------------------------------
def differences(manifest: dict) -> Iterator[str]:
    """A sentence for each thing that is not as the manifest says; nothing when all of it is there."""
    counts = count_tables()
    for table in sorted(manifest["tables"].keys() | counts.keys()):
        wanted, found = manifest["tables"].get(table), counts.get(table)
        if wanted != found:
            yield f"{table}: {wanted} rows in the backup, {found} here."
    yield from audit_heads.verify_against(manifest["audit"])
    yield from audit.verify()
    for field in sealed_fields():
        yield from _not_opened(field)


def _not_opened(field: models.Field) -> Iterator[str]:
    rows = field.model._base_manager.filter(**{f"{field.name}__isnull": False}).order_by("-pk")[:OPENED_AT_MOST]
    for row in rows:
        try:
            getattr(row, field.name)
        except crypto.CannotDecrypt as error:
            yield str(error)
            return


def is_empty() -> bool:
    """Nobody has ever come: no table, or only what migrations write."""
    try:
        counts = count_tables()
    except DatabaseError:
        return False
    return not any(count for table, count in counts.items() if table not in FILLED_BY_MIGRATIONS)
