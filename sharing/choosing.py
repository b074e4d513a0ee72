"""The pharmacies a patient may choose from, each with why not when it cannot be chosen."""

from dataclasses import dataclass

from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.reasons import Reason
from prescriptions.models import Prescription
from sharing import directory, message, moments, policies
from sharing.models import Pharmacy, Share
from sharing.share_draft import ShareDraft


@dataclass(frozen=True)
class Row:
    pharmacy: Pharmacy
    note: str
    reason: Reason | None
    is_chosen: bool
    is_favourite: bool = False


def own_rows(prescription: Prescription, draft: ShareDraft) -> list[Row]:
    own = directory.own_pharmacies(prescription.patient)
    return [_row(prescription, draft, mine.pharmacy, _visit(mine), mine.is_favourite) for mine in own]


def found_rows(prescription: Prescription, draft: ShareDraft, query: str, near) -> list[Row]:
    """`near`: (latitude, longitude) in degrees, or None."""
    found = directory.search(query, near=near)
    return [_row(prescription, draft, pharmacy, _distance(pharmacy) if near else "") for pharmacy in found]


def chosen(draft: ShareDraft) -> Pharmacy | None:
    if not draft.pharmacy:
        return None
    return Pharmacy.objects.filter(pk=draft.pharmacy).prefetch_related("mailboxes").first()


def _row(prescription, draft, pharmacy, note, is_favourite=False) -> Row:
    reason = policies.why_not_receive(pharmacy, prescription)
    return Row(pharmacy, note, reason, draft.pharmacy == str(pharmacy.pk), is_favourite)


def _distance(pharmacy: Pharmacy) -> str:
    kilometres = pharmacy.distance_km
    if kilometres < 1:
        return _("à moins d’un kilomètre")
    return _("à %(n)s km environ") % {"n": floatformat(kilometres, 0 if kilometres >= 10 else -1)}


def _visit(mine) -> str:
    if mine.last_used_at is None:
        return ""
    day = timezone.localtime(mine.last_used_at).date()
    return _("La dernière fois : %(day)s") % {"day": moments.day(day, weekday=False)}


def preview(prescription: Prescription, draft: ShareDraft, by):
    """Exactly what leaves (message.preview), before anything is saved."""
    share = Share(
        prescription=prescription,
        patient=prescription.patient,
        pharmacy=chosen(draft),
        shared_by=by,
        message=draft.message,
        wished_at=draft.wished(),
        created_at=timezone.now(),
    )
    return message.preview(share)
