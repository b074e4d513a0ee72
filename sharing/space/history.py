"""Who has seen a prescription: the patient's part of the audit trail, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import audit
from portal.models import AuditEvent
from prescriptions.models import Prescription
from sharing.models import Pharmacy, Share

AT_MOST = 30
# The acts by which somebody reads it, or lets somebody read it.
ACTS = {
    "prescription.filed": gettext_lazy("Dépôt dans votre espace"),
    "prescription.uploaded": gettext_lazy("Ajout dans votre espace"),
    "prescription.read": gettext_lazy("Lecture"),
    "prescription.pdf": gettext_lazy("Document téléchargé"),
    "prescription.opened_at_counter": gettext_lazy("Ouverture au comptoir, par son code ou son numéro"),
    "prescription.dispensed": gettext_lazy("Délivrance"),
    "prescription.dispensing_undone": gettext_lazy("Délivrance annulée"),
    "prescription.read_by_prescriber": gettext_lazy("Lecture par le prescripteur"),
    "prescription.document_read_back": gettext_lazy("Document relu par le logiciel qui l’a envoyé"),
    "prescription.checked_by_insurer": gettext_lazy("Contrôle"),
    "patient.opposed": gettext_lazy("Votre opposition enregistrée, pour toutes vos ordonnances"),
    "patient.opposition_lifted": gettext_lazy("Votre opposition levée, pour toutes vos ordonnances"),
    "prescription.opposed": gettext_lazy("Votre opposition enregistrée"),
    "prescription.opposition_lifted": gettext_lazy("Votre opposition levée"),
    "prescription.masked": gettext_lazy("Ordonnance masquée"),
    "prescription.unmasked": gettext_lazy("Ordonnance démasquée"),
    "share.created": gettext_lazy("Envoi à une pharmacie"),
    "share.opened": gettext_lazy("Première lecture"),
    "share.read": gettext_lazy("Lecture"),
    "share.document_read": gettext_lazy("Ouverture du document"),
    "share.revoked": gettext_lazy("Envoi retiré : la pharmacie n’y a plus accès"),
}
OF_THE_PERSON = {"patient.opposed", "patient.opposition_lifted"}  # whatever the prescription
FOR_ONESELF = {"prescription.masked", "prescription.unmasked"}
BY_INSURER = {"prescription.checked_by_insurer", "prescription.opposed", "prescription.opposition_lifted"}
BY_INSURER |= OF_THE_PERSON


@dataclass(frozen=True)
class Seen:
    who: str
    act: str
    at: datetime


def who_has_seen(prescription: Prescription, shares: Iterable[Share], *, reader, is_own: bool = True) -> list[Seen]:
    """The newest first; the same act of the same person in a day is told once. `reader` reads « Vous »; `is_own`: in
    their own space; else what a patient keeps from others is not told."""
    by_subject = {audit.actor_name(share): share for share in shares}
    about = Q(subject__in=[audit.actor_name(prescription), *by_subject]) | Q(kind__in=OF_THE_PERSON)
    kinds = ACTS.keys() if is_own else ACTS.keys() - FOR_ONESELF
    events = AuditEvent.objects.filter(about, patient=prescription.patient_id, kind__in=kinds)[:AT_MOST]
    names = _names(prescription) | _pharmacies(events) | {audit.actor_name(reader): _("Vous")}
    told: dict = {}
    for event in events:
        who = _author(event, prescription) or _who(event, by_subject.get(event.subject), names)
        seen = Seen(who, str(ACTS[event.kind]), event.at)
        told.setdefault((seen.who, seen.act, timezone.localtime(seen.at).date()), seen)
    return list(told.values())


def _names(prescription: Prescription) -> dict[str, str]:
    """The people of the patient's side, past ones included, the prescriber, and whoever dispensed."""
    accesses = prescription.patient.accesses.select_related("user")
    names = {audit.actor_name(access.user): access.user.get_full_name() for access in accesses}
    names |= {f"finess:{told.pharmacy_finess}": told.pharmacy_name for told in prescription.dispensings.all()}
    prescriber = prescription.prescriber
    if prescriber and prescriber.user_id:
        names[f"user:{prescriber.user_id}"] = prescriber.full_name
    return names


def _pharmacies(events) -> dict[str, str]:
    """Those that opened it at their counter, or delivered it by their own software."""
    told = {event.detail["pharmacy"] for event in events if event.detail.get("pharmacy")}
    return {f"finess:{place.finess}": place.name for place in Pharmacy.objects.filter(finess__in=told)}


def _author(event: AuditEvent, prescription: Prescription) -> str:
    """A deposit is the prescriber's, whatever software carried it."""
    is_deposit = event.kind == "prescription.filed" and prescription.prescriber is not None
    return prescription.prescriber.full_name if is_deposit else ""


def _who(event: AuditEvent, share: Share | None, names: dict[str, str]) -> str:
    if event.actor in names:
        return names[event.actor]
    if event.kind in BY_INSURER:
        return _("L’Assurance Maladie")
    if share:
        return share.pharmacy.name
    return names.get(f"finess:{event.detail.get('pharmacy')}") or _("Un professionnel habilité")
