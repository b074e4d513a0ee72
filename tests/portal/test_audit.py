"""What was done cannot be changed, deleted, reordered or cut without it showing."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from portal import append_only, audit, audit_heads
from portal.models import AuditEvent, AuditHead
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def three_lines(alice):
    patient = factories.patient_of(alice)
    return [audit.record(kind=f"test.{n}", by=alice, patient_id=patient.pk, count=n) for n in (1, 2, 3)]


@pytest.fixture
def without_trigger(three_lines):
    """What somebody who owns the database could do."""
    append_only.remove(connection)


def run(*arguments) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_a_line_says_who_acted_and_whose_data_it_was(alice, three_lines):
    line = three_lines[0]
    assert line.actor == f"user:{alice.pk}" and line.patient == factories.patient_of(alice).pk
    assert line.detail == {"count": 1} and three_lines[1].previous == line.hash


def test_a_line_is_written_with_what_it_tells(alice, transactional_db):
    with pytest.raises(RuntimeError, match="same transaction"):
        audit.record(kind="test", by=alice)


def test_what_is_rolled_back_leaves_no_line_and_no_gap(alice):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record(kind="test.undone", by=alice)
        raise ZeroDivisionError
    audit.record(kind="test.done", by=alice)
    assert AuditEvent.objects.get().position == 1 and list(audit.verify()) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE portal_auditevent SET kind = 'nothing'",
        "DELETE FROM portal_auditevent",
        "DELETE FROM portal_auditevent WHERE position = 2",
    ],
)
def test_the_database_refuses_to_change_a_line(three_lines, change):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert AuditEvent.objects.count() == 3


@pytest.mark.postgres
def test_the_database_refuses_to_empty_the_table(three_lines):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE portal_auditevent CASCADE")
    assert AuditEvent.objects.count() == 3


def test_whole_chains_are_said_to_be_whole(three_lines):
    audit_other = audit.record(kind="test.other", by="system:test")
    assert list(audit.verify()) == [] and audit_other.position >= 1
    assert "4 lines of audit, every chain whole." in run("verify_audit")


def _change_kind(lines):
    AuditEvent.objects.filter(pk=lines[1].pk).update(kind="test.innocent")


def _change_detail(lines):
    AuditEvent.objects.filter(pk=lines[1].pk).update(detail={"count": 0})


def _remove_the_middle(lines):
    lines[1].delete()


def _swap(lines):
    AuditEvent.objects.filter(pk=lines[1].pk).update(position=99)
    AuditEvent.objects.filter(pk=lines[2].pk).update(position=2)
    AuditEvent.objects.filter(pk=lines[1].pk).update(position=3)


def _cut_the_tail(lines):
    lines[2].delete()


def _forget_the_head(lines):
    AuditHead.objects.all().delete()


@pytest.mark.parametrize(
    "tamper", [_change_kind, _change_detail, _remove_the_middle, _swap, _cut_the_tail, _forget_the_head]
)
def test_tampering_shows(without_trigger, three_lines, tamper):
    tamper(three_lines)
    assert len(list(audit.verify())) == 1
    with pytest.raises(CommandError, match="1 broken place") as refused:
        run("verify_audit")
    assert refused.value.returncode == 1


def test_a_tail_cut_with_its_head_shows_against_the_exported_heads(without_trigger, three_lines, tmp_path):
    file = tmp_path / "heads.json"
    run("audit_heads", "--out", str(file))
    assert run("verify_audit", "--heads", str(file))

    three_lines[2].delete()
    AuditHead.objects.update(length=2, hash=three_lines[1].hash)
    assert list(audit.verify()) == []
    assert "was cut: position 3" in next(audit_heads.verify_against(json.loads(file.read_text())))
    with pytest.raises(CommandError):
        run("verify_audit", "--heads", str(file))


def test_a_chain_written_anew_shows_against_the_exported_heads(without_trigger, three_lines, alice):
    exported = audit_heads.signed_heads()
    AuditEvent.objects.all().delete()
    AuditHead.objects.all().delete()
    for n in (1, 2, 3):
        audit.record(kind="test.invented", by=alice, patient_id=factories.patient_of(alice).pk, count=n)
    assert list(audit.verify()) == []
    assert "was rewritten" in next(audit_heads.verify_against(exported))


def test_exported_heads_still_hold_when_lines_were_added_since(three_lines, alice):
    exported = audit_heads.signed_heads()
    audit.record(kind="test.4", by=alice, patient_id=factories.patient_of(alice).pk)
    assert list(audit_heads.verify_against(exported)) == []


def test_exported_heads_are_signed(three_lines, settings, tmp_path):
    exported = json.loads(run("audit_heads"))
    forged = exported | {"heads": []}
    assert list(audit_heads.verify_against(forged)) == ["The exported heads are not signed by this site."]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "k" * 50, [settings.SECRET_KEY]
    assert list(audit_heads.verify_against(exported)) == []
    settings.SECRET_KEY_FALLBACKS = []
    assert list(audit_heads.verify_against(exported))

    file = tmp_path / "other.json"
    file.write_text("not json")
    with pytest.raises(CommandError, match="cannot be read"):
        run("verify_audit", "--heads", str(file))
