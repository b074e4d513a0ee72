"""A prescription from another place, by secure mail to the patient's address: as the hospital's software writes it."""

import json
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from prescriptions import actions, cda, fhir
from prescriptions.intake import identities
from prescriptions.models import Patient, Prescription
from sharing.demo import dates
from sharing.incoming import mails

FOLDER = Path(__file__).parent / "data" / "arrivals"
BY = "system:demo"


def arrive(patient: Patient, name: str, now: datetime) -> Prescription:
    """`name`: of a bundle that the other place would have deposited, had it been in this registry."""
    (deposit,) = fhir.read_bundle(dates.resolved(json.loads((FOLDER / f"{name}.json").read_text()), now))
    content = _of_another_registry(patient, deposit)
    mail = mails.keep(_mail(patient, deposit.prescriber, content).as_bytes())
    mails.process(mail.pk)
    return patient.prescriptions.filter(provenance=Prescription.Provenance.DOCUMENT).latest("created_at")


def _of_another_registry(patient: Patient, deposit: fhir.Deposit) -> bytes:
    """Its CDA document. What it takes to write one is undone: this registry never knew that prescription."""
    with transaction.atomic():
        made = actions.file_prescription(
            patient=patient,
            prescriber=identities.prescriber_for(deposit.prescriber, named=None, by=BY),
            draft=deposit.draft,
            provenance=Prescription.Provenance.REGISTRY,
            by=BY,
        )
        content = cda.write(made)
        transaction.set_rollback(True)
    return content


def _mail(patient: Patient, author: fhir.PrescriberTraits, content: bytes) -> EmailMessage:
    address = f"dermatologie@hopital-des-tilleuls.{settings.MSSANTE_DOMAIN}"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"{author.full_name} <{address}>"
    mail["To"] = patient.mss_address
    mail["Subject"] = f"Prescription de produits de santé {patient.birth_name}"
    mail["Date"] = format_datetime(timezone.localtime())
    mail["Message-ID"] = f"<demo.{patient.pk.hex}@hopital-des-tilleuls.{settings.MSSANTE_DOMAIN}>"
    mail.set_content("Bonjour,\n\nVoici votre ordonnance.\n")
    mail.add_attachment(content, maintype="text", subtype="xml", filename="ordonnance.xml")
    mail.add_attachment(cda.read(content).pdf, maintype="application", subtype="pdf", filename="ordonnance.pdf")
    return mail
