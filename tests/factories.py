"""The fixed cast and what they hold, as real rows. Plain functions; whatever a story cares about is an argument.

Alice and Bob are patients, Chloé a pharmacist, Dan staff, Dr Emma a prescriber. Everybody has a second factor, so that
`client.force_login(user)` goes past the door as a real sign-in would. Asking twice for one of the cast gives the same
person.
"""

import hashlib
import io
import itertools
from datetime import date, timedelta

from allauth.mfa.totp.internal.auth import TOTP
from django.utils import timezone
from PIL import Image, ImageDraw

from portal.models import User
from prescriptions.models import (
    Dispensing,
    DispensingLine,
    Patient,
    PatientAccess,
    Prescriber,
    Prescription,
    PrescriptionLine,
)
from prescriptions.policies import first_dispensing_deadline
from sharing import directory
from sharing.models import Mailbox, PatientPharmacy, Pharmacy, PharmacyMember, Share, ThreadFile, ThreadMessage
from sharing.states import ShareStatus as S

INS_TEST_OID = "1.2.250.1.213.1.4.10"
_serial = itertools.count(1)


def ins_with_key(thirteen: str) -> str:
    """A matricule with its control key (97 minus the remainder by 97; Corsica 2A counts as 19, 2B as 18)."""
    number = int(thirteen.replace("2A", "19").replace("2B", "18"))
    return f"{thirteen}{97 - number % 97:02d}"


def with_luhn(digits: str) -> str:
    """Adds the Luhn key that ends an RPPS or a FINESS."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{digits}{-total % 10}"


# --- People ---------------------------------------------------------------------------------------------------------
def user(email: str, *, second_factor: bool = True, **fields) -> User:
    """Fictitious account with an unusable password; signs in by `client.force_login`."""
    known = User.objects.filter(email=email).first()
    if known is not None:
        return known
    person = User.objects.create_user(email, **fields)
    if second_factor:
        TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    return person


def patient(ins_thirteen: str, *, oid: str = INS_TEST_OID, **traits) -> Patient:
    ins = ins_with_key(ins_thirteen)
    known = Patient.objects.filter(ins_index=Patient.index_of(ins, oid)).first()
    return known or Patient.objects.create(ins=ins, ins_oid=oid, **traits)


def access(of: User, to: Patient, kind: str = PatientAccess.Kind.SELF, **fields) -> PatientAccess:
    known = PatientAccess.objects.filter(user=of, patient=to, revoked_at=None).first()
    return known or PatientAccess.objects.create(user=of, patient=to, kind=kind, **fields)


def alice() -> User:
    """Alice Moreau, 38. Her own patient: `alice_patient()`."""
    person = user("alice@ordolien.test", first_name="Alice", last_name="Moreau")
    access(person, alice_patient())
    return person


def alice_patient() -> Patient:
    return patient(
        "2880375056123",
        birth_name="Moreau",
        given_names="Alice Jeanne",
        birth_date="1988-03-14",
        birth_place="75056",
        sex=Patient.Sex.FEMALE,
    )


def leo() -> Patient:
    """Alice's child. She enters his space once `alice_parent()` says so."""
    return patient(
        "1210969123042",
        birth_name="Moreau",
        given_names="Léo",
        birth_date="2021-09-05",
        birth_place="69123",
        sex=Patient.Sex.MALE,
    )


def alice_parent() -> User:
    """Alice, who also acts for her child Léo."""
    person = alice()
    access(person, leo(), PatientAccess.Kind.PARENT)
    return person


def bob() -> User:
    """Bob Nguyen, 71, a stranger to Alice."""
    person = user("bob@ordolien.test", first_name="Bob", last_name="Nguyen")
    access(person, bob_patient())
    return person


def bob_patient() -> Patient:
    return patient(
        "1550613055078",
        birth_name="Nguyen",
        given_names="Bob Minh",
        birth_date="1955-06-02",
        birth_place="13055",
        sex=Patient.Sex.MALE,
    )


def patient_of(person: User) -> Patient:
    """The patient that this person is."""
    return person.patient_accesses.get(kind=PatientAccess.Kind.SELF, revoked_at=None).patient


def chloe(pharmacy: Pharmacy | None = None) -> User:
    """Chloé Lefèvre, pharmacist at « Pharmacie du Marché » (or in the pharmacy given)."""
    person = user("chloe@ordolien.test", first_name="Chloé", last_name="Lefèvre")
    member(person, pharmacy or market_pharmacy(), "Chloé Lefèvre", rpps=with_luhn("9900000001"))
    return person


