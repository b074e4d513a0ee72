"""When to try again, and until when."""

import random
from datetime import datetime, timedelta

from django.conf import settings

from prescriptions.policies import ends_at
from sharing.models import Delivery, Share


def next_attempt(attempts: int, now: datetime) -> datetime:
    """`attempts`: those made so far. Jitter keeps a crowd that failed together from coming back together."""
    waits = settings.DELIVERY_BACKOFF_SECONDS
    return _later(now, waits[min(max(attempts, 1), len(waits)) - 1])


def after_a_pause(now: datetime) -> datetime:
    """Not this message's fault: it waits as long as the longest pause of the breaker, so that others are tried."""
    return _later(now, settings.DELIVERY_PAUSE_SECONDS[-1])


def _later(now: datetime, seconds: float) -> datetime:
    share = random.uniform(-settings.DELIVERY_JITTER, settings.DELIVERY_JITTER)  # noqa: S311
    return now + timedelta(seconds=seconds * (1 + share))


def give_up_at(share: Share, kind: str, now: datetime) -> datetime:
    """Five days, or the end of the prescription's validity when it carries one."""
    limit = now + timedelta(seconds=settings.DELIVERY_GIVE_UP_SECONDS)
    end = ends_at(share.prescription) if kind == Delivery.Kind.SHARE else None
    return min(limit, end) if end else limit
