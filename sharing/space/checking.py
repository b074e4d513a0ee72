"""What a patient checks before sending: their answers, each with the way back to it, and the exact message."""

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import moments
from prescriptions import words
from prescriptions.models import Prescription
from sharing import naming
from sharing.outgoing import enclosed
from sharing.space import choosing, listing
from sharing.space.share_draft import ShareDraft


def answers(request, prescription: Prescription, draft: ShareDraft) -> list[dict]:
    """Rows of components/summary_list.html."""
    pharmacy = choosing.chosen(draft)
    to_message = reverse("share-message", args=[prescription.pk])
    rows = [
        {"key": _("Ordonnance"), "value": f"{words.title_of(prescription)}\n{_said(prescription)}"},
        {"key": _("À qui"), "value": _place(pharmacy), "change_url": _to_pharmacy(prescription, draft)},
        {"key": _("Votre message"), "value": draft.message or _("Aucun"), "change_url": to_message},
        {"key": _("Vous pensez venir"), "value": _wished(draft), "change_url": to_message},
        {"key": _("Au nom de"), "value": request.patient.full_name},
    ]
    moved = request.shares.select_related("pharmacy").filter(pk=draft.moves).first() if draft.moves else None
    if moved and moved.is_active():
        taken_back = _("L’envoi à %(pharmacy)s, retiré") % {"pharmacy": naming.the(moved.pharmacy)}
        rows.insert(2, {"key": _("Remplace"), "value": taken_back})
    return rows


def _said(prescription: Prescription) -> str:
    return f"{listing.by_whom(prescription)}, {moments.short_day(prescription.authored_on)}"


def _place(pharmacy) -> str:
    return f"{pharmacy.name}\n{pharmacy.address}, {pharmacy.postcode} {pharmacy.town}"


def _to_pharmacy(prescription: Prescription, draft: ShareDraft) -> str:
    address = reverse("share-pharmacy", args=[prescription.pk])
    return f"{address}?changer=1" if draft.moves else address


def _wished(draft: ShareDraft) -> str:
    wished = draft.wished()
    return moments.moment(timezone.localtime(wished)) if wished else _("Sans précision")


def headers(letter) -> list[dict]:
    """Who it leaves from, for whom, and under what title: rows of components/summary_list.html."""
    return [
        {"key": _("De"), "value": f"{letter.sender_name}\n{letter.sender_address}"},
        {"key": _("À"), "value": f"{letter.recipient_name}\n{letter.recipient_address}"},
        {"key": _("Objet"), "value": letter.subject},
    ]


def attachments(letter) -> list[dict]:
    return [
        {
            "label": _what(one.content_type),
            "name": one.name,
            "size": _("%(n)s ko") % {"n": max(1, round(one.size / 1000))},
        }
        for one in letter.attachments
    ]


def _what(content_type: str) -> str:
    if content_type == enclosed.ZIP:
        return _("Dossier pour le logiciel de la pharmacie")
    return _("Ordonnance (PDF)") if content_type == enclosed.PDF else _("Photo de l’ordonnance")
