"""People who press « Envoyer » and do not go away without an answer: the same form again, the same one-time key."""

import http.client
import queue
import re
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.chaos.door import Door, whole
from tests.chaos.ledger import Ledger
from tests.chaos.people import Ticket

CSRF = "c" * 32  # Django compares the form's with the cookie's, and gives the cookie itself
PATIENCE = 60  # as long as a proxy waits
PAUSE = 0.5
RECEIPT = re.compile(r'<p class="receipt">.*?<span class="mono">([0-9A-Z]{5}-[0-9A-Z]{5})</span>', re.S)
CONFIRMED = re.compile(r"/ordonnances/[0-9a-f-]+/partager/confirmation/([0-9a-f-]+)/")
FAILED = 'class="status-head is-stop"'


class NoAnswer(Exception):
    """Nothing came, or an error of the server: a person presses again."""


@dataclass
class Watch:
    """What the clients noticed, all together."""

    seconds: list[float] = field(default_factory=list)  # of each POST that was answered
    repeated: list[str] = field(default_factory=list)  # why
    refused: list[str] = field(default_factory=list)  # answers that are neither a confirmation nor a failure


class Browser:
    """One connection, one person at a time."""

    def __init__(self, door: Door):
        self._door = door
        self._line: http.client.HTTPConnection | None = None

    def send(self, ticket: Ticket) -> tuple[int, str]:
        form = urlencode({"csrfmiddlewaretoken": CSRF, "key": ticket.key})
        path = f"/ordonnances/{ticket.prescription}/partager/verifier/"
        status, headers, _page = self._ask("POST", path, ticket.session, form)
        return status, headers.get("Location", "")

    def page(self, path: str, session: str) -> tuple[int, str]:
        status, _headers, page = self._ask("GET", path, session)
        return status, page

    def _ask(self, method: str, path: str, session: str, body: str = ""):
        headers = self._door.headers | {"Cookie": f"session={session}; csrftoken={CSRF}", "Accept-Language": "fr"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._line = self._line or self._door.open(PATIENCE)
            self._line.request(method, path, body, headers)
            answer = self._line.getresponse()
            page = whole(answer)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from error
        if answer.status >= 500:
            raise NoAnswer(answer.status)
        return answer.status, answer.headers, page

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class Clients:
    """So many at once, until every ticket has its receipt; each takes `rest` seconds between two. `take_no_more()`:
    those begun are ended; `stop()`: none."""

    def __init__(self, door: Door, tickets: list[Ticket], promised: Ledger, at_once: int, rest: float = 0):
        self.watch, self._promised, self._door, self._rest = Watch(), promised, door, rest
        self._waiting: queue.SimpleQueue[Ticket] = queue.SimpleQueue()
        for ticket in tickets:
            self._waiting.put(ticket)
        self._closed, self._stopping = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(at_once)]

    def start(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def are_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def take_no_more(self) -> None:
        self._closed.set()

    def stop(self) -> None:
        self._closed.set()
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _work(self) -> None:
        browser = Browser(self._door)
        while not self._closed.is_set():
            try:
                ticket = self._waiting.get_nowait()
            except queue.Empty:
                break
            share = self._until_answered(lambda ticket=ticket: self._press(browser, ticket))
            if share:
                self._until_answered(lambda ticket=ticket, share=share: self._read_receipt(browser, ticket, share))
            self._closed.wait(self._rest)
        browser.close()

    def _until_answered(self, ask):
        while not self._stopping.is_set():
            try:
                return ask()
            except NoAnswer as why:
                self.watch.repeated.append(str(why))
                self._stopping.wait(PAUSE)
        return None

    def _press(self, browser: Browser, ticket: Ticket) -> str:
        began = time.monotonic()
        status, location = browser.send(ticket)
        self.watch.seconds.append(time.monotonic() - began)
        found = CONFIRMED.fullmatch(location)
        if status == 302 and found:
            return found[1]
        self.watch.refused.append(f"{status} {location}")
        return ""

    def _read_receipt(self, browser: Browser, ticket: Ticket, share: str) -> bool:
        status, page = browser.page(
            f"/ordonnances/{ticket.prescription}/partager/confirmation/{share}/", ticket.session
        )
        found = RECEIPT.search(page)
        if status != 200 or not found:
            self.watch.refused.append(f"{status} on the confirmation page")
            return False
        self._promised.add(
            receipt=found[1],
            share=share,
            prescription=ticket.prescription,
            recipient=ticket.recipient,
            is_unknown=ticket.is_unknown,
            status=status,
        )
        return True


def reads_that_it_failed(door: Door, ticket: Ticket, share: str) -> bool:
    """What the patient's page of this share says, whatever the tables say."""
    browser = Browser(door)
    try:
        status, page = browser.page(f"/partages/{share}/", ticket.session)
        return status == 200 and FAILED in page
    finally:
        browser.close()
