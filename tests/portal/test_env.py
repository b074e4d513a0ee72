"""What the environment says is taken as it is or refused with the name of the setting, never guessed."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import env


def test_a_setting_with_known_values_takes_no_other(monkeypatch):
    assert env.one_of("MSSANTE_SENDER_X", "patient", "portal") == "patient"
    monkeypatch.setenv("MSSANTE_SENDER_X", "portal")
    assert env.one_of("MSSANTE_SENDER_X", "patient", "portal") == "portal"
    monkeypatch.setenv("MSSANTE_SENDER_X", "Patient")
    with pytest.raises(ImproperlyConfigured, match="MSSANTE_SENDER_X must be patient or portal, not 'Patient'"):
        env.one_of("MSSANTE_SENDER_X", "patient", "portal")


def test_a_number_is_one(monkeypatch):
    monkeypatch.setenv("SIZE_X", "25MB")
    with pytest.raises(ImproperlyConfigured, match="SIZE_X must be a whole number"):
        env.number("SIZE_X", 1)
