"""The examples of /api/docs/: files under docs/, which the tests send as they are."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

FOLDER = settings.BASE_DIR / "docs"


@dataclass(frozen=True)
class Example:
    """`request`: verb and address; `body`: what is sent, empty for a GET."""

    words: str
    request: str
    body: str = ""


def of_kinds() -> dict[str, list[Example]]:
    return {
        "lap": [
            Example(_("Déposer une ordonnance"), "POST /api/fhir/", _text("deposit")),
            Example(_("Envoyer un document seul"), "POST /api/fhir/DocumentReference", _text("document")),
            Example(
                _("Relire ce qui en a été délivré"), "POST /api/fhir/MedicationDispense/_search", "group-identifier=…"
            ),
        ],
        "lgo": [
            Example(_("Trouver une ordonnance"), "POST /api/fhir/MedicationRequest/_search", "group-identifier=…"),
            Example(_("Dire ce qui est délivré"), "POST /api/fhir/MedicationDispense", _text("dispense")),
            Example(_("Lister les envois reçus"), "GET /api/fhir/Task?status=requested,received"),
            Example(_("Dire qu’un envoi est prêt"), "PUT /api/fhir/Task/…", _text("task")),
        ],
        "insurer": [
            Example(_("Contrôler deux ordonnances"), "POST /api/insurer/check/", _text("check")),
            Example(_("Lister les doublons"), "GET /api/insurer/duplicates/?from=2026-10-01&to=2026-11-30"),
        ],
    }


def program() -> str:
    return (FOLDER / "api_client.py").read_text()


def _text(name: str) -> str:
    return (FOLDER / "examples" / f"{name}.json").read_text().strip()
