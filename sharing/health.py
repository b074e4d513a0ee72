"""What sharing says in the deep health check: is the sweep awake, does anything wait too long, does it all add up."""

import math
from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone

from portal.clock import db_now
from portal.health import Finding
from sharing import heartbeats, vitals
from sharing.directory.freshness import ESTABLISHMENTS_OLD, MAILBOXES_OLD
from sharing.mssante import probe
from sharing.states import DeliveryStatus

ASLEEP_SECONDS = 6 * heartbeats.BEAT_SECONDS
UNREAD_SECONDS = 15 * 60
CERTIFICATE_SOON_DAYS = 14
CRL_SOON_HOURS = 24


def deliveries() -> Iterator[Finding]:
    age, waiting, closed = round(vitals.oldest_pending_seconds()), vitals.waiting(), vitals.way_out_closed()
    quarantined = waiting[DeliveryStatus.QUARANTINED]
    yield Finding("oldest_pending_seconds", age, age < settings.DELIVERY_LATE_SECONDS)
    yield Finding("pending", sum(waiting.values()) - quarantined)
    yield Finding("quarantined", quarantined, quarantined == 0)
    yield Finding("way_out_closed_by", closed.reason if closed else None, closed is None)


def operator() -> Iterator[Finding]:
    configured, mail, imap = vitals.is_operator_configured(), probe.mail_answers(), probe.imap_answers()
    yield Finding("operator_configured", configured, configured)
    yield Finding("mail_answers", mail, mail is not False)
    yield Finding("imap_answers", imap, imap is not False)
    days = vitals.certificate_days()
    known = None if days is None else round(days)
    yield Finding("certificate_days", known, days is None or days > CERTIFICATE_SOON_DAYS)
    hours = vitals.crl_hours()
    wanted = bool(settings.MSSANTE_CRL)
    yield Finding("crl_hours", None if hours is None else round(hours), (hours or 0) > CRL_SOON_HOURS or not wanted)


def sweep() -> Iterator[Finding]:
    age = vitals.sweep_seconds_ago()
    yield Finding("sweep_seconds_ago", None if age is None else round(age), age is not None and age <= ASLEEP_SECONDS)


def inbound() -> Iterator[Finding]:
    age = vitals.mailbox_read_seconds_ago()
    known = None if age in {None, math.inf} else round(age)
    yield Finding("mailbox_read_seconds_ago", known, age is None or age < UNREAD_SECONDS)
    for status, count in vitals.inbound().items():
        yield Finding(f"inbound_{status}", count)


def directory() -> Iterator[Finding]:
    of = vitals.directory_date()
    days = (timezone.localdate(db_now()) - of).days if of else None
    yield Finding("directory_days", days, settings.DEMO or days is None or days <= ESTABLISHMENTS_OLD.days)
    told = vitals.mailboxes_date()
    days = (timezone.localdate(db_now()) - told).days if told else None
    yield Finding("mailboxes_days", days, settings.DEMO or days is None or days <= MAILBOXES_OLD.days)


def reconciled() -> Iterator[Finding]:
    for name, count in vitals.unreconciled().items():
        yield Finding(name, count, count == 0)
