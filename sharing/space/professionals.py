"""The professionals that a patient may shut out: those who wrote, received or delivered their prescriptions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from prescriptions.models import Dispensing, Patient, Prescriber
from sharing.models import Pharmacy


@dataclass(frozen=True)
class Professional:
    """`identifier`: RPPS of a prescriber, FINESS of a pharmacy. `blocked_at`: None when not shut out."""

    identifier: str
    kind: str  # "pharmacy", "prescriber"
    name: str
    about: str
    blocked_at: datetime | None


def known_to(patient: Patient) -> list[Professional]:
    """Whoever is shut out first, then by name. All of them: for the patient's own eyes."""
    blocked = dict(patient.blocked_professionals.values_list("identifier", "created_at"))
    found = [*_pharmacies(patient, blocked), *_prescribers(patient, blocked)]
    return sorted(found, key=lambda one: (one.blocked_at is None, one.kind, one.name))


def _pharmacies(patient: Patient, blocked: dict) -> Iterable[Professional]:
    own = set(patient.own_pharmacies.values_list("pharmacy__finess", flat=True))
    sent = set(patient.shares.order_by().values_list("pharmacy__finess", flat=True).distinct())
    delivered = Dispensing.objects.filter(prescription__patient=patient).order_by()
    delivered_by = dict(delivered.values_list("pharmacy_finess", "pharmacy_name"))
    listed = {
        row.finess: row for row in Pharmacy.objects.filter(finess__in=own | sent | set(delivered_by) | set(blocked))
    }
    for finess in set(listed) | set(delivered_by):
        row = listed.get(finess)
        name, about = (row.name, f"{row.postcode} {row.town}") if row else (delivered_by[finess], "")
        yield Professional(finess, "pharmacy", name, about, blocked.get(finess))


def _prescribers(patient: Patient, blocked: dict) -> Iterable[Professional]:
    wrote = Prescriber.objects.filter(pk__in=patient.prescriptions.order_by().values("prescriber"))
    for one in wrote | Prescriber.objects.filter(rpps__in=blocked):
        yield Professional(one.rpps, "prescriber", one.full_name, one.speciality, blocked.get(one.rpps))
