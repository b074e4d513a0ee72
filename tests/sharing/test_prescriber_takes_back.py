"""The prescriber cancels or replaces what was already shared: everybody it was shared with is told."""

import pytest

from portal.models import Notice
from prescriptions import actions as registry
from sharing import actions, sweep
from sharing.models import Delivery
from sharing.states import DeliveryStatus
from sharing.states import ShareStatus as S
from tests import factories
from tests.mail import recall_of


@pytest.fixture
def share(market, prescription, alice):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    delivery = share.deliveries.get()
    for status in (DeliveryStatus.SENDING, DeliveryStatus.SENT):  # it has left
        Delivery.objects.filter(pk=delivery.pk).update(
            status=status,
            lease_owner="w" if status == DeliveryStatus.SENDING else "",
            lease_until=share.created_at if status == DeliveryStatus.SENDING else None,
            sent_at=share.created_at if status == DeliveryStatus.SENT else None,
        )
    return share


def test_cancelled(share):
    registry.cancel_prescription(prescription=share.prescription, reason="Erreur", by="system:test")
    assert sweep.expire_shares() == 1
    share.refresh_from_db()
    assert share.status == S.EXPIRED
    assert "annulée par le prescripteur" in recall_of(share)
    assert Notice.objects.filter(kind="share_moved").exists()


def test_replaced(share):
    newer = factories.prescription(patient=share.patient)
    registry.replace_prescription(prescription=share.prescription, replacement=newer, by="system:test")
    assert sweep.expire_shares() == 1
    share.refresh_from_db()
    assert share.status == S.EXPIRED
    assert "remplacé" in recall_of(share)
    assert sweep.expire_shares() == 0, "told once"
