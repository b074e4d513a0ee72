"""What is measured. Each gives its rows; the floor is said in the row."""

import itertools
import json
import os
import threading
import time
from pathlib import Path

import redis
from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from weasyprint import HTML

from portal import software
from portal.ids import uuid7
from portal.models import IdempotencyKey
from prescriptions.files import documents, pdf
from prescriptions.intake import depositing
from sharing import actions, delivery, outbox
from sharing.bell import bell
from sharing.models import Delivery
from sharing.mssante.outcome import Kind, SendOutcome, Stage
from sharing.sweep import Sweep
from tests import factories
from tests.bench import places
from tests.bench.measure import Measured, compare
from tests.mail import queued
from tests.software import bundle

SECONDS, PATIENCE = float(os.environ.get("SECONDS", "10")), 60  # of each work
SHARES, SWEPT = 25, 150
FINESS = factories.with_luhn("69990001")
RPPS = factories.with_luhn("9900000042"[:10])


def one_row() -> None:
    """The least a write can be: one row, committed."""
    with transaction.atomic():
        IdempotencyKey.objects.create(scope="bench", key=uuid7().hex, request_hash="")


def pages(folder: Path) -> list[Measured]:
    alice, prescription = places.alice_with_a_prescription()
    for _ in range(19):
        factories.prescription()
    cookie = places.cookie_of(alice)
    asked = {
        "page: help": "/aide/",
        "page: 20 prescriptions": "/ordonnances/",
        "page: one prescription": f"/ordonnances/{prescription.pk}/",
    }
    with places.web(folder) as line:
        works = {what: lambda path=path: places.page(line, path, cookie) for what, path in asked.items()}
        return compare("a view that says OK", lambda: places.page(line, "/healthz"), works, seconds=SECONDS)


def shares(folder: Path) -> list[Measured]:
    """The message is written with the share; its PDF is there since the page where the patient checked it."""
    alice, pharmacy = factories.alice(), factories.market_pharmacy()
    ready = [factories.prescription() for _ in range(SHARES + 1)]
    for prescription in ready:
        documents.for_message(prescription)

    def share() -> None:
        actions.share_prescription(prescription=ready.pop(), pharmacy=pharmacy, message="Bonjour.", by=alice)

    return compare("one row inserted", one_row, {"share": share}, seconds=SECONDS, turns=SHARES)


def deliveries(folder: Path) -> list[Measured]:
    """Those shares leave, each beside the same bytes on Python's own client; then a whole sweep empties a queue."""
    first = Delivery.objects.first()
    content, sender = bytes(first.content), first.envelope_from
    with places.operator(), places.plain_line() as line:

        def plain() -> None:
            line.sendmail(sender, [first.envelope_to], content)

        waiting = Delivery.objects.pending().count()
        rows = compare("smtplib, kept open", plain, {"delivery": delivery.deliver}, seconds=SECONDS, turns=waiting)
        swept = _sweep_all(content)
    return [*rows, Measured("delivery, 4 senders", "smtplib, kept open", swept, rows[0].floor, SWEPT)]


def _sweep_all(content: bytes) -> float:
    """Seconds a message, for a queue to four operators' domains."""
    for number in range(SWEPT):
        queued(f"pharmacie@d{number % 4}.mssante.test", content=content)
    standing, started, pause = Sweep(senders=4), time.perf_counter(), threading.Event()
    standing.start()
    while Delivery.objects.pending().exists() and time.perf_counter() < started + PATIENCE:
        pause.wait(0.05)
    seconds = time.perf_counter() - started
    assert not Delivery.objects.pending().exists(), "The queue is not emptied."
    standing.stop()
    return seconds / SWEPT


def rows_of_a_delivery(folder: Path) -> list[Measured]:
    """What senders do one at a time, so that the limits are exact, and then the outcome; nothing leaves in between."""
    for _ in range(SWEPT + 1):
        queued()
    sent = SendOutcome(Stage.DONE, "250 2.0.0", Kind.SENT)
    claimed = []

    def claim() -> None:
        claimed.append(outbox.claim())

    def settle() -> None:
        delivery.settle(claimed.pop(), sent)

    works = {"claim": claim, "outcome of a claim": settle}
    return compare("one row inserted", one_row, works, seconds=SECONDS, turns=SWEPT)


def bells(folder: Path) -> list[Measured]:
    """Only where there is a broker of its own: what one process can ring."""
    if not settings.REDIS_URL:
        return []
    plain, one = redis.from_url(settings.REDIS_URL), str(uuid7())

    def push() -> None:
        plain.lpush("bench", one)

    return compare("one push to Redis", push, {"bell": lambda: bell._send(one)}, seconds=SECONDS / 5)


def printed(folder: Path) -> list[Measured]:
    prescription = factories.prescription()
    words = "<p>".join(places.words_of(render_to_string("portal/help.html"))[:1500].split(". "))
    works = {"document for the message": pdf.for_message, "document to print": pdf.printable}
    works = {what: lambda draw=draw: draw(prescription) for what, draw in works.items()}
    return compare("WeasyPrint, a plain page", HTML(string=words).write_pdf, works, seconds=SECONDS)


def deposits(folder: Path) -> list[Measured]:
    installation, _pem = software.register_client(kind="lap", name="Bench", structure_finess=FINESS, by="system:bench")
    today, serial = timezone.localdate().isoformat(), itertools.count(1)
    ins = factories.ins_with_key("2790369383001")

    def text() -> str:
        return json.dumps(bundle(today, ins=ins, finess=FINESS, rpps=RPPS, certification=f"LAP-{next(serial)}"))

    def floor() -> None:
        json.loads(text())
        one_row()

    def deposit() -> None:
        depositing.deposit(data=json.loads(text()), key="", by=installation)

    return compare("json.loads and a row", floor, {"deposit": deposit}, seconds=SECONDS)


ALL = (pages, shares, deliveries, rows_of_a_delivery, bells, printed, deposits)
