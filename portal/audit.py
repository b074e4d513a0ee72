"""What was done, by whom, on whose data: append-only and chained, so that a change or a gap shows.

Sixteen chains, chosen by the patient (or the subject) so that one busy chain does not queue the whole country.
Each link's hash covers the one before. `verify()` walks them; heads are signed and exported by `manage.py audit_heads`
because a bare chain does not show a cut tail.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.models import AuditEvent, AuditHead

CHAINS = 16
FIRST_HASH = "0" * 64  # what the first link of a chain stands on


def actor_name(by) -> str:
    """`user:<uuid>` for a row, the text itself for the system's own parts ("system:delivery")."""
    return by if isinstance(by, str) else f"{by._meta.model_name}:{by.pk}"


def record(*, kind: str, by, patient_id=None, subject: models.Model | None = None, **detail) -> AuditEvent:
    """Adds one link, inside the caller's transaction. `detail`: ids, codes and counts only, never words of people."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit line is written in the same transaction as what it tells.")
    subject_name = actor_name(subject) if subject is not None else ""
    head = _locked_head(_chain_of(patient_id or subject_name or actor_name(by)))
    event = _next_link(head, kind, by, patient_id, subject_name, detail)
    event.save(force_insert=True)
    head.save()
    return event


def record_each(*, kind: str, by, about: Sequence[tuple], **detail) -> None:
    """The same act on many: one line for each (patient id, subject), each chain locked once and in order."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit line is written in the same transaction as what it tells.")
    links = sorted((_chain_of(patient_id), patient_id, actor_name(subject)) for patient_id, subject in about)
    heads = {chain: _locked_head(chain) for chain in sorted({chain for chain, *_rest in links})}
    events = [_next_link(heads[chain], kind, by, patient_id, name, detail) for chain, patient_id, name in links]
    AuditEvent.objects.bulk_create(events)
    AuditHead.objects.bulk_update(heads.values(), ["length", "hash"])


def kinds() -> Iterator[str]:
    """Those that the trail holds, each found by its place in the index: reading the whole trail would take minutes."""
    kind = ""
    while kind := AuditEvent.objects.filter(kind__gt=kind).order_by("kind").values_list("kind", flat=True).first():
        yield kind


def of_subject(subject: models.Model, *, kind: str, since: datetime) -> QuerySet[AuditEvent]:
    """What was done of this kind with one thing of a patient (`subject.patient_id`)."""
    name = actor_name(subject)
    return AuditEvent.objects.filter(patient=subject.patient_id, kind=kind, subject=name, at__gte=since)


def _locked_head(chain: int) -> AuditHead:
    return AuditHead.objects.select_for_update().get_or_create(chain=chain)[0]


def _next_link(head: AuditHead, kind: str, by, patient_id, subject_name: str, detail: dict) -> AuditEvent:
    """Unsaved; the head moves on to it, unsaved too."""
    event = AuditEvent(
        chain=head.chain,
        position=head.length + 1,
        at=timezone.now(),
        kind=kind,
        actor=actor_name(by),
        patient=patient_id,
        subject=subject_name,
        detail=json.loads(json.dumps(detail, default=str)),
        previous=head.hash,
    )
    event.hash = link_hash(event)
    head.length, head.hash = event.position, event.hash
    return event


def link_hash(event: AuditEvent) -> str:
    facts = [
        event.previous,
        event.chain,
        event.position,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.kind,
        event.actor,
        str(event.patient or ""),
        event.subject,
        event.detail,
    ]
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def verify() -> Iterator[str]:
    """Yields a sentence for each broken place; nothing when every chain holds up to its head. May run while lines come.

    What it cannot see is a tail cut off together with its head: compare with exported heads (portal.audit_heads).
    """
    known = set(AuditHead.objects.values_list("chain", flat=True))
    known |= set(AuditEvent.objects.order_by().values_list("chain", flat=True).distinct())
    for chain in sorted(known):
        yield from _verify_chain(chain)


def _verify_chain(chain: int) -> Iterator[str]:
    links = AuditEvent.objects.filter(chain=chain).order_by("position")
    last = links.last()
    head = AuditHead.objects.filter(chain=chain).first()  # read after the last link: never behind it
    if head is None or last is not None and last.position > head.length:
        yield f"Chain {chain} goes on after its head."
        return
    previous, position = FIRST_HASH, 0
    for event in links.filter(position__lte=head.length).iterator():
        position += 1
        if event.position != position or event.previous != previous or event.hash != link_hash(event):
            yield f"Chain {chain} is broken at position {position}."
            return
        previous = event.hash
    if (position, previous) != (head.length, head.hash):
        yield f"Chain {chain} stops at {position}, its head says {head.length}."


def _chain_of(subject) -> int:
    return hashlib.sha256(str(subject).encode()).digest()[0] % CHAINS
