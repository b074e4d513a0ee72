"""Why not: each returns a Reason or None. The law's other rules: prescriptions/law/rules.py.

What is left is counted from the dispensings that were reported, and from nothing else. Read many prescriptions with
`prefetch_related("lines", "dispensings__lines")`.
"""

import calendar
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from portal import moments
from portal.reasons import Reason
from prescriptions.models import Dispensing, DispensingLine, Prescription, PrescriptionLine

# First dispensing within three months of the date (CSP R5132-22), for medicines.
FIRST_DISPENSING_MONTHS = 3
# Devices, biology, nursing, physiotherapy: no statutory deadline is certain, so none is made up.

# Secured prescriptions: days after that of issue, which does not count (R5132-33).
PRESENTATION_DAYS = 3

COMPLETE = {DispensingLine.Completeness.FIRST_COMPLETE, DispensingLine.Completeness.REFILL_COMPLETE}


def first_dispensing_deadline(authored_on: date, kinds: set[str]) -> date | None:
    """The last day on which a first dispensing is in time."""
    if PrescriptionLine.Kind.MEDICINE in kinds:
        return months_later(authored_on, FIRST_DISPENSING_MONTHS)
    return None


def months_later(day: date, months: int) -> date:
    """The same day of the month, or the last one there is (30 November → 28 February)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def ends_at(prescription: Prescription) -> datetime | None:
    """The first instant after the last valid day, Europe/Paris. None: no end is known."""
    if prescription.valid_until is None:
        return None
    return timezone.make_aware(datetime.combine(prescription.valid_until + timedelta(days=1), time.min))


def why_not_valid(prescription: Prescription, on: date | None = None) -> Reason | None:
    """Cancelled, replaced, past its end or never started in time, on that day (today). Unknown end: valid."""
    return why_ended(prescription, on) or why_too_late_to_start(prescription, on)


def why_ended(prescription: Prescription, on: date | None = None) -> Reason | None:
    if prescription.cancelled_at:
        return Reason(
            "cancelled",
            _(
                "Cette ordonnance a été annulée par le prescripteur. "
                "Demandez-lui-en une nouvelle si vous en avez besoin."
            ),
        )
    if is_replaced(prescription):
        return Reason(
            "replaced", _("Le prescripteur a remplacé cette ordonnance par une autre. Servez-vous de la nouvelle.")
        )
    if prescription.valid_until and prescription.valid_until < (on or timezone.localdate()):
        return Reason(
            "expired",
            _("Cette ordonnance n’est plus valable depuis le %(date)s. Prenez rendez-vous pour la faire renouveler.")
            % {"date": moments.full_date(prescription.valid_until)},
        )
    return None


def is_replaced(prescription: Prescription) -> bool:
    return hasattr(prescription, "replaced_by")


def why_too_late_to_start(prescription: Prescription, on: date | None = None) -> Reason | None:
    deadline = prescription.first_dispensing_before
    if not deadline or deadline >= (on or timezone.localdate()) or is_started(prescription):
        return None
    return Reason(
        "too-late-to-start",
        _("Cette ordonnance devait être présentée avant le %(date)s. Demandez-en une nouvelle au prescripteur.")
        % {"date": moments.full_date(deadline)},
    )


# --- What was dispensed, what is left ---------------------------------------------------------------------------------


def reported_dispensings(prescription: Prescription) -> list[Dispensing]:
    """Those that still count, oldest first."""
    return [d for d in prescription.dispensings.all() if d.undone_at is None]


def is_started(prescription: Prescription) -> bool:
    return bool(reported_dispensings(prescription))


def dispensed_of(line: PrescriptionLine) -> list[DispensingLine]:
    """What was handed over of this line, oldest first."""
    said = (told for d in reported_dispensings(line.prescription) for told in d.lines.all())
    return [told for told in said if told.line_id == line.pk and told.quantity]


def left_of(line: PrescriptionLine) -> int | None:
    """How many complete deliveries remain. None: nobody reported anything, or nobody would report it to a pharmacy."""
    if not line.is_for_pharmacy() or not is_started(line.prescription):
        return None
    done = sum(told.completeness in COMPLETE for told in dispensed_of(line))
    return max(0, 1 + line.renewals - done)


def is_exhausted(prescription: Prescription) -> bool:
    """Everything a pharmacy can deliver was delivered."""
    left = [left_of(line) for line in prescription.lines.all() if line.is_for_pharmacy()]
    return bool(left) and not any(count is None or count > 0 for count in left)
