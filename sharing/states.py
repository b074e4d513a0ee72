"""Two tables, never mixed: what people read (Share.status) and what the mail did (Delivery.status).

A move that is not in the table is refused with a reason. Beside each move stand its audit kind, the notice the
patient gets (None: none) and who may make it. `manage.py draw_states` draws both.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class ShareStatus(models.TextChoices):
    SHARED = "shared", _("Enregistrée")
    OPENED = "opened", _("Lue")
    PREPARING = "preparing", _("En préparation")
    PARTIALLY_READY = "partially_ready", _("En partie prête")
    READY = "ready", _("Prête")
    COLLECTED = "collected", _("Retirée")
    REFUSED = "refused", _("Refusée")
    REVOKED = "revoked", _("Reprise par le patient")
    EXPIRED = "expired", _("Expirée")
    UNDELIVERABLE = "undeliverable", _("Non remise")


S = ShareStatus
ACTIVE = (S.SHARED, S.OPENED, S.PREPARING, S.PARTIALLY_READY, S.READY)
ENDED = (S.COLLECTED, S.REFUSED, S.REVOKED, S.EXPIRED, S.UNDELIVERABLE)
# What the pharmacy may still read in full. The others: it only sees that the share existed.
READABLE_BY_PHARMACY = (*ACTIVE, S.COLLECTED, S.REFUSED)


@dataclass(frozen=True)
class Move:
    audit: str
    notice: str | None
    who: str  # "pharmacy" | "patient" | "system"


_SEEN = Move("share.opened", None, "pharmacy")
_PREPARING = Move("share.preparing", "share_moved", "pharmacy")
_PARTIAL = Move("share.partially_ready", "share_moved", "pharmacy")
_READY = Move("share.ready", "share_moved", "pharmacy")
_COLLECTED = Move("share.collected", None, "pharmacy")
_REFUSED = Move("share.refused", "share_moved", "pharmacy")
_REVOKED = Move("share.revoked", None, "patient")
_EXPIRED = Move("share.expired", "share_moved", "system")
_UNDELIVERABLE = Move("share.undeliverable", "share_moved", "system")

SHARE_MOVES: dict[tuple[str, str], Move] = {
    (S.SHARED, S.OPENED): _SEEN,
    (S.SHARED, S.PREPARING): _PREPARING,  # an answer by mail or API may come before any opening
    (S.SHARED, S.PARTIALLY_READY): _PARTIAL,
    (S.SHARED, S.READY): _READY,
    (S.SHARED, S.REFUSED): _REFUSED,
    (S.SHARED, S.COLLECTED): _COLLECTED,
    (S.SHARED, S.REVOKED): _REVOKED,
    (S.SHARED, S.EXPIRED): _EXPIRED,
    (S.SHARED, S.UNDELIVERABLE): _UNDELIVERABLE,
    (S.OPENED, S.PREPARING): _PREPARING,
    (S.OPENED, S.PARTIALLY_READY): _PARTIAL,
    (S.OPENED, S.READY): _READY,
    (S.OPENED, S.COLLECTED): _COLLECTED,
    (S.OPENED, S.REFUSED): _REFUSED,
    (S.OPENED, S.REVOKED): _REVOKED,
    (S.OPENED, S.EXPIRED): _EXPIRED,
    (S.PREPARING, S.PARTIALLY_READY): _PARTIAL,
    (S.PREPARING, S.READY): _READY,
    (S.PREPARING, S.COLLECTED): _COLLECTED,
    (S.PREPARING, S.REFUSED): _REFUSED,
    (S.PREPARING, S.REVOKED): _REVOKED,
    (S.PREPARING, S.EXPIRED): _EXPIRED,
    (S.PARTIALLY_READY, S.PREPARING): _PREPARING,  # said too early: the patient is told before coming for nothing
    (S.PARTIALLY_READY, S.READY): _READY,
    (S.PARTIALLY_READY, S.COLLECTED): _COLLECTED,
    (S.PARTIALLY_READY, S.REFUSED): _REFUSED,
    (S.PARTIALLY_READY, S.REVOKED): _REVOKED,
    (S.PARTIALLY_READY, S.EXPIRED): _EXPIRED,
    (S.READY, S.PREPARING): _PREPARING,
    (S.READY, S.PARTIALLY_READY): _PARTIAL,
    (S.READY, S.COLLECTED): _COLLECTED,
    (S.READY, S.REVOKED): _REVOKED,
    (S.READY, S.EXPIRED): _EXPIRED,
}


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", _("en attente")
    SENDING = "sending", _("en cours d’envoi")
    SENT = "sent", _("envoyée")
    RETRY = "retry", _("à réessayer")
    FAILED = "failed", _("en échec")
    QUARANTINED = "quarantined", _("mise de côté")  # ten claims without an outcome: it kills its process
    CANCELLED = "cancelled", _("annulée")  # revoked before it was claimed: never sent


D = DeliveryStatus
DUE = (D.QUEUED, D.RETRY, D.SENDING)  # `sending` is due again when its lease has run out
IN_TROUBLE = (D.RETRY, D.FAILED, D.QUARANTINED)

DELIVERY_MOVES: frozenset[tuple[str, str]] = frozenset(
    {
        (D.QUEUED, D.SENDING),
        (D.QUEUED, D.CANCELLED),
        (D.QUEUED, D.FAILED),  # given up before any try: expired
        (D.RETRY, D.SENDING),
        (D.RETRY, D.CANCELLED),
        (D.RETRY, D.FAILED),
        (D.SENDING, D.SENDING),  # the lease ran out, another holder took over
        (D.SENDING, D.SENT),
        (D.SENDING, D.RETRY),
        (D.SENDING, D.FAILED),
        (D.SENDING, D.QUARANTINED),
        (D.SENDING, D.CANCELLED),  # taken back while it was leaving, and this attempt did not arrive
        (D.QUARANTINED, D.CANCELLED),
        (D.QUARANTINED, D.FAILED),  # nobody tried it again before its end
        (D.SENT, D.FAILED),  # accepted, then bounced (DSN)
        (D.QUEUED, D.SENT),  # a holder whose lease ran out succeeded after all
        (D.RETRY, D.SENT),
        (D.FAILED, D.SENT),
        (D.QUARANTINED, D.SENT),
        (D.CANCELLED, D.SENT),
        (D.FAILED, D.QUEUED),  # the back office tries again
        (D.QUARANTINED, D.QUEUED),
        (D.RETRY, D.QUEUED),
    }
)


def may_deliver_move(before: str, after: str) -> bool:
    return (before, after) in DELIVERY_MOVES
