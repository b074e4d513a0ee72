"""What is shipped for operators is true of the site: alerts, their page, the systemd units, what is said at start."""

import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.contrib.sessions.models import Session
from django.core.management import call_command, get_commands
from django.urls import reverse
from django.utils import timezone

from portal import checks, idempotency
from portal.models import AccessToken, IdempotencyKey, Notice, UsedAssertion
from sharing.models import Heartbeat, Pharmacy
from tests import factories
from tests.mail import queued
from tests.project import ROOT
from tests.software import Program
from tests.units import Unit

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
OPERATIONS = ROOT / "docs" / "operations"
PAGE = (ROOT / "docs" / "operations.md").read_text()
RULES = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())["groups"][0]["rules"]
UNITS = sorted(OPERATIONS.glob("systemd/*.service"))
OF_PYTHON = {"PYTHONUNBUFFERED"}
OF_A_NODE = {"node_systemd_unit_state", "up"}  # told by Prometheus itself and its node_exporter


# --- Alerts ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def told(client, settings, local_operator, market, prescription):
    """What /metrics says of a site where everything there is to tell has happened once."""
    settings.OPERATORS_TOKEN = "t"
    queued()
    Heartbeat.objects.create(name="sweep", at=timezone.now())
    Pharmacy.objects.update(source_date=timezone.localdate())
    client.get("/compte/login/")
    return client.get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()


# What only an import or a setting brings: there is no sample here, but the name is announced.
def names_in(text: str) -> set[str]:
    announced = re.findall(r"^# TYPE (\w+) (\w+)", text, flags=re.M)
    return {name + end for name, _kind in announced for end in ("", "_total", "_bucket", "_sum", "_count")}


def watched_in(rule: dict) -> set[str]:
    without_labels = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", " ", rule["expr"])
    return set(re.findall(r"\b(?:ordolien_|node_|up\b)\w*", without_labels))


def test_each_alert_watches_what_is_told(told):
    assert [rule["alert"] for rule in RULES if not watched_in(rule)] == []
    assert set.union(*map(watched_in, RULES)) - OF_A_NODE <= names_in(told)
    expressions = " ".join(rule["expr"] for rule in RULES)
    assert {f'status="{word}"' for word in re.findall(r'status="(\w+)"', expressions)} <= set(
        re.findall(r'status="\w+"', told)
    )
    for route in re.findall(r'route="([\w-]+)"', expressions):
        assert reverse(route, args=[factories.prescription().pk])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_to_do(rule):
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert f"\n### {rule['alert']}\n" in PAGE


