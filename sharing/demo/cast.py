"""The people of the demo, from people.json: found by e-mail, INS, RPPS, or made."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from allauth.account.models import EmailAddress
from django.db import transaction

from portal.models import User
from prescriptions.models import Patient, PatientAccess, Prescriber, Prescription
from sharing.demo.pharmacies import MARKET_FINESS
from sharing.models import Pharmacy, PharmacyMember

PEOPLE = Path(__file__).parent / "data" / "people.json"
INS_TEST_OID = "1.2.250.1.213.1.4.10"
ALICE_S_OTHER_PHARMACY = {"town": "Lyon 7e"}


@dataclass
class Cast:
    users: dict[str, User] = field(default_factory=dict)
    patients: dict[str, Patient] = field(default_factory=dict)
    prescribers: dict[str, Prescriber] = field(default_factory=dict)
    prescriptions: dict[str, Prescription] = field(default_factory=dict)
    market: Pharmacy | None = None  # Chloé's
    other: Pharmacy | None = None  # another one with a mailbox, round the corner

    @property
    def chloe(self) -> PharmacyMember:
        return self.market.members.get(user=self.users["chloe"], left_at=None)


@transaction.atomic
def gather() -> Cast:
    """The pharmacies are there already."""
    told, cast = json.loads(PEOPLE.read_text()), Cast()
    for key, facts in _named(told["users"]):
        cast.users[key] = _user(**facts)
    for key, facts in _named(told["patients"]):
        cast.patients[key] = _patient(cast.users, **facts)
    for key, facts in _named(told["prescribers"]):
        cast.prescribers[key] = _prescriber(cast.users, **facts)
    cast.market = Pharmacy.objects.get(finess=MARKET_FINESS)
    cast.other = _with_mailbox(town=cast.market.town)
    for facts in told["members"]:
        _member(cast, **facts)
    _favourites(cast)
    return cast


def _named(rows: list[dict]) -> Iterator[tuple[str, dict]]:
    for row in rows:
        yield row["key"], {name: value for name, value in row.items() if name != "key"}


def _user(*, email: str, **facts) -> User:
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, **facts)
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    return user


def _patient(users: dict, *, ins: str, entered_by: dict, **traits) -> Patient:
    known = Patient.objects.filter(ins_index=Patient.index_of(ins, INS_TEST_OID)).first()
    patient = known or Patient.objects.create(ins=ins, ins_oid=INS_TEST_OID, **traits)
    for key, kind in entered_by.items():
        PatientAccess.objects.get_or_create(user=users[key], patient=patient, revoked_at=None, defaults={"kind": kind})
    return patient


def _prescriber(users: dict, *, rpps: str, user: str = "", **facts) -> Prescriber:
    made, _is_new = Prescriber.objects.get_or_create(rpps=rpps, defaults=facts | {"user": users.get(user)})
    return made


def _member(cast: Cast, *, user: str, **facts) -> None:
    PharmacyMember.objects.get_or_create(user=cast.users[user], pharmacy=cast.market, left_at=None, defaults=facts)


def _with_mailbox(**where) -> Pharmacy:
    others = Pharmacy.objects.filter(mailboxes__isnull=False, **where).exclude(finess=MARKET_FINESS)
    return others.order_by("finess")[0]


def _favourites(cast: Cast) -> None:
    """Alice has chosen hers; once and not again, in case she changed her mind."""
    own = cast.patients["alice"].own_pharmacies
    if not own.exists():
        own.create(pharmacy=cast.market, is_favourite=True)
        own.create(pharmacy=_with_mailbox(**ALICE_S_OTHER_PHARMACY))
        own.create(pharmacy=Pharmacy.objects.filter(town=cast.market.town, mailboxes=None).order_by("finess")[0])
