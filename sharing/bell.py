"""Wakes a worker for one delivery. Only speed: when the bell is broken the sweep finds the row within a second."""

import logging
import time

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)
SILENT_SECONDS = 15  # after a failure, do not try again for a while: a POST must stay fast with the broker down
_silent_until = 0.0


def ring_on_commit(delivery_id) -> None:
    """The task's only argument is an opaque id."""
    transaction.on_commit(lambda: ring(str(delivery_id)), robust=True)


def ring(delivery_id: str) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        current_app.send_task("sharing.tasks.deliver", args=[delivery_id], retry=False)
    except (OperationalError, OSError) as error:
        _silent_until = time.monotonic() + SILENT_SECONDS
        log.warning("the bell is silent for %s s: %s", SILENT_SECONDS, type(error).__name__)
