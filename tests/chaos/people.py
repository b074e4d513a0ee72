"""Patients on the last page before sending, as rows: signed in, a prescription each, a pharmacy of its own for each.

`python -m tests.chaos.people COUNT SEED FILE` writes one ticket a line; run with the site's own settings.
A pharmacy of its own, because that is how a share is known from outside: by its recipient.
"""

import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import django

PRESCRIPTIONS_A_PATIENT = 4
DOMAINS = 40
BATCH = 200
UNKNOWN = "inconnue"  # mailboxes that no server takes: refused for good, and the patient is told
UNKNOWN_SHARE = 0.005


@dataclass(frozen=True)
class Ticket:
    """All a client needs to press the last button, and all the judge needs to know who should receive."""

    prescription: str
    session: str  # the cookie
    key: str  # the form's one-time key
    recipient: str
    is_unknown: bool  # no server takes this mailbox


def read(file: Path) -> list[Ticket]:
    return [Ticket(**json.loads(line)) for line in file.read_text().splitlines()]


def prepare(count: int, seed: int, file: Path) -> None:
    chance = random.Random(seed)
    like = _one_drawn()
    with file.open("w") as out:
        for start in range(0, count, BATCH):
            for ticket in _batch(range(start, min(start + BATCH, count)), chance, like):
                out.write(json.dumps(asdict(ticket)) + "\n")


def _one_drawn():
    """A prescription whose files are drawn the usual way. The others have the same ones: drawing is not the point."""
    from prescriptions.files import documents
    from tests import factories

    first = factories.prescription()
    documents.for_message(first)
    return SimpleNamespace(prescriber=first.prescriber, files=list(first.documents.all()))


def _batch(numbers: range, chance: random.Random, like) -> list[Ticket]:
    from django.db import transaction

    with transaction.atomic():
        people = {n: _person(n) for n in sorted({n // PRESCRIPTIONS_A_PATIENT for n in numbers})}
        pharmacies = _pharmacies(numbers, chance)
        prescriptions = _prescriptions(numbers, people, like)
        return [
            _signed_in(people[n // PRESCRIPTIONS_A_PATIENT][0], prescription, pharmacy)
            for n, prescription, pharmacy in zip(numbers, prescriptions, pharmacies, strict=True)
        ]


def _person(number: int):
    from tests import factories

    born = 1940 + number // 12000 % 60
    month, order = number // 1000 % 12 + 1, number % 1000
    user = factories.user(f"chaos-{number}@ordolien.test", second_factor=False, first_name="Ada", last_name="Essai")
    patient = factories.patient(
        f"2{born % 100:02d}{month:02d}75056{order:03d}",
        birth_name="Essai",
        given_names="Ada",
        birth_date=f"{born}-{month:02d}-01",
        birth_place="75056",
    )
    factories.access(user, patient)
    return user, patient


def _pharmacies(numbers: range, chance: random.Random) -> list:
    from sharing.models import Mailbox, Pharmacy
    from tests.factories import with_luhn

    made = [
        Pharmacy(
            finess=with_luhn(f"98{n:06d}"), name=f"Pharmacie {n}", address="1 place du Marché", postcode="69003",
            town="Lyon", department="69", search_text="pharmacie lyon", source_date=date(2026, 11, 1),
        )
        for n in numbers
    ]  # fmt: skip
    Pharmacy.objects.bulk_create(made)
    boxes = [Mailbox(pharmacy=pharmacy, address=_address(n, chance)) for n, pharmacy in zip(numbers, made, strict=True)]
    Mailbox.objects.bulk_create(boxes)
    return made


def _address(number: int, chance: random.Random) -> str:
    name = UNKNOWN if chance.random() < UNKNOWN_SHARE else "pharmacie"
    return f"{name}-{number}@officine-{number % DOMAINS}.mssante.test"


def _prescriptions(numbers: range, people: dict, like) -> list:
    from django.utils import timezone

    from prescriptions.models import Document, Prescription, PrescriptionLine
    from tests import factories

    authored_on = timezone.localdate() - timedelta(days=3)
    made = [
        Prescription(
            patient=people[n // PRESCRIPTIONS_A_PATIENT][1], prescriber=like.prescriber, provenance="registry",
            number=f"01CHAOS{n:011d}", authored_on=authored_on, valid_until=authored_on + timedelta(days=365),
            first_dispensing_before=authored_on + timedelta(days=90), lap_certification="TEST-LAP-1",
        )
        for n in numbers
    ]  # fmt: skip
    Prescription.objects.bulk_create(made)
    PrescriptionLine.objects.bulk_create(
        PrescriptionLine(prescription=one, position=1, **factories.amoxicillin()) for one in made
    )
    Document.objects.bulk_create(_same_file(file, one) for one in made for file in like.files)
    return made


def _same_file(file, prescription):
    from prescriptions.models import Document

    facts = {name: getattr(file, name) for name in ("kind", "position", "content_type", "sha256")}
    return Document(prescription=prescription, content=bytes(file.content), **facts)


def _signed_in(user, prescription, pharmacy) -> Ticket:
    """As sharing.views leaves it when somebody reaches the check page."""
    from allauth.account.internal.flows.login import record_authentication
    from django.contrib.sessions.backends.db import SessionStore

    from portal.demo import BACKEND
    from sharing.space import share_draft

    session = SessionStore()
    session["_auth_user_id"], session["_auth_user_backend"] = str(user.pk), BACKEND
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session["signed_in_at"] = session["last_seen"] = int(time.time())
    record_authentication(SimpleNamespace(session=session, user=user), user, "mfa", type="totp")
    draft = share_draft.ShareDraft().to(pharmacy, None).saying("", None)
    share_draft.save(SimpleNamespace(session=session, user=user), prescription, draft)
    session.create()
    address = pharmacy.mailboxes.get().address
    return Ticket(str(prescription.pk), session.session_key, draft.key, address, address.startswith(UNKNOWN))


if __name__ == "__main__":
    django.setup()
    prepare(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
