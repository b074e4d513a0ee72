import json
from pathlib import Path

from django.core.management.base import BaseCommand

from portal import audit_heads


class Command(BaseCommand):
    help = "Export the signed heads of the audit's chains. Keep them where the site cannot write."

    def add_arguments(self, parser):
        parser.add_argument("--out", type=Path, help="the file to write; standard output without it")

    def handle(self, *, out, **options):
        text = json.dumps(audit_heads.signed_heads(), indent=2) + "\n"
        if out:
            out.write_text(text)
        else:
            self.stdout.write(text, ending="")
