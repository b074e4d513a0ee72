"""Filing, cancelling and dispensing: the happy path, then each refusal, and nothing changed by a refusal."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from portal.models import AuditEvent
from portal.reasons import Refused
from prescriptions import actions, numbers
from prescriptions.dispensing import Handed
from prescriptions.intake.drafts import LineDraft, PrescriptionDraft
from prescriptions.models import Prescription
from tests import factories

pytestmark = pytest.mark.django_db
NUMBER = "01TESTNUMBER234567"


def draft(**fields) -> PrescriptionDraft:
    line = LineDraft(
        kind="medicine",
        name="RAMIPRIL 5 mg, comprimé",
        dosage=[{"timing": {"repeat": {"when": ["MORN"]}}, "doseAndRate": [{"doseQuantity": {"value": 1.5}}]}],
        quantity=Decimal("2"),
        quantity_unit="boîte",
        duration_days=28,
        renewals=2,
    )
    facts = {
        "authored_on": timezone.localdate(),
        "lines": [line],
        "weight_kg": Decimal("71.5"),
        "source": {"a": [1.10]},
    }
    return PrescriptionDraft(**facts | fields)


def file(patient, emma, **fields) -> Prescription:
    people = {"patient": patient, "prescriber": emma.prescriber, "by": emma}
    return actions.file_prescription(draft=draft(**fields), provenance="registry", **people)


def refusal(act, **arguments) -> str:
    with pytest.raises(Refused) as told:
        act(**arguments)
    assert told.value.reason.sentence.endswith((".", "!", "?")) and str(told.value) == told.value.reason.code
    return told.value.reason.code


# --- Filing ---------------------------------------------------------------------------------------------------------
def test_emma_files_a_prescription_and_it_gets_its_number(alice_patient, emma):
    filed = Prescription.objects.get(pk=file(alice_patient, emma).pk)
    assert len(filed.number) == numbers.NUMBER_LENGTH
    assert filed.first_dispensing_before > filed.authored_on + timedelta(days=80)
    assert filed.source == {"a": [1.1]}
    line = filed.lines.get()
    assert (line.position, line.name, line.renewals) == (1, "RAMIPRIL 5 mg, comprimé", 2)
    event = AuditEvent.objects.get(kind="prescription.filed")
    assert (event.patient, event.actor) == (alice_patient.pk, f"user:{emma.pk}")


def test_the_same_number_and_content_is_the_same_prescription(alice_patient, emma):
    first = file(alice_patient, emma, number=NUMBER)
    again = file(alice_patient, emma, number=NUMBER.lower()[:4] + " " + NUMBER[4:])
    assert again.pk == first.pk and Prescription.objects.count() == 1
    assert AuditEvent.objects.filter(kind="prescription.filed").count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"comment": "autre"},
        {"weight_kg": Decimal("72")},
        {"lines": [LineDraft(kind="medicine", name="DIGOXINE")]},
        {"valid_until": timezone.localdate() + timedelta(days=30)},
        {"source": None},
    ],
)
def test_the_same_number_with_another_content_is_refused(alice_patient, emma, other):
    first = file(alice_patient, emma, number=NUMBER)
    with pytest.raises(Refused) as told:
        file(alice_patient, emma, number=NUMBER, **other)
    assert told.value.reason.code == "number-taken"
    assert Prescription.objects.get().lines.get().name == first.lines.get().name


def test_the_same_number_for_somebody_else_is_refused(alice_patient, bob_patient, emma):
    file(alice_patient, emma, number=NUMBER)
    with pytest.raises(Refused) as told:
        file(bob_patient, emma, number=NUMBER)
    assert told.value.reason.code == "number-taken"
    assert not bob_patient.prescriptions.exists()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"lines": []}, "no-line"),
        ({"lines": [LineDraft(kind="medicine", name="  ")]}, "line-without-name"),
        ({"authored_on": timezone.localdate() + timedelta(days=1)}, "future-date"),
        ({"valid_until": timezone.localdate() - timedelta(days=1)}, "ends-before-start"),
        ({"number": "court"}, "number-shape"),
    ],
)
def test_what_cannot_be_filed(alice_patient, emma, fields, code):
    with pytest.raises(Refused) as told:
        file(alice_patient, emma, **fields)
    assert told.value.reason.code == code and not Prescription.objects.exists()


def test_a_registry_prescription_has_a_prescriber_and_a_document_no_number(alice_patient, emma):
    people = {"patient": alice_patient, "prescriber": None, "by": emma}
    assert refusal(actions.file_prescription, draft=draft(), provenance="registry", **people) == "prescriber-missing"
    numbered = draft(number=NUMBER)
    code = refusal(actions.file_prescription, draft=numbered, provenance="document", **people)
    assert code == "number-outside-registry"
    assert actions.file_prescription(draft=draft(), provenance="document", **people).number is None


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_deposits_of_one_number_at_the_same_instant_make_one_prescription():
    alice, emma = factories.patient_of(factories.alice()), factories.emma()
    deposit, made = draft(number=NUMBER), []
    start = threading.Barrier(4)

    def depose():
        start.wait()
        people = {"patient": alice, "prescriber": emma.prescriber, "by": emma}
        made.append(actions.file_prescription(draft=replace(deposit), provenance="registry", **people).pk)
        connection.close()

    threads = [threading.Thread(target=depose) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(made) == 4 and len(set(made)) == 1


def test_a_file_taken_twice_makes_one_prescription(alice_patient, emma):
    key = actions.content_key({"b": 1, "a": [2]})
    assert key == actions.content_key({"a": [2], "b": 1})

    def once():
        return actions.file_once(key=key, facts={}, patient=alice_patient, file=lambda: file(alice_patient, emma))

    assert once().pk == once().pk and Prescription.objects.count() == 1


# --- Cancelling -----------------------------------------------------------------------------------------------------
def test_emma_cancels(prescription, emma):
    cancelled = actions.cancel_prescription(prescription=prescription, reason=" Erreur de dosage ", by=emma)
    assert cancelled.cancelled_at and cancelled.cancelled_reason == "Erreur de dosage"
    assert AuditEvent.objects.filter(kind="prescription.cancelled", patient=prescription.patient_id).count() == 1
    assert refusal(actions.cancel_prescription, prescription=prescription, reason="x", by=emma) == "already-cancelled"


def test_what_cannot_be_cancelled(alice, prescription, emma):
    cancel = actions.cancel_prescription
    assert refusal(cancel, prescription=prescription, reason="  ", by=emma) == "reason-missing"
    assert refusal(cancel, prescription=prescription, reason="x" * 201, by=emma) == "reason-missing"
    assert refusal(cancel, prescription=factories.photo_prescription(), reason="x", by=emma) == "not-in-registry"
    factories.dispensing(prescription)
    assert refusal(cancel, prescription=prescription, reason="x", by=emma) == "already-dispensed"
    prescription.refresh_from_db()
    assert prescription.cancelled_at is None


# --- Dispensing -----------------------------------------------------------------------------------------------------
@pytest.fixture
def renewable(alice):
    """Two boxes a delivery, one delivery and two renewals; and an antibiotic once."""
    lines = [factories.levothyrox(quantity=2, quantity_unit="boîtes"), factories.amoxicillin()]
    return factories.prescription(lines=lines)


def record(prescription, market, chloe, *handed, **fields):
    facts = {
        "pharmacy_finess": market.finess,
        "pharmacy_name": market.name,
        "dispensed_at": timezone.now(),
        "by": chloe,
    }
    return actions.record_dispensing(prescription=prescription, lines=handed, **facts | fields)


def test_chloe_dispenses_the_first_time_then_the_renewals(renewable, market, chloe):
    lasting, antibiotic = renewable.lines.all()
    first = record(
        renewable,
        market,
        chloe,
        Handed(line=lasting, quantity=2, cip13="3400930000014", lot="A1"),
        Handed(line=antibiotic, not_dispensed_reason="rupture"),
        billing_reference="FSE-1",
    )
    told = {line.line_id: line for line in first.lines.all()}
    assert told[lasting.pk].completeness == "FFC" and told[lasting.pk].delivered_name == lasting.name
    assert told[antibiotic.pk].completeness == "" and told[antibiotic.pk].quantity == 0
    early = "Part en voyage"
    second = record(renewable, market, chloe, Handed(line=lasting, quantity=1, complete=False, override_reason=early))
    assert second.lines.get().completeness == "RFP"
    rest = Handed(line=lasting, quantity=1, override_reason=early)
    third = record(renewable, market, chloe, rest, Handed(line=antibiotic, quantity=1))
    assert [line.completeness for line in third.lines.order_by("pk")] == ["RFC", "FFC"]
    assert AuditEvent.objects.filter(kind="prescription.dispensed").count() == 3


def test_a_first_delivery_in_two_parts(renewable, market, chloe):
    lasting = renewable.lines.first()
    parts = [Handed(line=lasting, quantity=1, complete=False), Handed(line=lasting, quantity=1)]
    told = [record(renewable, market, chloe, part).lines.get().completeness for part in parts]
    assert told == ["FFP", "FFC"]


def test_never_more_than_what_is_left(renewable, market, chloe):
    lasting, antibiotic = renewable.lines.all()
    for _delivery in range(3):
        record(renewable, market, chloe, Handed(line=lasting, quantity=2, override_reason="Part en voyage"))
    facts = {
        "pharmacy_finess": market.finess,
        "pharmacy_name": market.name,
        "dispensed_at": timezone.now(),
        "by": chloe,
    }
    more = [Handed(line=lasting, quantity=1)]
    arguments = {"prescription": renewable, "lines": more, **facts}
    assert refusal(actions.record_dispensing, **arguments) == "nothing-left"
    assert renewable.dispensings.count() == 3


def test_what_the_caller_read_before_does_not_count(renewable, market, chloe):
    """A page opened an hour ago holds lines and dispensings of an hour ago."""
    stale = Prescription.objects.prefetch_related("lines", "dispensings__lines").get(pk=renewable.pk)
    record(renewable, market, chloe, Handed(line=renewable.lines.last(), quantity=1))
    with pytest.raises(Refused) as told:
        record(stale, market, chloe, Handed(line=list(stale.lines.all())[1], quantity=1))
    assert told.value.reason.code == "nothing-left"


def test_boxes_are_counted_too(renewable, market, chloe):
    lasting = renewable.lines.first()
    with pytest.raises(Refused) as told:
        record(renewable, market, chloe, Handed(line=lasting, quantity=7))
    assert told.value.reason.code == "too-many"
    record(renewable, market, chloe, Handed(line=lasting, quantity=6, override_reason="Part trois mois"))


def test_a_number_of_tablets_is_not_a_number_of_boxes(alice, market, chloe):
    tablets = factories.prescription(lines=[factories.amoxicillin(quantity=18, quantity_unit="gélules")])
    record(tablets, market, chloe, Handed(line=tablets.lines.get(), quantity=2))


def test_what_cannot_be_recorded(alice, renewable, market, chloe):
    lasting, _antibiotic = renewable.lines.all()
    foreign = factories.prescription().lines.get()
    for handed, code in [
        ([], "no-line"),
        ([Handed(line=lasting, quantity=1)] * 2, "line-twice"),
        ([Handed(line=foreign, quantity=1)], "foreign-line"),
        ([Handed(line=lasting)], "delivered-or-why-not"),
        ([Handed(line=lasting, quantity=-1)], "delivered-or-why-not"),
        ([Handed(line=lasting, quantity=1, not_dispensed_reason="rupture")], "delivered-or-why-not"),
        ([Handed(line=lasting, quantity=1, cip13="3400930000015")], "cip13-key"),
    ]:
        with pytest.raises(Refused) as told:
            record(renewable, market, chloe, *handed)
        assert told.value.reason.code == code
    one = Handed(line=lasting, quantity=1)
    for fields, code in [
        ({"pharmacy_finess": "123"}, "finess-shape"),
        ({"dispensed_at": timezone.now() + timedelta(hours=1)}, "future-date"),
        ({"dispensed_at": timezone.now() - timedelta(days=9)}, "before-prescription"),
    ]:
        with pytest.raises(Refused) as told:
            record(renewable, market, chloe, one, **fields)
        assert told.value.reason.code == code
    assert not renewable.dispensings.exists()


def test_what_is_not_for_dispensing(alice, market, chloe, emma):
    care = factories.prescription(lines=[factories.nursing()])
    photo = factories.photo_prescription()
    cancelled = factories.prescription()
    actions.cancel_prescription(prescription=cancelled, reason="Erreur", by=emma)
    expired = factories.prescription(valid_until=timezone.localdate() - timedelta(days=1))
    for prescription, code in [
        (care, "not-for-pharmacy"),
        (photo, "not-authentic"),
        (cancelled, "cancelled"),
        (expired, "expired"),
    ]:
        line = prescription.lines.first() or care.lines.get()
        with pytest.raises(Refused) as told:
            record(prescription, market, chloe, Handed(line=line, quantity=1))
        assert told.value.reason.code == code
