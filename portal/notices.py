"""Mail to people: one function a message, one template a name, and never a word of health.

A notice is a row written with the event it tells; the sweep sends it (`send_due`). What it says: that there is
something new, and where to sign in. No medicine, prescriber, pharmacy, name or NIR.
"""

import logging
from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models
from django.template.loader import render_to_string
from django.utils import translation

from portal.clock import db_now
from portal.models import Notice

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 12


def share_moved(*, to, path: str) -> Notice:
    """Something about one of the person's shares has changed. `to`: User, `path`: opaque path in the portal."""
    return _queue("share_moved", to, path)


def new_message(*, to, path: str) -> Notice:
    return _queue("new_message", to, path)


def new_document(*, to, path: str) -> Notice:
    """A professional's document is in the patient's space."""
    return _queue("new_document", to, path)


def _queue(kind: str, user, path: str) -> Notice:
    return Notice.objects.create(user=user, kind=kind, path=path, next_attempt_at=db_now())


def send_due(limit: int = 20) -> int:
    """Sends what is due; returns how many left. A notice that kills its process is given up after MAX_ATTEMPTS."""
    _give_up_silent()
    sent = 0
    for _ in range(limit):
        notice = _claim()
        if notice is None:
            break
        sent += _send(notice)
    return sent


def _claimable(now) -> models.QuerySet:
    free = models.Q(lease_until=None) | models.Q(lease_until__lte=now)
    return Notice.objects.filter(free, status=Notice.Status.QUEUED, next_attempt_at__lte=now)


def _give_up_silent() -> None:
    silent = _claimable(db_now()).filter(attempts__gte=MAX_ATTEMPTS)
    if silent.exists():
        silent.update(status=Notice.Status.FAILED, lease_until=None)


def _claim() -> Notice | None:
    """One UPDATE a candidate; its row count says who has it. Attempts are counted here, before anything is tried."""
    now = db_now()
    for pk in _claimable(now).order_by("next_attempt_at").values_list("pk", flat=True)[:5]:
        won = _claimable(now).filter(pk=pk).update(lease_until=now + LEASE, attempts=models.F("attempts") + 1)
        if won:
            return Notice.objects.select_related("user").get(pk=pk)
    return None


def _send(notice: Notice) -> bool:
    try:
        compose(notice).send()
    except OSError as error:  # smtplib's own errors are among them
        log.warning("notice %s not sent: %s", notice.id, type(error).__name__)
        _later(notice)
        return False
    Notice.objects.filter(pk=notice.pk).update(status=Notice.Status.SENT, sent_at=db_now(), lease_until=None)
    return True


def _later(notice: Notice) -> None:
    gone = notice.attempts >= MAX_ATTEMPTS
    Notice.objects.filter(pk=notice.pk).update(
        status=Notice.Status.FAILED if gone else Notice.Status.QUEUED,
        lease_until=None,
        next_attempt_at=db_now() + timedelta(seconds=min(30 * 2**notice.attempts, 3600)),
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
        headers={"Auto-Submitted": "auto-generated", "Message-ID": f"<notice.{notice.id.hex}@{_our_domain()}>"},
    )


def _our_domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
