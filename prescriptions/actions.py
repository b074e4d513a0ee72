"""What can be done with a prescription. One verb, one function: keyword-only, author last, atomic, audit inside.

`by` is the person (User) who acts, or a part of the system ("system:import"). A refusal is Refused, with its reason.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import audit, idempotency
from portal.reasons import Reason, refuse_if
from prescriptions import numbers, policies
from prescriptions.dispensing import (
    Handed,
    as_it_stands,
    boxes_before,
    boxes_in_all,
    completeness_of,
    completes,
    why_not_record,
    why_not_undo,
)
from prescriptions.files import photos
from prescriptions.intake import filing
from prescriptions.intake.drafts import PrescriptionDraft
from prescriptions.law import rules
from prescriptions.locks import locked
from prescriptions.models import Dispensing, DispensingLine, Document, Patient, Prescriber, Prescription
from prescriptions.policies import is_exhausted

Provenance = Prescription.Provenance


@transaction.atomic
def file_prescription(
    *, patient: Patient, prescriber: Prescriber | None, draft: PrescriptionDraft, provenance: str, by
) -> Prescription:
    """Writes a prescription and its lines.

    In the registry, the same number with the same content is the same prescription, however often it is sent; with
    another content it is refused ("number-taken") and nothing changes. Without a number the registry makes one.
    """
    draft = filing.settled(draft, provenance)
    refuse_if(filing.why_not_file(draft, prescriber, provenance))
    known = _of_number(draft.number)
    if known is None:
        try:
            with transaction.atomic():
                return _write(patient, prescriber, draft, provenance, by)
        except IntegrityError:  # the same number was filed a moment ago
            known = _of_number(draft.number)
            if known is None:
                raise
    refuse_if(filing.why_number_taken(known, patient, prescriber, draft))
    return known


def _of_number(number: str) -> Prescription | None:
    return Prescription.objects.filter(number=number).first() if number else None


def _write(patient, prescriber, draft: PrescriptionDraft, provenance: str, by) -> Prescription:
    in_registry = provenance == Provenance.REGISTRY
    number = draft.number or numbers.new_prescription_number() if in_registry else None
    prescription, lines = filing.rows_of(
        draft, patient=patient, prescriber=prescriber, provenance=provenance, number=number
    )
    prescription.save(force_insert=True)
    prescription.lines.bulk_create(lines)
    _record("prescription.filed", prescription, by, provenance=str(provenance), lines=len(lines))
    return prescription


def file_once(*, key: str, facts: dict, patient: Patient, file: Callable[[], Prescription]) -> Prescription:
    """Runs `file()` once for this key and patient, and gives the same prescription every time.

    `key`: what makes the deposit the same (the hash of a file's content, a form's one-time key).
    """
    answer = idempotency.once(
        scope=f"patient:{patient.pk}:file",
        key=key,
        request_facts=facts,
        effect=lambda: {"prescription": str(file().pk)},
    )
    return patient.prescriptions.get(pk=answer["prescription"])


def content_key(content) -> str:
    """The same for the same JSON, whatever its spaces and the order of its fields."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@transaction.atomic
def cancel_prescription(*, prescription: Prescription, reason: str, by) -> Prescription:
    """The prescriber takes it back. What was delivered stays delivered; nothing more can be."""
    prescription = locked(prescription)
    reason = reason.strip()
    refuse_if(_why_not_cancel(prescription, reason))
    prescription.cancelled_at, prescription.cancelled_reason = timezone.now(), reason
    prescription.save(update_fields=["cancelled_at", "cancelled_reason"])
    _record("prescription.cancelled", prescription, by)
    return prescription


def _why_not_cancel(prescription: Prescription, reason: str) -> Reason | None:
    if prescription.cancelled_at:
        return Reason("already-cancelled", _("Cette ordonnance est déjà annulée."))
    if prescription.provenance != Provenance.REGISTRY:
        return Reason("not-in-registry", _("Seule une ordonnance numérique peut être annulée."))
    if is_exhausted(prescription):
        return Reason("already-dispensed", _("Cette ordonnance est entièrement délivrée : il n’y a rien à annuler."))
    if not 0 < len(reason) <= 200:
        return Reason("reason-missing", _("Indiquez pourquoi elle est annulée, en 200 caractères au plus."))
    return None


