"""manage.py demo: what the issue asks for is there, it is plainly fictitious, and built again it changes nothing."""

import io
import json
import re
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from portal import audit
from portal.models import AuditEvent, Notice, User
from prescriptions import numbers, policies, words
from prescriptions.models import Dispensing, Document, Patient, Prescriber, Prescription, PrescriptionLine
from sharing.demo import clock, dates, story
from sharing.models import Delivery, InboundMail, Pharmacy, PharmacyMember, Share
from sharing.states import DeliveryStatus, ShareStatus

TABLES = [User, Patient, Prescriber, Prescription, Dispensing, Document, Pharmacy, PharmacyMember, Share, Delivery]


pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("demo")]


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """Built once for all these tests, in a transaction around theirs, and undone after them. What it filed in
    mailboxes by then is its value: the files themselves are cleared after each test."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("demo", stdout=io.StringIO())
        yield {folder.name: len(list((folder / "new").glob("*"))) for folder in settings.MSSANTE_MAILBOXES.glob("*")}
        transaction.set_rollback(True)


def of(name: str) -> Prescription:
    """By the name of its bundle."""
    (found,) = [p for p in Prescription.objects.all() if (p.source or {}).get("id") == name]
    return found


def test_the_people():
    assert Patient.objects.count() == 7 and Prescriber.objects.count() == 4
    for patient in Patient.objects.all():
        assert patient.ins_oid == "1.2.250.1.213.1.4.10" and numbers.why_not_ins(patient.ins) is None
        assert patient.ins[0] == {"F": "2", "M": "1"}[patient.sex] and patient.ins[1:3] == patient.birth_date[2:4]
        assert patient.ins[3:5] == patient.birth_date[5:7] and patient.ins[5:10] == patient.birth_place
    for prescriber in Prescriber.objects.all():
        assert prescriber.rpps.startswith("99") and numbers.why_not_rpps(prescriber.rpps) is None
        assert numbers.why_not_finess(prescriber.structure_finess) is None
        assert prescriber.phone.startswith("+33 4 65 71 ")
    alice = User.objects.get(email="alice@ordolien.test")
    assert {access.kind for access in alice.patient_accesses.all()} == {"self", "parent"}
    assert User.objects.get(email="chloe@ordolien.test").pharmacy_members.get().pharmacy.mailbox
    assert User.objects.get(email="dan@ordolien.test").is_staff
    assert User.objects.get(email="emma@ordolien.test").prescriber
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_more_than_sixteen_prescriptions_of_every_kind():
    lines = PrescriptionLine.objects.all()
    assert Prescription.objects.count() >= 24
    assert {line.kind for line in lines} >= {"medicine", "device", "nursing", "physiotherapy", "biology"}
    assert any(line.codes.get("lpp") for line in lines)
    assert any(line.renewals for line in lines) and any(line.no_substitution == "MTE" for line in lines)
    flags = {flag for p in Prescription.objects.all() for flag in p.flags}
    assert {Prescription.Flag.BIZONE, Prescription.Flag.SECURED, Prescription.Flag.HOME} <= flags
    assert Prescription.objects.filter(restricted=True).count() == 1
    assert of("leo-otite").weight_kg and of("leo-otite").patient.given_name == "Léo"
    assert len(of("bob-bronches").lines.first().dosage) == 4, "tapering"
    assert of("bob-polyarthrite").lines.first().dosage[0]["timing"]["repeat"]["dayOfWeek"] == ["mon"], "weekly"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("alice-angine", "to_dispense"),
        ("alice-fer", "expiring"),
        ("alice-thyroide", "renewable"),
        ("alice-allergie", "dispensed"),
        ("bob-jambe", "partly_dispensed"),
        ("bob-tension", "expired"),
        ("bob-epaule", "cancelled"),
    ],
)
def test_each_stands_where_it_should(name, code):
    assert words.standing(of(name)).code == code


def test_every_line_has_a_sentence():
    own = 0
    for line in PrescriptionLine.objects.select_related("prescription"):
        told = words.say_line(line)
        assert told.dosage, line.name
        own += told.is_own_text
    assert own < PrescriptionLine.objects.count() / 2, "most are said from the structure"


def test_codes_have_the_right_keys():
    for line in PrescriptionLine.objects.filter(kind="medicine"):
        assert re.fullmatch(r"6\d{7}", line.codes["cis"])
        assert numbers.why_not_cip13(line.codes["cip13"]) is None, line.name


def test_one_expires_in_six_days_whatever_the_day():
    assert of("alice-fer").valid_until == timezone.localdate() + timedelta(days=6)
    assert policies.why_not_valid(of("alice-fer")) is None


def test_a_photo_that_looks_like_one():
    photo = Prescription.objects.get(provenance="upload")
    assert photo.documents.get(kind="photo").content.startswith(b"\xff\xd8")
    assert photo.patient.given_name == "Alice"


def test_the_shares_are_alive():
    states = sorted(share.status for share in Share.objects.all())
    assert states == sorted(
        [
            ShareStatus.COLLECTED,
            ShareStatus.REFUSED,
            ShareStatus.READY,
            ShareStatus.OPENED,  # a question waits for Alice's answer
            ShareStatus.PREPARING,
            ShareStatus.SHARED,
            ShareStatus.SHARED,
        ]
    )
    asked = Share.objects.get(prescription=of("alice-poignet"))
    assert asked.messages.get().side == "pharmacy" and asked.messages.get().body.startswith("Quel est votre tour")
    collected = Share.objects.get(status=ShareStatus.COLLECTED)
    assert timezone.now() - collected.created_at > timedelta(days=31)
    times = [event.at for event in collected.events.all()]
    assert times == sorted(times) and timezone.now() - times[-1] > timedelta(days=30)


def test_every_share_reached_its_mailbox_soon_after(demo):
    assert Delivery.objects.count() == 7
    for delivery in Delivery.objects.all():
        assert delivery.status == DeliveryStatus.SENT and delivery.sent_at >= delivery.share.created_at
    assert sum(demo.values()) == Delivery.objects.filter(status=DeliveryStatus.SENT).count() == 7
    assert set(demo) == {d.envelope_to for d in Delivery.objects.filter(status=DeliveryStatus.SENT)}


def test_the_trace_holds_and_tells_the_time_of_each_act():
    assert list(audit.verify()) == []
    first = AuditEvent.objects.filter(kind="prescription.filed").earliest("at")
    assert timezone.now() - first.at > timedelta(days=390)
    assert AuditEvent.objects.filter(at__gt=timezone.now()).count() == 0


def test_old_notices_do_not_leave_today():
    old = Notice.objects.filter(created_at__lt=timezone.now() - timedelta(days=2))
    assert old.exists() and not old.filter(status=Notice.Status.QUEUED).exists()


def test_first_pages_find_their_documents():
    entered = Prescription.objects.filter(patient__accesses__isnull=False).distinct()
    kinds = {Document.Kind.PRINTABLE, Document.Kind.RECEIVED}
    assert all(p.documents.filter(kind__in=kinds, content_type="application/pdf").exists() for p in entered)


def test_a_hospital_wrote_to_alice_s_secure_address():
    arrived = Prescription.objects.get(provenance="document")
    assert arrived.patient.given_name == "Alice" and arrived.lines.count() == 2
    assert "Dr Karim Haddad" in arrived.comment and "Reçue par messagerie sécurisée" in arrived.comment
    assert InboundMail.objects.get().status == InboundMail.Status.PROCESSED


def test_built_again_it_changes_nothing():
    before = {model: set(model.objects.values_list("pk", flat=True)) for model in TABLES}
    dated = dict(Prescription.objects.values_list("pk", "authored_on"))
    told = AuditEvent.objects.count()
    out = io.StringIO()
    with clock.at(timezone.now() + timedelta(days=3)):
        call_command("demo", stdout=out)
    assert {model: set(model.objects.values_list("pk", flat=True)) for model in TABLES} == before
    assert dict(Prescription.objects.values_list("pk", "authored_on")) == dated, "dates of existing ones stay"
    assert AuditEvent.objects.count() == told
    assert "documents: 0" in out.getvalue()


def test_it_is_never_built_on_a_real_site(settings):
    settings.DEMO = settings.TESTING = False
    with pytest.raises(CommandError):
        call_command("demo")


# --- Its own parts --------------------------------------------------------------------------------------------------
NOW = datetime.fromisoformat("2026-11-23T18:00:00+01:00")


def test_told_dates():
    assert dates.resolved({"a": [{"daysAgo": 3}, {"daysAhead": 6}]}, NOW) == {"a": ["2026-11-20", "2026-11-29"]}
    assert dates.resolved({"daysAgo": 1, "at": "09:40"}, NOW) == "2026-11-22T09:40:00+01:00"
    assert dates.resolved({"minutesAgo": 90}, NOW) == "2026-11-23T16:30:00+01:00"
    summer = dates.resolved({"daysAgo": 120, "at": "09:00"}, NOW)
    assert summer == "2026-07-26T09:00:00+02:00", "the hour of the day, not of today's offset"
    assert dates.resolved({"daysAgo": 3, "other": 1}, NOW) == {"daysAgo": 3, "other": 1}


def test_the_clock_is_given_back():
    with clock.at(NOW):
        assert timezone.now() == NOW and timezone.localdate().isoformat() == "2026-11-23"
    assert timezone.now() != NOW


def test_the_story_is_told_in_order_at_any_hour_of_the_day():
    for hour in (0, 7, 12, 23):
        now = NOW.replace(hour=hour, minute=5)
        moments = [dates.moment(act["when"], now) for act in story.acts()]
        assert moments == sorted(moments) and moments[-1] < now
    ids = [act["id"] for act in story.acts()]
    assert len(ids) == len(set(ids))


def test_every_bundle_is_told_and_every_told_bundle_is_there():
    files = {file.stem for file in (story.DATA / "prescriptions").glob("*.json")}
    assert files == {act["prescription"] for act in story.acts() if act["do"] == "file"}
    for file in (story.DATA / "prescriptions").glob("*.json"):
        assert json.loads(file.read_text())["id"] == file.stem
