"""What a secure message says: words, names of files, in French, for a pharmacy that may have nothing but its mailbox.

The patient reads exactly this before sending: no moment, receipt or other thing that would differ when it leaves.
"""

import re
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils import timezone, translation

from portal import moments, telephones
from prescriptions import words
from prescriptions.cda import Header
from prescriptions.models import Patient, Prescription, PrescriptionLine
from prescriptions.policies import is_replaced
from sharing.models import Delivery, Share, ThreadMessage
from sharing.outgoing import enclosed
from sharing.outgoing.enclosed import Attachment, Enclosed, ascii_of
from sharing.states import DeliveryStatus, ShareStatus

XDM = "XDM/1.0/DDM+"  # an archive of documents to take in (ECO.2.1.3)


@dataclass(frozen=True)
class Letter:
    """Shown to the patient before it leaves, then frozen by message.py."""

    sender_name: str
    sender_address: str
    recipient_name: str
    recipient_address: str
    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    cda: Header | None = None  # of the CDA document enclosed


def about_share(share: Share) -> Letter:
    """The prescription. An unsaved share will do: prescription, patient, pharmacy, shared_by, message, wished_at."""
    contents = enclosed.of_share(share)
    with translation.override("fr"):
        paragraphs = [_greeting(share), _who(share), _prescription(share), *_lines(share), *_wishes(share)]
        paragraphs += [_provenance(share.prescription), _attached(contents), _how_to_answer()]
    return _letter(share, _announced(share, contents), paragraphs, contents)


def about_words(share: Share, said: ThreadMessage) -> Letter:
    with translation.override("fr"):
        paragraphs = [said.body.strip(), _how_to_answer()]
    return _letter(share, f"Re: {subject_of(share.prescription)}", paragraphs)


def about_recall(share: Share) -> Letter:
    with translation.override("fr"):
        paragraphs = [_why_recalled(share), _which(share.prescription)]
    return _letter(share, f"[Retirée] {subject_of(share.prescription)}", paragraphs)


def replaced_delivery(share: Share) -> Delivery | None:
    """When the prescription replaces one that this pharmacy was sent: the message that this one puts right."""
    if share.prescription.replaces_id is None:
        return None
    sent = Delivery.objects.filter(
        kind=Delivery.Kind.SHARE, share__prescription=share.prescription.replaces_id, share__pharmacy=share.pharmacy
    )
    return sent.exclude(status=DeliveryStatus.CANCELLED).order_by("-created_at").first()


def _letter(share: Share, subject: str, paragraphs: list[str], contents: Enclosed | None = None) -> Letter:
    patient = share.prescription.patient
    from_patient = settings.MSSANTE_SENDER == "patient"
    return Letter(
        sender_name=one_line(patient.full_name if from_patient else f"{patient.full_name} (Ordolien)"),
        sender_address=patient.mss_address if from_patient else settings.MSSANTE_PORTAL_ADDRESS,
        recipient_name=one_line(share.pharmacy.name),
        recipient_address=_mailbox_of(share),
        subject=subject,
        text="\n\n".join(clean(paragraph) for paragraph in paragraphs if paragraph) + "\n",
        attachments=contents.attachments if contents else (),
        cda=contents.header if contents else None,
    )


def _mailbox_of(share: Share) -> str:
    """The pharmacy's; where the first message went when the directory lists it no more: what is taken back is told."""
    if mailbox := share.pharmacy.mailbox:
        return mailbox.address
    first = None if share._state.adding else share.first_delivery
    return first.envelope_to if first else ""


# --- Names ----------------------------------------------------------------------------------------------------------
def subject_of(prescription: Prescription, label: str = "") -> str:
    """`<label> <NOM> <prénom> <JJ/MM/AAAA>` (ECO.2.1.3). Without the prefix, which announces an archive."""
    patient = prescription.patient
    born = date.fromisoformat(patient.birth_date)
    label = label or enclosed.LABELS[prescription.provenance]
    return one_line(f"{label} {_capitals(patient.family_name)} {ascii_of(patient.given_name)} {born:%d/%m/%Y}")


