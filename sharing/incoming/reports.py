"""What comes back about a message: delivery reports (DSN, RFC 3464) and receipts (MDN, RFC 8098; CI-SIS "courriel
MSS"), or the bare mail of software that could not take it. Read only: `receipts` acts on them.
"""

import re
from dataclasses import dataclass
from email.message import Message
from functools import partial

from sharing.incoming import reading
from sharing.models import Delivery

WORDS_MAX = 300
KO = re.compile(r"\s*\[\s*KO\s+Int[ée]gration\s+syst[èe]me\s*!?\s*\]\s*(?:\[([^\]]{1,20})\])?", re.IGNORECASE)
_CODE_AND_WORDS = re.compile(r"\s*(\d{1,6})?\s*\^?\s*(.*)", re.DOTALL)
# Disposition: mode; type[/modifier], and in older versions the error's text behind.
_DISPOSITION = re.compile(r"[^;]*;\s*([\w-]+)\s*(?:[/;]\s*([\w-]+))?\s*[:;,/^]?\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Report:
    """`what`: delivered, failed, delayed, relayed, expanded (DSN), displayed, processed, deleted, error (MDN)."""

    what: str
    is_dsn: bool
    code: str = ""  # RFC 3463 status of a DSN, the software's own code of an error
    words: str = ""  # the software's own, of an error
    envid: str = ""
    message_ids: tuple[str, ...] = ()  # the message it speaks of; of a bare mail, all it answers
    recipients: tuple[str, ...] = ()  # whom the message was for, as the report says

    def delivery(self) -> Delivery | None:
        """By the envelope id or the Message-ID, which nobody can guess. None when they do not agree."""
        by_envid = Delivery.objects.filter(envid=self.envid) if self.envid else Delivery.objects.all()
        by_id = by_envid.filter(message_id__in=self.message_ids) if self.message_ids else by_envid
        if not self.envid and not self.message_ids:
            return None
        return by_id.select_related("share").first()


def report_in(read: reading.Mail) -> Report | None:
    report = _report_part(read.message)
    if report is not None:
        parts = {part.get_content_type(): part for part in report.get_payload()}
        if "message/delivery-status" in parts:
            return _dsn(parts["message/delivery-status"], parts)
        if "message/disposition-notification" in parts:
            return _mdn(parts["message/disposition-notification"], parts, read)
    ko = KO.match(read.subject)
    return _bare_error(ko, read) if ko and read.references else None


def _report_part(message: Message) -> Message | None:
    """Gateways may wrap it in a multipart/mixed to add a line of their own. Not inside a message that is joined."""
    if not message.is_multipart() or message.get_content_maintype() != "multipart":
        return None
    if message.get_content_type() == "multipart/report":
        return message
    return next((found for part in message.get_payload() if (found := _report_part(part))), None)


# --- Delivery reports -----------------------------------------------------------------------------------------------
_DSN_FIELDS = ("Original-Envelope-Id", "Action", "Status", "Final-Recipient", "Original-Recipient")


def _dsn(status: Message, parts: dict) -> Report | None:
    blocks = [block for block in status.get_payload() if isinstance(block, Message)] if status.is_multipart() else []
    fields = {name: _field(block, name) for block in blocks for name in _DSN_FIELDS if block[name]}
    if not fields.get("Action"):
        return None
    code = re.match(r"[245]\.\d{1,3}\.\d{1,3}", fields.get("Status", ""))
    return Report(
        what=fields["Action"].lower().split()[0],
        is_dsn=True,
        code=code[0] if code else "",
        envid=fields.get("Original-Envelope-Id", ""),
        message_ids=_original_message_id(parts),
        recipients=_recipients(fields.get),
    )


def _original_message_id(parts: dict) -> tuple[str, ...]:
    """From the headers or the whole message that the report sends back."""
    part = parts.get("text/rfc822-headers") or parts.get("message/rfc822")
    if part is None:
        return ()
    inside = part.get_payload()
    headers = inside[0].get("Message-ID", "") if isinstance(inside, list) and inside else ""
    content = f"message-id: {headers}" if headers else part.as_string()[: reading.HEADER_MAX]
    line = re.search(r"^message-id:\s*(\S+)", content, re.IGNORECASE | re.MULTILINE)
    return tuple(reading.MESSAGE_ID.findall(line[1])[:1]) if line else ()


# --- Receipts -------------------------------------------------------------------------------------------------------
def _mdn(notification: Message, parts: dict, read: reading.Mail) -> Report | None:
    inside = notification.get_payload()
    fields = inside[0] if isinstance(inside, list) and inside else notification
    said = _DISPOSITION.match(_field(fields, "Disposition"))
    if said is None:
        return None
    about = reading.MESSAGE_ID.findall(_field(fields, "Original-Message-ID"))[:1]
    about = about or _original_message_id(parts) or read.references
    report = partial(
        Report,
        is_dsn=False,
        envid=_field(fields, "Original-Envelope-Id"),
        message_ids=tuple(about),
        recipients=_recipients(partial(_field, fields)),
    )
    if "error" not in (said[2] or "").lower() and said[1].lower() not in {"failed", "error"}:
        return report(what=said[1].lower())
    code, words = _code_and_words(_field(fields, "Error") or _field(fields, "Failure") or said[3])
    ko = KO.match(read.subject)
    return report(what="error", code=code or _plain(ko[1], 20) if ko else code, words=words)


def _bare_error(ko: re.Match, read: reading.Mail) -> Report:
    """Software that says it in the subject alone. What it speaks of is in the references, never in the subject."""
    return Report(
        "error", is_dsn=False, code=_plain(ko[1], 20), words=_plain(read.text), message_ids=tuple(read.references)
    )


def _code_and_words(error: str) -> tuple[str, str]:
    """`902^Patient inconnu`."""
    found = _CODE_AND_WORDS.match(error)
    return found[1] or "", _plain(found[2])


def _recipients(field) -> tuple[str, ...]:
    """Addresses of `rfc822; x@y.z`, the one we wrote to first."""
    said = (field("Original-Recipient") or "", field("Final-Recipient") or "")
    addresses = (re.sub(r"\+([0-9A-F]{2})", _unescaped, one.partition(";")[2]).strip().lower() for one in said)
    return tuple(address for address in addresses if address)


def _unescaped(found: re.Match) -> str:
    """RFC 3461 xtext."""
    return chr(int(found[1], 16))


def _field(block: Message, name: str) -> str:
    return _plain(reading.decoded(str(block.get(name, ""))[: reading.HEADER_MAX]), at_most=reading.HEADER_MAX)


def _plain(text: str | None, at_most: int = WORDS_MAX) -> str:
    return "".join(char for char in " ".join((text or "").split()) if char.isprintable())[:at_most]
