"""What sharing tells Prometheus (portal/metrics.py)."""

from collections.abc import Iterator
from datetime import date

from django.conf import settings
from django.utils import timezone
from prometheus_client.core import Metric

from portal.clock import db_now
from portal.metrics import gauge, gauges
from sharing import vitals
from sharing.states import DeliveryStatus


def deliveries() -> Iterator[Metric]:
    yield gauges("deliveries_waiting", "Messages that have not ended.", "status", vitals.waiting().items())
    yield gauge("oldest_pending_seconds", "Since when the oldest message waits.", vitals.oldest_pending_seconds())
    yield gauge("most_attempts", "Attempts of the waiting message tried most often.", vitals.most_attempts())
    made = dict.fromkeys(DeliveryStatus.values, (0, 0)) | vitals.last_day()
    counts = [(status, count) for status, (count, _attempts) in made.items()]
    yield gauges("deliveries_last_day", "Messages made in 24 hours, by what became of them.", "status", counts)
    attempts = sum(attempts for _count, attempts in made.values())
    yield gauge("attempts_last_day", "Attempts to send the messages made in 24 hours.", attempts)
    yield gauge("breaker_open_seconds", "Since when nothing leaves; 0: all is well.", vitals.way_out_closed_seconds())


def sweep() -> Iterator[Metric]:
    yield gauge("sweep_beat_age_seconds", "Since the sweep last said it is awake.", vitals.sweep_seconds_ago())


def inbound() -> Iterator[Metric]:
    age = vitals.mailbox_read_seconds_ago()
    yield gauge("mailbox_read_age_seconds", "Since our mailbox was last read; +Inf: never.", age)
    yield gauges("inbound_mail", "Mail received and not understood.", "status", vitals.inbound().items())


def reconciled() -> Iterator[Metric]:
    counts = vitals.unreconciled().items()
    yield gauges("unreconciled", "What does not add up over a day: each is 0.", "check", counts)


def ages() -> Iterator[Metric]:
    yield gauge("directory_age_days", "Of the establishments of the directory.", days_since(vitals.directory_date()))
    yield gauge("mailboxes_age_days", "Of the mailboxes of the directory.", days_since(vitals.mailboxes_date()))
    yield gauge("certificate_days", "Left to our certificate at the operator.", vitals.certificate_days())
    yield gauge("crl_hours", "Left to the list of revoked certificates we go by.", vitals.crl_hours())
    yield gauge("late_after_seconds", "What the settings call late.", settings.DELIVERY_LATE_SECONDS)


def days_since(day: date | None) -> int | None:
    return (timezone.localdate(db_now()) - day).days if day else None
