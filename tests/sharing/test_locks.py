"""Two acts that touch the same rows at the same instant wait for each other: prescription, share, delivery, route,
audit, in this order everywhere. PostgreSQL kills one of two that wait crosswise, and its person would get an error."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest
from django.db import connection
from django.utils import timezone

from portal.models import AuditHead
from portal.reasons import Refused
from prescriptions import actions as registry
from prescriptions import objecting
from prescriptions.dispensing import Handed
from prescriptions.intake import depositing
from prescriptions.models import Prescription
from sharing import actions
from sharing.incoming import mails
from sharing.models import InboundMail, Share
from sharing.states import ShareStatus as S
from tests import factories
from tests.prescriptions.test_cda_dispensing import report, supply
from tests.prescriptions.test_deposit_api import deposit_of
from tests.sharing.test_inbound import answer
from tests.software import Program

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
PATIENCE = 30
A_MOMENT = 0.01


def meet(first, second) -> None:
    """`second` comes when `first` has just taken a chain of audit, and goes as far as it can; then both end."""
    came: list[Future] = []

    def let_it_come(execute, sql, params, many, context):
        answered = execute(sql, params, many, context)
        if AuditHead._meta.db_table in sql and "FOR UPDATE" in sql and not came:
            came.append(pool.submit(_and_leave, second))
            _until_it_waits_for_us(came[0])
        return answered

    with ThreadPoolExecutor(1) as pool, connection.execute_wrapper(let_it_come):
        first()
        came[0].result(PATIENCE)


def _and_leave(act) -> None:
    try:
        act()
    finally:
        connection.close()


def _until_it_waits_for_us(other: Future) -> None:
    while not other.done():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.fetchone():
                return
        Event().wait(A_MOMENT)


@pytest.fixture
def made(alice, alice_patient):
    return factories.prescription(lines=[factories.amoxicillin(quantity=2, quantity_unit="boîte")])


@pytest.fixture
def share(made, market, alice):
    return actions.share_prescription(prescription=made, pharmacy=market, by=alice)


@pytest.fixture
def cancel(made, emma):
    return lambda: registry.cancel_prescription(prescription=made, reason="Erreur", by=emma)


def now_of(share) -> str:
    return Share.objects.get(pk=share.pk).status


def test_delivered_at_the_desk_while_a_colleague_reads_it(made, share, market, chloe):
    lines = [Handed(line=made.lines.get(), quantity=2)]

    def dispense():
        actions.dispense(prescription=made, pharmacy=market, lines=lines, dispensed_at=timezone.now(), by=chloe)

    meet(dispense, lambda: actions.open_share(share=share, by=chloe))
    assert now_of(share) == S.COLLECTED


def test_moved_while_its_prescriber_cancels_it(share, alice, cancel):
    meet(lambda: actions.move_share(share=share, pharmacy=factories.pharmacy(), by=alice), cancel)
    assert now_of(share) == S.REVOKED


def test_moved_while_another_is_sent_to_the_same_pharmacy(share, alice):
    there, other = factories.pharmacy(), factories.prescription()
    factories.own_pharmacy(share.patient, there)
    meet(
        lambda: actions.move_share(share=share, pharmacy=there, by=alice),
        lambda: actions.share_prescription(prescription=other, pharmacy=there, by=alice),
    )
    assert Share.objects.active().filter(pharmacy=there).count() == 2


def test_moved_while_the_insurer_says_that_the_patient_opposes(share, alice):
    whose = {"ins": share.patient.ins, "oid": share.patient.ins_oid, "opposed": True, "numbers_given": []}
    meet(
        lambda: actions.move_share(share=share, pharmacy=factories.pharmacy(), by=alice),
        lambda: objecting.record_objection(**whose, by="system:test"),
    )
    assert share.patient.objections.count() == 1


def test_an_answer_with_a_report_while_its_prescriber_cancels_it(made, share, market, cancel):
    content = report(made, supply(made.lines.get()))
    content = content.replace(b"20261123180000+0100", f"{timezone.localdate():%Y%m%d}".encode())
    mail = answer(share)
    content = content.replace(b"1699900106", f"1{market.finess}".encode())
    mail.add_attachment(content, maintype="text", subtype="xml", filename="dispensation.xml")
    row = mails.keep(mail.as_bytes())

    def cancel_if_it_can_be():
        with suppress(Refused):
            cancel()

    meet(lambda: mails.process(row.pk), cancel_if_it_can_be)
    assert (InboundMail.objects.get().reason, made.dispensings.count()) == ("answer", 1)


def test_replaced_by_software_while_it_is_cancelled(client, emma):
    lap = Program(client, kind="lap", finess=factories.with_luhn("69990001"))
    old = depositing.deposit(data=deposit_of(), key="", by=lap.installation)
    meet(
        lambda: depositing.deposit(data=deposit_of(prior=old.number), key="", by=lap.installation),
        lambda: registry.cancel_prescription(prescription=old, reason="Erreur", by=emma),
    )
    old = Prescription.objects.get(pk=old.pk)
    assert old.cancelled_at and old.replaced_by
