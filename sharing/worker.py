"""How a Celery worker ends when it is asked to: nothing more is begun, what is leaving gets DELIVERY_STOP_SECONDS, then
it is cut and settled, as in a sweep. Celery alone would wait for a mute server until systemd kills them all, and what
they held would stay theirs until its lease runs out.

Celery's main process hears SIGTERM; its children, who send, hear of it by a signal of ours.
"""

import os
import signal
import threading
from contextlib import suppress

from billiard.process import active_children
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutting_down
from django.conf import settings

from sharing import mssante

END = signal.SIGUSR2  # the first one is billiard's own
_ending = threading.Event()


def is_ending() -> bool:
    return _ending.is_set()


@worker_shutting_down.connect
def tell_children(**_facts) -> None:
    for child in active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid, END)


@worker_process_init.connect
def listen(**_facts) -> None:
    signal.signal(END, lambda *_: end())


def end() -> None:
    _ending.set()
    cut = threading.Timer(settings.DELIVERY_STOP_SECONDS, mssante.hang_up_all)
    cut.daemon = True
    cut.start()


@worker_process_shutdown.connect
def say_goodbye(**_facts) -> None:
    """To the operator, whose connection each child keeps a while."""
    mssante.hang_up()