def test_what_is_told_is_counted(told):
    samples = dict(line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#"))
    assert samples['ordolien_deliveries_waiting{status="queued"}'] == "1.0"
    assert samples["ordolien_directory_age_days"] == "0.0"
    assert samples['ordolien_unreconciled{check="shares_without_delivery"}'] == "0.0"
    assert float(samples['ordolien_http_requests_total{method="GET",route="account_login",status="200"}']) >= 1
    assert float(samples["ordolien_sweep_beat_age_seconds"]) < 30


# --- Units ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_each_unit_runs_something_that_exists(file):
    command = Unit(file)["Service"]["ExecStart"]
    if "manage.py" in command:
        assert re.search(r"manage\.py (\w+)", command)[1] in get_commands()
    else:
        assert (Path(sys.executable).parent / Path(command.split()[0]).name).exists()
    if Unit(file)["Service"]["Type"] == "oneshot":
        assert Unit(file.with_suffix(".timer"))["Timer"]["OnCalendar"]
    assert file.stem in PAGE


def test_systemd_finds_nothing_to_say_of_them(tmp_path):
    """Where it is installed; what the test above reads is checked everywhere."""
    units = tmp_path / "units"
    shutil.copytree(OPERATIONS / "systemd", units)
    for file in [*units.glob("*.service"), units / "ordolien-.service.d" / "common.conf"]:
        here = str(Path(sys.executable).parent)
        file.write_text(file.read_text().replace("/opt/ordolien/.venv/bin", here).replace("/opt/ordolien", str(ROOT)))
    verify = shutil.which("systemd-analyze")
    if verify:
        files = [str(file) for file in sorted(units.glob("*.*")) if file.is_file()]
        done = subprocess.run([verify, "verify", "--man=no", *files], capture_output=True, text=True, check=False)
        ours = [line for line in done.stderr.splitlines() if "ordolien" in line]
        assert ours == []


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_the_settings_that_are_copied_leave_what_a_unit_sets(file):
    unit, example = Unit(file), (ROOT / ".env.example").read_text()
    copied = dict(re.findall(r"^(\w+)=(.*)$", example, flags=re.M))
    assert unit.environment["ORDOLIEN_VAR"] == "/var/lib/ordolien"
    assert unit.environment | copied == copied | unit.environment, "EnvironmentFile= goes over Environment="
    assert [name for name in {*unit.environment, *unit.asked} - OF_PYTHON if f"{name}=" not in example] == []


def test_a_shell_and_systemd_read_the_settings_alike():
    """systemd takes what is between the quotes; a shell takes what it understands."""
    said = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.M))
    read = "set -a; . ./.env.example; exec env -0"
    done = subprocess.run(["/bin/sh", "-c", read], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    told = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    assert {name: told[name] for name in said} == {name: value.strip("\"'") for name, value in said.items()}


def test_the_pages_lead_to_one_another():
    pages = [ROOT / "docs" / "operations.md", *OPERATIONS.glob("*.md")]
    leads = [(page, link) for page in pages for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text())]
    assert [(page.name, link) for page, link in leads if not (page.parent / link).exists()] == []
    assert {link for page, link in leads if page == pages[0]} >= {f"operations/{page.name}" for page in pages[1:]}


# --- What is said at start, what is forgotten -----------------------------------------------------------------------
def test_a_site_alone_with_its_limits_says_so(settings, caplog):
    assert checks.what_is_missing() == []
    settings.TESTING, settings.REDIS_URL, settings.MSSANTE_SMTP_HOST = False, "", "mail.test"
    settings.OPERATORS_TOKEN = "t"
    checks.say_at_start()
    assert "W001 No REDIS_URL: each process counts attempts to sign in for itself" in caplog.messages[0]
    assert [line[9:13] for line in caplog.messages if "W002" not in line] == ["W001", "W005", "W006"]


def test_behind_our_proxy_limits_count_by_the_address_it_saw(client, settings, within_a_minute):
    settings.BEHIND_PROXY = True

    def ask(forwarded: str) -> int:
        return client.post("/verifier/", {"text": "x"}, headers={"X-Forwarded-For": forwarded}).status_code

    answers = [ask(f"203.0.113.{n}, 192.0.2.7") for n in range(31)]
    assert (answers[0], answers[-1], ask("192.0.2.8")) == (200, 429, 200)


def test_what_is_kept_for_a_while_is_forgotten(client, alice, later, capsys):
    now = timezone.now()
    Program(client, kind="lap", finess=factories.with_luhn("69990001"))  # proved itself, and holds a token
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(days=1))
    old = Notice.objects.create(
        user=alice, kind="new_message", path="/", status="sent", next_attempt_at=now, sent_at=now
    )
    call_command("purge")
    assert Notice.objects.filter(pk=old.pk).exists() and not Session.objects.exists()
    assert AccessToken.objects.exists() and UsedAssertion.objects.exists()
    later(days=91)
    call_command("purge")
    assert not Notice.objects.exists() and not AccessToken.objects.exists() and not UsedAssertion.objects.exists()
    assert factories.User.objects.filter(pk=alice.pk).exists()


def test_what_came_is_known_for_good_and_what_was_pressed_for_a_month(later, capsys):
    for scope in ("patient:1:file", "software:1:deposit", "user:1:share"):
        idempotency.once(scope=scope, key="k", request_facts={}, effect=dict)
    call_command("purge")
    assert IdempotencyKey.objects.count() == 3
    later(days=31)
    call_command("purge")
    assert not IdempotencyKey.objects.filter(scope="user:1:share").exists() and IdempotencyKey.objects.count() == 2
