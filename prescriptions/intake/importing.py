"""One file of prescriptions into the registry: all that it holds, or nothing and the reason."""

from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from portal.reasons import Refused
from prescriptions import actions, fhir
from prescriptions.intake import identities
from prescriptions.models import Patient, Prescriber, Prescription

BY = "system:import"


@dataclass
class Imported:
    prescriptions: list[Prescription] = field(default_factory=list)
    new: int = 0  # the others were there already: the same content was taken before
    warnings: list[str] = field(default_factory=list)


def import_file(path: Path, *, patient: Patient | None, prescriber: Prescriber | None) -> Imported:
    """Raises FhirError. `patient`, `prescriber`: who was named; used when the file does not say, else checked."""
    return import_bundle(_read(path), patient=patient, prescriber=prescriber)


def _read(path: Path) -> dict:
    try:
        if path.is_dir():
            raise fhir.FhirError("", _("c’est un dossier. Nommez ses fichiers, par exemple dossier/*.json."))
        with path.open("rb") as file:
            content = file.read(fhir.MAX_BYTES + 1)
    except FileNotFoundError:
        raise fhir.FhirError("", _("ce fichier n’existe pas. Vérifiez son nom et son dossier.")) from None
    except PermissionError:
        raise fhir.FhirError("", _("vous n’avez pas le droit de lire ce fichier.")) from None
    except OSError as error:
        raise fhir.FhirError(
            "", _("le fichier ne peut pas être lu (%(why)s).") % {"why": type(error).__name__}
        ) from None
    if not content:
        raise fhir.FhirError("", _("le fichier est vide. Exportez-le à nouveau."))
    return fhir.parse(content)


@transaction.atomic
def import_bundle(data: dict, *, patient: Patient | None, prescriber: Prescriber | None) -> Imported:
    done = Imported()
    for place, deposit in enumerate(fhir.read_bundle(data)):
        try:
            _file(deposit, place, patient, prescriber, done)
        except Refused as refused:
            raise fhir.FhirError("", refused.reason.sentence) from None
    return done


def _file(deposit: fhir.Deposit, place: int, patient, prescriber, done: Imported) -> None:
    whom = identities.patient_for(deposit.patient, named=patient, by=BY)
    author = identities.prescriber_for(deposit.prescriber, named=prescriber, by=BY)

    def file() -> Prescription:
        done.new += 1
        return actions.file_prescription(
            patient=whom, prescriber=author, draft=deposit.draft, provenance=Prescription.Provenance.REGISTRY, by=BY
        )

    key = actions.content_key([deposit.draft.source, place])
    filed = actions.file_once(key=key, facts={"prescriber": str(author.pk)}, patient=whom, file=file)
    done.prescriptions.append(filed)
    done.warnings += deposit.warnings
