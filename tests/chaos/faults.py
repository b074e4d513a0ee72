"""What strikes, and when: drawn from the seed, one after the other, until told to stop."""

import random
import signal
import time
from collections.abc import Callable

from tests.chaos.ledger import FaultLedger
from tests.chaos.moods import LOTS, MOODS

GROUPS = {
    "kill": ("kill-web", "kill-child", "kill-worker", "kill-sweep"),
    "redis": ("redis-flush", "redis-kill"),
    "postgres": ("postgres-immediate",),
    "smtp": (*LOTS, *MOODS),
    "restart": ("restart-web", "restart-worker", "restart-sweep"),
}
GROUPS["all"] = tuple(fault for group in GROUPS.values() for fault in group)
# All in one process, no server; that process takes the port with it when it ends, so only killing it is a fault.
NOT_ON_SQLITE = {"kill-child", "kill-worker", "restart-web", "restart-worker", *GROUPS["redis"], *GROUPS["postgres"]}

EVERY = {"kill": 4, "redis": 11, "postgres": 23, "mood": 9, "restart": 13}  # seconds, where the site gets up in two
EVERY_WHEN_ALONE = {"restart": 3}
QUICK_SECONDS = 2
MOOD_SECONDS = (1.5, 4)
REDIS_AWAY_SECONDS = (0.5, 4)
POSTGRES_AWAY_SECONDS = (0.2, 2)
OUTAGE = [mood for mood in MOODS if "5xx-all" in mood]


def strikes(fault: str, database: str) -> bool:
    """Whether this fault means anything there."""
    return database == "postgres" or fault not in NOT_ON_SQLITE


def _lasting_moods(scenarios: frozenset[str]) -> list[str]:
    if "outage" in scenarios:
        return OUTAGE
    return ["smtp-refuse"] if "backlog" in scenarios else []


class Storm:
    """`pass_by()` is asked again and again by the thread that starts every process; it strikes when the time comes."""

    def __init__(self, options, site, sink, ledger: FaultLedger):
        self._chance, self._site, self._sink, self._ledger = random.Random(options.seed), site, sink, ledger
        self._families = {
            "kill": (GROUPS["kill"], self._kill),
            "redis": (GROUPS["redis"], self._redis),
            "postgres": (GROUPS["postgres"], self._postgres),
            "mood": (tuple(MOODS), self._mood),
            "restart": (GROUPS["restart"], self._restart),
        }
        self._every = EVERY | EVERY_WHEN_ALONE if options.is_rolling_restart else EVERY
        self._turns: dict[str, list[str]] = {name: [] for name in self._families}
        self._faults = {name: sorted(options.faults & set(known)) for name, (known, _strike) in self._families.items()}
        if sink is None:
            self._faults["mood"] = []
        if lasting := _lasting_moods(options.scenarios):
            self._faults["mood"], self._families["mood"] = lasting, (lasting, sink.change_mood)  # nothing calms it
            sink.change_mood(lasting[0])
        self._due = {name: time.monotonic() + self._wait(name) for name, faults in self._faults.items() if faults}
        self._amends: list[tuple[float, Callable]] = []  # what is mended, and when

    def _wait(self, family: str) -> float:
        slowness = max(1, self._site.getting_up / QUICK_SECONDS) if family in {"kill", "postgres"} else 1
        return self._chance.uniform(0.4, 1.6) * self._every[family] * slowness

    def pass_by(self) -> None:
        self._mend(time.monotonic())
        for name, due in list(self._due.items()):
            if due <= time.monotonic():
                self._due[name] = time.monotonic() + self._wait(name)
                self._strike(name)

    def _strike(self, family: str) -> None:
        """In an order drawn anew once each has struck."""
        turns, faults = self._turns[family], self._faults[family]
        turns = self._turns[family] = turns or self._chance.sample(faults, len(faults))
        if self._is_up_for(turns[-1]):
            self._ledger.add(fault=turns[-1])
            self._families[family][1](turns.pop())

    def _is_up_for(self, fault: str) -> bool:
        """What is still getting up is not struck again: a busy machine would never get further than that."""
        if fault in GROUPS["restart"]:
            return self._site.may_restart(fault.removeprefix("restart-"))
        return fault not in GROUPS["kill"] + GROUPS["postgres"] or self._site.answers()

    def end(self) -> None:
        """Everything is mended at once; nothing strikes any more."""
        self._due = {}
        self._mend(float("inf"))

    def _mend(self, now: float) -> None:
        for when, amend in list(self._amends):
            if when <= now:
                self._amends.remove((when, amend))
                amend()

    def _later(self, between: tuple[float, float], amend) -> None:
        self._amends.append((time.monotonic() + self._chance.uniform(*between), amend))

    # --- One family each ----------------------------------------------------------------------------------------------
    def _kill(self, fault: str) -> None:
        if fault == "kill-child":
            self._site.kill_a_child(self._chance)
        else:
            self._site.kill(fault.removeprefix("kill-"), self._chance)

    def _redis(self, fault: str) -> None:
        if self._site.redis.process.poll() is not None:
            return  # away already
        if fault == "redis-flush":
            self._site.flush_redis()
        else:
            self._site.redis.kill()
            self._later(REDIS_AWAY_SECONDS, self._site.redis.start)

    def _postgres(self, _fault: str) -> None:
        """SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, no goodbye; it recovers from its log."""
        if self._site.postgres.process.poll() is None:
            self._site.postgres.kill(signal.SIGQUIT)
            self._later(POSTGRES_AWAY_SECONDS, self._site.postgres.start)

    def _mood(self, fault: str) -> None:
        self._sink.change_mood(fault)
        self._later(MOOD_SECONDS, self._sink.calm)

    def _restart(self, fault: str) -> None:
        self._site.restart(fault.removeprefix("restart-"), self._chance)
