"""The insurer finds prescription, dispensings and invoice in one place, sees duplicates, and records an objection."""

import json
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from portal import audit
from portal.models import AuditEvent
from prescriptions import reach
from prescriptions.api import insurer as api
from prescriptions.api import insurer_shapes as shapes
from prescriptions.intake import duplicates
from prescriptions.medicine.catalogue import CataloguedPresentation, GenericMember
from prescriptions.models import Prescription, PrescriptionLine
from tests import factories
from tests.software import Program, bundle

pytestmark = pytest.mark.django_db
CHECK, DUPLICATES, OPPOSITION = "/api/insurer/check/", "/api/insurer/duplicates/", "/api/insurer/opposition/"
TODAY = timezone.localdate


def days_ago(count: int) -> date:
    return TODAY() - timedelta(days=count)


class Json(Program):
    def _send(self, method, path, data=None, **headers):
        return super()._send(
            method, path, data, **{"content_type": "application/json", "Accept": "application/json"} | headers
        )


@pytest.fixture
def insurer(client):
    return Json(client, kind="insurer", finess=factories.with_luhn("69990099"), name="Caisse 69")


def checked(insurer, *numbers: str) -> list[dict]:
    answer = insurer.post(CHECK, {"numbers": numbers})
    assert answer.status_code == 200, answer.content
    return answer.json()["prescriptions"]


def codes_of(one: dict) -> list[str]:
    return [anomaly["code"] for anomaly in one["anomalies"]]


# --- Checking ---------------------------------------------------------------------------------------------------------


def test_prescription_dispensing_and_invoice_are_in_one_place(insurer, prescription, market):
    factories.dispensing(prescription, market, billing_reference="FSE-2026-1")
    spaced = f"{prescription.number[:4]} {prescription.number[4:]}".lower()
    found, unknown = checked(insurer, spaced, "01UNKNOWN000000000")
    assert unknown == {"number": "01UNKNOWN000000000", "found": False}
    assert found["number"] == spaced and found["found"] and found["standing"] == "dispensed"
    assert found["authored_on"] == prescription.authored_on.isoformat()
    assert found["prescriber_rpps"] == prescription.prescriber.rpps
    (told,) = found["dispensings"]
    assert (told["pharmacy_finess"], told["billing_reference"]) == (market.finess, "FSE-2026-1")
    assert told["lines"][0]["line"] == found["lines"][0]["line"] == 1 and told["lines"][0]["completeness"] == "FFC"
    assert found["anomalies"] == []


def test_the_patient_reads_that_it_was_checked(insurer, prescription, client, alice):
    checked(insurer, prescription.number)
    event = AuditEvent.objects.get(kind="prescription.checked_by_insurer")
    assert event.patient == prescription.patient_id and event.actor == f"softwareclient:{insurer.installation.pk}"
    assert list(audit.verify()) == []
    client.force_login(alice)
    page = client.get(f"/ordonnances/{prescription.pk}/").content.decode()
    assert "L’Assurance Maladie" in page and "Contrôle" in page


def test_neither_identity_nor_dosage_goes_to_the_insurer(insurer, prescription):
    text = json.dumps(checked(insurer, prescription.number), ensure_ascii=False)
    for secret in (prescription.patient.ins, "Moreau", "Alice", "matin"):
        assert secret not in text


def test_what_is_written_is_what_is_described(insurer, prescription, market):
    factories.dispensing(prescription, market)
    (found,) = checked(insurer, prescription.number)
    assert set(found) == set(shapes.CheckedShape().fields)
    assert set(found["lines"][0]) == set(shapes.LineShape().fields)
    assert set(found["dispensings"][0]) == set(shapes.DispensingShape().fields)
    assert set(found["dispensings"][0]["lines"][0]) == set(shapes.DeliveredShape().fields)
    assert set(found["anomalies"][0]) == set(shapes.AnomalyShape().fields)


