"""Who stands there and still goes round: a row each, so that a web process elsewhere sees it too."""

from datetime import timedelta

from portal.clock import db_now
from sharing.models import Heartbeat

SWEEP, MAILBOX = "sweep", "mailbox"  # the second one says that our mailbox was read
BEAT_SECONDS = 5


def beat(name: str) -> None:
    now = db_now()
    if not Heartbeat.objects.filter(name=name, at__gt=now - timedelta(seconds=BEAT_SECONDS)).exists():
        Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def seconds_ago(name: str) -> float | None:
    """None: it never beat."""
    last = Heartbeat.objects.filter(name=name).first()
    return (db_now() - last.at).total_seconds() if last else None
