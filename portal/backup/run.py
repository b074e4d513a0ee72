"""Backing up and restoring, step by step."""

import json
from collections.abc import Iterator
from pathlib import Path

from django.contrib.sessions.models import Session
from django.db import transaction

from portal import audit
from portal.backup import manifest, stores
from portal.models import AccessToken


def backup(folder: Path) -> dict:
    """Writes a new backup into an empty folder; its manifest. The site goes on meanwhile. Raises stores.CannotCopy."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise stores.CannotCopy(f"{folder} is not empty. Name a new one: a backup never replaces another.")
        return _fill(folder)
    except OSError as error:
        raise stores.CannotCopy(f"{folder} cannot be written: {error.strerror}.") from None


def _fill(folder: Path) -> dict:
    folder.chmod(0o700)
    try:
        with transaction.atomic():
            file = stores.save(folder)
            written = manifest.describe(file)
        file.chmod(0o600)
        (folder / manifest.NAME).write_text(json.dumps(written, indent=2) + "\n")  # last: without it there is no backup
    except (OSError, stores.CannotCopy):
        for begun in folder.iterdir():  # so that the same command may be given again
            begun.unlink()
        raise
    return written


def restore(folder: Path, *, force: bool = False) -> Iterator[str]:
    """Replaces the database by the backup's, then yields what is not as it should be. Everybody signs in again.

    Raises CannotRestore, before anything is touched, when the backup does not suit or the database is not empty.
    """
    told = manifest.read(folder)
    if not (force or manifest.is_empty()):
        raise manifest.CannotRestore("The database holds data. To replace all of it by the backup: --force.")
    unknown = sorted(manifest.count_tables().keys() - told["tables"].keys())
    stores.put_back(folder / told["file"]["name"], unknown)
    yield from manifest.differences(told)
    _close_what_was_open(told)


def compare(folder: Path) -> Iterator[str]:
    return manifest.differences(manifest.read(folder))


@transaction.atomic
def _close_what_was_open(told: dict) -> None:
    """Whoever signed out, or was shut out, since the backup does not come back in."""
    Session.objects.all().delete()
    AccessToken.objects.all().delete()
    audit.record(kind="backup.restored", by="system:restore", of=told["at"])
