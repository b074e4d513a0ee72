"""The exercise from beginning to end, always within its limit of time."""

import os
import shutil
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from sharing.demo.certificates import PORTAL
from tests.chaos import judge, people
from tests.chaos.clients import Clients, reads_that_it_failed
from tests.chaos.faults import Storm
from tests.chaos.ledger import FaultLedger, Ledger
from tests.chaos.options import Options
from tests.chaos.sink import ChaosSink, Script
from tests.chaos.site import Site

TICK = 0.1
SAY_EVERY = 10  # seconds
LOOK_EVERY = 1  # at the files, which may be long
SHARING_PART = 0.6  # of the limit; a busy machine promises less, and has the rest to keep it
CROWD = 50  # identical requests at the same instant
NO_SINK = "The mail server is not ours: its faults are its own."


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def run(options: Options) -> dict:
    """The figures. Whatever happens nothing is left running."""
    _empty(options)
    with ExitStack() as stack:
        return Exercise(options, stack).run()


def _empty(options: Options) -> None:
    """What another sink has written stays: it may be writing still."""
    options.folder.mkdir(parents=True, exist_ok=True)
    for entry in options.folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif options.has_our_sink or entry != options.accepted:
            entry.unlink()


class Exercise:
    def __init__(self, options: Options, stack: ExitStack):
        self.options, self._stack, self._folder = options, stack, options.folder
        self._written_before = options.accepted.stat().st_size if options.accepted.exists() else 0
        self.faults = FaultLedger(self._folder / "faults.jsonl")
        self.promised = Ledger(self._folder / "promised.jsonl")
        self.sink = self._open_sink() if options.has_our_sink else None
        self.drained_at = 0.0
        self._clock = threading.Event()  # never set: real processes are watched, in real time

    def _open_sink(self) -> ChaosSink:
        script = Script(self.options.seed, self.options.faults, self.faults)
        return self._stack.enter_context(ChaosSink(self._folder, script, self.options.accepted, self.faults))

    def run(self) -> dict:
        say(f"Preparing {self.options.count} patients on {self.options.database}; the files are in {self._folder}.")
        site = self.site = self._stack.enter_context(Site(self.options, self._mail()))
        file = self._folder / "tickets.jsonl"
        site.python("-m", "tests.chaos.people", str(self.options.count), str(self.options.seed), str(file))
        self.tickets = people.read(file)
        site.start()
        self._begin()
        return self._figures()

    def _mail(self) -> dict[str, str]:
        if self.sink is None:
            say(NO_SINK)
            return {name: value for name, value in os.environ.items() if name.startswith("MSSANTE_")}
        known = self.sink.certificates
        return {
            "MSSANTE_SMTP_HOST": "127.0.0.1",
            "MSSANTE_SMTP_PORT": str(self.sink.port),
            "MSSANTE_CA": str(known.ca),
            "MSSANTE_CLIENT_CERT": str(known.certificate(PORTAL)),
            "MSSANTE_CLIENT_KEY": str(known.key(PORTAL)),
        }

    # --- What happens -------------------------------------------------------------------------------------------------
    def _begin(self) -> None:
        self.began = time.monotonic()
        self.storm = Storm(self.options, self.site, self.sink, self.faults)
        crowd = self._share("a crowd pressing once", self.tickets[:1] * CROWD, CROWD)
        rest = self._share("everybody", self.tickets[1:], self.options.clients, self.options.rest)
        self.watches = [crowd.watch, rest.watch]
        self.answered = rest.watch.seconds
        self._wait("outage", lambda: time.monotonic() > self.began + self.options.outage)
        self.promised_at = time.monotonic()
        self.taken_when_healed = len(self._taken())
        self._heal()
        self._wait("draining", self._is_drained)

    def _share(self, what: str, tickets: list, at_once: int, rest: float = 0) -> Clients:
        clients = Clients(self.site.door, tickets, self.promised, at_once, rest).start()
        self._wait(what, lambda: self._are_done(clients))
        clients.stop()
        return clients

    def _are_done(self, clients: Clients) -> bool:
        if time.monotonic() > self.began + self.options.limit * SHARING_PART:
            clients.take_no_more()
        return clients.are_done()

    def _heal(self) -> None:
        self.storm.end()
        if self.sink:
            self.sink.behave.heal()
            self.sink.calm()

    def _wait(self, what: str, is_over: Callable[[], bool]) -> None:
        """Looks after the processes, and lets the storm pass by, until it is over or the limit has come."""
        said = looked = time.monotonic()
        while time.monotonic() < self.began + self.options.limit:
            self._storm_or_calm()
            self.site.look_after()
            now = time.monotonic()
            if now - looked >= LOOK_EVERY or what != "draining":
                looked = now
                if is_over():
                    return
            if now - said >= SAY_EVERY:
                said = now
                self._say_where_it_is(what)
            self._clock.wait(TICK)
        say(f"Limit of {self.options.limit} s reached while {what}.")

    def _storm_or_calm(self) -> None:
        """Half of the time at most is for breaking things; on a busy machine the rest is needed to show the outcome."""
        if time.monotonic() > self.began + self.options.outage + self.options.limit / 2:
            self._heal()
        self.storm.pass_by()

    def _say_where_it_is(self, what: str) -> None:
        say(
            f"{time.monotonic() - self.began:5.0f} s  {what}: {self.promised.count} promises, "
            f"{len(self._taken())} recipients, {sum(self.faults.by_name.values())} faults"
        )

    def _taken(self) -> set[str]:
        if self.sink:
            return set(self.sink.accepted.recipients)
        return {line["recipient"] for line in self._accepted()}

    def _accepted(self) -> list[dict]:
        return judge.lines(self.options.accepted, after=self._written_before)

    def _is_drained(self) -> bool:
        """Everything promised is taken, but what nobody takes; and nothing waits to leave, not even a second time."""
        promised = judge.lines(self._folder / "promised.jsonl")
        good = {promise["recipient"] for promise in promised if not promise["is_unknown"]}
        if self.sink and not good <= self._taken():
            return False
        left = time.monotonic()
        is_empty = self.site.deep_health().get("pending") == 0
        if self.sink or is_empty:  # another sink may refuse whom it likes
            self.drained_at = self.drained_at or left
        return is_empty and not self.site.is_being_restarted()

    # --- What came of it ----------------------------------------------------------------------------------------------
    def _figures(self) -> dict:
        promised = judge.lines(self._folder / "promised.jsonl")
        faults = judge.lines(self._folder / "faults.jsonl")
        known = faults if self.sink else None
        verdict = judge.judge(promised, self._accepted(), known, self._told(promised))
        health = self.site.deep_health()
        pending, quarantined = health.get("pending"), health.get("quarantined")
        drain, post = self._since(self.promised_at), percentile(self.answered, 95)
        too_slow = self._too_slow(drain, post)
        unreconciled = self.site.python("manage.py", "reconcile", check=False).returncode
        refused = [answer for watch in self.watches for answer in watch.refused]
        repeated = [why for watch in self.watches for why in watch.repeated]
        for what, why in (("refused", refused), ("repeated", repeated)):
            say(f"Requests {what}: {dict(Counter(why)) or 'none'}")
        is_whole = verdict.promised and not refused and self.drained_at and not unreconciled and not too_slow
        is_whole = is_whole and pending == quarantined == 0
        return {
            "good": bool(verdict.is_good() and is_whole and self._went_unnoticed(verdict, repeated, faults)),
            "promised": verdict.promised,
            "lost": len(verdict.lost),
            "distinct_id_duplicates": verdict.distinct_id_duplicates,
            "same_id_redeliveries": verdict.same_id_redeliveries,
            "redelivered_without_cause": verdict.without_cause if self.sink else None,
            "ambiguous_faults": judge.ambiguous(faults),
            "drain_seconds": drain,
            "total_seconds": self._since(self.began),
            "delivered_per_second": self._pace(),
            "post_p50_ms": percentile(self.answered, 50),
            "post_p95_ms": post,
            "too_slow": too_slow,
            "told_refused": verdict.told,
            "told_wrongly": len(verdict.told_wrongly),
            "promised_twice": verdict.promised_twice,
            "altered": verdict.altered,
            "never_promised": verdict.never_promised,
            "pending": pending,
            "quarantined": quarantined,
            "unreconciled": bool(unreconciled),
            "requests_repeated": len(repeated),
            "requests_refused": len(refused),
            "slowest_stop_seconds": round(max((end.seconds for end in self.site.ends()), default=0), 1),
            "stopped_badly": sum(end.status != 0 for end in self.site.ends()),
            "faults": dict(sorted(self.faults.by_name.items())),
            "n": self.options.count,
            "seed": self.options.seed,
            "db": self.options.database,
            "hurry": self.options.hurry,
            "load": round(os.getloadavg()[1], 1),
        }

    def _went_unnoticed(self, verdict: judge.Verdict, repeated: list[str], faults: list[dict]) -> bool:
        """A rolling restart: each process was asked, ended by itself, and nobody had to do anything twice."""
        if not self.options.is_rolling_restart:
            return True
        noticed = len(repeated) + verdict.same_id_redeliveries + judge.ambiguous(faults)
        is_done = self.options.faults <= self.faults.by_name.keys()
        return is_done and not noticed and not any(end.status for end in self.site.ends())

    def _too_slow(self, drain: float | None, post: int | None) -> list[str]:
        """Where a figure is held to, and was missed."""
        held = {"drain": (drain, self.options.drain_limit), "post": (post, self.options.post_limit)}
        return [what for what, (took, most) in held.items() if most and took and took > most]

    def _told(self, promised: list[dict]) -> list[str]:
        """The recipients that nobody has taken, and whose patient reads it."""
        taken, sessions = self._taken(), {ticket.prescription: ticket for ticket in self.tickets}
        missing = [promise for promise in promised if promise["recipient"] not in taken]
        return [
            promise["recipient"]
            for promise in missing
            if reads_that_it_failed(self.site.door, sessions[promise["prescription"]], promise["share"])
        ]

    def _since(self, moment: float) -> float | None:
        """Until the last promise was kept."""
        return round(self.drained_at - moment, 1) if self.drained_at else None

    def _pace(self) -> float | None:
        """From the healing on; what left before it does not count."""
        left = len(self._taken()) - self.taken_when_healed
        return round(left / max(self.drained_at - self.promised_at, 1), 1) if self.drained_at else None


def percentile(values: list[float], hundredth: int) -> int | None:
    """In milliseconds."""
    return round(1000 * statistics.quantiles(values, n=100, method="inclusive")[hundredth - 1]) if values[1:] else None
