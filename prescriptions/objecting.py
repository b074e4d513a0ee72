"""The patient objects, through their insurer, to prescribers reading what is dispensed (CSP R4071-3)."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import audit, moments
from portal.reasons import Reason, Refused, refuse_if
from prescriptions import numbers, objection, reach
from prescriptions.models import Objection, Patient, Prescription


@dataclass(frozen=True)
class Recorded:
    """`since`: of the person's objection, None when there is none (any more)."""

    since: date | None
    concerned: int  # prescriptions of today
    changed: int  # of them, those that said otherwise before


class NumberUnknown(Refused):
    """`place`: which of the numbers given, from 0."""

    def __init__(self, place: int):
        super().__init__(Reason("number-unknown", _("Cette personne n’a pas d’ordonnance de ce numéro.")))
        self.place = place


@transaction.atomic
def record_objection(
    *, ins: str, oid: str, opposed: bool, numbers_given: list[str], since: date | None = None, by
) -> Recorded:
    """Of the person, for what is and what will be written; or of the prescriptions named only. `since`: of the person,
    today unless told. Raises Refused: nothing is changed then."""
    patient = _locked(ins, oid)
    before = _opposed_now(patient)
    if numbers_given:
        concerned = _on_some(patient, opposed, numbers_given, by)
    else:
        concerned = _on_the_person(patient, opposed, since or timezone.localdate(), by)
    after = _opposed_now(patient)
    changed = [prescription for prescription in concerned if before[prescription.pk] != after[prescription.pk]]
    kind = "prescription.opposed" if opposed else "prescription.opposition_lifted"
    audit.record_each(kind=kind, by=by, about=[(patient.pk, prescription) for prescription in changed])
    held = _held(patient)
    return Recorded(held.effective_from if held else None, len(concerned), len(changed))


def _locked(ins: str, oid: str) -> Patient:
    found = Patient.objects.select_for_update(no_key=True).filter(ins_index=Patient.index_of(ins, oid)).first()
    if found is None:
        raise Refused(Reason("patient-unknown", _("Le registre ne connaît pas cette personne.")))
    return found


def _held(patient: Patient) -> Objection | None:
    return patient.objections.filter(lifted_at=None).first()


def _opposed_now(patient: Patient) -> dict:
    rows = reach.of_insured(patient).annotate(objected=objection.in_force())
    return dict(rows.values_list("pk", "objected"))


def _on_the_person(patient: Patient, opposed: bool, since: date, by) -> list[Prescription]:
    held = _held(patient)
    if opposed and held is None:
        held = patient.objections.create(effective_from=since)
        audit.record(kind="patient.opposed", by=by, patient_id=patient.pk, subject=held)
    elif opposed and held.effective_from > since:
        held.effective_from = since
        held.save(update_fields=["effective_from"])
    elif not opposed and held is not None:
        held.lifted_at = timezone.now()
        held.save(update_fields=["lifted_at"])
        audit.record(kind="patient.opposition_lifted", by=by, patient_id=patient.pk, subject=held)
    return list(reach.of_insured(patient).defer("source"))


def _on_some(patient: Patient, opposed: bool, numbers_given: list[str], by) -> list[Prescription]:
    found = {prescription.number: prescription for prescription in reach.of_insured(patient).defer("source")}
    named = _named(found, numbers_given)
    refuse_if(_why_not_lift_on_some(patient, opposed))
    Prescription.objects.filter(pk__in=[p.pk for p in named]).update(opposed=opposed)
    return named


def _why_not_lift_on_some(patient: Patient, opposed: bool) -> Reason | None:
    if opposed or _held(patient) is None:
        return None
    return Reason(
        "objection-of-the-person",
        _("Cette personne s’oppose pour toutes ses ordonnances. Levez d’abord cette opposition, sans numéro."),
    )


def _named(found: dict[str, Prescription], numbers_given: list[str]) -> list[Prescription]:
    keys = [numbers.normalise_number(number) for number in numbers_given]
    for place, key in enumerate(keys):
        if key not in found:
            raise NumberUnknown(place)
    return [found[key] for key in dict.fromkeys(keys)]


# --- What the patient reads -------------------------------------------------------------------------------------------


def told_to_patient(prescription: Prescription) -> str:
    """Empty: nobody objected. With whom to contact to change one's mind."""
    held = prescription.patient.objections.filter(lifted_at=None, effective_from__lte=timezone.localdate()).first()
    whom = _("Pour changer d’avis, adressez-vous à votre organisme d’assurance maladie.")
    if held is not None:
        said = _("À votre demande, depuis le %(date)s, les prescripteurs ne voient pas ce qui vous est délivré.")
        return f"{said % {'date': moments.full_date(held.effective_from)}} {whom}"
    if prescription.opposed:
        return f"{_('À votre demande, les prescripteurs ne voient pas ces délivrances.')} {whom}"
    return ""
