"""The site as an operator runs it (docs/operations.md): real processes, started again when they die, as systemd does.

On PostgreSQL: the commands of the systemd units, web, worker (with Redis) and two sweeps. On SQLite: `manage.py serve`,
which is all of them in one process, and one sweep beside it. Start and kill from one thread only, the last one to end.
"""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path

import redis

from tests import servers
from tests.chaos.options import ROOT, Options

RESTART_SECONDS = 0.5
READY_SECONDS = 120
HEALTH_SECONDS = 20
ANSWER_SECONDS = 2
PATIENCE_WITH_MAIL = 8  # seconds; 600 in production, where a server may think for ten minutes
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}  # it is killed: this is what it is for
UNITS, INSTALLED = ROOT / "docs" / "operations" / "systemd", "/opt/ordolien/.venv/bin"
OPERATORS_TOKEN = "of-one-exercise-only-" * 2


class Process:
    """One command, and whatever it starts: they live and die together."""

    def __init__(self, kind: str, command: list[str], environment: dict, log: Path):
        self.kind, self._command, self._environment = kind, command, environment
        self._log = log.open("ab")
        self._popen: subprocess.Popen | None = None
        self._dead_since: float | None = None

    def start(self) -> None:
        self._popen = subprocess.Popen(  # noqa: PLW1509
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=servers.dies_with_us(),
        )
        self._dead_since = None

    def start_again_if_dead(self) -> None:
        if self._popen.poll() is None:
            return
        if self._dead_since is None:
            self.kill()  # what it had started
            self._dead_since = time.monotonic()
        elif time.monotonic() - self._dead_since >= RESTART_SECONDS:
            self.start()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, how)
        self._popen.wait()

    def children(self) -> list[int]:
        return [pid for pid in _pids() if pid != self._popen.pid and _session_of(pid) == self._popen.pid]


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:  # gone meanwhile
        return -1


class Site:
    """`with Site(options, mail) as site:` is up and answers. `mail`: the settings that lead to the sink."""

    def __init__(self, options: Options, mail: dict[str, str]):
        self._options, self._stack = options, ExitStack()
        self.port = servers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.postgres = self.redis = None
        self.processes: list[Process] = []
        self.getting_up = 0.0  # seconds it took to answer: a busy machine is struck less often
        self.environment = _environment(options, self.port) | mail

    def __enter__(self) -> "Site":
        with self._stack:
            self._start_servers()
            self.manage("migrate", "--no-input", "-v0")
            self.manage("collectstatic", "--no-input", "-v0")
            self._stack.callback(self._stop)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_error) -> None:
        self._stack.close()

    def _start_servers(self) -> None:
        if self._options.database == "sqlite":
            return
        self.postgres = self._stack.enter_context(servers.postgres(**DURABLE))
        self.redis = self._stack.enter_context(servers.redis())
        is_absent = "no-redis" in self._options.scenarios
        redis_url = f"redis://127.0.0.1:{servers.free_port()}/0" if is_absent else self.redis.url
        subprocess.run([*_psql(self.postgres), "-c", "CREATE DATABASE ordolien"], check=True, capture_output=True)
        self.environment |= {"DATABASE_URL": self.postgres.url, "REDIS_URL": redis_url}

    def start(self) -> None:
        for name, command in _commands(self._options.database, self.port):
            log = self._options.folder / f"{name}.log"
            process = Process(name.rstrip("12"), command, self.environment, log)
            self.processes.append(process)
            process.start()
        began = time.monotonic()
        self._wait_until_ready()
        self.getting_up = time.monotonic() - began

    def _wait_until_ready(self) -> None:
        until, again = time.monotonic() + READY_SECONDS, threading.Event()
        while time.monotonic() < until:
            if self.answers():
                return
            again.wait(0.2)
        raise TimeoutError(f"The site did not answer: see the logs in {self._options.folder}.")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=ANSWER_SECONDS):
                return True
        except OSError:
            return False

    def _stop(self) -> None:
        for process in self.processes:
            process.kill()

    # --- What an operator does ----------------------------------------------------------------------------------------
    def deep_health(self) -> dict:
        """What the checks say; nothing while the site does not answer."""
        asked = urllib.request.Request(f"{self.url}/healthz/deep")
        asked.add_header("Authorization", f"Bearer {OPERATORS_TOKEN}")
        try:
            with urllib.request.urlopen(asked, timeout=HEALTH_SECONDS) as answer:
                return json.load(answer)["checks"]
        except urllib.error.HTTPError as trouble:  # 503: something is wrong, and it says what
            return json.load(trouble)["checks"] if trouble.code == 503 else {}
        except OSError:
            return {}

    def manage(self, *words: str) -> int:
        return self.python("manage.py", *words).returncode

    def python(self, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, *words], cwd=ROOT, env=self.environment, check=check, stdout=sys.stderr)

    def look_after(self) -> None:
        for process in self.processes:
            process.start_again_if_dead()

    # --- What chaos does ----------------------------------------------------------------------------------------------
    def kill(self, kind: str, chance: random.Random) -> None:
        chance.choice([process for process in self.processes if process.kind == kind]).kill()

    def kill_a_child(self, chance: random.Random) -> None:
        pids = sorted(pid for process in self.processes for pid in process.children())
        if pids:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(pids), signal.SIGKILL)

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()


def _commands(database: str, port: int) -> list[tuple[str, list[str]]]:
    address = ["--host", "127.0.0.1", "--port", str(port)]
    if database == "sqlite":
        return [("web", [sys.executable, "manage.py", "serve", *address]), ("sweep1", _shipped("sweep"))]
    web = _shipped("web")
    where = web.index("--uds")  # a socket of the proxy's, with its rights, in production
    web[where : where + 4] = address
    return [("web", web), ("worker", _shipped("worker")), ("sweep1", _shipped("sweep")), ("sweep2", _shipped("sweep"))]


def _shipped(unit: str) -> list[str]:
    """The command of the unit that operators install."""
    lines = (UNITS / f"ordolien-{unit}.service").read_text().splitlines()
    command = next(line for line in lines if line.startswith("ExecStart=")).removeprefix("ExecStart=")
    return [word.replace(INSTALLED, str(Path(sys.executable).parent)) for word in shlex.split(command)]


def _environment(options: Options, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORDOLIEN_", "MSSANTE_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        kept.pop(name, None)
    folder = options.folder
    return kept | {
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "CHAOS_HURRY": str(options.hurry),
        "DJANGO_SECRET_KEY": "of-one-exercise-only-" * 3,
        "ORDOLIEN_FIELD_KEYS": "chaos:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "ORDOLIEN_BLIND_INDEX_KEY": "of-one-exercise-only-" * 2,
        "ORDOLIEN_VAR": str(folder / "site"),
        "ORDOLIEN_STATIC_ROOT": str(folder / "static"),
        "ORDOLIEN_HOSTS": "127.0.0.1",
        "ORDOLIEN_SITE_URL": f"http://127.0.0.1:{port}",
        "ORDOLIEN_LOG_LEVEL": "WARNING",
        "ORDOLIEN_OPERATORS_TOKEN": OPERATORS_TOKEN,
        "MSSANTE_SMTP_TIMEOUT": str(PATIENCE_WITH_MAIL),
    }


def _psql(server: servers.Server) -> list[str]:
    return ["psql", "-X", "-q", server.url.rpartition("/")[0] + "/postgres"]
