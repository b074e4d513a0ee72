"""The plumbing: where tests may write and connect, and what makes a whole run fail. The people are in factories.py."""

import gc
import os
import shutil
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from portal import append_only
from tests import network, signing_in, strict_templates

pytest_plugins = ["tests.browser", "tests.cast", "tests.mail"]

# Two cores that are shared: a slow example says nothing about the code.
# The same examples each time in CI, so that a red run is about the change; new ones everywhere else.
hypothesis_settings.register_profile(
    "here", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
hypothesis_settings.load_profile("here")

ROOT = Path(__file__).resolve().parent.parent
SHARED_MATERIAL = ROOT.parent / "shared" / "testdata"
SHARED_SUFFIX = "_shared.py"


def pytest_sessionstart(session):
    network.refuse_the_outside()
    signing_in.force_login_with_both_factors()


def pytest_runtest_setup():
    """Before each test: setting Django up once more (portal.wsgi does) gives every logger its first level back."""
    strict_templates.refuse_undefined_variables()


def pytest_ignore_collect(collection_path):
    """Tests that read the shared material are collected only where it is; the summary says so."""
    if collection_path.name.endswith(SHARED_SUFFIX) and not SHARED_MATERIAL.is_dir():
        return True
    return None


def pytest_collection_modifyitems(items):
    """What asks for no database is marked so: running it once more on PostgreSQL would show nothing new."""
    for item in items:
        if not {"db", "transactional_db"} & set(item.fixturenames) and not item.get_closest_marker("django_db"):
            item.add_marker("no_database")


def pytest_collection_finish():
    """What is loaded by now stays to the end: collecting garbage need not look through it again at each turn."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    left_out = [] if SHARED_MATERIAL.is_dir() else sorted(ROOT.glob(f"tests/**/*{SHARED_SUFFIX}"))
    if left_out:
        names = ", ".join(str(file.relative_to(ROOT)) for file in left_out)
        terminalreporter.write_line(f"No ../shared/testdata beside the project; not collected: {names}", yellow=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A skipped test looks like a passed one. Here it fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\n{len(skipped)} test(s) skipped: a missing part is a failure here.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Emptying the database between tests is what the audit's triggers refuse: they step aside for that alone."""
    operations = type(connection.ops)  # the class: a browser's event loop brings connections of its own
    empty = operations.execute_sql_flush

    def empty_audit_too(self, statements):
        append_only.remove(self.connection)
        empty(self, statements)
        append_only.install(self.connection)

    operations.execute_sql_flush = empty_audit_too


@pytest.fixture(autouse=True)
def _postgres_where_asked(request):
    if request.node.get_closest_marker("postgres") and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        pytest.fail("This test needs PostgreSQL: `make test`, or python -m tests.servers python -m pytest …")


@pytest.fixture
def within_a_minute():
    """Limits count by the minute of the clock: none ends in the middle of the story."""
    with time_machine.travel("2026-11-23T12:00:00+01:00", tick=False):
        yield


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    """Mailboxes, notices and cache are empty at the start of each test, as the database is."""
    yield
    for cache in caches.all():
        cache.clear()
    for folder in (settings.MSSANTE_MAILBOXES, settings.NOTICES_DIR):
        shutil.rmtree(folder, ignore_errors=True)
