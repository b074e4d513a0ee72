from pathlib import Path

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from portal.reasons import Refused
from prescriptions.code import qr, scan

DRAWN = {".svg", ".pdf"}


class Command(BaseCommand):
    help = "Says what a code is worth. Exit code 0 when it is authentic and in force, 1 otherwise."

    def add_arguments(self, parser):
        parser.add_argument("given", metavar="TEXT_OR_IMAGE", help="the text of a code, a number, or a picture's path")

    @translation.override("en")
    def handle(self, *args, given, **options):
        verdict = qr.check(self._text(given))
        checked = [name for name, done in [("signature", verdict.offline), ("registry", verdict.online)] if done]
        self.stdout.write(f"{verdict.code}: {verdict.word}\n{verdict.sentence}")
        self.stdout.write(f"Checked: {', '.join(checked) or 'nothing'}")
        if not verdict.is_valid:
            raise SystemExit(1)

    def _text(self, given: str) -> str:
        if len(given) > 200 or not Path(given).is_file():
            return given
        if Path(given).suffix.lower() in DRAWN:
            raise CommandError(
                "Only pictures are read: save the code as a PNG (a screenshot will do), or give its text."
            )
        with Path(given).open("rb") as file:
            try:
                return scan.text_in_picture(File(file))
            except Refused as refused:
                raise CommandError(refused.reason.sentence) from None
