"""What the model of a share (test_model.py) sees and remembers: every move the database made, what the sink took, and
what must hold after each step."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import F

from portal.models import AuditEvent, Notice, User
from prescriptions.models import Dispensing, DispensingLine, Prescription
from sharing import outbox, reconciliation
from sharing.models import Delivery, InboundMail, Pharmacy, Share, ShareEvent
from sharing.mssante import SendOutcome
from sharing.states import DELIVERY_MOVES, SHARE_MOVES
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests.fakes.sink import Sink

# The database itself writes down every move, whoever makes it and by whatever statement.
NOTE_EVERY_MOVE = """
CREATE TABLE model_move (number bigserial PRIMARY KEY, what text, id uuid, before text, after text);
CREATE FUNCTION model_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO model_move (what, id, before, after) VALUES (TG_ARGV[0], OLD.id, OLD.status, NEW.status);
    RETURN NULL;
END $$;
CREATE TRIGGER model_share AFTER UPDATE ON sharing_share FOR EACH ROW
    WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION model_note('share');
CREATE TRIGGER model_delivery AFTER UPDATE ON sharing_delivery FOR EACH ROW
    WHEN (OLD.status <> NEW.status OR NEW.lease_owner <> '' AND OLD.lease_owner <> NEW.lease_owner)
    EXECUTE FUNCTION model_note('delivery');
