"""manage.py import_pharmacies --finess FILE --mailboxes FILE [--force] [--report FILE]
manage.py import_pharmacies [--finess FILE] --annuaire URL [--changes] [--force] [--report FILE]

FINESS stock of etalab (cs1100507) and extraction of MSSanté mailboxes, plain, gzip or ZIP, downloaded beforehand; or
the Annuaire Santé FHIR API, for the mailboxes alone or for all. All of it goes in, or nothing changes (status 1).
"""

import csv
import time
from datetime import date
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from sharing.directory import importing, sources
from sharing.directory.annuaire import Annuaire, AnnuaireTrouble
from sharing.directory.listed import BadFile
from sharing.models import DirectoryCopy, Pharmacy

BAR = 30
EXAMPLES = 5
SAID = {
    "new": "new",
    "gone": "gone, closed here",
    "back": "open again",
    "moved": "moved",
    "renamed": "renamed",
    "mailbox_changed": "mailboxes changed",
    "without_mailbox": "without a mailbox",
}


class Command(BaseCommand):
    help = "The national directories into the local copy of pharmacies and their mailboxes, all at once."

    def add_arguments(self, parser):
        parser.add_argument("--finess", type=Path, metavar="FILE", help="FINESS stock of etalab, with positions")
        parser.add_argument("--mailboxes", type=Path, metavar="FILE", help="open extraction of MSSanté mailboxes")
        parser.add_argument("--annuaire", metavar="URL", help="Annuaire Santé FHIR API v2; its key: ANNUAIRE_API_KEY")
        parser.add_argument("--changes", action="store_true", help="only what the Annuaire changed since the last copy")
        parser.add_argument("--force", action="store_true", help="take a listing that lost a fifth or more")
        parser.add_argument("--report", type=Path, metavar="FILE", help="where to write all differences (TSV)")

    def handle(self, *, force=False, report=None, **options):
        started = time.monotonic()
        try:
            listing, read = self._listing(**options)
            taken = importing.take(listing, by="system:import_pharmacies", force=force, tell=self._bar)
        except (BadFile, AnnuaireTrouble) as trouble:
            said = trouble if isinstance(trouble, BadFile) else f"The Annuaire Santé: {trouble.code}."
            raise CommandError(f"{said}\n{_what_was_kept()}", returncode=1) from None
        self._say_left_out(read)
        self._sum_up(taken, time.monotonic() - started)
        if report:
            _write_report(report, taken.differences)

    def _listing(self, *, finess, mailboxes, annuaire, changes, **_options):
        today = timezone.localdate()
        if finess and mailboxes and not annuaire:
            return sources.from_files(finess, mailboxes, self._bar)
        if not annuaire or mailboxes or changes and finess:
            raise CommandError("Give --finess FILE and --mailboxes FILE, or --annuaire URL.")
        api = Annuaire(annuaire, settings.ANNUAIRE_API_KEY, timeout=settings.ANNUAIRE_TIMEOUT)
        if changes:
            return sources.changes_of_annuaire(api, since=_last_day(), today=today, tell=self._bar), []
        return sources.from_annuaire(api, today=today, establishments=finess, tell=self._bar)

    def _bar(self, name: str, done: int, total: int) -> None:
        """A bar on a terminal; nothing elsewhere, where the last lines say it all."""
        if self.stdout.isatty():
            filled = BAR * done // max(total, 1)
            end = "\n" if done >= total else ""
            bar = f"{'█' * filled}{'░' * (BAR - filled)}"
            self.stdout.write(f"\r{name[:40]:40} {bar} {100 * done // max(total, 1):3} %", ending=end)
            self.stdout.flush()

    def _say_left_out(self, read) -> None:
        for lines in read:
            for number, why in lines.left_out:
                self.stderr.write(f"{lines.name}, line {number}, left out: {why}")
            more = lines.left_out_count.total() - len(lines.left_out)
            if more:
                self.stderr.write(f"{lines.name}: {more} more lines left out")
            if lines.repeated:
                self.stdout.write(f"{lines.name}, repeated at lines {', '.join(map(str, lines.repeated))}")

    def _sum_up(self, taken: importing.Taken, seconds: float) -> None:
        copy = taken.copy
        for file in copy.files:
            self.stdout.write(", ".join(f"{name} {value}" for name, value in file.items()))
        read = {name: count for name, count in copy.counts.items() if name not in SAID}
        self.stdout.write("Read: " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in read.items()))
        for name, numbers in vars(taken.differences).items():
            shown = ", ".join(numbers[:EXAMPLES]) + (", …" if len(numbers) > EXAMPLES else "")
            self.stdout.write(f"{len(numbers):6}  {SAID[name]}{': ' if numbers else ''}{shown}")
        in_use = Pharmacy.objects.filter(is_national=True, is_open=True)
        equipped = in_use.filter(mailboxes__isnull=False).distinct().count()
        self.stdout.write(
            f"In use: {in_use.count()} pharmacies, {equipped} with a mailbox ({seconds:.1f} s). "
            f"FINESS of {_day(copy.establishments_on)}, mailboxes of {_day(copy.mailboxes_on)}."
        )


def _day(day) -> str:
    return f"{day:%Y-%m-%d}" if day else "an unknown day"


def _last_day() -> date:
    copy = DirectoryCopy.objects.first()
    if copy is None:
        raise CommandError("There is no copy yet: take it whole first.")
    told = [day for day in (copy.establishments_on, copy.mailboxes_on) if day]
    return min(told, default=timezone.localdate(copy.taken_at))


def _what_was_kept() -> str:
    copy = DirectoryCopy.objects.first()
    if copy is None:
        return "Nothing was imported."
    return f"Nothing changed: the copy taken on {copy.taken_at:%Y-%m-%d} stays in use."


def _write_report(path: Path, differences: importing.Differences) -> None:
    named = {finess: rest for finess, *rest in Pharmacy.objects.values_list("finess", "name", "postcode", "town")}
    with path.open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(["difference", "finess", "name", "postcode", "town"])
        table.writerows([what, n, *named.get(n, [])] for what, numbers in vars(differences).items() for n in numbers)
