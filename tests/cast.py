"""The cast as fixtures, under the names of the factories: a story asks for whom it needs."""

import pytest

from tests import factories, kept_files


@pytest.fixture
def alice(db):
    return factories.alice()


@pytest.fixture
def alice_patient(db):
    factories.alice()
    return factories.alice_patient()


@pytest.fixture
def leo(db):
    """Alice's child, whose space she may enter."""
    factories.alice_parent()
    return factories.leo()


@pytest.fixture
def bob(db):
    return factories.bob()


@pytest.fixture
def bob_patient(db):
    factories.bob()
    return factories.bob_patient()


@pytest.fixture
def market(db):
    """« Pharmacie du Marché », Chloé's."""
    return factories.market_pharmacy()


@pytest.fixture
def chloe(market):
    return factories.chloe(market)


@pytest.fixture
def dan(db):
    return factories.dan()


@pytest.fixture
def emma(db):
    return factories.emma()


@pytest.fixture
def prescription(alice):
    """Alice's antibiotic, three days old, from Dr Emma."""
    return factories.prescription()


@pytest.fixture
def kept_prescription(alice):
    """The same, with its files already kept: for a story that sends it, whatever they hold."""
    return kept_files.prescription()