"""
DELIVERY_TRACES = {  # where a delivery arrives: what its audit says
    D.SENT: {"delivery.sent"},
    D.RETRY: {"delivery.not-sent"},
    D.FAILED: {"delivery.failed", "delivery.bounced", "delivery.given-up"},
    D.QUARANTINED: {"delivery.quarantined"},
    D.CANCELLED: {"delivery.cancelled"},
    D.QUEUED: {"delivery.tried-again"},
}
Kind = Delivery.Kind
KINDS = {move.audit for move in SHARE_MOVES.values()}
OVER = {S.REVOKED, S.UNDELIVERABLE}
READ_AT_THE_DESK = {S.OPENED, S.PREPARING, S.PARTIALLY_READY, S.READY, S.COLLECTED, S.REFUSED}


@dataclass
class World:
    """Made once: the cast, what can be shared, with whom, and the way out."""

    prescriptions: list[Prescription]
    spare: Prescription  # what a prescriber writes in the place of another
    pharmacies: list[Pharmacy]
    alice: User
    chloe: User
    emma: User
    dan: User
    lines: list = field(default_factory=list)  # of all of them
    sink: Sink | None = None
    asked: list = field(default_factory=lambda: [None])  # what the sink does at which stage, now

    def behave(self, stage: str, turn: int) -> str | None:
        at, what = self.asked[0] or ("", None)
        return what if at == stage else None


@dataclass
class Flight:
    """A worker that claimed a delivery, and what came of it."""

    claimed: outbox.Claim
    outcome: SendOutcome | None = None
    arrived: bool = False


@dataclass
class Memory:
    """What only who looks from outside knows."""

    first_mail: int  # of those the sink took before this story
    in_doubt: Counter = field(default_factory=Counter)  # copies that arrived and nobody could write it down
    bounced: Counter = field(default_factory=Counter)  # copies that came back
    there: set = field(default_factory=set)  # a copy of it was said to be in the mailbox

    def mails(self, world: World) -> list:
        return world.sink.accepted[self.first_mail :]

    def copies(self, world: World, row: Delivery) -> int:
        """How many the pharmacy has, or may still hear of."""
        return sum(mail.message_id == row.message_id for mail in self.mails(world)) - self.bounced[row.pk]


@dataclass
class Picture:
    """The database as it stands, read in few words: this is looked at after each step."""

    shares: list[Share]
    deliveries: dict
    moves: dict  # by row, in order
    audit: dict  # by subject, how many of each kind
    steps: dict  # by share, its timeline
    notices: dict  # by share, how many of each kind


def look() -> Picture:
    steps, notices, audit = defaultdict(list), defaultdict(Counter), defaultdict(Counter)
    for share_id, status in ShareEvent.objects.order_by("id").values_list("share_id", "status"):
        steps[share_id].append(status)
    for path, kind in Notice.objects.values_list("path", "kind"):
        notices[path.split("/")[2]][kind] += 1
    for subject, kind in AuditEvent.objects.order_by().values_list("subject", "kind"):
        audit[subject][kind] += 1
    rows = Delivery.objects.defer("content", "envelope_from").order_by("created_at")
    shares = list(Share.objects.defer("message", "missing").order_by("created_at"))
    return Picture(shares, {row.pk: row for row in rows}, _moves(), audit, steps, notices)


def _moves() -> dict:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, before, after FROM model_move ORDER BY number")
        made = defaultdict(list)
        for pk, before, after in cursor.fetchall():
            made[pk].append((before, after))
        return made


# --- What must hold after each step ---------------------------------------------------------------------------------
def check(world: World, memory: Memory) -> None:
    seen = look()
    mails = memory.mails(world)
    _check_shares(seen)
    _check_deliveries(seen)
    _check_mails(seen, mails, memory)
    _check_recalls(seen, lambda row: memory.copies(world, row) > 0)
    _check_dispensings(world)


def _check_shares(seen: Picture) -> None:
    active = Counter(share.prescription_id for share in seen.shares if share.is_active())
    assert max(active.values(), default=0) <= 1
    for share in seen.shares:
        way = seen.moves[share.pk]
        assert set(way) <= set(SHARE_MOVES), way
        told = seen.audit[f"share:{share.pk}"]
        assert {kind: told[kind] for kind in KINDS} == {kind: 0 for kind in KINDS} | Counter(
            SHARE_MOVES[move].audit for move in way
        )
        assert seen.steps[share.pk] == [S.SHARED, *[after for _before, after in way]]
        owed = sum(SHARE_MOVES[move].notice == "share_moved" for move in way)
        owed += told["share.message-undelivered"] + told["share.recall-undelivered"]
        assert seen.notices[str(share.pk)]["share_moved"] == owed


def _check_deliveries(seen: Picture) -> None:
    for pk, row in seen.deliveries.items():
        way = seen.moves[pk]
        assert set(way) <= DELIVERY_MOVES, way
        assert {after for before, after in way if before == D.SENT} <= {D.FAILED}, "sent, and in the queue again"
        told, reached = seen.audit[f"delivery:{pk}"], Counter(after for _before, after in way)
        assert row.attempts == reached[D.SENDING]
        for status, kinds in DELIVERY_TRACES.items():
            assert sum(told[kind] for kind in kinds) == reached[status], (status, way, told)


def _check_mails(seen: Picture, mails: list, memory: Memory) -> None:
    """The same bytes each time, a second time only when nobody could know that the first had arrived."""
    known = {row.message_id: row for row in seen.deliveries.values()}
    copies = Counter()
    for mail in mails:
        row = known[mail.message_id]
        assert (mail.sha256, mail.recipient) == (row.content_sha256, row.envelope_to)
        copies[row.pk] += 1
    for pk, count in copies.items():
        way = Counter(seen.moves[pk])
        again = sum(n for (_before, after), n in way.items() if after == D.QUEUED)
        assert count <= 1 + memory.in_doubt[pk] + way[D.SENDING, D.SENDING] + again, seen.moves[pk]
    for pk, row in seen.deliveries.items():
        assert row.status != D.SENT or copies[pk], "sent, and nobody has it"


def _check_recalls(seen: Picture, is_there: Callable[[Delivery], bool]) -> None:
    rows = defaultdict(dict)
    for row in seen.deliveries.values():
        rows[row.share_id].setdefault(row.kind, row)
    for share in seen.shares:
        first = rows[share.pk][Kind.SHARE]  # KeyError: a share without its message
        if share.status in OVER and is_there(first):
            assert Kind.RECALL in rows[share.pk], "the pharmacy has what was taken back, and no word of it"


def _check_dispensings(world: World) -> None:
    boxes, whole = Counter(), Counter()
    given = DispensingLine.objects.filter(quantity__gt=0, dispensing__undone_at=None)
    for line_id, quantity, completeness in given.values_list("line_id", "quantity", "completeness"):
        boxes[line_id] += quantity
        whole[line_id] += completeness.endswith("C")
    for line in world.lines:
        assert whole[line.pk] <= 1 + line.renewals
        assert line.quantity is None or boxes[line.pk] <= line.quantity * (1 + line.renewals)
    too_late = Dispensing.objects.filter(created_at__gt=F("prescription__cancelled_at"))
    assert not too_late.exists()


# --- What must hold once everything has healed ----------------------------------------------------------------------
def check_the_end(world: World, memory: Memory) -> None:
    rows = list(Delivery.objects.select_related("share").defer("content"))
    assert {row.status for row in rows} <= {D.SENT, D.FAILED, D.CANCELLED}, "stuck"
    assert not InboundMail.objects.filter(status=InboundMail.Status.STORED).exists()
    assert not any(reconciliation.counts().values())
    for row in rows:
        share, has_it = row.share, memory.copies(world, row) > 0
        if row.kind != Kind.SHARE:
            continue
        if share.is_active():
            assert has_it or share.status in READ_AT_THE_DESK, "lost"
        if share.status in OVER and has_it:
            assert share.deliveries.filter(kind=Kind.RECALL, status__in=[D.SENT, D.FAILED]).exists()
