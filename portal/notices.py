"""Mail to people: one function a message, one template a name, and never a word of health.

A notice is a row written with the event it tells; the sweep sends it (`send_due`). What it says: that there is
something new, and where to sign in. No medicine, prescriber, pharmacy, name or NIR (product.md, Manners).
"""

import logging
import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models
from django.template.loader import render_to_string
from django.utils import timezone, translation

from portal.models import Notice

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 12


def share_moved(*, to, path: str) -> Notice:
    """Something about one of the person's shares has changed. `to`: User, `path`: opaque path in the portal."""
    return _queue("share_moved", to, path)


def new_message(*, to, path: str) -> Notice:
    return _queue("new_message", to, path)


def _queue(kind: str, user, path: str) -> Notice:
    return Notice.objects.create(user=user, kind=kind, path=path, next_attempt_at=timezone.now())


def send_due(limit: int = 20) -> int:
    """Sends what is due; returns how many left. A notice that kills its process is given up after MAX_ATTEMPTS."""
    sent = 0
    for _ in range(limit):
        notice = _claim()
        if notice is None:
            break
        sent += _send(notice)
    return sent


def _claim() -> Notice | None:
    now = timezone.now()
    free = models.Q(lease_until=None) | models.Q(lease_until__lte=now)
    due = Notice.objects.filter(free, status=Notice.Status.QUEUED, next_attempt_at__lte=now)
    for notice in due.select_related("user").order_by("next_attempt_at")[:5]:
        won = Notice.objects.filter(free, pk=notice.pk, status=Notice.Status.QUEUED).update(
            lease_until=now + LEASE, attempts=models.F("attempts") + 1
        )
        if won:
            notice.refresh_from_db(fields=["attempts"])
            return notice
    return None


def _send(notice: Notice) -> bool:
    try:
        compose(notice).send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("notice %s not sent: %s", notice.id, type(error).__name__)
        _later(notice)
        return False
    Notice.objects.filter(pk=notice.pk).update(status=Notice.Status.SENT, sent_at=timezone.now(), lease_until=None)
    return True


def _later(notice: Notice) -> None:
    gone = notice.attempts >= MAX_ATTEMPTS
    Notice.objects.filter(pk=notice.pk).update(
        status=Notice.Status.FAILED if gone else Notice.Status.QUEUED,
        lease_until=None,
        next_attempt_at=timezone.now() + timedelta(seconds=min(30 * 2**notice.attempts, 3600)),
    )


def compose(notice: Notice) -> EmailMessage:
    """Template: first line the subject, the rest the body."""
    with translation.override(notice.user.language):
        text = render_to_string(f"emails/{notice.kind}.txt", {"url": f"{settings.SITE_URL}{notice.path}"})
    subject, _, body = text.strip().partition("\n")
    return EmailMessage(
        subject=subject.strip(),
        body=body.strip() + "\n",
        to=[notice.user.email],
        headers={"Auto-Submitted": "auto-generated", "Message-ID": f"<notice.{notice.id.hex}@ordolien.test>"},
    )
