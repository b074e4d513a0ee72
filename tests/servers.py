"""A real PostgreSQL and a real Redis on free ports of this machine, gone when the tests end, however they end.

`python -m tests.servers COMMAND…` runs a command with DATABASE_URL and REDIS_URL set, and answers with its status.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1  # prctl(2)
POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    # The data lives for minutes: waiting for the disk would show nothing.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class ServerMissing(Exception):
    """A server the tests need is not installed or does not start. The sentence says which, why and what to do."""


@dataclass
class Server:
    url: str
    command: list
    account: pwd.struct_passwd | None
    folder: Path
    ready: str  # what it says once it is
    stop: signal.Signals
    process: subprocess.Popen | None = None

    def start(self) -> None:
        self.process = _spawn(self.command, self.account, self.folder, self.stop)
        _wait_until_ready(self.process, self.ready)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """At once, whatever it is doing. `start()` brings it back with what it has kept."""
        self.process.send_signal(how)
        self.process.wait(STOP_SECONDS)


@contextmanager
def postgres(**settings: str) -> Iterator[Server]:
    """An empty PostgreSQL cluster; its superuser is `postgres`, without password, from this machine only."""
    binaries = _postgres_binaries()
    account = _account_for_postgres()
    with folder_for("ordolien-postgres-", owner=account) as folder:
        data = folder / "data"
        run_to_end(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            account,
            folder,
        )
        port = free_port()
        command = [binaries / "postgres", "-D", data, "-p", str(port), "-k", folder]
        for name, value in (POSTGRES_SETTINGS | settings).items():
            command += ["-c", f"{name}={value}"]
        url = f"postgres://postgres@127.0.0.1:{port}/ordolien"
        # SIGINT is PostgreSQL's fast shutdown: it closes connections and does not wait for them.
        with _running(Server(url, command, account, folder, "ready to accept connections", signal.SIGINT)) as server:
            yield server


@contextmanager
def redis() -> Iterator[Server]:
    """An empty Redis that keeps everything in memory and evicts nothing."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise ServerMissing("Redis is not installed: apt-get install redis-server (`make test` does it).")
    with folder_for("ordolien-redis-", owner=None) as folder:
        port = free_port()
        command = [binary, "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", ""]
        command += ["--appendonly", "no", "--databases", "64", "--maxmemory-policy", "noeviction"]
        url = f"redis://127.0.0.1:{port}/0"
        with _running(Server(url, command, None, folder, "Ready to accept connections", signal.SIGTERM)) as server:
            yield server


def _postgres_binaries() -> Path:
    """Debian keeps them out of PATH, one folder a version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[-3]))
    found = versions[-1] if versions else shutil.which("postgres")
    if found is None:
        raise ServerMissing("PostgreSQL is not installed: apt-get install postgresql (`make test` does it).")
    return Path(found).parent


def _account_for_postgres() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; its Debian package comes with an account. Anybody else runs it as they are."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise ServerMissing("PostgreSQL does not run as root and there is no account `postgres` here.") from None


@contextmanager
def folder_for(prefix: str, *, owner: pwd.struct_passwd | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _options_for(account: pwd.struct_passwd | None, folder: Path) -> dict:
    """Popen's options: who runs it, where, in which language, away from the terminal's Ctrl-C."""
    options = {
        "cwd": folder,
        "env": {**os.environ, "LC_ALL": "C"},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
        "errors": "replace",
        "start_new_session": True,
    }
    if account is not None:
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return options


def run_to_end(command: list, account, folder: Path) -> None:
    done = subprocess.run(command, **_options_for(account, folder), timeout=START_SECONDS, check=False)
    if done.returncode:
        raise ServerMissing(f"{Path(command[0]).name} failed:\n{done.stdout}")


@contextmanager
def child(command: list, account, folder: Path, stop: signal.Signals) -> Iterator[subprocess.Popen]:
    """A process that ends with ours, however ours ends."""
    process = _spawn(command, account, folder, stop)
    try:
        yield process
    finally:
        _end(process, stop)


def _spawn(command: list, account, folder: Path, stop: signal.Signals) -> subprocess.Popen:
    return subprocess.Popen(command, **_options_for(account, folder), preexec_fn=dies_with_us(stop))  # noqa: PLW1509


def dies_with_us(how: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """For Popen's preexec_fn. "Us" is the thread that starts it: it must be the last one to end."""
    return lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            _end(server.process, server.stop)


def wait_for_port(process: subprocess.Popen, port: int) -> None:
    """For servers that do not say that they are ready."""
    until = time.monotonic() + START_SECONDS
    pause = threading.Event()
    while process.poll() is None and time.monotonic() < until:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), START_SECONDS):
            threading.Thread(target=_let_it_talk, args=(process,), daemon=True).start()
            return
        pause.wait(0.02)
    process.kill()
    raise ServerMissing(f"{Path(process.args[0]).name} did not start:\n{process.stdout.read()[-2000:]}")


def _wait_until_ready(process: subprocess.Popen, ready: str) -> None:
    """Reads what the server says until it says that it is ready, then lets it talk."""
    too_late = threading.Timer(START_SECONDS, process.kill)
    too_late.start()
    said = []
    for line in process.stdout:
        said.append(line)
        if ready in line:
            break
    else:
        too_late.cancel()
        raise ServerMissing(f"{Path(process.args[0]).name} did not start:\n{''.join(said[-15:])}")
    too_late.cancel()
    threading.Thread(target=process.stdout.read, daemon=True).start()


def _let_it_talk(process: subprocess.Popen) -> None:
    with process.stdout:
        process.stdout.read()


def _end(process: subprocess.Popen, stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_with_servers(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with postgres() as database, redis() as broker:
        environment = {**os.environ, "DATABASE_URL": database.url, "REDIS_URL": broker.url}
        print(f"PostgreSQL at {database.url}\nRedis at {broker.url}", flush=True)
        child = subprocess.Popen(command, env=environment)
        try:
            # Ctrl-C reaches the child too: it says how far it came, then the servers stop.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            status = child.wait()
            return status if status >= 0 else 128 - status
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()


if __name__ == "__main__":
    try:
        sys.exit(run_with_servers(sys.argv[1:]))
    except ServerMissing as missing:
        print(missing, file=sys.stderr)
        sys.exit(1)