def test_anomalies_of_dates_and_invoices(insurer, alice, market):
    ended = factories.prescription(authored_on=days_ago(300), valid_until=days_ago(100))
    factories.dispensing(ended, market, dispensed_at=timezone.now() - timedelta(days=50), billing_reference="A-1")
    early = factories.prescription(authored_on=days_ago(10))
    factories.dispensing(early, market, dispensed_at=timezone.now() - timedelta(days=20))
    taken_back = factories.prescription(
        cancelled_at=timezone.now() - timedelta(days=2), cancelled_reason="erreur", authored_on=days_ago(5)
    )
    factories.dispensing(taken_back, market, billing_reference="A-1")
    first, second, third = checked(insurer, ended.number, early.number, taken_back.number)
    assert codes_of(first) == ["first-dispensed-too-late", "dispensed-after-end", "billing-reference-twice"]
    assert codes_of(second) == ["dispensed-before-prescription", "billing-reference-missing"]
    assert codes_of(third) == ["dispensed-after-cancellation", "billing-reference-twice"]


def test_the_same_reference_of_two_pharmacies_and_an_undone_dispensing_are_no_anomaly(insurer, alice, market):
    first, second = factories.prescription(), factories.prescription()
    factories.dispensing(first, market, billing_reference="FSE-1")
    factories.dispensing(second, factories.pharmacy(), billing_reference="FSE-1")
    factories.dispensing(second, market, billing_reference="FSE-1", undone_at=timezone.now())
    assert [codes_of(one) for one in checked(insurer, first.number, second.number)] == [[], []]


def test_delivered_after_its_replacement_and_beyond_what_is_prescribed(insurer, alice, market):
    old = factories.prescription(
        lines=[factories.amoxicillin(quantity=2, quantity_unit="boîtes")], authored_on=days_ago(9)
    )
    factories.prescription(replaces=old)
    factories.dispensing(old, market, quantity=5, billing_reference="B-1")
    (found,) = checked(insurer, old.number)
    assert codes_of(found) == ["dispensed-after-replacement", "over-delivered"]
    assert found["anomalies"][1]["line"] == 1 and found["replaced_by"]


def test_five_hundred_at_once_in_a_few_queries(insurer, alice, market, django_assert_max_num_queries):
    prescriptions = [factories.prescription() for _ in range(30)]
    factories.dispensing(prescriptions[0], market, billing_reference="C-1")
    asked = [prescription.number for prescription in prescriptions] + [f"01NOTHERE{n:09d}" for n in range(470)]
    with django_assert_max_num_queries(25):
        found = checked(insurer, *asked)
    assert [one["found"] for one in found] == [True] * 30 + [False] * 470
    assert AuditEvent.objects.filter(kind="prescription.checked_by_insurer").count() == 30


# --- Duplicates -------------------------------------------------------------------------------------------------------


def pairs(insurer, **params) -> list[dict]:
    answer = insurer.get(DUPLICATES, {"from": days_ago(60).isoformat(), "to": TODAY().isoformat()} | params)
    assert answer.status_code == 200, answer.content
    return answer.json()["duplicates"]


def lasting(**fields) -> dict:
    return factories.levothyrox(duration_days=30, renewals=0) | fields


def test_after_a_loss_the_same_medicine_for_the_same_days(insurer, alice, alice_patient, market):
    lost = factories.prescription(lines=[lasting()], authored_on=days_ago(20))
    again = factories.prescription(lines=[lasting(name="Lévothyrox 75 microgrammes comprimé sécable")])
    factories.dispensing(lost, market)
    (pair,) = pairs(insurer)
    assert (pair["earlier"]["number"], pair["later"]["number"]) == (lost.number, again.number)
    assert pair["earlier"]["dispensed"] and not pair["later"]["dispensed"] and not pair["dispensed_twice"]
    assert pair["overlap"] == {
        "from": again.authored_on.isoformat(),
        "to": (lost.authored_on + timedelta(days=29)).isoformat(),
        "days": 13,
    }
    assert str(alice_patient.pk) not in json.dumps(pair) and len(pair["patient"]) == 32
    assert set(pair) == set(shapes.DuplicateShape().fields)
    assert set(pair["later"]) == set(shapes.TreatmentShape().fields)
    assert AuditEvent.objects.filter(kind="prescription.checked_by_insurer", patient=alice_patient.pk).count() == 2
    factories.dispensing(again, market)
    assert pairs(insurer)[0]["dispensed_twice"]


