"""Why not: each returns a Reason or None. Time rules stand in one dated table (domain §1.10)."""

from datetime import date, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.reasons import Reason
from prescriptions.models import Prescription, PrescriptionLine

# First dispensing within three months of the date (R5132-22, domain §1.10), for medicines.
FIRST_DISPENSING_DAYS = 90
# Devices, biology, nursing, physiotherapy: no statutory deadline is certain, so none is made up.


def first_dispensing_deadline(authored_on: date, kinds: set[str]) -> date | None:
    if PrescriptionLine.Kind.MEDICINE in kinds:
        return authored_on + timedelta(days=FIRST_DISPENSING_DAYS)
    return None


def why_not_valid(prescription: Prescription) -> Reason | None:
    """Cancelled, replaced or past its end. Unknown end: valid."""
    if prescription.cancelled_at:
        return Reason(
            "cancelled",
            _(
                "Cette ordonnance a été annulée par le prescripteur. Demandez-lui-en une nouvelle si vous en avez besoin."
            ),
        )
    if prescription.valid_until and prescription.valid_until < timezone.localdate():
        return Reason(
            "expired",
            _("Cette ordonnance n’est plus valable depuis le %(date)s. Prenez rendez-vous pour la faire renouveler.")
            % {"date": date_format(prescription.valid_until)},
        )
    return _why_too_late_to_start(prescription)


def _why_too_late_to_start(prescription: Prescription) -> Reason | None:
    deadline = prescription.first_dispensing_before
    if not deadline or deadline >= timezone.localdate() or is_started(prescription):
        return None
    return Reason(
        "too-late-to-start",
        _("Cette ordonnance devait être présentée avant le %(date)s. Demandez-en une nouvelle au prescripteur.")
        % {"date": date_format(deadline)},
    )


def is_started(prescription: Prescription) -> bool:
    return any(d.undone_at is None for d in prescription.dispensings.all())
