"""Mail that found no share, or was refused: what the back office may do with it, without reading it."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal import audit
from portal.reasons import Reason, Refused, refuse_if
from sharing.incoming import mails, reading, receipts, reports
from sharing.models import InboundMail, Pharmacy, Share, as_receipt

Status = InboundMail.Status
WAITING = (Status.UNMATCHED, Status.REFUSED)


@transaction.atomic
def attach(*, mail: InboundMail, receipt: str, by) -> InboundMail:
    """An answer that lost its references joins the share with this receipt: only if it comes from its pharmacy.

    Raises Refused.
    """
    mail = _locked(mail)
    share = Share.objects.filter(receipt=as_receipt(receipt)).first()
    refuse_if(None if share else Reason("no-such-receipt", _("Aucun envoi ne porte ce numéro de reçu.")))
    read = _readable(mail)
    refuse_if(_why_not_of(read, share))
    mails.settle(mail, *mails.take_answer(share, read))
    audit.record(kind="mail.attached", by=by, patient_id=share.patient_id, subject=mail)
    return mail


@transaction.atomic
def close(*, mail: InboundMail, by) -> InboundMail:
    """Nothing more is to be done about it. It is kept. Raises Refused."""
    mail = _locked(mail)
    mails.settle(mail, Status.CLOSED, mail.reason, mail.share)
    audit.record(kind="mail.closed", by=by, patient_id=mail.share and mail.share.patient_id, subject=mail)
    return mail


def sender_of(mail: InboundMail) -> Pharmacy | None:
    """The pharmacy whose mailbox it says it comes from: whom to call."""
    try:
        sender = reading.read(mail.content).sender
    except reading.Unreadable:
        return None
    return Pharmacy.objects.filter(mailboxes__address=sender).first() if sender else None


def _locked(mail: InboundMail) -> InboundMail:
    mail = InboundMail.objects.select_for_update(of=("self",)).select_related("share").get(pk=mail.pk)
    if mail.status not in WAITING:
        raise Refused(Reason("mail-settled", _("Ce courrier est déjà réglé.")))
    return mail


def _readable(mail: InboundMail) -> reading.Mail:
    try:
        return reading.read(mail.content)
    except reading.Unreadable:
        raise Refused(Reason("mail-unreadable", _("Ce courrier ne peut pas être lu : clôturez-le."))) from None


def _why_not_of(read: reading.Mail, share: Share) -> Reason | None:
    if reports.report_in(read):
        return Reason("mail-report", _("C’est un accusé, pas une réponse : il ne se rattache à aucun envoi."))
    if not receipts.is_from_the_pharmacy(read, share):
        return Reason("other-sender", _("Ce courrier ne vient pas de la pharmacie de cet envoi."))
    return None
