"""manage.py demo: fictitious people, 2,000 pharmacies, two dozen prescriptions and what happened to them.

Only with ORDOLIEN_DEMO=1. Built again, it changes nothing.
"""

import time
from datetime import date

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from portal.models import SoftwareClient
from prescriptions.files import documents
from prescriptions.models import Document, PatientAccess, Prescription
from sharing import directory, policies
from sharing.demo import cast, clients, pharmacies, story

SOURCE_DATE = date(2026, 11, 1)  # of the fictitious directory
BAR = 30


class Command(BaseCommand):
    help = "Builds the demonstration's people, pharmacies and prescriptions; changes nothing when they are there."

    def handle(self, **options):
        if not (settings.DEMO or settings.TESTING):
            raise CommandError("The demonstration is built only with ORDOLIEN_DEMO=1.")
        started = time.monotonic()
        self._step("pharmacies", 1, self._pharmacies())
        people = cast.gather()
        self._step("clients", len(SoftwareClient.Kind), clients.register(people))
        self._step("story", len(story.acts()), story.tell(people, timezone.now()))
        waiting = list(_without_documents())
        self._step("documents", len(waiting), _documents(waiting))
        self.stdout.write(
            f"Demo ready: {len(people.patients)} patients, {len(people.prescribers)} prescribers, "
            f"{len(people.prescriptions)} prescriptions, {pharmacies.COUNT} pharmacies "
            f"({time.monotonic() - started:.1f} s)."
        )

    def _pharmacies(self):
        yield directory.load(pharmacies.pharmacies(), source_date=SOURCE_DATE)

    def _step(self, name: str, count: int, work) -> None:
        """A bar on a terminal, one line elsewhere."""
        is_terminal = self.stdout.isatty()
        done = 0
        for done, _item in enumerate(work, start=1):
            if is_terminal:
                filled = BAR * done // max(count, 1)
                self.stdout.write(f"\r{name:12} {'█' * filled}{'░' * (BAR - filled)} {done}/{count}", ending="")
                self.stdout.flush()
        self.stdout.write("" if is_terminal and done else f"{name}: {done}")


def _without_documents():
    """Of the patients whose space somebody enters. What came as a PDF is printed as it came."""
    came = Q(kind=Document.Kind.RECEIVED, content_type=documents.PDF)
    made = Document.objects.filter(came | Q(kind=Document.Kind.PRINTABLE)).values("prescription")
    entered = PatientAccess.objects.values("patient")
    return Prescription.objects.filter(patient__in=entered).exclude(pk__in=made).with_content()


def _documents(prescriptions):
    """Made now, so that the first pages are quick: what is printed, and what would leave if it were shared."""
    for prescription in prescriptions:
        documents.printable(prescription)
        if policies.why_not_share(prescription) is None:
            documents.for_message(prescription)
        yield prescription
