"""The systemd units that operators install, read as systemd does, and what they run, on this machine."""

import re
import shlex
import sys
from configparser import RawConfigParser
from pathlib import Path
from signal import Signals

from tests.project import ROOT

FOLDER = ROOT / "docs" / "operations" / "systemd"
COMMON = FOLDER / "ordolien-.service.d" / "common.conf"
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
    def environment(self) -> dict[str, str]:
        """What it sets itself, beside what holds for all. EnvironmentFile= would go over it (systemd.exec(5))."""
        said = (part["Service"].get("Environment", "") for part in (Unit(COMMON), self))
        return dict(word.split("=", 1) for line in said for word in shlex.split(line))

    @property
    def asked(self) -> set[str]:
        """Settings that its command takes from the environment."""
        return set(re.findall(r"\$\{(\w+)\}", self["Service"]["ExecStart"]))

    @property
    def seconds_to_stop(self) -> int:
        return int(self["Service"]["TimeoutStopSec"])

    @property
    def reload_signal(self) -> Signals:
        return Signals[f"SIG{shlex.split(self['Service']['ExecReload'])[1].lstrip('-')}"]


def shipped(name: str) -> Unit:
    """web, worker, sweep…"""
    return Unit(FOLDER / f"ordolien-{name}.service")
