from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from portal import backup
from portal.backup.stores import CannotCopy


class Command(BaseCommand):
    help = "Copies the whole database, as it is at one instant, into an empty folder. The site may go on meanwhile."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)

    def handle(self, *, folder, **options):
        try:
            written = backup.backup(folder)
        except CannotCopy as error:
            raise CommandError(str(error)) from None
        rows, size = sum(written["tables"].values()), written["file"]["bytes"]
        self.stdout.write(f"{folder}: {rows} rows of {len(written['tables'])} tables, {size} bytes.")
        self.stdout.write("The keys are not in it. To open it: ORDOLIEN_BLIND_INDEX_KEY, and ORDOLIEN_FIELD_KEYS with")
        self.stdout.write(f"  {', '.join(written['keys']) or 'no key yet'}")
