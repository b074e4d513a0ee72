"""A dispensing as it is recorded: facts kept together, never twice, undone within the day."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from portal.models import AuditEvent
from portal.reasons import Refused
from prescriptions import actions, policies
from prescriptions.dispensing import Handed
from prescriptions.models import Dispensing, DispensingLine, Prescription
from tests import factories

PATIENCE = 30


def record(prescription, pharmacy, *handed, by="system:test", **fields):
    facts = {"pharmacy_finess": pharmacy.finess, "pharmacy_name": pharmacy.name, "dispensed_at": timezone.now()}
    return actions.record_dispensing(prescription=prescription, lines=handed, by=by, **facts | fields)


def undo(dispensing, pharmacy, reason="Erreur de patient", by="system:test"):
    return actions.undo_dispensing(dispensing=dispensing, pharmacy_finess=pharmacy.finess, reason=reason, by=by)


def refused(call, *args, **kwargs) -> str:
    with pytest.raises(Refused) as told:
        call(*args, **kwargs)
    return told.value.reason.code


def fresh(prescription) -> Prescription:
    return Prescription.objects.get(pk=prescription.pk)


# --- What is kept -----------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_everything_that_was_said_is_kept(prescription, market, chloe):
    line = prescription.lines.get()
    today = timezone.localdate()
    item = Handed(
        line=line,
        quantity=2,
        cip13="3400930000014",
        delivered_name="AMOXICILLINE BIOGARAN 500 mg",
        lot="B12",
        expires_on=today + timedelta(days=400),
        substitution="G",
        substitution_reason="Accepté par la patiente",
        change="Deux boîtes de 6",
        change_reason="Boîte de 12 en rupture",
        prescriber_agreed_on=today,
    )
    told = record(prescription, market, item, dispenser="Chloé Lefèvre", billing_reference="FSE-9").lines.get()
    names = ["quantity", "cip13", "delivered_name", "lot", "expires_on", "substitution", "substitution_reason"]
    names += ["change", "change_reason", "prescriber_agreed_on"]
    assert all(getattr(told, name) == getattr(item, name) for name in names)
    assert (told.completeness, told.completes, told.deliveries, told.overridden) == ("FFC", 1, 1, "")
    assert (told.dispensing.dispenser, told.dispensing.billing_reference) == ("Chloé Lefèvre", "FSE-9")
    assert policies.is_exhausted(fresh(prescription))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"quantity": 1, "expires_on": timezone.localdate() - timedelta(days=1)}, "box-expired"),
        ({"quantity": 1, "substitution": "Z"}, "substitution-unknown"),
        ({"quantity": 1, "substitution_reason": "Rupture"}, "substitution-of-nothing"),
        ({"not_dispensed_reason": "Rupture", "substitution": "G"}, "substitution-of-nothing"),
        ({"quantity": 1, "change": "Autre dosage"}, "change-unsaid"),
        ({"quantity": 1, "change_reason": "Rupture"}, "change-unsaid"),
        ({"quantity": 1, "prescriber_agreed_on": timezone.localdate()}, "change-unsaid"),
        ({"quantity": 1000}, "delivered-or-why-not"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_facts_that_do_not_go_together(prescription, market, facts, code):
    assert refused(record, prescription, market, Handed(line=prescription.lines.get(), **facts)) == code
    assert not prescription.dispensings.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "facts",
    [
        {"substitution_reason": "Rupture"},
        {"change": "Autre dosage"},
        {"overridden": "too-soon"},
        {"override_reason": "Voyage"},
        {"completes": 2, "deliveries": 2},
        {"completes": 1, "deliveries": 0},
    ],
    ids=str,
)
def test_the_database_refuses_what_does_not_go_together(prescription, facts):
    told = factories.dispensing(prescription).lines.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        DispensingLine.objects.filter(pk=told.pk).update(**facts)


@pytest.mark.django_db
def test_the_database_refuses_a_delivery_completed_twice(prescription, market):
    """Even by somebody who did not ask for the lock."""
    record(prescription, market, Handed(line=prescription.lines.get(), quantity=1))
    second = factories.dispensing(prescription)
    with pytest.raises(IntegrityError), transaction.atomic():
        second.lines.update(completes=1, deliveries=1)


@pytest.mark.django_db
def test_the_database_refuses_more_boxes_than_due_the_same_box_twice_and_what_comes_after_the_end(market):
    """Even by somebody who did not ask for the lock."""
    prescription = factories.prescription(lines=[factories.amoxicillin(quantity=3, quantity_unit="boîtes")])
    item = Handed(line=prescription.lines.get(), quantity=2, complete=False)
    first = record(prescription, market, item).lines.get()
    assert (first.boxes_before, first.boxes_due) == (0, 3)
    other = factories.dispensing(prescription, completeness="FFP")
    for facts in ({"boxes_before": 0, "boxes_due": 3}, {"boxes_before": 2, "boxes_due": 3, "quantity": 2}):
        with pytest.raises(IntegrityError), transaction.atomic():
            other.lines.update(**facts)
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispensing.objects.filter(pk=first.dispensing_id).update(not_after=first.dispensing.dispensed_at)
    other.delete()
    undo(first.dispensing, market)
    assert record(prescription, market, item).lines.get().boxes_before == 0


# --- When -------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_told_late_of_a_prescription_that_has_ended_since(alice, market):
    """The network was down on its last day."""
    yesterday = timezone.localdate() - timedelta(days=1)
    ended = factories.prescription(authored_on=yesterday - timedelta(days=30), valid_until=yesterday)
    line = ended.lines.get()
    assert refused(record, ended, market, Handed(line=line, quantity=1)) == "expired"
    long_ago = timezone.now() - timedelta(days=8)
    assert refused(record, ended, market, Handed(line=line, quantity=1), dispensed_at=long_ago) == "expired"
    record(ended, market, Handed(line=line, quantity=1), dispensed_at=timezone.now() - timedelta(days=1))


@pytest.mark.django_db
def test_the_same_key_records_once(alice, market):
    twice = factories.prescription(lines=[factories.levothyrox()])
    item = Handed(line=twice.lines.get(), quantity=1)
    first, again = (record(twice, market, item, key="caisse-7") for _time in range(2))
    assert first == again and Dispensing.objects.count() == 1
    more = Handed(line=twice.lines.get(), quantity=2)
    assert refused(record, twice, market, more, key="caisse-7") == "idempotency-other-body"


@pytest.mark.django_db
def test_what_was_refused_leaves_its_key_free(prescription, market):
    line = prescription.lines.get()
    assert refused(record, prescription, market, Handed(line=line), key="k") == "delivered-or-why-not"
    record(prescription, market, Handed(line=line, quantity=1), key="k")


# --- Undone -----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_undone_the_day_itself_everything_comes_back(prescription, market, chloe):
    done = record(prescription, market, Handed(line=prescription.lines.get(), quantity=1))
    undone = undo(done, market, by=chloe)
    assert undone.undone_at and undone.undone_reason == "Erreur de patient"
    assert not policies.is_started(fresh(prescription))
    event = AuditEvent.objects.get(kind="prescription.dispensing_undone")
    assert event.patient == prescription.patient_id and event.actor == f"user:{chloe.pk}"
    again = record(prescription, market, Handed(line=prescription.lines.get(), quantity=1))
    assert again.lines.get().completeness == "FFC"


@pytest.mark.django_db
def test_what_cannot_be_undone(alice, market, chloe):
    renewable = factories.prescription(lines=[factories.levothyrox(quantity=2)])
    line = renewable.lines.get()
    first = record(renewable, market, Handed(line=line, quantity=1, complete=False))
    record(renewable, market, Handed(line=line, quantity=1))
    assert refused(undo, first, factories.pharmacy()) == "not-yours"
    assert refused(undo, first, market) == "undo-last-first"
    last = renewable.dispensings.latest("created_at")
    assert refused(undo, last, market, reason=" ") == "reason-missing"
    assert refused(undo, last, market, reason="x" * 201) == "reason-missing"
    undo(last, market)
    assert refused(undo, last, market) == "already-undone"
    undo(first, market)
    yesterday = factories.dispensing(factories.prescription())
    Dispensing.objects.filter(pk=yesterday.pk).update(created_at=timezone.now() - timedelta(days=1))
    assert refused(undo, yesterday, market) == "undo-too-late"


# --- At the same instant ----------------------------------------------------------------------------------------------
def at_once(*works) -> list:
    """Runs them in threads that start together; what each answers, or the code of its refusal."""
    ready, answers = threading.Barrier(len(works)), [None] * len(works)

    def run(place, work):
        try:
            ready.wait(PATIENCE)
            answers[place] = work()
        except Refused as refusal:
            answers[place] = refusal.reason.code
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return answers


def two_pharmacies_at_once(prescription, pharmacies, **facts) -> list:
    item = Handed(line=prescription.lines.get(), **{"quantity": 1} | facts)
    return at_once(*[lambda place=place: record(prescription, place, item) for place in pharmacies])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", range(5))
def test_two_pharmacies_at_the_same_instant_one_wins_the_other_is_told(alice, time):
    prescription = factories.prescription()
    answers = two_pharmacies_at_once(prescription, [factories.pharmacy(), factories.pharmacy()])
    assert sorted(map(str, answers), key=len)[0] == "nothing-left"
    assert sum(isinstance(answer, Dispensing) for answer in answers) == 1
    assert DispensingLine.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_boxes_are_never_handed_over_twice(alice):
    """Eight counters, two boxes each, of six that are due."""
    prescription = factories.prescription(lines=[factories.amoxicillin(quantity=6, quantity_unit="boîtes")])
    pharmacies = [factories.pharmacy() for _place in range(8)]
    answers = two_pharmacies_at_once(prescription, pharmacies, quantity=2, complete=False)
    assert sum(isinstance(answer, Dispensing) for answer in answers) == 3
    assert answers.count("too-many") == 5


@pytest.mark.django_db(transaction=True)
def test_undone_twice_at_once_is_undone_once(prescription, market):
    done = record(prescription, market, Handed(line=prescription.lines.get(), quantity=1))
    answers = at_once(lambda: undo(done, market), lambda: undo(done, market))
    assert "already-undone" in answers and AuditEvent.objects.filter(kind__endswith="_undone").count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_cancelled_while_it_is_dispensed_never_both(alice, emma, market):
    """PostgreSQL: both wait on the prescription's row; whoever comes second sees what the first did."""
    for _time in range(5):
        prescription = factories.prescription()
        item = Handed(line=prescription.lines.get(), quantity=1)
        dispensed, cancelled = at_once(
            lambda p=prescription, i=item: record(p, market, i),
            lambda p=prescription: actions.cancel_prescription(prescription=p, reason="Erreur", by=emma),
        )
        assert (dispensed == "cancelled") != (cancelled == "already-dispensed")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_from_two_tills(alice, market):
    prescription = factories.prescription(lines=[factories.levothyrox()])
    item = Handed(line=prescription.lines.get(), quantity=1)
    works = [lambda: record(prescription, market, item, key="caisse") for _till in range(4)]
    assert len({answer.pk for answer in at_once(*works)}) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_undone_while_another_pharmacy_delivers_it_is_counted_once(alice, market):
    """Either the other comes too early and is told, or what came back is theirs: never two that count."""
    other = factories.pharmacy()
    for _time in range(5):
        prescription = factories.prescription()
        item = Handed(line=prescription.lines.get(), quantity=1)
        first = record(prescription, market, item)
        undone, delivered = at_once(lambda f=first: undo(f, market), lambda p=prescription, i=item: record(p, other, i))
        counting = prescription.dispensings.filter(undone_at=None).count()
        assert undone == first and (delivered == "nothing-left") == (counting == 0) and counting <= 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_replaced_while_it_is_dispensed_nothing_is_delivered_after(alice, emma, market):
    for _time in range(5):
        prescription, next_one = factories.prescription(), factories.prescription()
        item = Handed(line=prescription.lines.get(), quantity=1)
        delivered, _replaced = at_once(
            lambda p=prescription, i=item: record(p, market, i),
            lambda p=prescription, n=next_one: actions.replace_prescription(prescription=p, replacement=n, by=emma),
        )
        told = AuditEvent.objects.get(kind="prescription.replaced", subject=f"prescription:{prescription.pk}")
        assert delivered == "replaced" or delivered.created_at <= told.at


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_last_renewal_goes_to_one_of_two_pharmacies(alice, market):
    prescription = factories.prescription(lines=[factories.levothyrox()])
    line = prescription.lines.get()
    for _delivery in range(2):
        record(prescription, market, Handed(line=line, quantity=1, override_reason="Départ en voyage"))
    places = [factories.pharmacy() for _place in range(4)]
    answers = two_pharmacies_at_once(prescription, places, override_reason="Départ en voyage")
    assert sum(isinstance(answer, Dispensing) for answer in answers) == 1
    assert answers.count("nothing-left") == 3
    assert policies.left_of(fresh(prescription).lines.get()) == 0
