"""What was promised against what was accepted. Knows three files and nothing of the application.

A share is known from outside by its recipient: in this exercise each has a pharmacy of its own.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Said by the sink in faults.jsonl, with the Message-ID: it took the message and its answer may not have been heard.
UNANSWERED = "unanswered"  # on purpose
CUT = "cut-after-acceptance"  # the client went before its next command: killed, perhaps
DOUBTS = {UNANSWERED, CUT}


@dataclass(frozen=True)
class Verdict:
    promised: int
    promised_twice: int  # more than one receipt for one prescription
    accepted: int  # messages, the same one counted once
    lost: tuple[str, ...]  # recipients
    told: int  # promised, never taken, and their patient reads so: mailboxes that every server refuses
    told_wrongly: tuple[str, ...]  # recipients whose patient reads that it failed, though their mailbox is a good one
    distinct_id_duplicates: int
    same_id_redeliveries: int
    without_cause: int  # of those: nothing had cast doubt on the acceptance before
    altered: int  # the same Message-ID with other bytes
    never_promised: int  # accepted for somebody whose client has no receipt

    def is_good(self) -> bool:
        wrong = self.promised_twice + self.distinct_id_duplicates + self.without_cause + self.altered
        return not (self.lost or self.told_wrongly or wrong or self.never_promised)


def judge(
    promised: list[dict], accepted: list[dict], faults: list[dict] | None = (), told: Iterable[str] = ()
) -> Verdict:
    """`promised`: receipt, prescription, recipient, is_unknown; `accepted`: time, message_id, recipient, sha256;
    `faults`: fault, message_id; `told`: recipients whose patient was told that it did not arrive.

    `faults` None: the sink is not ours, and alone knows whom it refused for good and which answers it withheld."""
    expected = {promise["recipient"]: promise for promise in promised}
    unknown = {recipient for recipient, promise in expected.items() if promise.get("is_unknown")}
    taken = _by(accepted, "recipient", "message_id")
    told = set(told) - taken.keys()
    refused = unknown if faults is not None else told
    return Verdict(
        promised=len(expected),
        promised_twice=_more_than_one(_by(promised, "prescription", "receipt")),
        accepted=len({line["message_id"] for line in accepted}),
        lost=tuple(sorted(expected.keys() - taken.keys() - told)),
        told=len(told & refused),
        told_wrongly=tuple(sorted(told - refused)),
        distinct_id_duplicates=_more_than_one(taken),
        same_id_redeliveries=sum(_times(accepted).values()) - len(_times(accepted)),
        without_cause=0 if faults is None else _without_cause(accepted, faults),
        altered=_more_than_one(_by(accepted, "message_id", "sha256")),
        never_promised=len(taken.keys() - expected.keys()),
    )


def ambiguous(faults: list[dict]) -> int:
    """Acceptances whose answer the client may not have heard: withheld by the sink, or the client was cut off."""
    return sum(line["fault"] in DOUBTS for line in faults)


def _by(lines: list[dict], key: str, value: str) -> dict[str, set]:
    found = defaultdict(set)
    for line in lines:
        found[line[key]].add(line[value])
    return found


def _more_than_one(found: dict[str, set]) -> int:
    return sum(len(values) - 1 for values in found.values())


def _times(accepted: list[dict]) -> Counter:
    return Counter(line["message_id"] for line in accepted)


def _without_cause(accepted: list[dict], faults: list[dict]) -> int:
    """Each acceptance but the last needs a doubt of its own: sending again was right then."""
    doubts = Counter(line["message_id"] for line in faults if line["fault"] in DOUBTS)
    return sum(max(0, times - 1 - doubts[message_id]) for message_id, times in _times(accepted).items())


def lines(file: Path, after: int = 0) -> list[dict]:
    """The JSON lines of a file that may not be there, from that byte on; a last line cut short is left out."""
    if not file.exists():
        return []
    whole = file.read_bytes()[after:].splitlines(keepends=True)
    return [json.loads(line) for line in whole if line.endswith(b"\n")]
