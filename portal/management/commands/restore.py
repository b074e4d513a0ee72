from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from portal import backup
from portal.backup.stores import CannotCopy


class Command(BaseCommand):
    help = (
        "Replaces the database by a backup, then compares: rows of each table, heads of the audit, sealed values. "
        "Stop every process of the site first. Ends with 1 when something is not as the backup says."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)
        parser.add_argument("--force", action="store_true", help="the database holds data: replace it")
        parser.add_argument("--check", action="store_true", help="compare only; nothing is changed")

    def handle(self, *, folder, force, check, **options):
        try:
            found = list(backup.compare(folder) if check else backup.restore(folder, force=force))
        except (backup.CannotRestore, CannotCopy) as error:
            raise CommandError(str(error)) from None
        for sentence in found:
            self.stderr.write(self.style.ERROR(sentence))
        if found:
            raise CommandError(f"{len(found)} thing(s) are not as in the backup.", returncode=1)
        self.stdout.write("The database is what the backup says: rows, audit and sealed values.")
