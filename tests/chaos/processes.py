"""A process as systemd keeps it: started again when it dies, restarted and reloaded as its unit says."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests import servers
from tests.chaos.options import ROOT
from tests.units import Unit

RESTART_SECONDS = 0.5


@dataclass(frozen=True)
class End:
    """What came of asking a process to end. `status`: 0 is well; below, the signal that killed it."""

    seconds: float
    status: int


class Process:
    """One command, and whatever it starts: they live and die together."""

    def __init__(self, kind: str, command: list[str], environment: dict, log: Path, unit: Unit, socket: Path | None):
        self.kind, self._command, self._environment, self._unit, self._socket = kind, command, environment, unit, socket
        self._log = log.open("ab")
        self._popen: subprocess.Popen | None = None
        self._dead_since: float | None = None
        self._asked_to_end_at: float | None = None
        self._being_replaced: set[int] = set()
        self.ends: list[End] = []

    def start(self) -> None:
        if self._socket:
            self._socket.unlink(missing_ok=True)  # RuntimeDirectory= is emptied at each start
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
        self._dead_since = self._asked_to_end_at = None

    def look_after(self) -> None:
        if self._asked_to_end_at is not None:
            self._go_on_restarting()
        elif self._popen.poll() is not None:
            self._start_again()

    def _start_again(self) -> None:
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

    # --- What an operator asks ----------------------------------------------------------------------------------------
    def may_be_replaced(self) -> bool:
        """It is up, and nothing is asked of it already."""
        return self._popen.poll() is None and not self.is_being_replaced() and _catches(self._popen.pid, signal.SIGTERM)

    def is_being_replaced(self) -> bool:
        return self._asked_to_end_at is not None or bool(self._being_replaced & set(self.children()))

    def restart(self) -> None:
        """`systemctl restart`: SIGTERM to it alone (KillMode=mixed), TimeoutStopSec, then SIGKILL to all of it, then it
        starts. look_after() goes on with it."""
        self._asked_to_end_at = time.monotonic()
        self._popen.send_signal(signal.SIGTERM)

    def _go_on_restarting(self) -> None:
        seconds = time.monotonic() - self._asked_to_end_at
        if self._popen.poll() is None and seconds < self._unit.seconds_to_stop:
            return
        self.kill()
        self.ends.append(End(seconds, self._popen.returncode))
        self.start()

    def reload(self) -> None:
        """`systemctl reload`: its children are replaced one by one."""
        self._being_replaced = set(self.children())
        self._popen.send_signal(self._unit.reload_signal)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:  # gone meanwhile
        return -1


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether it would hear this signal, or die of it (proc(5), SigCgt)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return bool(int(lines["SigCgt"], 16) >> number - 1 & 1)
    return False
