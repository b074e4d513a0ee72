"""The systemd units that operators install, read as systemd does, and what they run, on this machine."""

import shlex
import sys
from configparser import RawConfigParser
from pathlib import Path
from signal import Signals

from tests.project import ROOT

FOLDER = ROOT / "docs" / "operations" / "systemd"
INSTALLED = "/opt/ordolien/.venv/bin"


class Unit(RawConfigParser):
    """systemd's files repeat keys; the last one is enough here."""

    def __init__(self, file: Path):
        super().__init__(strict=False, delimiters=["="], comment_prefixes=["#"])
        self.optionxform = str
        self.read(file)

    def command(self, socket: Path | None = None) -> list[str]:
        """With the programs of this environment; on this socket, where it listens on one."""
        words = shlex.split(self["Service"]["ExecStart"].replace(INSTALLED, str(Path(sys.executable).parent)))
        if socket is not None:
            words[words.index("--bind") + 1] = f"unix:{socket}"
        return words

    @property
    def seconds_to_stop(self) -> int:
        return int(self["Service"]["TimeoutStopSec"])

    @property
    def reload_signal(self) -> Signals:
        return Signals[f"SIG{shlex.split(self['Service']['ExecReload'])[1].lstrip('-')}"]


def shipped(name: str) -> Unit:
    """web, worker, sweep…"""
    return Unit(FOLDER / f"ordolien-{name}.service")
