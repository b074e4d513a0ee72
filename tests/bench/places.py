"""What is measured against: a web server with the unit's command, an operator in a process of its own, people."""

import http.client
import os
import re
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.test import Client

from sharing.mssante.account import portal_account, tls_context
from tests import factories, signing_in
from tests.chaos.door import OnSocket
from tests.portal.test_rolling_restart import command_of_the_unit, wait_until_it_listens
from tests.project import ROOT

PATIENCE = 30  # seconds


@contextmanager
def web(folder: Path) -> Iterator[OnSocket]:
    """One worker, and one connection kept open."""
    command = command_of_the_unit(folder / "site.sock")
    command[command.index("--keep-alive") + 1] = str(PATIENCE)
    environment = {**os.environ, "ORDOLIEN_BEHIND_PROXY": "1"}
    with (folder / "web.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_until_it_listens(folder / "site.sock")
        yield OnSocket(folder / "site.sock", PATIENCE)
    finally:
        process.terminate()
        process.wait()


def page(line: http.client.HTTPConnection, path: str, cookie: str = "") -> None:
    line.request("GET", path, headers={"Cookie": cookie, "X-Forwarded-For": "192.0.2.1"})  # as our proxy does
    answer = line.getresponse()
    answer.read()
    assert answer.status == 200, f"{path} answers {answer.status}"


def cookie_of(user) -> str:
    signing_in.force_login_with_both_factors()
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@contextmanager
def operator() -> Iterator[None]:
    """`manage.py operator`; the settings then point at it."""
    command = [sys.executable, "manage.py", "operator"]
    process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
    try:
        for said in process.stdout:
            name, _, value = said.strip().partition("=")
            setattr(settings, name, int(value) if value.isdigit() else value)
            if name == "MSSANTE_MAILBOXES":
                settings.MSSANTE_MAILBOXES = Path(value)
                break
        yield
    finally:
        process.terminate()
        process.wait()


class PlainLine(smtplib.SMTP):
    """Python's own client, with Nagle off as ours has it: it would take 45 ms a message more."""

    def _get_socket(self, host, port, timeout):
        sock = super()._get_socket(host, port, timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


def plain_line() -> PlainLine:
    account = portal_account()
    line = PlainLine(account.host, account.port)
    line.starttls(context=tls_context(account))
    line.ehlo()
    return line


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def alice_with_a_prescription():
    alice = factories.alice()
    return alice, factories.prescription()
