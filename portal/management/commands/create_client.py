import json
import os
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal import mutual_tls, software
from portal.models import SoftwareClient


class Command(BaseCommand):
    help = "Registers a software installation; prints its client id and where its private key was written, once."

    def add_arguments(self, parser):
        parser.add_argument("--kind", required=True, choices=SoftwareClient.Kind.values)
        parser.add_argument("--name", required=True)
        parser.add_argument("--structure", required=True, metavar="FINESS")
        parser.add_argument("--out", type=Path, help="folder of the key (default: var/clients)")
        tls = parser.add_mutually_exclusive_group()
        tls.add_argument(
            "--certificate", type=Path, metavar="PEM", help="mutual TLS with this certificate: no key is made"
        )
        tls.add_argument(
            "--subject", metavar="DN", help="mutual TLS with any certificate of our authorities to this subject"
        )

    def handle(self, *, kind, name, structure, out=None, certificate=None, subject="", **_):
        if len(structure) != 9 or not structure.isalnum():
            raise CommandError("--structure is a FINESS: 9 characters.")
        facts = {"kind": kind, "name": name, "structure_finess": structure, "by": "system:console"}
        if certificate or subject:
            client = software.register_certificate(**facts, **_proof(certificate, subject))
            self.stdout.write(f"client_id: {client.pk}")
            self.stdout.write(f"{client.auth_method}: {client.certificate_thumbprint or client.certificate_subject}")
            return
        client, pem = software.register_client(**facts)
        folder = out or settings.VAR_DIR / "clients"
        written = write_client(folder / f"{client.pk}.json", client, pem)
        self.stdout.write(f"client_id: {client.pk}")
        self.stdout.write(f"private key and addresses: {written} (readable by this account only, not kept elsewhere)")


def _proof(certificate: Path | None, subject: str) -> dict:
    if certificate is None:
        try:
            return {"subject": x509.Name.from_rfc4514_string(subject).rfc4514_string()}
        except ValueError:
            raise CommandError("--subject is a distinguished name, as CN=officine.example,O=Officine,C=FR.") from None
    try:
        return {"thumbprint": mutual_tls.thumbprint(x509.load_pem_x509_certificate(certificate.read_bytes()))}
    except (OSError, ValueError) as error:
        raise CommandError(f"{certificate} is not a certificate in PEM.") from error


def write_client(file: Path, client: SoftwareClient, pem: str) -> Path:
    """All that a program needs to use the API, in one file that only its owner reads."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    facts = {
        "client_id": str(client.pk),
        "kind": client.kind,
        "name": client.name,
        "structure_finess": client.structure_finess,
        "token_url": f"{settings.SITE_URL}/api/token/",
        "fhir_url": f"{settings.SITE_URL}/api/fhir/",
        "scope": " ".join(software.SCOPES[client.kind]),
        "algorithm": "ES256",
        "private_key_pem": pem,
    }
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(facts, handle, indent=2, ensure_ascii=False)
    return file
