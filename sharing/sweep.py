"""The engine: looks at the database every second, knows nothing of Redis, and does what is due.

Senders carry messages to the operator, the postman stands beside our mailbox, the clerk does everything else. A thread
that dies of something unforeseen is replaced within a second; what it was at is counted in its row, and put aside after
some times.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from portal import notices
from portal.clock import db_now
from portal.database import DATABASE_AWAY
from portal.reasons import do_each
from sharing import actions, delivery, heartbeats, mssante, outbox
from sharing.desk import counter
from sharing.incoming import collecting
from sharing.incoming.collecting import collect
from sharing.models import Share

log = logging.getLogger(__name__)
BY = "system:sweep"
EXPIRE_AT_ONCE = 100


# --- One round ------------------------------------------------------------------------------------------------------
def run_once() -> None:
    """All of it once, in this thread: deliveries, answers, notices, what time ends."""
    expire_shares()
    counter.collect_delivered()
    delivery.sweep_once()
    collect()
    notices.send_due()


def expire_shares() -> int:
    """Active shares whose prescription is over, or was cancelled or replaced by its prescriber."""
    today = timezone.localdate(db_now())
    over = Share.objects.active().filter(prescription__valid_until__lt=today)
    cancelled = Share.objects.active().filter(prescription__cancelled_at__isnull=False)
    replaced = Share.objects.active().filter(prescription__replaced_by__isnull=False)
    ended = (over | cancelled | replaced).select_related("prescription")[:EXPIRE_AT_ONCE]
    return do_each(lambda share: actions.expire_share(share=share, by=BY), ended)


# --- Standing -------------------------------------------------------------------------------------------------------
class Sweep:
    """`start()`, then `stop()`: nothing is left running, what was leaving is settled or will be sent again."""

    def __init__(self, senders: int | None = None):
        self._works = {
            f"sender-{n}": self._send for n in range(settings.DELIVERY_SENDERS if senders is None else senders)
        }
        self._works |= {"clerk": self._keep_house, "postman": self._follow_mailbox}
        self._threads: dict[str, threading.Thread] = {}
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="sweep", daemon=True)

    def start(self) -> "Sweep":
        self._supervisor.start()
        return self

    def stop(self, seconds: float | None = None) -> bool:
        """Waits that long for what is leaving, then cuts it. True when everything has ended. For the postman it waits
        no longer than a moment: what a mute server still has is read after the next start."""
        self._stopping.set()
        began, patience = time.monotonic(), settings.DELIVERY_STOP_SECONDS if seconds is None else seconds
        threads = [self._supervisor, *self._threads.values()]
        for thread in threads:
            most = min(patience, collecting.STOP_SECONDS) if thread.name == "postman" else patience
            thread.join(max(0.0, began + most - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            mssante.hang_up_all()
            for thread in threads:
                thread.join(1)
        return not any(thread.is_alive() for thread in threads)

    def _supervise(self) -> None:
        try:
            while not self._stopping.is_set():
                self._replace_the_dead()
                _unless_database_is_away(lambda: heartbeats.beat(heartbeats.SWEEP))
                self._stopping.wait(settings.SWEEP_SECONDS)
        finally:
            connection.close()

    def _replace_the_dead(self) -> None:
        for name, work in self._works.items():
            thread = self._threads.get(name)
            if thread is not None and thread.is_alive():
                continue
            if thread is not None:
                log.error("%s ended by itself: another takes its place", name)
            self._threads[name] = threading.Thread(target=_to_the_end, args=(work,), name=name, daemon=True)
            self._threads[name].start()

    def _send(self) -> None:
        while not self._stopping.is_set():
            if _unless_database_is_away(delivery.deliver) in {None, delivery.NOTHING}:
                self._stopping.wait(settings.SWEEP_SECONDS)

    def _follow_mailbox(self) -> None:
        while not self._stopping.is_set():
            _unless_database_is_away(lambda: collecting.follow(self._stopping))
            self._stopping.wait(settings.SWEEP_SECONDS)

    def _keep_house(self) -> None:
        timetable = {
            outbox.quarantine_silent: settings.SWEEP_SECONDS,
            delivery.give_up_overdue: settings.SWEEP_SECONDS,
            notices.send_due: settings.SWEEP_SECONDS,
            expire_shares: settings.EXPIRE_SECONDS,
            counter.collect_delivered: settings.EXPIRE_SECONDS,
        }
        due = dict.fromkeys(timetable, 0.0)
        while not self._stopping.is_set():
            for work, seconds in timetable.items():
                if due[work] <= time.monotonic() and not self._stopping.is_set():
                    due[work] = time.monotonic() + seconds
                    _unless_database_is_away(work)
            self._stopping.wait(settings.SWEEP_SECONDS / 2)


def _to_the_end(work: Callable) -> None:
    try:
        work()
    finally:
        mssante.hang_up()
        connection.close()  # this thread's own


def _unless_database_is_away(work: Callable):
    """Its answer, or None when the database is being restarted: the next round finds everything where it was."""
    try:
        return work()
    except DATABASE_AWAY as error:
        log.warning("the database does not answer: %s", type(error).__name__)
        connection.close()
        return None
    finally:
        close_old_connections()
