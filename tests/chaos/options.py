"""What was asked for, from the environment: `make chaos N=… SEED=…` sets it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import faults

ROOT = Path(__file__).resolve().parent.parent.parent
MOST = 10_000
RESTART_SECONDS = 20
DRAINED_SECONDS, HEALED_SECONDS, POST_MS = 600, 300, 300
OF_OUR_SINK = {"backlog", "outage"}
SCENARIOS = {"no-redis", *OF_OUR_SINK}


class BadOption(Exception):
    """The sentence says what may be asked."""


@dataclass(frozen=True)
class Options:
    count: int
    seed: int
    database: str  # sqlite: everything in one process, as the demo; postgres: as in production
    faults: frozenset[str]
    scenarios: frozenset[str]
    clients: int
    hurry: int  # every wait of the delivery is divided by it
    outage: int  # seconds
    limit: int  # seconds, from the first promise to the last acceptance
    folder: Path
    accepted: Path  # written by our sink, or by another

    @property
    def is_rolling_restart(self) -> bool:
        """Restarts and nothing else: nobody may notice."""
        return bool(self.faults) and self.faults <= set(faults.GROUPS["restart"]) and not self.scenarios

    @property
    def rest(self) -> float:
        """Seconds that each client takes between two, so that there is load for as long as a rolling restart."""
        return RESTART_SECONDS * self.clients / self.count if self.is_rolling_restart else 0

    @property
    def drain_limit(self) -> float | None:
        """Seconds within which all has left once everything has healed: 10,000 in ten minutes on two cores; five
        minutes when nobody could be reached. None: no figure is held to."""
        if "outage" in self.scenarios:
            return HEALED_SECONDS
        return max(60, DRAINED_SECONDS * self.count / MOST) if "backlog" in self.scenarios else None

    @property
    def post_limit(self) -> int | None:
        """Milliseconds at the 95th hundredth, without Redis, for one person at a time: several wait for each other."""
        return POST_MS if "no-redis" in self.scenarios and self.clients == 1 else None

    @property
    def has_our_sink(self) -> bool:
        return not os.environ.get("MSSANTE_SMTP_HOST")


def read(environment: Mapping[str, str]) -> Options:
    count, database = _number(environment, "N", 2000), environment.get("DB") or "sqlite"
    if not 1 <= count <= MOST:
        raise BadOption(f"N is from 1 to {MOST}.")
    if database not in {"sqlite", "postgres"}:
        raise BadOption("DB is sqlite or postgres.")
    asked, scenarios = _faults(environment.get("FAULTS") or "all")
    if scenarios & OF_OUR_SINK and environment.get("MSSANTE_SMTP_HOST"):
        raise BadOption(
            f"{' and '.join(sorted(OF_OUR_SINK))} ask our own sink to misbehave: not with MSSANTE_SMTP_HOST."
        )
    outage = _number(environment, "OUTAGE", 600) if "outage" in scenarios else 0
    folder = Path(environment.get("ORDOLIEN_VAR") or ROOT / "var") / "chaos"
    return Options(
        count=count,
        seed=_number(environment, "SEED", 1),
        database=database,
        faults=frozenset(fault for fault in asked if faults.strikes(fault, database)),
        scenarios=scenarios,
        clients=_number(environment, "CLIENTS", 8),
        hurry=_number(environment, "HURRY", 1),
        outage=outage,
        limit=_number(environment, "LIMIT", 300 + count // 2 + 2 * outage),
        folder=folder,
        accepted=Path(environment.get("ACCEPTED") or folder / "accepted.jsonl"),
    )


def _faults(said: str) -> tuple[frozenset[str], frozenset[str]]:
    words = {word.strip() for word in said.split(",")} - {"", "none"}
    scenarios = frozenset(words & SCENARIOS)
    known = {fault for group in faults.GROUPS.values() for fault in group}
    unknown = words - SCENARIOS - faults.GROUPS.keys() - known
    if unknown:
        may = ", ".join(["none", *faults.GROUPS, *sorted(known | SCENARIOS)])
        raise BadOption(f"FAULTS does not know {', '.join(sorted(unknown))}. It may name: {may}.")
    asked = {fault for word in words - SCENARIOS for fault in faults.GROUPS.get(word, (word,))}
    if "no-redis" in scenarios:  # nobody uses the one that runs
        asked -= set(faults.GROUPS["redis"])
    return frozenset(asked), scenarios


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    said = environment.get(name) or str(default)
    if not said.isdigit():
        raise BadOption(f"{name} is a whole number, not {said!r}.")
    return int(said)
