"""What can be done with a share. One verb, one function: keyword-only, author last, atomic, audit inside.

Nothing here touches the outside: messages and notices are rows that the sweep sends.
`by` is the person (User) who acts, or "system:…". `door` says how the act came in (ShareEvent.Door).
"""

from sharing.actions.by_patient import move_share, note_reading, post_message, revoke_share, share_prescription
from sharing.actions.by_pharmacy import (
    Answer,
    close_thread,
    dispense,
    note_collected,
    open_share,
    read_document,
    record_reply,
    take_share,
)
from sharing.actions.by_system import (
    expire_share,
    mark_undeliverable,
    note_not_processed,
    note_recall_undelivered,
    note_words_undelivered,
)
from sharing.actions.keeping import block_professional, mask_prescription, unblock_professional, unmask_prescription
from sharing.actions.moves import Door

__all__ = [
    "Answer",
    "Door",
    "block_professional",
    "close_thread",
    "dispense",
    "expire_share",
    "mark_undeliverable",
    "mask_prescription",
    "move_share",
    "note_collected",
    "note_not_processed",
    "note_reading",
    "note_recall_undelivered",
    "note_words_undelivered",
    "open_share",
    "post_message",
    "read_document",
    "record_reply",
    "revoke_share",
    "share_prescription",
    "take_share",
    "unblock_professional",
    "unmask_prescription",
]