@transaction.atomic
def replace_prescription(*, prescription: Prescription, replacement: Prescription, by) -> Prescription:
    """The prescriber writes another in its place; what was delivered of the first stays delivered."""
    prescription = locked(prescription)
    refuse_if(_why_not_replace(prescription, replacement))
    replacement.replaces = prescription
    replacement.save(update_fields=["replaces"])
    _record("prescription.replaced", prescription, by, replacement=str(replacement.pk))
    return replacement


def _why_not_replace(prescription: Prescription, replacement: Prescription) -> Reason | None:
    if prescription.cancelled_at:
        return Reason("already-cancelled", _("Cette ordonnance est déjà annulée."))
    if policies.is_replaced(prescription) and prescription.replaced_by.pk != replacement.pk:
        return Reason("already-replaced", _("Cette ordonnance est déjà remplacée par une autre."))
    if prescription.patient_id != replacement.patient_id:
        return Reason("other-patient", _("L’ordonnance à remplacer est celle d’un autre patient."))
    return None


@transaction.atomic
def open_at_counter(*, prescription: Prescription, pharmacy_finess: str, by) -> Prescription:
    """A pharmacy finds it by its code or its number, the patient being at the counter. The patient reads it."""
    _record("prescription.opened_at_counter", prescription, by, pharmacy=pharmacy_finess)
    return prescription


@transaction.atomic
def record_dispensing(
    *,
    prescription: Prescription,
    pharmacy_finess: str,
    pharmacy_name: str,
    lines: Sequence[Handed],
    dispensed_at: datetime,
    dispenser: str = "",
    dispenser_rpps: str = "",
    billing_reference: str = "",
    key: str = "",
    by,
) -> Dispensing:
    """What one pharmacy delivered at one time. Never more than what is left: the lines are counted under a lock.

    `dispenser`: the professional or the software, as shown. `key`: sent twice, it is recorded once. Refused with the
    first reason that speaks against it; a soft rule does, unless its line says why to go past it.
    """
    facts = {
        "pharmacy_finess": pharmacy_finess,
        "pharmacy_name": pharmacy_name,
        "dispenser": dispenser,
        "dispenser_rpps": dispenser_rpps,
        "billing_reference": billing_reference,
        "dispensed_at": dispensed_at,
    }
    told = [asdict(replace(item, line=None)) | {"line": item.line.pk} for item in lines]
    said = {name: fact for name, fact in facts.items() if name != "dispensed_at"}  # a form says it anew each time
    answer = idempotency.once(
        scope=f"pharmacy:{pharmacy_finess}:dispense",
        key=key,
        request_facts=said | {"prescription": prescription.pk, "lines": told},
        effect=lambda: {"dispensing": str(_record_dispensing(prescription, lines, facts, by).pk)},
    )
    return Dispensing.objects.get(pk=answer["dispensing"])


def _record_dispensing(prescription: Prescription, lines: Sequence[Handed], facts: dict, by) -> Dispensing:
    prescription = locked(prescription)
    lines = as_it_stands(prescription, lines)
    finess, at = facts["pharmacy_finess"], facts["dispensed_at"]
    name = facts["pharmacy_name"]
    refuse_if(why_not_record(prescription, lines, finess, at))
    refuse_if(rules.why_not_dispense(prescription, lines, finess, at, pharmacy_name=name))
    warned = rules.warnings(prescription, lines, finess, at, pharmacy_name=name)
    refuse_if(rules.why_override(warned, lines))
    rows = [_row_of(item, [w.code for w in warned if w.line_id == item.line.pk]) for item in lines]
    dispensing = Dispensing.objects.create(prescription=prescription, not_after=policies.ends_at(prescription), **facts)
    for row in rows:
        row.dispensing = dispensing
        row.save(force_insert=True)
    gone_past = sorted({warning.code for warning in warned})
    _record("prescription.dispensed", prescription, by, pharmacy=finess, lines=len(rows), overridden=gone_past)
    return dispensing


