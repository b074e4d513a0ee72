"""The one place where a delivery changes its state, a claim apart (claim.py takes its row in one statement)."""

from sharing.models import Delivery
from sharing.states import may_deliver_move


def move(delivery: Delivery, status: str, **facts) -> None:
    """`facts`: what else becomes true of the row, which the caller has locked. Nobody holds it any more.

    Raises ValueError when the table of states (sharing/states.py) does not know this move.
    """
    if not may_deliver_move(delivery.status, status):
        raise ValueError(f"A delivery does not go from {delivery.status} to {status}.")
    Delivery.objects.filter(pk=delivery.pk).update(status=status, lease_owner="", lease_until=None, **facts)
    delivery.status = status
