"""What leaves: the MIME message, frozen once, with the headers of MSSanté (référentiel socle #2, ECO.2).

Bytes are CRLF and 7-bit clean, so that they are the same whatever the server offers and at every attempt. The
Message-ID carries the share's token, which is how an answer finds its way back.
"""

import re
import secrets
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address, ContentDispositionHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from itertools import takewhile

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.reasons import Reason, Refused
from sharing.models import InboundMail, Share, ThreadMessage
from sharing.outgoing import letter
from sharing.outgoing.letter import Letter

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")  # visible ASCII without angle brackets


class _Ids(UnstructuredHeader):
    """Python folds a long Message-ID into encoded words, which no software finds again: one a line, as they are."""

    max_count = 1

    def fold(self, *, policy):
        return f"{self.name}: " + f"{policy.linesep} ".join(self.split()) + policy.linesep


class _Subject(UnstructuredHeader):
    """Python may fold one so that it is read with a space too many, where receivers look for the patient's name."""

    max_count = 1

    def fold(self, *, policy):
        words = self.split(" ")
        clear = list(takewhile(str.isascii, words))  # XDM/1.0/DDM+ first, for those who look before they decode
        if clear == words:
            return super().fold(policy=policy)
        coded = Header(" ".join(words[len(clear) :]), "utf-8", maxlinelen=75).encode(linesep=policy.linesep)
        parts = [" ".join(clear), coded] if clear else [coded]
        return f"{self.name}: {f'{policy.linesep} '.join(parts)}{policy.linesep}"


class _Disposition(ContentDispositionHeader):
    """Python cuts a long file name in pieces (RFC 2231), which not all software puts together again."""

    def fold(self, *, policy):
        return f"{self.name}: " + f";{policy.linesep} ".join(self.split("; ")) + policy.linesep


_headers = HeaderRegistry()
_headers.map_to_type("content-disposition", _Disposition)
_headers.map_to_type("subject", _Subject)
for _name in ("message-id", "in-reply-to", "references"):
    _headers.map_to_type(_name, _Ids)
POLICY = SMTP.clone(header_factory=_headers)


@dataclass(frozen=True)
class Composed:
    message_id: str
    envid: str  # RFC 3461; comes back in a report
    envelope_from: str
    envelope_to: str
    content: bytes


def preview(share: Share) -> Letter:
    """Exactly what will leave. An unsaved share with prescription, patient, pharmacy, shared_by, message and
    wished_at will do.

    Raises Refused when the message would be too large for secure mail.
    """
    written = letter.about_share(share)
    _freeze(written, share, thread=_replaced(share))
    return written


def compose_share(share: Share) -> Composed:
    return _freeze(letter.about_share(share), share, thread=_replaced(share))


def compose_words(share: Share, words: ThreadMessage) -> Composed:
    return _freeze(letter.about_words(share, words), share, thread=_thread_of(share))


def compose_recall(share: Share) -> Composed:
    return _freeze(letter.about_recall(share), share, thread=_thread_of(share))


def message_id_domain() -> str:
    return settings.MSSANTE_PORTAL_ADDRESS.rpartition("@")[2]


def _thread_of(share: Share) -> list[str]:
    """The first message and the pharmacy's last one, so that its software shows one conversation. Not the reports of
    the operator, which the pharmacy never saw."""
    first = share.deliveries.filter(kind="share").values_list("message_id", flat=True)
    answers = InboundMail.objects.filter(share=share, status=InboundMail.Status.PROCESSED, reason="answer")
    last = answers.order_by("-received_at").values_list("message_id", flat=True)
    return [known for known in [*first[:1], *last[:1]] if _MESSAGE_ID.fullmatch(known)]


def _replaced(share: Share) -> list[str]:
    earlier = letter.replaced_delivery(share)
    return [earlier.message_id] if earlier else []


def _freeze(written: Letter, share: Share, thread: list[str] | None = None) -> Composed:
    envid = f"{share.token}.{secrets.token_hex(8)}"
    message_id = f"<{envid}@{message_id_domain()}>"
    sender, recipient = checked_address(written.sender_address), checked_address(written.recipient_address)
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(written.sender_name, addr_spec=sender)
    mail["To"] = Address(written.recipient_name, addr_spec=recipient)
    mail["Subject"] = letter.one_line(written.subject)
    mail["Date"] = format_datetime(timezone.localtime())
    mail["Message-ID"] = message_id
    if thread:
        mail["In-Reply-To"] = thread[-1]
        mail["References"] = " ".join(thread)
    mail["Disposition-Notification-To"] = f"<{sender}>"  # the Return-Path, so that software may answer it
    mail["X-MSS-NIL"] = settings.MSSANTE_PRODUCT_NUMBER  # ECO.2.4.3
    if written.cda:
        mail["X-MSS-CODECDA"] = written.cda.type.code  # ECO.2.4.1
        mail["X-MSS-INS"] = "O" if written.cda.is_ins_qualified else "N"  # ECO.2.4.2
    _fill(mail, written)
    content = mail.as_bytes()
    if len(content) > settings.MSSANTE_MAX_BYTES:
        raise Refused(_too_large(len(content)))
    return Composed(message_id, envid, sender, recipient, content)


def _fill(mail: EmailMessage, written: Letter) -> None:
    mail.set_content(written.text, charset="utf-8", cte="quoted-printable")
    for attachment in written.attachments:
        kind, _slash, subtype = attachment.content_type.partition("/")
        mail.add_attachment(attachment.content, maintype=kind, subtype=subtype, filename=attachment.name)


def checked_address(address: str) -> str:
    """An address as an envelope takes it: ASCII, without anything that ends a line or a command."""
    if _ADDRESS.fullmatch(address) is None:
        raise Refused(
            Reason(
                "bad-mailbox",
                _("L’adresse de messagerie sécurisée de cette pharmacie n’est pas valable. Choisissez-en une autre."),
            )
        )
    return address


def _too_large(size: int) -> Reason:
    return Reason(
        "message-too-large",
        _(
            "Cet envoi pèse %(size)s Mo et la messagerie sécurisée en accepte %(max)s. "
            "Envoyez une photo moins lourde, ou montrez l’original à la pharmacie."
        )
        % {"size": f"{size / 1e6:.1f}".replace(".", ","), "max": settings.MSSANTE_MAX_BYTES // 1_000_000},
    )
