"""Works that take turns, so that a neighbour who comes and goes weighs on all of them, and how it is drawn."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

BAR = 24
TURNS_AT_LEAST = 5


@dataclass(frozen=True)
class Measured:
    what: str
    against: str
    ours: float  # seconds, median
    floor: float
    turns: int

    @property
    def ratio(self) -> float:
        return self.ours / self.floor


def in_turns(floor: Callable, *works: Callable, seconds: float, turns: int = 1_000_000) -> list[list[float]]:
    """How long each call took, the floor's first; the first turn, which fills caches, is not counted."""
    taken = [[] for _ in (floor, *works)]
    until = time.perf_counter() + seconds
    turn = 0
    while turn <= TURNS_AT_LEAST or (time.perf_counter() < until and turn < turns):
        for times, work in zip(taken, (floor, *works), strict=True):
            started = time.perf_counter()
            work()
            if turn:
                times.append(time.perf_counter() - started)
        turn += 1
    return taken


def compare(against: str, floor: Callable, works: dict[str, Callable], **limits) -> list[Measured]:
    floors, *others = in_turns(floor, *works.values(), **limits)
    base = statistics.median(floors)
    return [
        Measured(what, against, statistics.median(times), base, len(times))
        for what, times in zip(works, others, strict=True)
    ]


def drawn(rows: list[Measured]) -> list[str]:
    """One line a measure; the longest bar is the largest ratio."""
    longest = max(row.ratio for row in rows)
    return [_line(row, longest) for row in rows]


def _line(row: Measured, longest: float) -> str:
    bar = "█" * max(1, round(BAR * row.ratio / longest))
    rate = f"{1 / row.ours:,.0f}/s" if row.ours < 0.5 else f"{60 / row.ours:,.0f}/min"
    ours, floor = f"{row.ours * 1000:.1f}", f"{row.floor * 1000:.1f}"
    return f"  {row.what:30} {ours:>8} ms {rate:>9}   {floor:>7} ms {row.against:28} × {row.ratio:<6.1f} {bar}"
