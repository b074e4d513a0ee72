"""One registered software of each kind, with what a program needs to use it: var/demo/clients/<kind>.json."""

import json
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError

from portal import software
from portal.management.commands.create_client import write_client
from portal.models import SoftwareClient
from sharing.demo.cast import Cast

INSURER_FINESS = "699900999"  # fictitious
BY = "system:demo"
Kind = SoftwareClient.Kind


def folder() -> Path:
    return settings.VAR_DIR / "demo" / "clients"


def register(cast: Cast) -> list[SoftwareClient]:
    """Emma's software, that of Chloé's pharmacy, an insurer's. Those whose file still serves stay as they are."""
    wanted = [
        (Kind.LAP, "Logiciel du Dr Rousseau", cast.prescribers["emma"].structure_finess),
        (Kind.LGO, f"Logiciel de la {cast.market.name}", cast.market.finess),
        (Kind.INSURER, "Caisse d’assurance maladie (démonstration)", INSURER_FINESS),
    ]
    return [_one(kind, name, finess) for kind, name, finess in wanted]


def _one(kind: str, name: str, finess: str) -> SoftwareClient:
    file = folder() / f"{kind}.json"
    known, pem = _in(file, kind, finess)
    if known is None:
        known, pem = software.register_client(kind=kind, name=name, structure_finess=finess, by=BY)
    write_client(file, known, pem)  # again each time: the site may have moved to another port
    return known


def _in(file: Path, kind: str, finess: str) -> tuple[SoftwareClient | None, str]:
    if not file.exists():
        return None, ""
    told = json.loads(file.read_text())
    rows = SoftwareClient.objects.filter(kind=kind, structure_finess=finess, revoked_at=None)
    try:
        return rows.filter(pk=told["client_id"]).first(), told["private_key_pem"]
    except ValidationError:
        return None, ""
