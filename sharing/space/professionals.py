"""The professionals that a patient may shut out: those who wrote, received or delivered their prescriptions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portal.models import AuditEvent
from prescriptions.models import Dispensing, Document, Patient, Prescriber
from sharing.models import Pharmacy


@dataclass(frozen=True)
class Professional:
    """`identifier`: RPPS of a prescriber, FINESS of a structure. `blocked_at`: None when not shut out."""

    identifier: str
    kind: str  # "structure", "prescriber"
    name: str
    about: str
    blocked_at: datetime | None


def known_to(patient: Patient) -> list[Professional]:
    """Whoever is shut out first, then by name. All of them: for the patient's own eyes."""
    blocked = dict(patient.blocked_professionals.values_list("identifier", "created_at"))
    found = [*_structures(patient, blocked), *_prescribers(patient, blocked)]
    return sorted(found, key=lambda one: (one.blocked_at is None, one.kind != "structure", one.name))


def _structures(patient: Patient, blocked: dict) -> Iterable[Professional]:
    own = set(patient.own_pharmacies.values_list("pharmacy__finess", flat=True))
    sent = set(patient.shares.order_by().values_list("pharmacy__finess", flat=True).distinct())
    delivered = Dispensing.objects.filter(prescription__patient=patient).order_by()
    delivered_by = dict(delivered.values_list("pharmacy_finess", "pharmacy_name"))
    known = own | sent | set(delivered_by) | _opened_by(patient) | _handed_in_by(patient)
    listed = {row.finess: row for row in Pharmacy.objects.filter(finess__in=known | set(blocked))}
    for finess in known | set(listed):
        row = listed.get(finess)
        about = f"{row.postcode} {row.town}" if row else f"FINESS {finess}"
        name = row.name if row else delivered_by.get(finess) or _("Un établissement")
        yield Professional(finess, "structure", name, about, blocked.get(finess))


def _opened_by(patient: Patient) -> set[str]:
    """By its code or number, at a counter: they are in « Qui l’a vue »."""
    opened = AuditEvent.objects.filter(patient=patient.pk, kind="prescription.opened_at_counter")
    return {detail["pharmacy"] for detail in opened.values_list("detail", flat=True)}


def _handed_in_by(patient: Patient) -> set[str]:
    documents = Document.objects.filter(prescription__patient=patient).exclude(handed_in_by="")
    return set(documents.order_by().values_list("handed_in_by", flat=True).distinct())


def _prescribers(patient: Patient, blocked: dict) -> Iterable[Professional]:
    wrote = Prescriber.objects.filter(pk__in=patient.prescriptions.order_by().values("prescriber"))
    for one in wrote | Prescriber.objects.filter(rpps__in=blocked):
        yield Professional(one.rpps, "prescriber", one.full_name, one.speciality, blocked.get(one.rpps))
