"""The demo's pharmacy software: reads the pharmacy's MSSanté mailbox and answers from it, by real SMTP.

It knows nothing of the portal but what arrived by mail, and signs in to the local operator with its own certificate.
"""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from portal import maildir
from sharing import mssante
from sharing.demo.certificates import PHARMACIES, Certificates
from sharing.models import Pharmacy
from sharing.outgoing import letter
from sharing.outgoing.enclosed import Attachment


@dataclass(frozen=True)
class Received:
    key: str  # name of its file
    message_id: str
    references: str
    sender: str
    sender_address: str
    subject: str
    at: datetime | None
    text: str
    files: list[Attachment]

    @property
    def title(self) -> str:
        """The subject as it is shown: the prefix is for software (ECO.3.1.3)."""
        return self.subject.replace(letter.XDM, "", 1)


def pharmacy_with_mailbox(finess: str) -> Pharmacy | None:
    return Pharmacy.objects.filter(finess=finess, mailboxes__isnull=False).prefetch_related("mailboxes").first()


def mailboxes_in_use() -> list[Pharmacy]:
    """Pharmacies that were sent something, by name."""
    used = Pharmacy.objects.filter(shares__isnull=False, mailboxes__isnull=False)
    return list(used.distinct().order_by("name", "finess"))


def received_by(pharmacy: Pharmacy) -> list[Received]:
    """Newest first, as the software shows them."""
    files = maildir.messages_in(settings.MSSANTE_MAILBOXES, pharmacy.mailbox.address)
    return [_read(file) for file in files]


def _read(file) -> Received:
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    body = mail.get_body(("plain",))
    sender = mail["From"].addresses[0] if mail["From"] and mail["From"].addresses else None
    return Received(
        key=file.name.partition(":")[0],
        message_id=str(mail["Message-ID"] or "").strip(),
        references=str(mail["References"] or "").strip(),
        sender=(sender.display_name or sender.addr_spec) if sender else "",
        sender_address=sender.addr_spec if sender else "",
        subject=str(mail["Subject"] or ""),
        at=mail["Date"].datetime if mail["Date"] else None,
        text=body.get_content() if body else "",
        files=[_file(part) for part in mail.iter_attachments()],
    )


def _file(part) -> Attachment:
    return Attachment(part.get_filename() or "", part.get_content_type(), part.get_payload(decode=True) or b"")


def answer(pharmacy: Pharmacy, received: Received, text: str, *, is_last_word: bool = False) -> mssante.SendOutcome:
    """Answers the message; `is_last_word` closes the conversation (X-MSS-MES: FIN)."""
    mail = _begun(pharmacy, received, f"Re: {received.subject.removeprefix('Re: ')}")
    mail["In-Reply-To"] = received.message_id
    mail["References"] = f"{received.references} {received.message_id}".strip()
    if is_last_word:
        mail["X-MSS-MES"] = "FIN"
    quoted = "\n".join(f"> {line}" for line in received.text.splitlines()[:6])
    mail.set_content(f"{text}\n\nLe patient a écrit :\n{quoted}\n", cte="quoted-printable")
    return _send(pharmacy, received, mail)


def confirm_reading(pharmacy: Pharmacy, received: Received) -> mssante.SendOutcome:
    """A reading receipt (MDN, RFC 8098), as software sends it when the message is opened."""
    mail = _begun(pharmacy, received, "Lu")
    address = pharmacy.mailbox.address
    mail["Auto-Submitted"] = "auto-replied"
    mail.set_content("Le message a été affiché.\n", cte="quoted-printable")
    mail.make_mixed()
    mail.replace_header("Content-Type", 'multipart/report; report-type="disposition-notification"')
    notification = EmailMessage(policy=policy.SMTP)
    notification.set_payload(
        f"Reporting-UA: Logiciel de la pharmacie\r\nFinal-Recipient: rfc822; {address}\r\n"
        f"Original-Message-ID: {received.message_id}\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n"  # Python writes these lines as they are
    )
    notification["Content-Type"] = "message/disposition-notification"
    mail.attach(notification)
    return _send(pharmacy, received, mail)


def _begun(pharmacy: Pharmacy, received: Received, subject: str) -> EmailMessage:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = pharmacy.mailbox.address
    mail["To"] = received.sender_address
    mail["Subject"] = subject
    mail["Date"] = format_datetime(timezone.localtime())
    mail["Message-ID"] = make_msgid(domain=pharmacy.mailbox.address.rpartition("@")[2])
    return mail


def _send(pharmacy: Pharmacy, received: Received, mail: EmailMessage) -> mssante.SendOutcome:
    known = Certificates(Path(settings.MSSANTE_CA).parent)  # made together with the operator's
    account = mssante.Account(
        host=settings.MSSANTE_SMTP_HOST,
        port=settings.MSSANTE_SMTP_PORT,
        ca=str(settings.MSSANTE_CA),
        certificate=str(known.certificate(PHARMACIES)),
        key=str(known.key(PHARMACIES)),
        hello="logiciel.pharmacie.test",
        patience=20,
    )
    return mssante.send(
        envelope_from=pharmacy.mailbox.address,
        envelope_to=received.sender_address,
        content=mail.as_bytes(),
        account=account,
    )
