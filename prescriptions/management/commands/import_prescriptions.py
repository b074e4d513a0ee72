"""manage.py import_prescriptions FILE… --patient INS_OR_ID --prescriber RPPS

FHIR R4 bundles into the registry. A file that cannot be taken gives one line (its name, the field, what to do) and the
others go in; the status is then 1. A file taken twice makes one prescription.
"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from prescriptions.fhir import FhirError
from prescriptions.intake import identities
from prescriptions.intake.importing import import_file


class Command(BaseCommand):
    help = "FHIR R4 bundles of prescriptions into the registry."

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--patient", default="", help="INS (15 characters) or id; needed when the files do not say")
        parser.add_argument("--prescriber", default="", help="RPPS (11 digits); needed when the files do not say")

    def handle(self, *, files, patient, prescriber, **options):
        people = {"patient": _patient(patient), "prescriber": _prescriber(prescriber)}
        new = known = failed = 0
        for place, path in enumerate(files, start=1):
            try:
                done = import_file(path, **people)
            except FhirError as error:
                failed += 1
                self.stderr.write(f"{path.name or path} : {error}")
                continue
            new, known = new + done.new, known + len(done.prescriptions) - done.new
            self._tell(place, len(files), path, done)
        self._sum_up(new, known, failed)

    def _tell(self, place: int, count: int, path: Path, done) -> None:
        self.stdout.write(f"{place}/{count} {path.name}")
        for warning in done.warnings:
            self.stderr.write(f"{path.name} : {warning}")

    def _sum_up(self, new: int, known: int, failed: int) -> None:
        said = _("Ordonnances enregistrées : %(new)s. Déjà connues : %(known)s. Fichiers refusés : %(failed)s.")
        self.stdout.write(said % {"new": new, "known": known, "failed": failed})
        if failed:
            raise CommandError(_("Des fichiers n’ont pas été pris. Les autres sont enregistrés."), returncode=1)


def _patient(text: str):
    found = identities.find_patient(text) if text else None
    if text and found is None:
        raise CommandError(_("--patient : aucun patient n’a cet INS ou cet identifiant."))
    return found


def _prescriber(text: str):
    found = identities.find_prescriber(text) if text else None
    if text and found is None:
        raise CommandError(_("--prescriber : aucun prescripteur n’a ce RPPS."))
    return found
