"""Headers, cookies and keys: what a browser is told, and what the site refuses to start without."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from tests import factories

pytestmark = pytest.mark.any_database
OPEN = ["/compte/login/", "/aide/", "/verifier/", "/accessibilite/", "/rien-ici/"]
SIGNED_IN = ["/", "/ordonnances/", "/partages/", "/compte/2fa/", "/aide/", "/rien-ici/"]


def directives(page) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in page["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in pairs}


@pytest.mark.django_db
@pytest.mark.parametrize("path", OPEN)
def test_every_page_says_what_it_may_load_and_do(client, path):
    page = client.get(path)
    said = directives(page)
    assert said["default-src"] == "'none'" and said["object-src"] == "'none'" and said["base-uri"] == "'none'"
    assert said["frame-ancestors"] == "'none'" and said["form-action"] == "'self'"
    assert "unsafe" not in page["Content-Security-Policy"] and "http" not in page["Content-Security-Policy"]
    assert page["X-Content-Type-Options"] == "nosniff" and page["X-Frame-Options"] == "DENY"
    assert page["Referrer-Policy"] == page["Cross-Origin-Opener-Policy"] == "same-origin"
    assert page["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "microphone=()" in page["Permissions-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", SIGNED_IN)
def test_no_cache_keeps_a_page_of_somebody_signed_in(client, alice, path):
    client.force_login(alice)
    assert client.get(path)["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_a_refused_page_and_a_document_are_not_kept_either(client, chloe, alice):
    share = factories.share(factories.photo_prescription())
    client.force_login(chloe)
    for page in (client.get(f"/pharmacie/partages/{share.pk}/document/"), client.post("/pharmacie/changer/")):
        assert page["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_the_browser_shows_a_pdf_wherever_one_is_opened(client, chloe, alice):
    share = factories.share(factories.photo_prescription())
    joined, printed = factories.thread_file(share), factories.prescription(share.patient)
    doors = [
        (chloe, f"/pharmacie/partages/{share.pk}/document/"),
        (alice, f"/partages/{share.pk}/fichiers/{joined.pk}/"),
        (alice, f"/ordonnances/{printed.pk}/pdf"),
    ]
    for person, path in doors:
        client.force_login(person)
        said = directives(client.get(path))
        assert "'self'" in said["object-src"] and "'unsafe-inline'" in said["style-src"], path


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/ordonnances/", "/pharmacie/", "/compte/2fa/", "/compte/login/", "/admin/"])
def test_no_page_carries_a_script_or_a_style_in_its_text(client, alice, chloe, dan, path):
    for person in (alice, chloe, dan):
        client.force_login(person)
        text = client.get(path, follow=True).content.decode()
        inline = re.findall(
            r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>|<style|\sstyle=\"|\son\w+=\"", text
        )
        assert inline == [], path


@pytest.mark.django_db
def test_cookies_of_the_plain_site_are_closed_to_scripts_and_other_sites(client):
    page = client.get("/compte/login/")
    cookie = page.cookies[settings.CSRF_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


# --- The site as it is in production --------------------------------------------------------------------------------
SECRET = "s" * 50
KEYS = {
    "DJANGO_SECRET_KEY": SECRET,
    "ORDOLIEN_FIELD_KEYS": "k1:" + "QUFB" * 10 + "QUE=",
    "ORDOLIEN_BLIND_INDEX_KEY": "b" * 44,
}
PRODUCTION = KEYS | {"ORDOLIEN_SITE_URL": "https://ordolien.test", "ORDOLIEN_HOSTS": "ordolien.test"}


def run(code: str, tmp_path, **environment):
    """Python in a process of its own, with this environment and no other."""
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    clean |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "ORDOLIEN_VAR": str(tmp_path)} | environment
    return subprocess.run(
        [sys.executable, "-c", code], env=clean, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )


START = "import django; django.setup()"


@pytest.mark.parametrize("missing", [*KEYS, "all"])
def test_outside_the_demo_it_does_not_start_without_its_keys(tmp_path, missing):
    given = {} if missing == "all" else {name: value for name, value in PRODUCTION.items() if name != missing}
    done = run(START, tmp_path, **given)
    assert done.returncode != 0 and "ImproperlyConfigured" in done.stderr
    assert missing == "all" or missing in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize("weak", ["demonstration-only-never-real-data-and-longer-still", "short"])
def test_outside_the_demo_it_does_not_start_with_a_key_everybody_knows(tmp_path, weak):
    done = run(START, tmp_path, **PRODUCTION | {"DJANGO_SECRET_KEY": weak})
    assert done.returncode != 0 and "must be secret" in done.stderr


def test_it_starts_with_keys_of_its_own_and_the_demo_with_none(tmp_path):
    for environment in (PRODUCTION, {"ORDOLIEN_DEMO": "1"}):
        done = run(START, tmp_path, **environment)
        assert done.returncode == 0, done.stderr


@pytest.mark.django_db
def test_the_demos_doors_are_not_there_outside_the_demo(client, alice):
    assert not settings.DEMO
    assert client.get("/demo/").status_code == client.post("/demo/enter/alice/").status_code == 404
    assert client.get("/demo/messages/alice/").status_code == 404 and "_auth_user_id" not in client.session


ASK_OVER_HTTPS = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.test import Client
page = Client(headers={"host": "ordolien.test"}).get("/compte/login/", secure=True)
print(page.status_code)
print(page["Strict-Transport-Security"])
print(page.cookies.output())
print(Client(headers={"host": "ordolien.test"}).get("/compte/login/").get("Location"))
from django.conf import settings
print(settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY)
"""


def test_over_https_cookies_are_bound_to_the_host_and_the_site_stays_there(tmp_path):
    done = run(ASK_OVER_HTTPS, tmp_path, **PRODUCTION | {"ORDOLIEN_STATIC_ROOT": str(_collected(tmp_path))})
    assert done.returncode == 0, done.stderr
    status, hsts, cookie, redirect, session = done.stdout.strip().splitlines()
    assert status == "200" and hsts == "max-age=31536000; includeSubDomains; preload"
    assert "__Host-csrf=" in cookie and "Secure" in cookie and "HttpOnly" in cookie and "Path=/" in cookie
    assert "Domain=" not in cookie
    assert redirect == "https://ordolien.test/compte/login/" and session == "__Host-session True True"


def _collected(tmp_path):
    """Static files with their manifest, as production serves them."""
    folder = tmp_path / "static"
    code = START + "; from django.core.management import call_command; call_command('collectstatic', verbosity=0)"
    done = run(code, tmp_path, **PRODUCTION | {"ORDOLIEN_STATIC_ROOT": str(folder)})
    assert done.returncode == 0, done.stderr
    return folder
