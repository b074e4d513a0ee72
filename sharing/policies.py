"""Why not: each returns a Reason or None. The template shows it, the action raises it."""

from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import moments
from portal.reasons import Reason
from prescriptions.models import Patient, Prescription
from prescriptions.policies import is_exhausted, why_not_valid
from sharing import naming
from sharing.models import Delivery, Pharmacy, Share
from sharing.states import ACTIVE, IN_TROUBLE, SHARE_MOVES
from sharing.states import ShareStatus as S

MESSAGE_MAX = 1000
MISSING_MAX = 300
WITHIN = timedelta(days=92)  # how far ahead a day is agreed on


def why_not_share(prescription: Prescription, pharmacy: Pharmacy | None = None) -> Reason | None:
    return (
        why_not_send(prescription)
        or why_already_shared(prescription)
        or (why_not_receive(pharmacy, prescription) if pharmacy else None)
    )


def why_not_send(prescription: Prescription) -> Reason | None:
    """Why no pharmacy at all can be sent it. Reads the prescription, its lines and its dispensings, nothing else."""
    return (
        why_not_valid(prescription)
        or _why_masked(prescription)
        or _why_nothing_left(prescription)
        or why_nothing_for_pharmacy(prescription)
    )


def _why_nothing_left(prescription: Prescription) -> Reason | None:
    if not is_exhausted(prescription):
        return None
    return Reason(
        "nothing-left",
        _(
            "Tout ce qui était prescrit a été délivré. Si le traitement doit continuer, demandez une nouvelle "
            "ordonnance au prescripteur."
        ),
    )


def _why_masked(prescription: Prescription) -> Reason | None:
    if prescription.masked_at is None:
        return None
    return Reason("masked", _("Vous avez masqué cette ordonnance. Démasquez-la pour pouvoir l’envoyer."))


def why_not_mask(prescription: Prescription) -> Reason | None:
    current = active_share(prescription)
    if current is None:
        return None
    return Reason(
        "share-going-on",
        _("Cette ordonnance est envoyée à %(pharmacy)s. Retirez d’abord cet envoi, puis masquez-la.")
        % {"pharmacy": naming.the(current.pharmacy)},
    )


def why_not_block(patient: Patient, identifier: str) -> Reason | None:
    """`identifier`: the pharmacy's FINESS, or whoever's RPPS or FINESS."""
    current = patient.shares.filter(status__in=ACTIVE, pharmacy__finess=identifier).select_related("pharmacy").first()
    if current is None:
        return None
    return Reason(
        "share-going-on",
        _("Un envoi à %(pharmacy)s est en cours. Retirez-le d’abord, puis bloquez-la.")
        % {"pharmacy": naming.the(current.pharmacy)},
    )


def why_nothing_for_pharmacy(prescription: Prescription) -> Reason | None:
    if prescription.provenance == Prescription.Provenance.REPORT:
        return Reason("dispensing-report", _("Un compte rendu de délivrance ne s’envoie pas à une pharmacie."))
    if prescription.provenance != Prescription.Provenance.REGISTRY:
        return None
    if any(line.is_for_pharmacy() for line in prescription.lines.all()):
        return None
    return Reason(
        "not-for-pharmacy",
        _(
            "Cette ordonnance n’est pas pour une pharmacie. Présentez-la au laboratoire, à l’infirmier "
            "ou au kinésithérapeute de votre choix."
        ),
    )


def why_already_shared(prescription: Prescription) -> Reason | None:
    current = active_share(prescription)
    if current is None:
        return None
    return Reason(
        "already-shared",
        _("Déjà envoyée à %(pharmacy)s le %(date)s. Pour changer de pharmacie, déplacez cet envoi.")
        % {"pharmacy": naming.the(current.pharmacy), "date": moments.full_date(current.created_at)},
    )


def active_share(prescription: Prescription) -> Share | None:
    return prescription.shares.filter(status__in=ACTIVE).select_related("pharmacy").first()


def why_not_receive(pharmacy: Pharmacy, prescription: Prescription) -> Reason | None:
    """Why this pharmacy cannot be sent this prescription. Relatives read it too: that it is blocked is for
    the patient's own page to say."""
    if not pharmacy.is_open:
        return Reason("pharmacy-closed", _("Cette pharmacie n’est plus dans l’annuaire. Choisissez-en une autre."))
    if any(shut.identifier == pharmacy.finess for shut in prescription.patient.blocked_professionals.all()):
        return Reason(
            "pharmacy-blocked",
            _("Cette pharmacie ne peut pas recevoir cette ordonnance. Choisissez-en une autre."),
        )
    return why_no_mailbox(pharmacy)


def why_no_mailbox(pharmacy: Pharmacy) -> Reason | None:
    if pharmacy.mailbox is not None:
        return None
    return Reason(
        "no-mailbox",
        _("Ne reçoit pas encore les envois sécurisés : montrez le QR ou l’ordonnance imprimée."),
    )


def why_not_move(share: Share, status: str) -> Reason | None:
    """Why the share cannot go from where it is to `status` (states.py)."""
    if (share.status, status) in SHARE_MOVES:
        return None
    return Reason(
        "wrong-state",
        _("Cet envoi est à l’état « %(now)s » : cette réponse n’est plus possible. Rechargez la page.")
        % {"now": share.get_status_display()},
    )


