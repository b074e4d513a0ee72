"""The patient objects, through their insurer, to prescribers reading what was dispensed (CSP R4071-3)."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from portal import audit
from portal.reasons import Reason, Refused
from prescriptions import numbers, reach
from prescriptions.models import Prescription


@dataclass(frozen=True)
class Recorded:
    concerned: int  # prescriptions
    changed: int  # of them, those that said otherwise before


class NumberUnknown(Refused):
    """`place`: which of the numbers given, from 0."""

    def __init__(self, place: int):
        super().__init__(Reason("number-unknown", _("Cette personne n’a pas d’ordonnance de ce numéro.")))
        self.place = place


@transaction.atomic
def record_opposition(*, ins: str, oid: str, opposed: bool, numbers_given: list[str], by) -> Recorded:
    """On the prescriptions named, or on all this person has today. Raises Refused: nothing is changed then."""
    rows = reach.of_insured(ins, oid).select_for_update(of=("self",))
    found = {prescription.number: prescription for prescription in rows.defer("source")}
    if not found:
        raise Refused(Reason("patient-unknown", _("Le registre n’a pas d’ordonnance de cette personne.")))
    concerned = _named(found, numbers_given) if numbers_given else list(found.values())
    changed = [prescription for prescription in concerned if prescription.opposed != opposed]
    Prescription.objects.filter(pk__in=[p.pk for p in changed]).update(opposed=opposed)
    audit.record_each(
        kind="prescription.opposed" if opposed else "prescription.opposition_lifted",
        by=by,
        about=[(prescription.patient_id, prescription) for prescription in changed],
    )
    return Recorded(len(concerned), len(changed))


def _named(found: dict[str, Prescription], numbers_given: list[str]) -> list[Prescription]:
    keys = [numbers.normalise_number(number) for number in numbers_given]
    for place, key in enumerate(keys):
        if key not in found:
            raise NumberUnknown(place)
    return [found[key] for key in dict.fromkeys(keys)]
