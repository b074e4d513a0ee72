"""A real Chromium for the journeys. Every page also fails its test on a script error, a refused resource (CSP) or a
request to anywhere but the site.
"""

import os
import shutil

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import sync_playwright

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
PATIENCE_MILLISECONDS = 20_000  # two slow cores, shared with the servers
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, one for the whole process."""
    binary = shutil.which("chromium")
    if binary is None:
        pytest.fail("Chromium is not installed: apt-get install chromium (`make test` does it).")
    # Playwright keeps an event loop in this thread from here on; Django would take the tests for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium, live_server):
    """open_browser(user=None, size=PHONE, javascript=True) gives the page of one more person, each with their cookies.

    A user enters with a session that is already open: signing in has its own tests.
    """
    troubles, contexts = [], []

    def open_one(user=None, size=PHONE, *, javascript=True, **options):
        context = chromium.new_context(
            **{
                "base_url": live_server.url,
                "viewport": size,
                "locale": "fr-FR",
                "timezone_id": settings.TIME_ZONE,
                "java_script_enabled": javascript,
                "reduced_motion": "reduce",
                **options,
            }
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        if user is not None:
            context.add_cookies([_session_cookie(user, live_server.url)])
        page = context.new_page()
        _watch(page, live_server.url, troubles)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def browser_page(open_browser):
    """One page of a visitor, on a phone. `page.set_viewport_size(DESK)` makes it a desk."""
    return open_browser()


def _session_cookie(user, url: str) -> dict:
    client = Client()
    client.force_login(user)
    return {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": url,
    }


def _watch(page, home: str, troubles: list[str]) -> None:
    def asked(request):
        if not request.url.startswith((home, "data:", "blob:")):
            troubles.append(f"asks another site: {request.url}")

    def said(message):
        # A refused form answers 4xx on purpose, and the browser reports the page itself.
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            troubles.append(f"console: {message.text}")

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
