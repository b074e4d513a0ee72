"""What comes back about a message: delivery reports (DSN, RFC 3464) and reading receipts (MDN, RFC 8098).

Two different facts. Both act only on the delivery whose ENVID or Message-ID they carry, which nobody can guess.
"""

import re
from dataclasses import dataclass
from email.message import Message

from sharing.models import Delivery


@dataclass(frozen=True)
class Report:
    """`what`: delivered, failed, delayed, relayed, expanded (DSN), displayed, processed, deleted, error (MDN)."""

    what: str
    code: str = ""  # RFC 3463 status of a DSN
    envid: str = ""
    message_id: str = ""

    def delivery(self) -> Delivery | None:
        found = Delivery.objects.none()
        if self.envid:
            found = Delivery.objects.filter(envid=self.envid)
        elif self.message_id:
            found = Delivery.objects.filter(message_id=self.message_id)
        return found.select_related("share").first()


def report_in(message: Message) -> Report | None:
    if message.get_content_type() != "multipart/report" or not message.is_multipart():
        return None
    parts = {part.get_content_type(): part for part in message.get_payload()}
    if "message/delivery-status" in parts:
        return _dsn(parts["message/delivery-status"], parts)
    if "message/disposition-notification" in parts:
        return _mdn(parts["message/disposition-notification"])
    return None


def _dsn(status: Message, parts: dict) -> Report | None:
    blocks = [block for block in status.get_payload() if isinstance(block, Message)] if status.is_multipart() else []
    fields = {name: str(block[name]).strip() for block in blocks for name in _DSN_FIELDS if block[name]}
    if "Action" not in fields:
        return None
    code = re.match(r"[245]\.\d{1,3}\.\d{1,3}", fields.get("Status", ""))
    return Report(
        what=fields["Action"].lower().split()[0],
        code=code[0] if code else "",
        envid=fields.get("Original-Envelope-Id", ""),
        message_id=_original_message_id(parts),
    )


_DSN_FIELDS = ("Original-Envelope-Id", "Action", "Status")


def _original_message_id(parts: dict) -> str:
    """From the headers or the whole message that the report sends back."""
    part = parts.get("text/rfc822-headers") or parts.get("message/rfc822")
    if part is None:
        return ""
    content = part.as_string()[:20_000]
    found = re.search(r"^message-id:\s*(<[^<>\s]+>)", content, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""


def _mdn(notification: Message) -> Report | None:
    inside = notification.get_payload()
    fields = inside[0] if isinstance(inside, list) and inside else notification
    disposition = str(fields.get("Disposition", "")).lower()
    kind = disposition.partition(";")[2].strip()
    if not kind:
        return None
    what = "error" if "error" in kind or "failed" in kind else kind.split("/")[0].strip()
    return Report(what=what, message_id=str(fields.get("Original-Message-ID", "")).strip())