@pytest.mark.parametrize(
    "why", ["another patient", "one after the other", "another medicine", "replaced", "one prescription", "no period"]
)
def test_what_is_no_duplicate(insurer, alice, bob_patient, why):
    first = factories.prescription(lines=[lasting()], authored_on=days_ago(40))
    patient, second, more = first.patient, lasting(), {"authored_on": days_ago(30)}
    if why == "another patient":
        patient = bob_patient
    elif why == "one after the other":
        more = {"authored_on": days_ago(10)}
    elif why == "another medicine":
        second = factories.amoxicillin()
    elif why == "replaced":
        more |= {"replaces": first}
    elif why == "no period":
        second, more = lasting(duration_days=None), more | {"valid_until": None}
    if why == "one prescription":
        PrescriptionLine.objects.create(prescription=first, position=2, **second)
    else:
        factories.prescription(patient, lines=[second], **more)
    assert pairs(insurer) == []


def test_the_same_cis_under_two_names(insurer, alice):
    factories.prescription(lines=[lasting(name="LEVOTHYROX 75", codes={"cis": "61266250"})], authored_on=days_ago(9))
    factories.prescription(lines=[lasting(name="Lévothyroxine", codes={"cis": "61266250"})])
    assert len(pairs(insurer)) == 1


def test_the_catalogue_says_that_two_boxes_hold_the_same_medicine(insurer, alice, catalogue):
    """The one prescribed by its box, the other by its CIS under another name; then a generic of it."""
    box = CataloguedPresentation.objects.first()
    factories.prescription(lines=[lasting(name="A", codes={"cip13": box.cip13})], authored_on=days_ago(9))
    factories.prescription(lines=[lasting(name="B", codes={"cis": box.cis})])
    assert len(pairs(insurer)) == 1

    Prescription.objects.all().update(cancelled_at=timezone.now(), cancelled_reason="Doublon")
    one, other = GenericMember.objects.filter(group=GenericMember.objects.first().group)[:2]
    factories.prescription(lines=[lasting(name="C", codes={"cis": one.cis})], authored_on=days_ago(9))
    factories.prescription(lines=[lasting(name="D", codes={"cis": other.cis})])
    assert len(pairs(insurer)) == 1


def test_the_earlier_one_may_be_older_than_the_window(insurer, alice):
    factories.prescription(lines=[lasting(duration_days=300)], authored_on=days_ago(200))
    factories.prescription(lines=[lasting()], authored_on=days_ago(5))
    assert len(pairs(insurer)) == 1
    to = {"from": days_ago(200).isoformat(), "to": days_ago(150).isoformat()}
    assert insurer.get(DUPLICATES, to).json() == {"duplicates": [], "next": None}


def test_page_after_page_nothing_twice_and_nothing_missed(insurer):
    people = [factories.patient(f"18001750{n:05d}"[:13], birth_name="X", given_names="Y") for n in range(100, 107)]
    for patient in people:
        for days in (20, 15, 10):
            factories.prescription(patient, lines=[lasting()], authored_on=days_ago(days))
    seen, params = [], {"from": days_ago(60).isoformat(), "to": TODAY().isoformat(), "_count": "3"}
    url, pages = f"{DUPLICATES}?{'&'.join(f'{k}={v}' for k, v in params.items())}", 0
    while url:
        page = insurer.get(url).json()
        seen += [pair["later"]["number"] for pair in page["duplicates"]]
        url, pages = page["next"] and page["next"].removeprefix("http://testserver"), pages + 1
    assert len(seen) == len(set(seen)) == 14 and pages == 4
    assert all(str(patient.pk) not in urlsplit(url or "").query for patient in people)


