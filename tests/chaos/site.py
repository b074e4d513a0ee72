"""The site as an operator runs it (docs/operations.md): real processes, started again when they die, as systemd does.

On PostgreSQL: the commands of the systemd units, web on its socket, worker (with Redis) and two sweeps. On SQLite:
`manage.py serve`, which is all of them in one process, and one sweep beside it. Start and kill from one thread only,
the last one to end.
"""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress

import redis

from tests import servers, units
from tests.chaos.door import HOST, Door
from tests.chaos.options import ROOT, Options
from tests.chaos.processes import End, Process

READY_SECONDS = 120
HEALTH_SECONDS = 20
ANSWER_SECONDS = 2
PATIENCE_WITH_MAIL = 8  # seconds; 600 in production, where a server may think for ten minutes
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}  # it is killed: this is what it is for
OPERATORS_TOKEN = "of-one-exercise-only-" * 2


class Site:
    """`with Site(options, mail) as site:` is up and answers. `mail`: the settings that lead to the sink."""

    def __init__(self, options: Options, mail: dict[str, str]):
        self._options, self._stack = options, ExitStack()
        self.postgres = self.redis = None
        self.processes: list[Process] = []
        self.getting_up = 0.0  # seconds it took to answer: a busy machine is struck less often
        self.environment = _environment(options) | mail

    def __enter__(self) -> "Site":
        with self._stack:
            self.door = self._make_door()
            self._start_servers()
            self.manage("migrate", "--no-input", "-v0")
            self.manage("collectstatic", "--no-input", "-v0")
            self._stack.callback(self._stop)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_error) -> None:
        self._stack.close()

    def _make_door(self) -> Door:
        if self._options.database == "sqlite":
            return Door(port=servers.free_port())
        folder = self._stack.enter_context(servers.folder_for("ordolien-web-", owner=None))  # a socket's path is short
        return Door(socket=folder / "site.sock")

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
        for name, command in _commands(self.door):
            kind, log = name.rstrip("12"), self._options.folder / f"{name}.log"
            socket = self.door.socket if kind == "web" else None
            process = Process(kind, command, self.environment, log, units.shipped(kind), socket)
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
            return self.door.ask("/healthz", ANSWER_SECONDS)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _stop(self) -> None:
        for process in self.processes:
            process.kill()

    # --- What an operator does ----------------------------------------------------------------------------------------
    def deep_health(self) -> dict:
        """What the checks say; nothing while the site does not answer."""
        try:
            status, said = self.door.ask("/healthz/deep", HEALTH_SECONDS, Authorization=f"Bearer {OPERATORS_TOKEN}")
        except (OSError, http.client.HTTPException):
            return {}
        return json.loads(said)["checks"] if status in {200, 503} else {}  # 503: something is wrong, and it says what

    def manage(self, *words: str) -> int:
        return self.python("manage.py", *words).returncode

    def python(self, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, *words], cwd=ROOT, env=self.environment, check=check, stdout=sys.stderr)

    def look_after(self) -> None:
        for process in self.processes:
            process.look_after()

    def may_restart(self, kind: str) -> bool:
        return any(process.may_be_replaced() for process in self._all(kind))

    def restart(self, kind: str, chance: random.Random) -> None:
        """`systemctl reload ordolien-web`, `systemctl restart` of one of the others; the last one is over."""
        process = chance.choice([process for process in self._all(kind) if process.may_be_replaced()])
        process.reload() if kind == "web" else process.restart()

    def is_being_restarted(self) -> bool:
        return any(process.is_being_replaced() for process in self.processes)

    def ends(self) -> list[End]:
        """Of what was asked to end."""
        return [end for process in self.processes for end in process.ends]

    # --- What chaos does ----------------------------------------------------------------------------------------------
    def kill(self, kind: str, chance: random.Random) -> None:
        chance.choice(self._all(kind)).kill()

    def _all(self, kind: str) -> list[Process]:
        return [process for process in self.processes if process.kind == kind]

    def kill_a_child(self, chance: random.Random) -> None:
        pids = sorted(pid for process in self.processes for pid in process.children())
        if pids:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(pids), signal.SIGKILL)

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()


def _commands(door: Door) -> list[tuple[str, list[str]]]:
    sweep = units.shipped("sweep").command()
    if door.socket is None:
        serve = [sys.executable, "manage.py", "serve", "--host", HOST, "--port", str(door.port)]
        return [("web", serve), ("sweep1", sweep)]
    web, worker = units.shipped("web").command(door.socket), units.shipped("worker").command()
    return [("web", web), ("worker", worker), ("sweep1", sweep), ("sweep2", sweep)]


def _environment(options: Options) -> dict[str, str]:
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
        "ORDOLIEN_HOSTS": HOST,
        "ORDOLIEN_SITE_URL": f"http://{HOST}",
        "ORDOLIEN_BEHIND_PROXY": "1" if options.database == "postgres" else "",
        "ORDOLIEN_LOG_LEVEL": "WARNING",
        "ORDOLIEN_OPERATORS_TOKEN": OPERATORS_TOKEN,
        "MSSANTE_SMTP_TIMEOUT": str(PATIENCE_WITH_MAIL),
    }


def _psql(server: servers.Server) -> list[str]:
    return ["psql", "-X", "-q", server.url.rpartition("/")[0] + "/postgres"]
