"""manage.py import_pharmacies --finess FILE --mailboxes FILE [--force] [--report FILE]

FINESS stock of etalab (cs1100507) and extraction of MSSanté mailboxes, plain, gzip or ZIP, downloaded beforehand.
All of it goes in, or nothing changes and the copy in use stays (status 1).
"""

import csv
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from sharing.directory import importing, sources
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
        parser.add_argument("--force", action="store_true", help="take a listing that lost a fifth or more")
        parser.add_argument("--report", type=Path, metavar="FILE", help="where to write all differences (TSV)")

    def handle(self, *, finess, mailboxes, force=False, report=None, **options):
        started = time.monotonic()
        if not (finess and mailboxes):
            raise CommandError("Give --finess FILE and --mailboxes FILE.")
        try:
            listing, read = sources.from_files(finess, mailboxes, self._bar)
            taken = importing.take(listing, by="system:import_pharmacies", force=force, tell=self._bar)
        except BadFile as bad:
            raise CommandError(f"{bad}\n{_what_was_kept()}", returncode=1) from None
        self._say_left_out(read)
        self._sum_up(taken, time.monotonic() - started)
        if report:
            _write_report(report, taken.differences)

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

    def _sum_up(self, taken: importing.Taken, seconds: float) -> None:
        copy = taken.copy
        for file in copy.files:
            self.stdout.write(", ".join(f"{name} {value}" for name, value in file.items()))
        read = {name: count for name, count in copy.counts.items() if name not in SAID}
        self.stdout.write("Read: " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in read.items()))
        for name, numbers in vars(taken.differences).items():
            shown = ", ".join(numbers[:EXAMPLES]) + (", …" if len(numbers) > EXAMPLES else "")
            self.stdout.write(f"{len(numbers):6}  {SAID[name]}{': ' if numbers else ''}{shown}")
        self.stdout.write(
            f"In use: {copy.counts['pharmacies']} pharmacies, {copy.counts['with_mailbox']} with a mailbox "
            f"({seconds:.1f} s). FINESS of {_day(copy.establishments_on)}, mailboxes of {_day(copy.mailboxes_on)}."
        )


def _day(day) -> str:
    return f"{day:%Y-%m-%d}" if day else "an unknown day"


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