def member(of: User, pharmacy: Pharmacy, display_name: str, rpps: str = "") -> PharmacyMember:
    known = PharmacyMember.objects.filter(user=of, pharmacy=pharmacy, left_at=None).first()
    return known or PharmacyMember.objects.create(user=of, pharmacy=pharmacy, display_name=display_name, rpps=rpps)


def dan() -> User:
    """Dan Petit, back office."""
    return user("dan@ordolien.test", first_name="Dan", last_name="Petit", is_staff=True, is_superuser=True)


def emma() -> User:
    """Dr Emma Rousseau, general practitioner: `emma().prescriber`."""
    person = user("emma@ordolien.test", first_name="Emma", last_name="Rousseau")
    if not hasattr(person, "prescriber"):
        prescriber(with_luhn("9900000101"), user=person)
    return person


def prescriber(rpps: str | None = None, **fields) -> Prescriber:
    facts = {
        "given_name": "Emma",
        "family_name": "Rousseau",
        "speciality_code": "SM54",
        "speciality": "Médecine générale",
        "structure_name": "Cabinet médical des Tilleuls",
        "structure_finess": with_luhn("69990001"),
        "address": "12 rue des Tilleuls",
        "postcode": "69003",
        "town": "Lyon",
        "phone": "+33 1 99 00 12 34",
        "email": "emma@ordolien.test",
    }
    rpps = rpps or with_luhn(f"99{next(_serial):08d}")
    return Prescriber.objects.create(rpps=rpps, **facts | fields)


# --- Pharmacies -----------------------------------------------------------------------------------------------------
def market_pharmacy() -> Pharmacy:
    """« Pharmacie du Marché », Chloé's, with its mailbox."""
    known = Pharmacy.objects.filter(finess=with_luhn("69990010")).first()
    return known or pharmacy("Pharmacie du Marché", finess=with_luhn("69990010"))


def pharmacy(name: str = "Pharmacie des Halles", *, mailbox: str | bool = True, **fields) -> Pharmacy:
    """`mailbox`: an address, True for one of its own, False for a pharmacy that cannot receive."""
    number = next(_serial)
    facts = {
        "finess": with_luhn(f"6999{1000 + number:04d}"),
        "address": f"{number} place du Marché",
        "postcode": "69003",
        "town": "Lyon",
        "department": "69",
        "phone": "+33 1 99 00 55 66",
        "latitude": 45.7578,
        "longitude": 4.8351,
        "source_date": date(2026, 11, 1),
    }
    made = Pharmacy(name=name, **facts | fields)
    made.search_text = directory.search_text(name=name, town=made.town, postcode=made.postcode)
    made.save()
    if mailbox:
        address = mailbox if isinstance(mailbox, str) else f"pharmacie-{made.finess}@pharma.mssante.test"
        Mailbox.objects.create(pharmacy=made, address=address)
    return made


def own_pharmacy(patient: Patient, pharmacy: Pharmacy, **fields) -> PatientPharmacy:
    return PatientPharmacy.objects.create(patient=patient, pharmacy=pharmacy, **fields)


# --- Prescriptions --------------------------------------------------------------------------------------------------
def amoxicillin(**fields) -> dict:
    """Three times a day for six days."""
    return {
        "kind": "medicine",
        "name": "AMOXICILLINE 500 mg, gélule",
        "form": "gélule",
        "dosage": [
            {
                "timing": {
                    "repeat": {
                        "when": ["MORN", "NOON", "EVE"],
                        "boundsDuration": {"value": 6, "unit": "j", "system": "http://unitsofmeasure.org", "code": "d"},
                    }
                },
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "gélule"}}],
            }
        ],
        "dosage_text": "1 gélule matin, midi et soir pendant 6 jours",
        "duration_days": 6,
    } | fields