def test_a_thousand_lines_of_one_patient_make_no_square(insurer, alice):
    for days in range(60, 0, -1):
        factories.prescription(lines=[lasting()], authored_on=days_ago(days))
    assert len(pairs(insurer, _count="200")) == 59


def test_one_cursor_serves_one_period(insurer, alice):
    cursor = api._sealed(factories.prescription().patient_id, "2026-01-01.2026-01-31")
    answer = insurer.get(DUPLICATES, {"from": "2026-02-01", "to": "2026-02-28", "_after": cursor})
    assert answer.status_code == 422 and answer.json()["code"] == "cursor-invalid"


def test_a_pseudonym_is_of_one_reader(insurer, client, alice_patient):
    other = Json(client, kind="insurer", finess=factories.with_luhn("69990098"))
    mine, theirs = (duplicates.pseudonym(alice_patient.pk, reader=one.installation) for one in (insurer, other))
    assert mine != theirs and mine == duplicates.pseudonym(alice_patient.pk, reader=insurer.installation)


# --- Objection --------------------------------------------------------------------------------------------------------


def objection(prescription, **changes) -> dict:
    patient = prescription.patient
    return {"ins": patient.ins, "oid": patient.ins_oid, "opposed": True} | changes


def read_by_prescriber(prescription) -> int:
    own = reach.written_by(prescription.prescriber)
    return reach.dispensings_for_prescribers(own).filter(prescription=prescription).count()


def test_an_objection_holds_for_what_is_written_and_what_will_be_until_it_is_lifted(insurer, alice, client, market):
    today = TODAY().isoformat()
    first, second = factories.prescription(), factories.prescription(opposed=True)
    done = insurer.post(OPPOSITION, objection(first)).json()
    assert done == {"opposed": True, "since": today, "concerned": 2, "changed": 1}, "the second was opposed at deposit"
    assert insurer.post(OPPOSITION, objection(first)).json()["changed"] == 0
    later = factories.prescription()
    for one in (first, second, later):
        factories.dispensing(one, market)
        assert read_by_prescriber(one) == 0
    client.force_login(alice)
    page = client.get(f"/ordonnances/{later.pk}/").content.decode()
    assert "ce qui vous est délivré" in page and "organisme d’assurance maladie" in page
    assert "pour toutes vos ordonnances" in page

    refused = insurer.post(OPPOSITION, objection(first, opposed=False, numbers=[first.number]))
    assert refused.status_code == 409 and refused.json()["code"] == "objection-of-the-person"
    lifted = insurer.post(OPPOSITION, objection(first, opposed=False)).json()
    assert lifted == {"opposed": False, "since": None, "concerned": 3, "changed": 2}
    assert [read_by_prescriber(one) for one in (first, second, later)] == [1, 0, 1], "what was said at deposit stays"
    insurer.post(OPPOSITION, objection(first, opposed=False, numbers=[second.number]))
    assert read_by_prescriber(second) == 1
    kinds = list(AuditEvent.objects.values_list("kind", flat=True))
    assert kinds.count("patient.opposed") == kinds.count("patient.opposition_lifted") == 1


def test_an_objection_begins_on_its_day(insurer, prescription, market):
    factories.dispensing(prescription, market)
    tomorrow = (TODAY() + timedelta(days=1)).isoformat()
    assert insurer.post(OPPOSITION, objection(prescription, since=tomorrow)).json()["changed"] == 0
    assert read_by_prescriber(prescription) == 1
    assert insurer.post(OPPOSITION, objection(prescription)).json()["changed"] == 1
    assert read_by_prescriber(prescription) == 0


def test_on_some_prescriptions_only(insurer, alice, market):
    first, second = factories.prescription(), factories.prescription()
    done = insurer.post(OPPOSITION, objection(first, numbers=[first.number])).json()
    assert done == {"opposed": True, "since": None, "concerned": 1, "changed": 1}
    for one in (first, second):
        factories.dispensing(one, market)
    assert [read_by_prescriber(one) for one in (first, second)] == [0, 1]


