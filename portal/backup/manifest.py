"""What a backup says of itself, and whether it is whole, ours, and can be opened here."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

from django.contrib.sessions.models import Session
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Cast, Left, StrIndex
from django.db.utils import DatabaseError
from django.utils import timezone

from portal import audit, audit_heads, crypto
from portal.models import AccessToken, AuditEvent
from portal.resealing import sealed_fields

FORMAT = "ordolien-backup-2"
NAME = "manifest.json"
OPENED_AT_MOST = 200  # rows of each sealed column, the newest
# A new database has rows in these before anybody came.
FILLED_BY_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission", "sqlite_sequence"}
# It closes sessions and tokens, and says so in the audit, whose lines are compared by the heads of their chains.
CHANGED_BY_RESTORING = {model._meta.db_table for model in (Session, AccessToken, AuditEvent)}


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
        "keys": _keys(),
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


def _keys() -> dict[str, str]:
    """{name of a key that sealed something: its fingerprint}; "" for one that is gone already."""
    known = crypto.fingerprints()
    names = {name for field in sealed_fields() for name in _keys_of(field)}
    return {name: known.get(name, "") for name in sorted(names)}


def _keys_of(field: models.Field) -> set[str]:
    """Names of the keys that sealed what is in this column."""
    rows = field.model._base_manager.annotate(text=Cast(field.name, models.TextField())).order_by()
    name = Left("text", StrIndex("text", models.Value(".")) - 1)
    return set(rows.filter(text__contains=".").values_list(name, flat=True).distinct())


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# --- Read -----------------------------------------------------------------------------------------------------------
def read(folder: Path) -> dict:
    """Raises CannotRestore when something is missing, cut, foreign, or sealed by keys that are not here."""
    try:
        manifest = json.loads((folder / NAME).read_text())
        is_of_now = manifest["format"] == FORMAT and manifest["migrations"] == _migrations()
        is_whole = _sha256(folder / manifest["file"]["name"]) == manifest["file"]["sha256"]
    except OSError as error:
        what = f"{Path(error.filename).name}, {error.strerror}"
        raise CannotRestore(f"{folder} does not hold a backup: {what}.") from None
    except (ValueError, KeyError, TypeError):
        raise CannotRestore(f"{folder} does not hold a backup: its {NAME} cannot be read.") from None
    if not is_of_now:
        raise CannotRestore("Another version of Ordolien wrote this backup: restore with that one, then upgrade.")
    if not is_whole:
        raise CannotRestore(f"{folder} is not what was written: another copy of this backup is needed.")
    _refuse_what_does_not_open(manifest)
    return manifest


def _refuse_what_does_not_open(manifest: dict) -> None:
    here = crypto.fingerprints()
    missing = [name for name, fingerprint in manifest["keys"].items() if fingerprint not in {"", here.get(name)}]
    if manifest["database"] != connection.vendor:
        raise CannotRestore(f"It is a backup of {manifest['database']}, DATABASE_URL names {connection.vendor}.")
    if missing:
        lacks = f"lacks {', '.join(missing)}, or has another key by that name"
        raise CannotRestore(f"ORDOLIEN_FIELD_KEYS {lacks}: nobody could be read.")
    if manifest["blind_index"] != crypto.blind_index("backup"):
        raise CannotRestore("ORDOLIEN_BLIND_INDEX_KEY is not the one of this backup: no patient would be found.")


# --- Compared -------------------------------------------------------------------------------------------------------
def differences(manifest: dict) -> Iterator[str]:
    """A sentence for each thing that is not as the manifest says; nothing when all of it is there."""
    counts = count_tables()
    for table in sorted((manifest["tables"].keys() | counts.keys()) - CHANGED_BY_RESTORING):
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