def levothyrox(**fields) -> dict:
    """Every morning, three months, twice renewable, not to be substituted."""
    return {
        "kind": "medicine",
        "name": "LEVOTHYROX 75 microgrammes, comprimé sécable",
        "form": "comprimé",
        "dosage": [
            {
                "timing": {"repeat": {"when": ["MORN"], "frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "comprimé"}}],
            }
        ],
        "dosage_text": "1 comprimé le matin à jeun",
        "duration_days": 90,
        "renewals": 2,
        "no_substitution": "MTE",
        "flags": ["ALD"],
    } | fields


def nursing(**fields) -> dict:
    return {
        "kind": "nursing",
        "name": "Pansement simple, un jour sur deux",
        "dosage_text": "Un jour sur deux pendant 10 jours, dimanches et jours fériés compris",
    } | fields


def prescription(patient: Patient | None = None, lines: list[dict] | None = None, **fields) -> Prescription:
    """A registry prescription of three days ago by Dr Emma, for Alice, one antibiotic, unless told otherwise.

    `lines`: dicts of PrescriptionLine fields, as `amoxicillin()` gives them. Another `provenance` has no number.
    """
    lines = [amoxicillin()] if lines is None else lines
    authored_on = fields.pop("authored_on", timezone.localdate() - timedelta(days=3))
    registry = fields.get("provenance", "registry") == "registry"
    facts = {
        "provenance": "registry",
        "prescriber": emma().prescriber if registry else None,
        "number": f"01TEST{next(_serial):012d}" if registry else None,
        "authored_on": authored_on,
        "valid_until": authored_on + timedelta(days=365),
        "first_dispensing_before": first_dispensing_deadline(authored_on, {line["kind"] for line in lines}),
        "lap_certification": "TEST-LAP-1" if registry else "",
    }
    made = Prescription.objects.create(patient=patient or patient_of(alice()), **facts | fields)
    for position, line in enumerate(lines, start=1):
        PrescriptionLine.objects.create(prescription=made, position=position, **line)
    return made


def photo_prescription(patient: Patient | None = None, **fields) -> Prescription:
    """The patient's own photo: preparation only."""
    made = prescription(patient, lines=[], provenance="upload", **{"valid_until": None} | fields)
    page = picture(400, 600)
    digest = hashlib.sha256(page).hexdigest()
    made.documents.create(kind="photo", position=0, content_type="image/png", content=page, sha256=digest)
    return made


def dispensing(prescription: Prescription, pharmacy: Pharmacy | None = None, *, quantity: int = 1, **fields):
    """Every line of it delivered once, `quantity` boxes each, in full unless `completeness` says less."""
    place = pharmacy or market_pharmacy()
    completeness = fields.pop("completeness", DispensingLine.Completeness.FIRST_COMPLETE)
    facts = {"dispensed_at": timezone.now(), "pharmacy_finess": place.finess, "pharmacy_name": place.name}
    made = Dispensing.objects.create(prescription=prescription, **facts | fields)
    for line in prescription.lines.all():
        made.lines.create(line=line, completeness=completeness, quantity=quantity, delivered_name=line.name)
    return made


# --- Shares ---------------------------------------------------------------------------------------------------------
def share(
    prescription_shared: Prescription | None = None,
    pharmacy: Pharmacy | None = None,
    *,
    status: str = S.SHARED,
    by: User | None = None,
    **fields,
) -> Share:
    """A share as rows, brought to `status` by the usual way. No message leaves.

    For one that really goes (delivery row, frozen message), call `sharing.actions.share_prescription`.
    """
    shared = prescription_shared or prescription()
    now = fields.pop("created_at", timezone.now())
    facts = {"refusal": Share.Refusal.OUT_OF_STOCK} if status == S.REFUSED else {}
    made = Share.objects.create(
        prescription=shared,
        patient=shared.patient,
        pharmacy=pharmacy or market_pharmacy(),
        shared_by=by or shared.patient.accesses.get(kind="self").user,
        status=status,
        **{"created_at": now, "status_at": now} | facts | fields,
    )
    for step in _way_to(status):
        made.events.create(status=step, at=now, door="portal" if step == S.SHARED else "desk")
    return made


# The way most shares go; the ends branch off it.
_WAY = [S.SHARED, S.OPENED, S.PREPARING, S.READY, S.COLLECTED]
_BRANCHES_AFTER = {S.PARTIALLY_READY: S.PREPARING, S.REFUSED: S.OPENED, S.REVOKED: S.OPENED, S.EXPIRED: S.SHARED}


def _way_to(status: str) -> list[str]:
    if status in _WAY:
        return _WAY[: _WAY.index(status) + 1]
    return [*_way_to(_BRANCHES_AFTER.get(status, S.SHARED)), S(status)]


# --- Pictures -------------------------------------------------------------------------------------------------------
def picture(width: int = 1200, height: int = 1600, kind: str = "PNG") -> bytes:
    """A readable page: dark lines of different lengths on white."""
    page = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(page)
    for row, top in enumerate(range(60, height - 60, 48)):
        pen.rectangle([60, top, width - 60 - (row * 137) % (width // 2), top + 18], fill=(30, 30, 60))
    out = io.BytesIO()
    page.save(out, kind)
    return out.getvalue()


def thread_file(sent: Share, *, state: str = "shown") -> ThreadFile:
    """What the pharmacy joined to its words."""
    words = ThreadMessage(share=sent, side="pharmacy", body="Voici la fiche.", door="mail", created_at=timezone.now())
    words.save(force_insert=True)
    file = ThreadFile(message=words, name="fiche.pdf", content_type="application/pdf", content=b"%PDF-", state=state)
    file.save(force_insert=True)
    return file