def why_not_write(share: Share) -> Reason | None:
    """Why the patient or the desk cannot add to the thread."""
    if share.thread_closed_at:
        return Reason(
            "thread-closed",
            _("La pharmacie a clos cette conversation. Vous pouvez l’appeler ou faire un nouvel envoi."),
        )
    if not share.is_active():
        return Reason("share-ended", _("Cet envoi est terminé : la conversation est close."))
    return None


def why_not_answer(share: Share) -> Reason | None:
    """Why the pharmacy can say nothing more about it, by the desk or its software: the patient shut the door."""
    shut = share.prescription.patient.blocked_professionals.filter(identifier=share.pharmacy.finess)
    if share.prescription.masked_at is None and not shut.exists():
        return None
    return Reason(
        "not-readable",
        _("Le patient vous a retiré l’accès à cette ordonnance. Votre réponse n’a pas été envoyée."),
    )


def why_not_reply(share: Share, answer) -> Reason | None:
    """Why the desk or the pharmacy's software cannot answer this (actions.Answer)."""
    return (
        why_not_answer(share)
        or (why_not_move(share, answer.status) if answer.status else None)
        or (why_not_write(share) if answer.text or not answer.status else None)
        or _why_not_say(share, answer)
    )


def _why_not_say(share: Share, answer) -> Reason | None:
    """What goes with each state."""
    if answer.status == S.COLLECTED:
        return why_original_unseen(share, answer.original_seen)
    if answer.status == S.REFUSED:
        return why_refusal_unsaid(share, answer.refusal, answer.text)
    if answer.status == S.PARTIALLY_READY:
        return why_missing_unsaid(answer.missing) or why_not_day(answer.expected_on)
    return why_not_day(answer.ready_until)


def why_original_unseen(share: Share, original_seen: bool) -> Reason | None:
    if original_seen or share.prescription.provenance != Prescription.Provenance.UPLOAD:
        return None
    return Reason(
        "original-unseen",
        _("Une photo ne suffit pas pour délivrer. Demandez l’original, puis cochez ici."),
    )


def why_refusal_unsaid(share: Share, refusal: str, text: str) -> Reason | None:
    if refusal not in Share.Refusal.values:
        return Reason("refusal-missing", _("Choisissez la raison : le patient saura quoi faire."))
    if refusal == Share.Refusal.OTHER and not text and not share.thread_closed_at:  # closed, no word can be added
        return Reason("refusal-unsaid", _("Dites la raison en quelques mots."))
    return None


def why_missing_unsaid(missing: str) -> Reason | None:
    if not missing:
        return Reason("missing-unsaid", _("Dites ce qui manque : le patient le lira tel quel."))
    if len(missing) > MISSING_MAX:
        return Reason(
            "missing-too-long", _("Dites ce qui manque en %(max)s caractères au plus.") % {"max": MISSING_MAX}
        )
    return None


def why_not_day(day: date | None) -> Reason | None:
    """A day to come, within three months; or none."""
    if day and day < timezone.localdate():
        return Reason("day-past", _("Ce jour est déjà passé. Choisissez-en un à venir, ou laissez vide."))
    if day and day > timezone.localdate() + WITHIN:
        return Reason("day-too-far", _("Choisissez un jour dans les trois mois qui viennent."))
    return None


def why_moved_on(share: Share, expected_version: str) -> Reason | None:
    """Why this is not the share that whoever answers has read. No `expected_version`: any is."""
    if expected_version in ("", share.version):
        return None
    return Reason(
        "version-conflict",
        _("Cet envoi a changé depuis que vous l’avez lu. Relisez-le avant de répondre : rien n’a été envoyé."),
    )


def why_message_too_long(text: str) -> Reason | None:
    if len(text) <= MESSAGE_MAX:
        return None
    return Reason(
        "message-too-long",
        _("Votre message compte %(n)s caractères ; la limite est de %(max)s. Raccourcissez-le.")
        % {"n": len(text), "max": MESSAGE_MAX},
    )


def is_late(share: Share, now) -> bool:
    """Not yet handed over after a quarter of an hour: the patient then reads the alternatives."""
    delivery = share.first_delivery
    return (
        share.is_active()
        and delivery is not None
        and delivery.sent_at is None
        and (now - share.created_at).total_seconds() > settings.DELIVERY_LATE_SECONDS
    )


def why_not_try_again(delivery: Delivery, now) -> Reason | None:
    """Why the back office cannot put this delivery back in the queue."""
    if delivery.status not in IN_TROUBLE:
        return Reason("not-in-trouble", _("Cette remise n’est pas en difficulté : il n’y a rien à réessayer."))
    if delivery.kind != Delivery.Kind.RECALL and not delivery.share.is_active():
        return Reason("share-ended", _("Cet envoi est terminé : sa remise ne peut plus être réessayée."))
    if delivery.give_up_at <= now:
        return Reason("delivery-over", _("Le délai de cette remise est passé. Le patient peut faire un nouvel envoi."))
    return None
