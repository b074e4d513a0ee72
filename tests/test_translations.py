"""Every sentence of the site has its English: collected afresh from a copy, so that the catalogue cannot lag behind."""

import os
import shutil
import subprocess
import sys

import pytest

from tests import project

CATALOGUE = "portal/locale/en/LC_MESSAGES/django.po"


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """The English catalogue as `make messages` would write it now."""
    copy = tmp_path_factory.mktemp("site")
    shutil.copy(project.ROOT / "manage.py", copy)
    for folder in (*project.APPS, "templates"):
        shutil.copytree(project.ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    options = ["-l", "en", "--no-location", "--no-obsolete", "--no-wrap"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    run([sys.executable, "manage.py", "makemessages", *options], cwd=copy, env=environment)
    return copy / CATALOGUE


def run(command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sentences(catalogue, *selection) -> list[str]:
    listed = run(["msgattrib", "--no-wrap", *selection, str(catalogue)])
    return [line for line in listed.splitlines() if line.startswith("msgid ") and line != 'msgid ""']


def test_each_sentence_has_its_english(collected):
    missing = sentences(collected, "--untranslated") + sentences(collected, "--only-fuzzy")
    assert not missing, "\n" + "\n".join(missing)


def test_the_catalogue_holds_nothing_else(collected):
    kept = sentences(project.ROOT / CATALOGUE, "--no-obsolete")
    assert sorted(set(kept) - set(sentences(collected))) == []


def test_the_catalogue_is_sound(collected):
    """Same placeholders on both sides, plural forms said, no sentence twice."""
    run(["msgfmt", "--check", "-o", os.devnull, str(project.ROOT / CATALOGUE)])
