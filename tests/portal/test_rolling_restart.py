"""The site's processes are replaced while people ask for pages, and nobody notices: the command is the one of the
systemd unit that is shipped."""

import os
import re
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests import units
from tests.chaos.door import Door
from tests.project import ROOT

PATIENCE = 60


def ask(file: Path, method: str = "GET") -> int:
    """A new connection each time, as the proxy does."""
    return Door(socket=file).ask("/healthz" if method == "GET" else "/langue/", PATIENCE, method=method)[0]


def wait_until_it_listens(file: Path) -> None:
    for _ in range(1000):
        with suppress(ConnectionRefusedError, FileNotFoundError):
            ask(file)
            return
        threading.Event().wait(0.02)
    raise AssertionError("It never listened.")


def command_of_the_unit(file: Path) -> list[str]:
    command = units.shipped("web").command(file)
    # One worker: while the new one starts nobody accepts, and requests wait in the socket.
    command[command.index("--workers") + 1] = "1"
    command[command.index("--log-level") + 1] = "info"
    return command


class Site:
    def __init__(self, file: Path, environment: dict):
        self.file, self.answers, self._said, self._heard = file, Counter(), Counter(), threading.Condition()
        self.process = subprocess.Popen(
            command_of_the_unit(file),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            with self._heard:
                self._said[re.sub(r"^\[.*\] | \(pid: \d+\)\n$| with pid: \d+\n$", "", line)] += 1
                self._heard.notify_all()

    def wait_until_said(self, words: str, times: int) -> None:
        with self._heard:
            assert self._heard.wait_for(lambda: self._said[words] >= times, PATIENCE), self._said

    def go_on_asking(self, method: str, over: threading.Event) -> None:
        while not over.is_set():
            try:
                self.answers[ask(self.file, method)] += 1
            except OSError as error:
                self.answers[type(error).__name__] += 1


@pytest.fixture
def site(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "HOME"}}
    environment = kept | {"ORDOLIEN_DEMO": "1", "ORDOLIEN_VAR": str(tmp_path / "var"), "PYTHONUNBUFFERED": "1"}
    running = Site(tmp_path / "site.sock", environment)
    yield running
    running.process.terminate()
    assert running.process.wait(PATIENCE) == 0
    running.process.stdout.close()


def test_no_request_fails_while_the_worker_is_replaced(site):
    site.wait_until_said("Booting worker", 1)
    wait_until_it_listens(site.file)
    over = threading.Event()
    clients = [threading.Thread(target=site.go_on_asking, args=(method, over)) for method in ("POST", "GET", "GET")]
    for client in clients:
        client.start()
    site.process.send_signal(units.shipped("web").reload_signal)
    site.wait_until_said("Booting worker", 2)
    site.wait_until_said("Worker exiting", 1)
    assert {ask(site.file) for _ in range(10)} == {200}
    over.set()
    for client in clients:
        client.join(PATIENCE)
    assert set(site.answers) == {200, 403}, site.answers  # 403: a form without its token


def test_a_worker_has_every_view_before_it_takes_a_request():
    """Imported by several first requests at once they can wait for each other for ever: seen when a worker was replaced
    under load."""
    program = "import sys, portal.wsgi; sys.exit('sharing.views.share_steps' not in sys.modules)"
    environment = {"PATH": os.environ["PATH"], "ORDOLIEN_DEMO": "1"}
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False).returncode == 0
