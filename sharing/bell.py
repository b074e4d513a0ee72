"""Wakes a worker for one delivery. Only speed: when the bell is broken the sweep finds the row within a second.

It is rung inside a person's request, which must not wait for a broker: a broker that is down holds its caller for
seconds, whatever is asked of the client. So the request leaves the id with a thread that rings, and a bell that does
not answer is left alone for a while.
"""

import logging
import queue
import threading
import time
from contextlib import suppress

from celery import Celery, current_app
from django.db import transaction
from kombu.exceptions import KombuError

log = logging.getLogger(__name__)
SILENT_SECONDS = 15
WAITING_MAX = 1000


class Bell:
    """One for each process; its thread starts with the first ring."""

    def __init__(self, app: Celery):
        self.app = app
        self.silent_until = 0.0
        self._waiting: queue.Queue[str] = queue.Queue(WAITING_MAX)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, delivery_id: str) -> None:
        """Never waits. What is not rung, for whatever reason, the sweep finds."""
        if time.monotonic() < self.silent_until:
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ring_on, name="ringer", daemon=True)
                self._thread.start()
        with suppress(queue.Full):
            self._waiting.put_nowait(delivery_id)

    def _ring_on(self) -> None:
        while True:
            delivery_id = self._waiting.get()
            try:
                if time.monotonic() >= self.silent_until:
                    self._send(delivery_id)
            finally:
                self._waiting.task_done()

    def _send(self, delivery_id: str) -> None:
        try:
            self.app.send_task("sharing.tasks.deliver", args=[delivery_id], retry=False)
        except (KombuError, OSError) as error:
            self.silent_until = time.monotonic() + SILENT_SECONDS
            log.warning("the bell is silent for %s s: %s", SILENT_SECONDS, type(error).__name__)

    def wait(self) -> None:
        """Until everything rung so far is with the broker, or given up."""
        self._waiting.join()


bell = Bell(current_app)


def ring_on_commit(delivery_id) -> None:
    """The task's only argument is an opaque id."""
    transaction.on_commit(lambda: bell.ring(str(delivery_id)), robust=True)