def test_a_number_of_somebody_else_changes_nothing(insurer, prescription, bob_patient):
    his = factories.prescription(bob_patient)
    answer = insurer.post(OPPOSITION, objection(prescription, numbers=[prescription.number, his.number]))
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == ("number-unknown", "numbers[1]")
    assert not Prescription.objects.filter(opposed=True).exists()


def test_somebody_unknown(insurer, prescription, bob_patient):
    answer = insurer.post(OPPOSITION, objection(factories.prescription(), ins=factories.ins_with_key("1" * 13)))
    assert answer.status_code == 409 and answer.json()["code"] == "patient-unknown"


# --- In a deposit -----------------------------------------------------------------------------------------------------


@pytest.fixture
def lap(client, emma):
    return Program(client, kind="lap", finess=emma.prescriber.structure_finess)


def deposited(lap, emma, consent: dict | None):
    sent = bundle(
        TODAY().isoformat(),
        number="01S2TBPZ2JCNZZYGHZ",
        ins=factories.ins_with_key("2790312345678"),
        finess=emma.prescriber.structure_finess,
        rpps=emma.prescriber.rpps,
    )
    sent["entry"] += [{"resource": {"resourceType": "Consent"} | consent}] if consent else []
    return sent


DENIAL = {"status": "active", "provision": {"type": "deny"}}


