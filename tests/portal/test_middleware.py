"""What holds for every page: sessions end, nothing stays in caches, refusals are pages."""

from datetime import UTC, datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse

from portal.middleware import show_refusals
from portal.reasons import Reason, Refused
from tests import factories

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(START, tick=False)
    return time_machine


def is_open(client) -> bool:
    return client.get("/compte/debut/").status_code == 200


# --- Sessions -------------------------------------------------------------------------------------------------------
def test_half_an_hour_without_a_sign_of_life_ends_the_session(client, alice, clock):
    client.force_login(alice)
    for _ in range(4):
        assert is_open(client)
        clock.shift(timedelta(minutes=29))
    assert is_open(client)
    clock.shift(timedelta(minutes=30, seconds=1))
    page = client.get("/partages/?page=2")
    assert page.url == "/compte/login/?next=/partages/%3Fpage%3D2" and "_auth_user_id" not in client.session
    assert page["Clear-Site-Data"] == '"cache", "storage"'
    assert "Reconnectez-vous" in str(list(get_messages(page.wsgi_request))[0])


def test_half_a_day_ends_it_whatever_happens(client, alice, clock):
    client.force_login(alice)
    for _ in range(12 * 3):
        assert is_open(client)
        clock.shift(timedelta(minutes=20))
    assert is_open(client)
    clock.shift(timedelta(minutes=1))
    assert not is_open(client)


def test_a_page_that_asks_by_itself_does_not_keep_the_session_alive(client, chloe, clock):
    client.force_login(chloe)
    assert is_open(client)
    since = START.isoformat()
    for _ in range(6):
        clock.shift(timedelta(minutes=4, seconds=50))
        assert client.get("/pharmacie/nouveaux/", {"depuis": since}).status_code == 200
    clock.shift(timedelta(minutes=4, seconds=50))
    assert client.get("/pharmacie/nouveaux/", {"depuis": since}).url.startswith("/compte/login/")


def test_what_was_being_posted_when_it_ended_is_not_done(client, alice, clock):
    share = factories.share()
    client.force_login(alice)
    assert is_open(client)
    clock.shift(timedelta(hours=1))
    assert client.post(f"/partages/{share.pk}/retirer/").url == "/compte/login/?next=/"
    share.refresh_from_db()
    assert share.status == "shared"


def test_the_list_of_sessions_is_written_once_a_minute_at_most(client, alice, clock, django_assert_max_num_queries):
    client.force_login(alice)
    assert is_open(client)
    first = UserSession.objects.get().last_seen_at
    clock.shift(timedelta(seconds=30))
    with django_assert_max_num_queries(5):  # session, account, the places where one reads or works
        is_open(client)
    assert UserSession.objects.get().last_seen_at == first
    clock.shift(timedelta(seconds=31))
    is_open(client)
    assert UserSession.objects.get().last_seen_at > first


def test_signing_out_leaves_nothing_behind(client, alice):
    client.force_login(alice)
    assert is_open(client)
    page = client.post("/compte/logout/")
    assert page["Clear-Site-Data"] == '"cache", "storage"' and page["Cache-Control"] == "no-store"
    assert not is_open(client)


def test_looking_at_the_way_out_is_not_taking_it(client, alice):
    client.force_login(alice)
    assert "Clear-Site-Data" not in client.get("/compte/logout/") and is_open(client)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_session_that_the_database_cannot_write_is_an_error_of_ours_not_of_whoever_asks(client, alice):
    def killed(execute, sql, params, many, context):
        if sql.startswith('UPDATE "django_session"'):
            sql, params = "SELECT pg_terminate_backend(pg_backend_pid())", None
        return execute(sql, params, many, context)

    client.force_login(alice)
    client.raise_request_exception = False
    with connection.execute_wrapper(killed):
        assert client.get("/compte/debut/").status_code == 500
    assert is_open(client)


def test_a_session_that_somebody_ended_meanwhile_is_not(client, alice):
    def ended(execute, sql, params, many, context):
        if sql.startswith('UPDATE "django_session"'):
            Session.objects.all().delete()
        return execute(sql, params, many, context)

    client.force_login(alice)
    with connection.execute_wrapper(ended):
        assert client.get("/compte/debut/").status_code == 400


# --- Refusals -------------------------------------------------------------------------------------------------------
def test_a_refusal_is_a_page_with_its_reason(rf, alice):
    request = rf.post("/")
    request.user, request.session, request.resolver_match = alice, {}, None
    middleware = show_refusals(lambda request: HttpResponse())
    page = middleware.process_exception(request, Refused(Reason("no", "Ce n’est pas possible. Faites autrement.")))
    assert page.status_code == 409 and "Faites autrement." in page.content.decode()
    assert middleware.process_exception(request, ValueError()) is None
