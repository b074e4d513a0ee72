"""The site and Celery's worker in one process: what `manage.py serve` puts together.

WSGI on Django's own threaded server, with Nagle off: it costs 44 ms a request otherwise.
"""

import sys
import threading
import urllib.request
import warnings
from contextlib import closing

from celery.apps.worker import Worker
from celery.exceptions import SecurityWarning
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from portal.celery import app
from portal.wsgi import application

IDLE_SECONDS = 65  # a connection that says nothing any more
FIRST_PAGE_SECONDS = 60
UNDERWAY_SECONDS = 1
BELLS_AT_ONCE = 2


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer leaves in one piece: unbuffered, its first line goes alone, then its headers
    timeout = IDLE_SECONDS

    def parse_request(self):
        """A first line has come: from here to the last byte of the answer, the server waits for us when it stops."""
        self.server.underway.add(self)
        return super().parse_request()

    def handle_one_request(self):
        try:
            super().handle_one_request()
            self.wfile.flush()
        finally:
            self.server.has_answered(self)

    def log_message(self, format, *args):
        """Paths hold ids: portal/access_log.py tells each request, by its route."""


class _Server(ThreadedWSGIServer):
    request_queue_size = 128

    def __init__(self, *args, **options):
        self.underway: set[_Handler] = set()
        self._answered = threading.Condition()
        super().__init__(*args, **options)

    def has_answered(self, handler: _Handler) -> None:
        with self._answered:
            self.underway.discard(handler)
            self._answered.notify_all()

    def wait_for_answers(self, seconds: float) -> None:
        with self._answered:
            self._answered.wait_for(lambda: not self.underway, seconds)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], TimeoutError | ConnectionError):
            super().handle_error(request, client_address)


class Site:
    """Raises OSError when the port is taken."""

    def __init__(self, host: str, port: int):
        self._server = _Server((host, port), _Handler, ipv6=False)
        self._server.set_app(application)
        self.url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="site", daemon=True)

    def start(self) -> "Site":
        self._thread.start()
        return self

    def first_page(self, path: str) -> int:
        """Asks for it as a browser would; its status."""
        with closing(urllib.request.urlopen(f"{self.url}{path}", timeout=FIRST_PAGE_SECONDS)) as answer:  # noqa: S310
            answer.read()
            return answer.status

    def stop(self) -> None:
        """Nobody else comes in; who has asked gets an answer, if it takes no more than a second."""
        self._server.shutdown()
        self._server.server_close()
        self._server.wait_for_answers(UNDERWAY_SECONDS)


class Bell:
    """A real Celery worker, in a thread: with `memory://` the queue is inside this process, as the site is."""

    def __init__(self):
        with warnings.catch_warnings():  # run by root on a machine of one's own; tasks are JSON ids, never pickled
            warnings.simplefilter("ignore", SecurityWarning)
            self._worker: Worker = app.Worker(
                pool="threads",
                concurrency=BELLS_AT_ONCE,
                without_mingle=True,
                without_gossip=True,
                without_heartbeat=True,
                quiet=True,
                loglevel="WARNING",
            )
        self._thread = threading.Thread(target=self._worker.start, name="bell", daemon=True)

    def start(self) -> "Bell":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._worker.stop()
        self._thread.join(1)