def _announced(share: Share, contents: Enclosed) -> str:
    """The prefix only with an archive; then, by convention, whether this puts right what was sent before."""
    prefix = XDM if contents.header else ""
    replaces = "[Annule et remplace] " if replaced_delivery(share) else ""
    return f"{prefix}{replaces}{subject_of(share.prescription, contents.label)}"


def _capitals(text: str) -> str:
    return ascii_of(text).upper()


def one_line(text: str) -> str:
    """No control character, line or paragraph separator reaches a header, an envelope or a file name; nor what a reader
    would decode into one."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).replace("=?", "= ?").split())


def clean(text: str) -> str:
    """Lines may end; nothing else of the control characters stays."""
    text = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text)
    return re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", "", text)


# --- Paragraphs -----------------------------------------------------------------------------------------------------
def _greeting(share: Share) -> str:
    return (
        "Bonjour,\n\nVoici une ordonnance que je vous demande de préparer."
        if _is_own(share)
        else (
            f"Bonjour,\n\nVoici une ordonnance à préparer, envoyée par {_sharer(share)} pour {share.patient.full_name}."
        )
    )


def _is_own(share: Share) -> bool:
    return share.patient.accesses.filter(user=share.shared_by_id, kind="self").exists()


def _sharer(share: Share) -> str:
    return share.shared_by.get_full_name() or "une personne autorisée"


def _who(share: Share) -> str:
    patient = share.prescription.patient
    born = moments.full_date(date.fromisoformat(patient.birth_date))
    verb = {Patient.Sex.FEMALE: "née le", Patient.Sex.MALE: "né le"}.get(patient.sex, "né(e) le")
    names = f"{patient.given_name} {_capitals(patient.family_name)}"
    if patient.used_name and patient.used_name != patient.birth_name:
        names += f" (nom de naissance : {_capitals(patient.birth_name)})"
    return f"PATIENT\n{names}, {verb} {born}\nMatricule INS : {patient.ins}"


def _prescription(share: Share) -> str:
    prescription = share.prescription
    rows = ["ORDONNANCE"]
    if prescription.number:
        rows.append(f"Numéro : {words.number_in_groups(prescription.number)}")
    rows.append(f"Date : {moments.full_date(prescription.authored_on)}")
    if prescription.prescriber:
        by = prescription.prescriber
        known = [by.full_name, by.speciality, f"RPPS {by.rpps}", telephones.written(by.phone)]
        rows.append(f"Prescripteur : {', '.join(filter(None, known))}")
    rows += [deadline.sentence for deadline in words.deadlines(prescription)]
    rows += words.flags(prescription)
    if prescription.named_pharmacy:
        rows.append(f"Pharmacie désignée par le patient : {prescription.named_pharmacy}")
    return "\n".join(rows)


def _which(prescription: Prescription) -> str:
    """A pharmacy may have been sent several."""
    number = f", numéro {words.number_in_groups(prescription.number)}" if prescription.number else ""
    return f"ORDONNANCE\nDu {moments.full_date(prescription.authored_on)}{number}"


def _lines(share: Share) -> list[str]:
    return [_line(number, line) for number, line in enumerate(share.prescription.lines.all(), start=1)]


def _line(number: int, line: PrescriptionLine) -> str:
    said = words.say_line(line)
    rows = [f"{number}. {said.name}", *said.components, said.dosage]
    rows += [f"{title} : {text}" for title, text in _facts(line, said) if text]
    rows += words.flags(line)
    return "\n   ".join(row for row in rows if row)


def _facts(line: PrescriptionLine, said: words.LineWords):
    yield "Durée", said.duration
    yield "Quantité", said.quantity
    yield "Renouvellement", said.renewals
    if line.no_substitution:
        yield "Non substituable", f"{line.get_no_substitution_display()} ({line.no_substitution})"
    yield "Consigne au patient", line.instructions
    yield "Consigne au pharmacien", line.dispenser_note


def _wishes(share: Share) -> list[str]:
    rows = []
    if share.message.strip():
        rows.append(f"MESSAGE DU PATIENT\n{share.message.strip()}")
    if share.wished_at:
        at = timezone.localtime(share.wished_at)
        rows.append(f"PASSAGE SOUHAITÉ\n{moments.day(at.date())} à {moments.hour(at)}")
    return rows


def _provenance(prescription: Prescription) -> str:
    said = {
        Prescription.Provenance.REGISTRY: (
            "ORDONNANCE NUMÉRIQUE\nElle vient du registre. Son numéro ou le QR du PDF joint permettent de la vérifier, "
            f"avec ce qui en a déjà été délivré :\n{settings.SITE_URL}/verifier/"
        ),
        Prescription.Provenance.DOCUMENT: (
            "DOCUMENT SANS NUMÉRO\nCe document vient d’un professionnel, mais n’a pas de numéro dans le registre : "
            "il sert à préparer. L’original est nécessaire pour délivrer."
        ),
        Prescription.Provenance.UPLOAD: (
            "PHOTO : POUR PRÉPARER SEULEMENT\nLe patient a photographié son ordonnance. Elle n’est pas authentifiée : "
            "l’original est nécessaire pour délivrer."
        ),
    }
    return said[prescription.provenance]


def _attached(contents: Enclosed) -> str:
    if contents.header is None:
        return (
            "PIÈCES JOINTES\nLe document est à lire ou à imprimer. Il n’a pas de version pour logiciel "
            f"({enclosed.ARCHIVE_NAME}) : personne n’en a signé, et nous n’en fabriquons pas."
        )
    return (
        "PIÈCES JOINTES\nLe PDF est l’ordonnance, à lire ou à imprimer. "
        f"{enclosed.ARCHIVE_NAME} est la même pour votre logiciel : vous n’avez pas à l’ouvrir vous-même."
    )


def _how_to_answer() -> str:
    return (
        "POUR RÉPONDRE\nRépondez simplement à ce message : vos mots arrivent dans l’espace du patient, qui en est "
        "prévenu.\nSi votre équipe utilise Ordolien, cet envoi est aussi sur votre comptoir :\n"
        f"{settings.SITE_URL}/pharmacie/"
    )


def _why_recalled(share: Share) -> str:
    if share.prescription.cancelled_at:
        return (
            "Bonjour,\n\nL’ordonnance que vous avez reçue dans cette conversation a été annulée par le prescripteur.\n"
            "Merci de ne pas la délivrer et de supprimer les pièces reçues."
        )
    if is_replaced(share.prescription):
        return (
            "Bonjour,\n\nLe prescripteur a remplacé l’ordonnance que vous avez reçue dans cette conversation par une "
            "autre.\nMerci de ne pas la délivrer et de supprimer les pièces reçues."
        )
    if share.status == ShareStatus.UNDELIVERABLE:
        return (
            "Bonjour,\n\nL’ordonnance que vous avez reçue dans cette conversation est arrivée alors que le patient "
            "avait été prévenu du contraire : il l’a peut-être envoyée ailleurs.\n"
            "Merci de ne pas la préparer sans lui en parler."
        )
    if share.status == ShareStatus.EXPIRED:
        return (
            "Bonjour,\n\nL’ordonnance que vous avez reçue dans cette conversation est arrivée après la fin de sa "
            "validité.\nMerci de ne pas la délivrer et de supprimer les pièces reçues."
        )
    return (
        "Bonjour,\n\nLe patient a retiré l’envoi que vous avez reçu dans cette conversation.\n"
        "Merci de ne pas préparer cette ordonnance et de supprimer les pièces reçues."
    )
