import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from portal import audit, audit_heads
from portal.models import AuditEvent


class Command(BaseCommand):
    help = "Walk the audit's chains and say every place where one is broken. Ends with 1 when there is one."

    def add_arguments(self, parser):
        parser.add_argument("--heads", type=Path, help="heads exported earlier by audit_heads: shows a tail cut since")

    def handle(self, *, heads, **options):
        broken = list(audit.verify())
        if heads:
            broken += audit_heads.verify_against(_read(heads))
        for sentence in broken:
            self.stderr.write(self.style.ERROR(sentence))
        if broken:
            raise CommandError(f"{len(broken)} broken place(s).", returncode=1)
        self.stdout.write(f"{AuditEvent.objects.count()} lines of audit, every chain whole.")


def _read(file: Path) -> dict:
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read as exported heads: {error}") from None
    return document if isinstance(document, dict) else {}
