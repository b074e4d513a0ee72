"""manage.py import_bdpm FOLDER [--date YYYY-MM-DD] [--force]

The files of the public medicines database, plain or .gz, downloaded beforehand: nothing is fetched. All of them go in,
or none and the edition in use stays (status 1). The same files again change nothing.
"""

import time
from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from prescriptions import bdpm
from prescriptions.medicine import cataloguing

BAR = 30


class Command(BaseCommand):
    help = "The public medicines database (BDPM, ANSM) into the catalogue of medicines, all at once."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="where CIS_bdpm.txt and the others are")
        parser.add_argument("--date", type=_date, help="when the publisher last updated them; shown on each card")
        parser.add_argument(
            "--force", action="store_true", help="take a file that lost many rows, and files that were taken before"
        )

    def handle(self, *, folder, force=False, **options):
        started = time.monotonic()
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        former, published_on = cataloguing.current_edition(), options.get("date")
        try:
            extraction = bdpm.read_folder(folder, tell=self._bar("read"))
            if not force and cataloguing.is_the_same(extraction, former, published_on=published_on):
                self.stdout.write(f"These files are the ones in use since {former.became_current_at:%Y-%m-%d}.")
                return
            if not force:
                cataloguing.check_against(extraction, former)
        except bdpm.BadFile as bad:
            raise CommandError(f"{bad}\n{_what_was_kept(former)}", returncode=1) from None
        edition = cataloguing.load(
            extraction, published_on=published_on, by="system:import_bdpm", tell=self._bar("write")
        )
        self._sum_up(edition, extraction, time.monotonic() - started)

    def _bar(self, name: str):
        """A bar on a terminal; nothing elsewhere, where the last lines say it all."""

        def tell(done: int, total: int) -> None:
            if self.stdout.isatty():
                filled = BAR * done // total
                end = "\n" if done == total else ""
                self.stdout.write(f"\r{name:6} {'█' * filled}{'░' * (BAR - filled)} {done}/{total}", ending=end)
                self.stdout.flush()

        return tell

    def _sum_up(self, edition, extraction: bdpm.Extraction, seconds: float) -> None:
        for source in extraction.sources.values():
            self.stdout.write(f"{source.name}: {len(source.rows)} rows, {source.encoding}, sha256 {source.sha256}")
            for line, why in source.left_out:
                self.stderr.write(f"{source.name}, line {line}, left out: {why}")
        told = edition.published_on or f"not said (--date); the files tell of days up to {edition.facts_until}"
        self.stdout.write(
            f"In use: {len(extraction.medicines)} medicines, {len(extraction.presentations)} presentations, "
            f"{len({group for group, _cis in extraction.groups})} groups of generics ({seconds:.1f} s). "
            f"Date of publication: {told}."
        )


def _date(text: str) -> date:
    return date.fromisoformat(text)


def _what_was_kept(former) -> str:
    if former is None:
        return "Nothing was imported."
    return f"Nothing changed: the edition of {former.became_current_at:%Y-%m-%d} stays in use."
