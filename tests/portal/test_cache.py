"""Redis away: nobody is kept out, and the limits still count."""

import logging
import socket

import pytest
from django.core.cache import caches

from portal import cache as portal_cache
from prescriptions.code import verification

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis_away(settings, monkeypatch):
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        settings.CACHES = settings.CACHES | {"default": {"BACKEND": "portal.cache.RedisOrProcess", "LOCATION": url}}
        monkeypatch.setitem(portal_cache._away, "until", 0.0)
        yield
    caches["process"].clear()


def test_people_still_sign_in_and_attempts_are_still_counted(redis_away, alice, client, caplog):
    caplog.set_level(logging.WARNING)
    alice.set_password("un-mot-de-passe-assez-long")
    alice.save()
    door = {"login": alice.email, "password": "autre"}
    answers = [client.post("/compte/login/", door).content.decode() for _ in range(7)]
    assert len(set(page.count("Trop") for page in answers)) == 2  # refused for the password, then for the number
    told = [line for line in caplog.messages if "each process counts for itself" in line]
    assert len(told) == 1
    assert alice.email not in caplog.text


def test_whoever_verifies_is_answered_and_counted(redis_away, client, within_a_minute):
    for _ in range(verification.CHECKS):
        assert client.post("/api/verify/", {"text": "x"}, content_type="application/json").status_code == 200
    assert client.post("/api/verify/", {"text": "x"}, content_type="application/json").status_code == 429


def test_redis_is_asked_again_after_a_while(redis_away, monkeypatch, caplog):
    counted = caches["default"]
    counted.add("n", 1)
    counted.incr("n")
    assert (counted.get("n"), len(caplog.messages)) == (2, 1)
    monkeypatch.setitem(portal_cache._away, "until", 0.0)
    counted.get("n")
    assert len(caplog.messages) == 2