def category(code: str) -> dict:
    return {"category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code}]}]}


@pytest.mark.parametrize(
    ("consent", "opposed"),
    [
        (None, False),
        (DENIAL | category("IDSCL"), True),
        (DENIAL, True),
        (DENIAL | category("IDSCL") | {"status": "inactive"}, False),
        ({"status": "active", "provision": {"type": "permit"}} | category("IDSCL"), False),
    ],
)
def test_the_objection_said_at_deposit(lap, emma, consent, opposed):
    assert lap.post("/api/fhir/", deposited(lap, emma, consent)).status_code == 201
    assert Prescription.objects.get().opposed is opposed


def test_a_denial_of_something_else_is_refused_and_named(lap, emma):
    answer = lap.post("/api/fhir/", deposited(lap, emma, DENIAL | category("RESEARCH")))
    issue = answer.json()["issue"][0]
    assert answer.status_code == 422 and issue["details"]["coding"][0]["code"] == "consent-unknown"
    assert issue["expression"][0].endswith(".category") and not Prescription.objects.exists()


def test_the_same_deposit_again_after_a_later_objection_is_the_same(lap, emma, insurer):
    sent = deposited(lap, emma, None)
    assert lap.post("/api/fhir/", sent, **{"Idempotency-Key": "one"}).status_code == 201
    filed = Prescription.objects.get()
    assert insurer.post(OPPOSITION, objection(filed, numbers=[filed.number])).status_code == 200
    assert lap.post("/api/fhir/", sent, **{"Idempotency-Key": "two"}).status_code == 200
    assert Prescription.objects.get().opposed, "and does not undo it"


def test_what_was_not_said_at_first_is_not_the_same_deposit(lap, emma):
    assert lap.post("/api/fhir/", deposited(lap, emma, None)).status_code == 201
    assert lap.post("/api/fhir/", deposited(lap, emma, DENIAL)).status_code == 409


# --- Who may, and bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lap", "lgo"])
def test_other_software_is_refused(client, kind):
    other = Json(client, kind=kind, finess=factories.with_luhn("69990001"))
    for answer in (other.post(CHECK, {"numbers": ["0"]}), other.get(DUPLICATES), other.post(OPPOSITION, {})):
        assert answer.status_code == 403 and answer.json()["code"] == "permission_denied"


BAD = [
    (CHECK, {}, 422, "required", "numbers"),
    (CHECK, {"numbers": []}, 422, "min_length", "numbers"),
    (CHECK, {"numbers": "01S2"}, 422, "not_a_list", "numbers"),
    (CHECK, {"numbers": ["01S2", 7]}, 422, "invalid", "numbers[1]"),
    (CHECK, {"numbers": ["x" * 41]}, 422, "max_length", "numbers[0]"),
    (CHECK, {"numbers": ["01S2TBPZ2JCNZZYGHZ"] * 10_000}, 422, "max_length", "numbers"),
    (CHECK, {"numbers": ["01S2"], "number": "01S2"}, 422, "unknown-field", ""),
    (CHECK, [], 422, "invalid", ""),
    (CHECK, b"{", 400, "parse_error", None),
    (CHECK, b'{"numbers": [NaN]}', 400, "parse_error", None),
    (CHECK, b'{"numbers": ["a"], "numbers": ["b"]}', 400, "parse_error", None),
    (CHECK, b"[" * 100_000, 400, "parse_error", None),
    (CHECK, b"\xff\xfe", 400, "parse_error", None),
    (CHECK, b'"' + b"x" * 600_000 + b'"', 413, "too-large", None),
    (OPPOSITION, {"ins": "2" * 15, "oid": "1.2.250.1.213.1.4.10", "opposed": True}, 422, "ins-key", "ins"),
    (OPPOSITION, {"ins": "2" * 15, "oid": "1.2.3", "opposed": True}, 422, "invalid_choice", "oid"),
    (OPPOSITION, {"ins": "2" * 15, "oid": "1.2.250.1.213.1.4.10", "opposed": "oui"}, 422, "invalid", "opposed"),
    (OPPOSITION, {"ins": "2" * 15, "oid": "1.2.250.1.213.1.4.10"}, 422, "required", "opposed"),
]


@pytest.mark.parametrize(("path", "body", "status", "code", "field"), BAD, ids=range(len(BAD)))
def test_bad_input_is_named(insurer, path, body, status, code, field):
    answer = insurer.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer.json()["detail"] and answer.json().get("field") == field


BAD_WINDOWS = [
    ({}, "required", "from"),
    ({"from": "hier", "to": "2026-01-31"}, "invalid", "from"),
    ({"from": "20260101", "to": "2026-01-31"}, "invalid", "from"),
    ({"from": "2026-02-30", "to": "2026-03-31"}, "invalid", "from"),
    ({"from": "2026-02-01", "to": "2026-01-31"}, "ends-before-start", "to"),
    ({"from": "2026-01-01", "to": "2026-04-03"}, "window-too-long", "to"),
    ({"from": "2026-01-01", "to": "2026-01-31", "_count": "0"}, "invalid", "_count"),
    ({"from": "2026-01-01", "to": "2026-01-31", "_count": "201"}, "invalid", "_count"),
    ({"from": "2026-01-01", "to": "2026-01-31", "_after": "zzz"}, "cursor-invalid", "_after"),
]


@pytest.mark.parametrize(("params", "code", "field"), BAD_WINDOWS, ids=range(len(BAD_WINDOWS)))
def test_bad_windows(insurer, params, code, field):
    answer = insurer.get(DUPLICATES, params)
    assert answer.status_code == 422, answer.content
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)


def test_the_first_days_of_the_calendar_are_a_window_like_another(insurer):
    assert insurer.get(DUPLICATES, {"from": "0001-01-01", "to": "0001-01-31"}).status_code == 200


@pytest.mark.parametrize("path", [CHECK, "/api/token/", "/api/fhir/MedicationRequest/_search"])
def test_a_body_of_thirty_megabytes_is_refused_as_a_program_reads_it(insurer, client, path):
    program = insurer if path == CHECK else Json(client, kind="lgo", finess=factories.market_pharmacy().finess)
    form = {} if path == CHECK else {"content_type": "application/x-www-form-urlencoded"}
    answer = program.post(path, b"a=" + b"x" * 30_000_000, **form)
    assert answer.status_code == 413 and "json" in answer["Content-Type"], answer.content[:200]


def test_not_json_is_refused_by_its_type(insurer):
    assert insurer.post(CHECK, "numbers=1", content_type="text/plain").status_code == 415
