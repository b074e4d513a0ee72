"""A refusal is a reason: `why_not_…()` returns one or None, the template shows it, the action raises it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """`code` is stable (tests, API); `sentence` is translated and says what to do."""

    code: str
    sentence: str

    def __str__(self) -> str:
        return str(self.sentence)


class Refused(Exception):
    """Raised by actions; carries a Reason and no personal data."""

    def __init__(self, reason: Reason):
        super().__init__(reason.code)
        self.reason = reason


def refuse_if(reason: Reason | None) -> None:
    if reason is not None:
        raise Refused(reason)


def do_each(act: Callable, rows: Iterable) -> int:
    """How many were done. One that is refused, because somebody was quicker, does not stop the others."""
    done = 0
    for row in rows:
        with suppress(Refused):
            act(row)
            done += 1
    return done
