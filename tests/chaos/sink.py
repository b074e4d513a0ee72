"""The mail server that everything ends in. It misbehaves at every stage, and writes down what it accepts before saying
so."""

import random
import socket
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import time_machine

from sharing.demo import certificates
from tests.chaos.judge import CUT, UNANSWERED
from tests.chaos.ledger import FaultLedger, Ledger
from tests.chaos.moods import LOTS, MOODS
from tests.chaos.people import UNKNOWN
from tests.fakes import sink
from tests.fakes.sink import TAKE_AND_DROP, TAKE_AND_HANG


class Script:
    """What the sink does next. Drawn from the seed; asked from many threads."""

    def __init__(self, seed: int, faults: frozenset[str], ledger: FaultLedger):
        self.lots = [LOTS[fault] + (fault,) for fault in sorted(faults & LOTS.keys())]
        self.mood: dict[str, str] = {}
        self._chance, self._lock, self._ledger = random.Random(seed), threading.Lock(), ledger

    def __call__(self, stage: str, _turn: int) -> str | None:
        if stage in self.mood:
            return self.mood[stage]
        for said, stages, often, fault in self.lots:
            if stage in stages and self._draws(often):
                self._ledger.add(fault=fault, stage=stage)
                return said
        return None

    def _draws(self, often: float) -> bool:
        with self._lock:
            return self._chance.random() < often

    def heal(self) -> None:
        self.lots, self.mood = [], {}


class Conversation(sink.Conversation):
    last = ""  # Message-ID of what was accepted, until the client's next command shows that it heard

    def _rcpt(self, command: str) -> None:
        if f"<{UNKNOWN}-" in command.lower() and "rcpt" not in self.sink.behave.mood:
            self._say("550 5.1.1 No such mailbox")
        else:
            super()._rcpt(command)

    def _accept(self, content: bytes) -> None:
        super()._accept(content)
        self.last = self.sink.accepted.last_of_this_thread()

    def _misbehave(self, asked: str) -> None:
        if asked in (TAKE_AND_DROP, TAKE_AND_HANG):
            self.sink.faults.add(fault=UNANSWERED, message_id=self.last)
            self.last = ""
        super()._misbehave(asked)

    def heard(self) -> None:
        self.last = ""

    def _mail(self, command: str) -> None:
        self.heard()
        super()._mail(command)

    def _rset(self, command: str) -> None:
        self.heard()
        super()._rset(command)

    def _quit(self, command: str) -> None:
        self.heard()
        super()._quit(command)

    def run(self) -> None:
        try:
            super().run()
        except TimeoutError:
            self.heard()  # it is still there, and has nothing more to say
        finally:
            if self.last:
                self.sink.faults.add(fault=CUT, message_id=self.last)


class Accepted:
    """Takes the place of the sink's list: to a file, at once, without keeping a word of the message."""

    def __init__(self, file: Path):
        self.ledger, self._last = Ledger(file), threading.local()
        self.recipients: Counter = Counter()

    def append(self, mail: sink.Accepted) -> None:
        self.ledger.add(message_id=mail.message_id, recipient=mail.recipient, sha256=mail.sha256)
        self.recipients[mail.recipient] += 1
        self._last.message_id = mail.message_id

    def last_of_this_thread(self) -> str:
        return self._last.message_id


class ChaosSink(sink.Sink):
    def __init__(self, folder: Path, script: Script, accepted: Path, faults: FaultLedger):
        super().__init__(_certificates(folder), script, conversation=Conversation)
        self.accepted, self.faults = Accepted(accepted), faults

    def change_mood(self, mood: str) -> None:
        """For everybody, from the next conversation on; those under way feel it too where it speaks of their stage."""
        self.behave.mood = MOODS[mood]
        self.starttls = mood != "smtp-no-starttls"
        if mood == "smtp-refuse":
            self.stop_listening()
        names = {"smtp-wrong-certificate": "wrong", "smtp-expired-certificate": "expired"}
        self.server_name = names.get(mood, "operator")

    def calm(self) -> None:
        self.behave.mood, self.starttls, self.server_name = {}, True, "operator"
        if self._socket.fileno() < 0:
            self._socket = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._listen, daemon=True).start()

    def stop_listening(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _certificates(folder: Path) -> certificates.Certificates:
    """The usual ones; `expired` of the same authority; `wrong` of another."""
    known = certificates.ready_in(folder / "tls")
    with time_machine.travel("2019-03-01", tick=True):
        certificates.issue_server(known, "expired")
    other = certificates.ready_in(folder / "other-tls")
    known.certificate("wrong").write_bytes(other.certificate("operator").read_bytes())
    known.key("wrong").write_bytes(other.key("operator").read_bytes())
    return known
