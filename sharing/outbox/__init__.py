"""The row is the queue: what is to leave, who is sending it, what came of it.

Knows the database only: what leaves is composed by message.py, sent by mssante, and delivery.py brings them together.
Locks are taken in one order everywhere: patient, prescription, share, delivery, route, audit.
"""

from sharing.outbox.claim import Claim, claim, keeping_lease
from sharing.outbox.entry import (
    cancel_or_recall,
    cancel_pending,
    compose_ahead,
    enqueue_recall,
    enqueue_share,
    enqueue_words,
    try_again,
)
from sharing.outbox.outcome import (
    bounced,
    is_leaving,
    record,
    reported_delayed,
    reported_delivered,
    reported_processed,
    reported_read,
    reported_unprocessed,
)
from sharing.outbox.overdue import give_up_overdue, quarantine_silent

__all__ = [
    "Claim",
    "bounced",
    "cancel_or_recall",
    "cancel_pending",
    "claim",
    "compose_ahead",
    "enqueue_recall",
    "enqueue_share",
    "enqueue_words",
    "give_up_overdue",
    "is_leaving",
    "keeping_lease",
    "quarantine_silent",
    "record",
    "reported_delayed",
    "reported_delivered",
    "reported_processed",
    "reported_read",
    "reported_unprocessed",
    "try_again",
]
