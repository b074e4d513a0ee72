"""The pharmacies a patient may choose from, each with why not when it cannot be chosen."""

from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.reasons import Reason
from prescriptions.models import Prescription
from sharing import message, moments, policies
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
    from sharing import directory

    own = directory.own_pharmacies(prescription.patient)
    prefetch_related_objects([mine.pharmacy for mine in own], "mailboxes")
    return [_row(prescription, draft, mine.pharmacy, _visit(mine), mine.is_favourite) for mine in own]


def found_rows(prescription: Prescription, draft: ShareDraft, query: str, near) -> list[Row]:
    """`near`: (latitude, longitude) in degrees, or None."""
    from sharing import directory

    found = directory.search(query, near=near)
    prefetch_related_objects(found, "mailboxes")
    return [_row(prescription, draft, pharmacy, "") for pharmacy in found]


def chosen(draft: ShareDraft) -> Pharmacy | None:
    if not draft.pharmacy:
        return None
    return Pharmacy.objects.filter(pk=draft.pharmacy).prefetch_related("mailboxes").first()


def _row(prescription, draft, pharmacy, note, is_favourite=False) -> Row:
    reason = policies.why_not_receive(pharmacy, prescription)
    return Row(pharmacy, note, reason, draft.pharmacy == str(pharmacy.pk), is_favourite)


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
