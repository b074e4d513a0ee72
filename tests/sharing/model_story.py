"""One story of the model (test_model.py): what may go wrong in it, its time, its end, and who is meant."""

import itertools
import sys
from datetime import timedelta

import time_machine
from django.conf import settings
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis.stateful import RuleBasedStateMachine

from portal.reasons import Refused
from prescriptions.models import Prescription
from sharing import delivery, outbox, sweep
from sharing.desk import counter
from sharing.incoming import mails
from sharing.models import Delivery, Share
from sharing.states import ShareStatus as S
from tests.fakes.sink import DROP, GARBAGE, TAKE_AND_DROP
from tests.sharing import model_world
from tests.sharing.model_world import Flight, Memory, World

FAULTS = [
    None,
    None,
    ("rcpt", "451 4.7.1 Later"),
    ("rcpt", "550 5.1.1 Unknown"),
    ("rcpt", DROP),
    ("mail", "554 5.7.1 Go away"),
    ("data", "421 4.3.0 Closing"),
    ("dot", "451 4.3.0 Full"),
    ("dot", "554 5.6.0 Refused"),
    ("dot", DROP),
    ("dot", GARBAGE),
    ("dot", TAKE_AND_DROP),
    ("quit", DROP),
]
REPLIES = [S.PREPARING, S.PARTIALLY_READY, S.READY, S.COLLECTED, S.REFUSED]
WAITS = [
    timedelta(seconds=5),
    timedelta(seconds=61),
    timedelta(minutes=10),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=6),
    timedelta(days=120),
]


class Story(RuleBasedStateMachine):
    """Each one in a transaction that is rolled back, at its own time."""

    world: World
    steps = 0

    def __init__(self):
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.clock = time_machine.travel(timezone.now(), tick=True)
        self.now = self.clock.start()
        self.own_settings = override_settings(DATABASE_CLOCK_AHEAD=0)
        self.own_settings.enable()
        self.memory = Memory(first_mail=len(self.world.sink.accepted))
        self.flights: list[Flight] = []
        self.keys: dict = {}
        self.numbers = itertools.count(1)

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:  # a story that went wrong has said enough
                self.everything_heals()
        finally:
            self.own_settings.disable()
            self.clock.stop()
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def everything_heals(self):
        """Nobody breaks anything any more, and time goes by: half-hours, then the days after which it is given up."""
        self.world.asked[0] = None
        self.flights.clear()
        for wait in [*[timedelta(minutes=37)] * 6, timedelta(days=6)]:
            self.go_on(wait)
            self.go_round()
            delivery.sweep_once()
            model_world.check(self.world, self.memory)
        model_world.check_the_end(self.world, self.memory)

    def go_on(self, by: timedelta):
        self.now.shift(by)
        settings.DATABASE_CLOCK_AHEAD += by.total_seconds()

    def go_round(self):
        """What time asks of the clerk."""
        outbox.quarantine_silent()
        delivery.give_up_overdue()
        sweep.expire_shares()
        counter.collect_delivered()
        mails.process_stored()

    def of(self, rows, which: int):
        rows = list(rows)
        return rows[which % len(rows)] if rows else None

    def share_of(self, which: int) -> Share:
        return self.of(Share.objects.order_by("-created_at"), which)

    def prescription_of(self, which: int) -> Prescription:
        return Prescription.objects.get(pk=self.of(self.world.prescriptions, which).pk)

    def arrived(self, which: int) -> Delivery | None:
        """One that the sink has taken."""
        ids = [mail.message_id for mail in self.memory.mails(self.world)]
        return self.of(Delivery.objects.filter(message_id__in=ids).order_by("-created_at"), which)

    def act(self, reason, work):
        """It is done, or refused for the very reason that the policy gave beforehand."""
        try:
            with transaction.atomic():
                done = work()
        except Refused as refused:
            assert reason is not None and refused.reason.code == reason.code, refused.reason.code
            return None
        assert reason is None, reason.code
        return done

    def comes_in(self, content: bytes) -> str:
        row = mails.keep(content)
        mails.process_stored()
        row.refresh_from_db()
        return row.reason

    def picture(self) -> tuple:
        shares = Share.objects.order_by("pk").values_list("pk", "status", "thread_closed_at")
        rows = Delivery.objects.order_by("pk").values_list("pk", "status", "delivered_at", "read_at", "attempts")
        return list(shares), list(rows)