def _row_of(item: Handed, overridden: list[str]) -> DispensingLine:
    return DispensingLine(
        line=item.line,
        completeness=completeness_of(item),
        completes=completes(item),
        deliveries=1 + item.line.renewals,
        boxes_before=boxes_before(item),
        boxes_due=boxes_in_all(item.line),
        cip13=numbers.compact(item.cip13),
        delivered_name=item.delivered_name or item.line.name if item.quantity else "",
        quantity=item.quantity,
        lot=item.lot,
        expires_on=item.expires_on,
        substitution=item.substitution,
        substitution_reason=item.substitution_reason,
        change=item.change,
        change_reason=item.change_reason,
        prescriber_agreed_on=item.prescriber_agreed_on,
        overridden=" ".join(overridden),
        override_reason=item.override_reason if overridden else "",
        not_dispensed_reason=item.not_dispensed_reason,
    )


def undo_dispensing(*, dispensing: Dispensing, pharmacy_finess: str, reason: str, key: str = "", by) -> Dispensing:
    """The pharmacy that recorded it takes it back within the day; what it took from the prescription comes back.

    `key`: sent twice, it is undone once and is the same answer.
    """
    answer = idempotency.once(
        scope=f"pharmacy:{pharmacy_finess}:undo",
        key=key,
        request_facts={"dispensing": dispensing.pk, "reason": reason},
        effect=lambda: {"dispensing": str(_undo_dispensing(dispensing, pharmacy_finess, reason, by).pk)},
    )
    return Dispensing.objects.get(pk=answer["dispensing"])


@transaction.atomic
def _undo_dispensing(dispensing: Dispensing, pharmacy_finess: str, reason: str, by) -> Dispensing:
    prescription = locked(dispensing.prescription)
    dispensing = Dispensing.objects.get(pk=dispensing.pk)  # as it stands, now that nobody else is at work on it
    reason = reason.strip()
    refuse_if(why_not_undo(dispensing, pharmacy_finess))
    if not 0 < len(reason) <= 200:
        refuse_if(Reason("reason-missing", _("Dites pourquoi vous l’annulez, en 200 caractères au plus.")))
    dispensing.undone_at, dispensing.undone_reason = timezone.now(), reason
    dispensing.save(update_fields=["undone_at", "undone_reason"])
    dispensing.lines.update(completes=None, boxes_before=None)
    _record("prescription.dispensing_undone", prescription, by, pharmacy=pharmacy_finess, dispensing=dispensing.pk)
    return dispensing


def add_photos(
    *,
    patient: Patient,
    files: Sequence[photos.Page],
    title: str = "",
    authored_on: date | None = None,
    key: str = "",
    by,
) -> Prescription:
    """The patient's own pictures or PDF of a paper prescription: for preparation only, never dispensable.

    `files` come from `photos.clean`. `key`: the form's one-time key; sent twice, it makes one prescription.
    """
    facts = {"files": [page.sha256 for page in files], "title": title, "authored_on": authored_on}
    return file_once(
        key=key, facts=facts, patient=patient, file=lambda: _write_photos(patient, files, title, authored_on, by)
    )


@transaction.atomic
def _write_photos(patient, files, title: str, authored_on: date | None, by) -> Prescription:
    prescription = Prescription.objects.create(
        patient=patient,
        provenance=Provenance.UPLOAD,
        authored_on=authored_on or timezone.localdate(),
        comment=title.strip(),
    )
    for position, page in enumerate(files):
        Document.objects.create(
            prescription=prescription,
            kind=Document.Kind.PHOTO,
            position=position,
            content_type=page.content_type,
            content=page.content,
            sha256=page.sha256,
        )
    _record("prescription.uploaded", prescription, by, pages=len(files))
    return prescription


def _record(kind: str, prescription: Prescription, by, **detail) -> None:
    audit.record(kind=kind, by=by, patient_id=prescription.patient_id, subject=prescription, **detail)
