"""The walls around the tests hold."""

import socket
import urllib.request

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.template import Context, Origin, Template, engines

from portal import audit
from portal.models import AuditEvent
from tests.network import OutsideRefused
from tests.strict_templates import TEMPLATES, UndefinedVariable


def test_the_outside_is_refused_by_name_and_by_address():
    with pytest.raises(OutsideRefused):
        urllib.request.urlopen("http://example.org")
    with pytest.raises(OutsideRefused):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def ours(source):
    return Template(source, origin=Origin(name=f"{TEMPLATES}/page.html"), engine=engines["django"].engine)


@pytest.mark.parametrize("source", ["{{ missing }}", "{{ missing|upper }}", "{% with a=missing.name %}{% endwith %}"])
def test_an_undefined_variable_fails_the_page(source):
    with pytest.raises(UndefinedVariable, match="missing"):
        ours(source).render(Context())


@pytest.mark.parametrize("source", ["{% if missing %}a{% endif %}", "{{ missing|default:'' }}"])
def test_a_variable_that_is_asked_about_may_be_missing(source):
    assert ours(source).render(Context()) == ""


def test_templates_of_libraries_are_left_alone():
    assert engines["django"].from_string("{{ missing }}").render() == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_finds_an_empty_database_audit_included(time):
    assert not AuditEvent.objects.exists()
    with transaction.atomic():
        audit.record(kind="test.written", by="system:test")
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_finds_an_empty_cache(time):
    assert cache.get("time") is None
    cache.set("time", time)
    assert cache.get("time") == time


def test_what_tests_write_goes_to_a_temporary_folder():
    assert not settings.VAR_DIR.is_relative_to(settings.BASE_DIR)


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgres_is_there_where_it_is_asked_for():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int >= 140000")
        assert cursor.fetchone() == (True,)
    assert settings.REDIS_URL
