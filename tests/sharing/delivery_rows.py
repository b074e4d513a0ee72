"""What became of a delivery's row, and the outcomes it may be given."""

from portal.models import AuditEvent
from sharing.models import Delivery
from sharing.mssante import Kind, SendOutcome, Stage

LATER = SendOutcome(Stage.RCPT, "451 4.7.1", Kind.TEMPORARY)
SENT = SendOutcome(Stage.DONE, "250 2.0.0", Kind.SENT)


def now_is(row: Delivery) -> Delivery:
    return Delivery.objects.get(pk=row.pk)


def audit_kinds(row) -> list[str]:
    return [kind for kind, _actor, _detail in traces(row)]


def traces(row) -> list[tuple]:
    lines = AuditEvent.objects.filter(subject=f"delivery:{row.pk}", patient=row.share.patient_id).order_by("position")
    return list(lines.values_list("kind", "actor", "detail"))
