"""What the stories of this folder begin with."""

import pytest

from sharing import actions


@pytest.fixture
def prescription(kept_prescription):
    return kept_prescription


@pytest.fixture
def share(alice, market, prescription):
    """Alice's prescription, sent to the Pharmacie du Marché and not left yet."""
    return actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
