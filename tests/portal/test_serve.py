"""`manage.py serve` as a person runs it: one process, ready when it says so, gone when it is asked."""

import contextlib
import email
import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from email.policy import SMTP

import pytest

from portal import serving
from tests.project import ROOT

PATIENCE = 90
PEOPLE = """
from tests import factories
alice = factories.alice()
factories.own_pharmacy(factories.alice_patient(), factories.market_pharmacy())
factories.prescription()
factories.chloe()
"""


def environment(folder, **more) -> dict:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "HOME", "LC_ALL"}}
    return kept | {"ORDOLIEN_DEMO": "1", "ORDOLIEN_VAR": str(folder), "PYTHONUNBUFFERED": "1"} | more


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory):
    """A database with Alice, one prescription and her pharmacy."""
    folder = tmp_path_factory.mktemp("site")
    for command in (["migrate", "--no-input", "-v", "0"], ["shell", "-v", "0", "-c", PEOPLE]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment(folder), check=True)
    return folder


class Served:
    def __init__(self, folder, port: int):
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error::UserWarning", "manage.py", "serve", "--port", str(port)],
            cwd=ROOT,
            env=environment(folder, PORT=str(port)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        too_late = threading.Timer(PATIENCE, self.process.kill)
        too_late.start()
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                break
        too_late.cancel()

    def end(self, number=signal.SIGINT) -> float:
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        self.said += self.process.stdout.read().splitlines()
        return time.monotonic() - started


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(site_folder):
    site = Served(site_folder, free_port())
    site.url = next((line.removeprefix("Ready: ") for line in site.said if line.startswith("Ready: ")), "")
    yield site
    if site.process.poll() is None:
        site.end(signal.SIGKILL)
    site.process.stdout.close()


class Person:
    """A browser without JavaScript: cookies, forms, redirects."""

    def __init__(self, url: str):
        self.url = url
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.page = self.path = ""

    def go(self, path: str, **fields) -> "Person":
        data = urllib.parse.urlencode(fields).encode() if fields else None
        request = urllib.request.Request(self.url + path, data=data, headers={"Referer": self.url + path})
        with contextlib.closing(self.opener.open(request, timeout=PATIENCE)) as answer:
            self.page, self.path = answer.read().decode(), answer.geturl().removeprefix(self.url)
        return self

    def submit(self, **fields) -> "Person":
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.page))
        return self.go(self.path, **hidden | fields)

    def found(self, pattern: str) -> str:
        return re.search(pattern, self.page)[1]


def test_it_says_when_it_is_ready_and_how_to_enter(served):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", served.url), served.said
    said = "\n".join(served.said)
    assert f"{served.url}/demo/" in said
    assert [code for code in ("alice", "bob", "chloe", "dan", "emma") if code not in said] == []
    assert Person(served.url).go("/demo/").page
    assert Person(served.url).go("/healthz/deep").page


def test_a_share_reaches_the_pharmacys_mailbox_and_the_answer_comes_back(served, site_folder):
    alice = Person(served.url).go("/demo/enter/alice/", x="")
    alice.go("/ordonnances/").go(alice.found(r'href="(/ordonnances/[0-9a-f-]{36}/)"') + "partager/")
    alice.submit(pharmacy=alice.found(r'name="pharmacy"[^>]*value="([0-9a-f-]{36})"'))
    alice.submit(message="Bonjour.").submit()
    assert "/confirmation/" in alice.path
    mailbox = site_folder / "mailboxes" / "pharmacie-699900106@pharma.mssante.test" / "new"
    [mail] = until(lambda: list(mailbox.glob("*")))
    assert email.message_from_bytes(mail.read_bytes(), policy=SMTP)["Subject"].startswith("XDM/1.0/DDM+Prescription")
    pharmacy = Person(served.url).go(f"/demo/messagerie/699900106/{mail.name}/")
    pharmacy.submit(text="Elle sera prête à 18 h.")
    alice.go("/partages/")
    address = alice.found(r'href="(/partages/[0-9a-f-]{36}/)"')
    until(lambda: "Elle sera prête à 18 h." in alice.go(address).page)


def until(reached):
    """Asks again, as a person reloads, until it is so."""
    end = time.monotonic() + PATIENCE
    pause = threading.Event()
    while time.monotonic() < end:
        if found := reached():
            return found
        pause.wait(0.1)
    raise AssertionError("It never came.")


def test_it_stops_when_asked_at_once_and_cleanly(served):
    seconds = served.end(signal.SIGINT)
    assert served.process.returncode == 0
    assert seconds < 5  # two, and what a busy machine adds
    assert "Traceback" not in "\n".join(served.said)
    assert served.said[-1].startswith("Stopped.")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(served.url.rpartition(":")[2]))) != 0


def test_who_has_asked_when_it_stops_gets_an_answer(served):
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), PATIENCE) as line:
        line.sendall(b"POST /langue/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 11\r\n")
        line.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n\r\nlangu")
        Person(served.url).go("/healthz")  # an answer to a later request: the first has come in too
        served.process.send_signal(signal.SIGTERM)
        line.sendall(b"age=en")
        assert line.makefile("rb").readline().startswith(b"HTTP/1.1 403")  # no CSRF token: Django has read it whole
    assert served.process.wait(PATIENCE) == 0


def test_an_answer_leaves_in_one_piece():
    site = serving.Site("127.0.0.1", 0).start()
    try:
        with socket.create_connection(("127.0.0.1", int(site.url.rpartition(":")[2])), PATIENCE) as line:
            line.sendall(b"GET / HTTP/1.1\r\nHost: another.site\r\n\r\n")
            first = line.recv(65536)
            assert first.startswith(b"HTTP/1.1 400 ")
            assert b"</html>" in first
    finally:
        site.stop()


def test_a_taken_port_is_said_in_a_sentence(site_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site = Served(site_folder, port)
        site.process.wait(PATIENCE)
        site.process.stdout.close()
    assert site.process.returncode == 1
    assert f"Port {port} is taken" in site.said[-1]
    assert f"PORT={port + 1} make run" in site.said[-1]
