import os
import signal
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from portal.demo import PERSONAS

STOP_SECONDS = 1.5


class Command(BaseCommand):
    help = "Everything in one process: the site, a Celery worker, the sweep and, in the demo, an MSSanté operator."
    requires_migrations_checks = True

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *args, host, port, **options):
        stopping = _stop_on_signals()
        site = self._site(host, port)  # first: a port that is taken stops nothing else
        stops: list[Callable[[], None]] = [site.stop]
        try:
            stops += self._companions()
            site.start()
            site.first_page("/demo/" if settings.DEMO else "/healthz")
            self._say_ready(site.url)
            stopping.wait()
        finally:
            _stop_all(stops)
        self.stdout.write("Stopped. What was saved is kept; what had not left leaves at the next start.")
        self.stdout.flush()
        os._exit(0)  # Python would still wait for threads that hold nothing: what is to be kept is in the database

    def _site(self, host, port):
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns otherwise
        from portal.serving import Site  # loads the whole site

        try:
            return Site(host, port)
        except OSError:
            raise CommandError(
                f"Port {port} is taken: another program listens on it (perhaps Ordolien itself: make stop). "
                f"Choose another one: PORT={port + 1} make run"
            ) from None

    def _companions(self) -> list[Callable[[], None]]:
        from portal.serving import Bell

        started = [import_string(name)() for name in settings.SERVED_WITH]
        return [Bell().start().stop, *(stop for stop in started if stop)]

    def _say_ready(self, url: str) -> None:
        self.stdout.write(f"Ready: {url}")
        if settings.DEMO:
            self.stdout.write(f"\nEnter without password at {url}/demo/ as one of these invented people:")
            for person in PERSONAS.values():
                self.stdout.write(f"  {person.code:6} {person.name}, {person.role}")
            self.stdout.write(f"The pharmacies' secure mailboxes are at {url}/demo/messagerie/")
        self.stdout.write("Ctrl-C stops everything.")
        self.stdout.flush()


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(*_):
        if stopping.is_set():  # asked twice
            os._exit(130)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopping


def _stop_all(stops: list[Callable[[], None]]) -> None:
    """All at once, within two seconds. What a slow server still holds then is cut: its row will be taken up again."""
    threads = [threading.Thread(target=stop, daemon=True) for stop in stops]
    for thread in threads:
        thread.start()
    until = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
