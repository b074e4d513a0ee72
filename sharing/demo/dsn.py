"""A delivery report as an operator writes it (RFC 3461, RFC 3464): multipart/report with the original's headers."""

import secrets
from email.utils import format_datetime, make_msgid

from django.utils import timezone

WORDS = {  # action: subject, sentence
    "delivered": ("Message remis", "Votre message a ete remis a la messagerie de son destinataire."),
    "failed": ("Message non remis", "Votre message n'a pas pu etre remis a son destinataire."),
    "delayed": ("Message en attente", "Votre message n'a pas encore pu etre remis. Il est toujours en attente."),
}
REPORT = """\
From: MAILER-DAEMON@{by}
To: {to}
Subject: {subject}
Date: {date}
Message-ID: {message_id}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=us-ascii

{sentence}

--{boundary}
Content-Type: message/delivery-status

Reporting-MTA: dns; {by}
Original-Envelope-Id: {envid}

Final-Recipient: rfc822; {about}
Action: {action}
Status: {status}

--{boundary}
Content-Type: text/rfc822-headers

{headers}
--{boundary}--
"""


def compose(*, to: str, about: str, envid: str, original: bytes, action: str, status: str, by: str) -> bytes:
    """`about`: the recipient; `envid`: what the sender gave with MAIL; `original`: its headers come back (RET=HDRS)."""
    subject, sentence = WORDS[action]
    report = REPORT.format(
        by=by,
        to=to,
        subject=subject,
        date=format_datetime(timezone.localtime()),
        message_id=make_msgid(domain=by),
        boundary=f"=_{secrets.token_hex(16)}",
        sentence=sentence,
        envid=envid,
        about=about,
        action=action,
        status=status,
        headers=original.partition(b"\r\n\r\n")[0].decode("ascii", "replace").replace("\r\n", "\n"),
    )
    return report.replace("\n", "\r\n").encode("ascii", "replace")
