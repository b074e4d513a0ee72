"""The pharmacies a patient may choose from, each with why not when it cannot be chosen."""

from dataclasses import dataclass
from datetime import date

from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import moments
from portal.reasons import Reason
from prescriptions.models import Prescription
from sharing import directory, policies
from sharing.models import Pharmacy, Share
from sharing.outgoing import message
from sharing.space.share_draft import ShareDraft

NEAREST_METRES = 50


@dataclass(frozen=True)
class Row:
    pharmacy: Pharmacy
    note: str
    reason: Reason | None
    is_chosen: bool
    is_favourite: bool = False


def own_rows(prescription: Prescription, draft: ShareDraft, seen_by_relative=None) -> list[Row]:
    """`seen_by_relative`: the prescriptions that whoever acts for the patient sees; None for oneself."""
    if seen_by_relative is None:
        own = directory.own_pharmacies(prescription.patient)
    else:
        own = directory.pharmacies_shown_to_relatives(prescription.patient, seen_by_relative)
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
    """« à 850 m », « à 1,2 km », « à 14 km »: no finer than the position was."""
    metres = round(pharmacy.distance_km * 1000 / NEAREST_METRES) * NEAREST_METRES
    if metres < NEAREST_METRES:
        return _("à moins de %(n)s m") % {"n": NEAREST_METRES}
    if metres < 1000:
        return _("à %(n)s m") % {"n": metres}
    return _("à %(n)s km") % {"n": floatformat(metres / 1000, 0 if metres >= 10_000 else -1)}


def freshness() -> list[str]:
    """Of which day the list is, in sentences; what to mind when it is old."""
    copy = directory.freshness()
    if copy.establishments_on is None:
        return []
    said = [_as_of(copy.establishments_on, copy.mailboxes_on or copy.establishments_on)]
    if copy.is_old(timezone.localdate()):
        said.append(_("Une pharmacie ouverte ou équipée depuis peut manquer : demandez-lui, ou appelez-la."))
    if copy.is_national:
        said.append(_("Sources : FINESS et Annuaire Santé."))
    return said


def _as_of(places: date, boxes: date) -> str:
    if places == boxes:
        return _("Liste des pharmacies au %(day)s.") % {"day": moments.short_day(places)}
    return _("Liste des pharmacies au %(day)s, de leurs messageries au %(other)s.") % {
        "day": moments.short_day(places),
        "other": moments.short_day(boxes),
    }


def _visit(mine) -> str:
    if mine.last_used_at is None:
        return ""
    day = timezone.localtime(mine.last_used_at).date()
    return _("La dernière fois : %(day)s") % {"day": moments.short_day(day)}


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
