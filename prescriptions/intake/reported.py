"""A pharmacy's report of what it delivered (eDISP-MED), as a document: recorded where it carries out a prescription of
the registry, line by line; else filed in the patient's space, to be read, and nothing is concluded from it.

It points at our documents and lines by the identifiers that `cda.write` gave them. All its lines are known, in whole
boxes, or none is recorded.
"""

import hashlib
from datetime import datetime, time

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import audit, notices
from portal.reasons import Reason, Refused, refuse_if
from prescriptions import actions, cda, policies, reach
from prescriptions.dispensing import BOXES, Handed, boxes_due
from prescriptions.intake.identities import why_not_of
from prescriptions.locks import locked
from prescriptions.models import DispensingLine, Document, Patient, Prescription, PrescriptionLine
from prescriptions.telling import tell

REPORT = Prescription.Provenance.REPORT
XML = "text/xml"


def take_report(*, patient: Patient, content: bytes, finess: str, by) -> Prescription:
    """`finess`: the pharmacy that sends it. Gives the prescription where it is recorded, else the report's own.

    The same report is taken once. Raises Refused, with what the registry says against the dispensing too.
    """
    digest = hashlib.sha256(content).hexdigest()
    return actions.file_once(
        key=f"report:{digest}",
        facts={"sha256": digest, "finess": finess},
        patient=patient,
        file=lambda: _take(patient, content, finess, by),
    )


@transaction.atomic
def _take(patient: Patient, content: bytes, finess: str, by) -> Prescription:
    told = read(content)
    refuse_if(_why_not(told, patient, finess))
    prescription = _carried_out(told, patient)
    handed = _handed(told, prescription) if prescription else None
    if handed is None:
        return _as_document(told, patient, content, finess, by, carried_out=prescription)
    if not _is_known(told, prescription, handed, finess):
        _record(told, prescription, handed, finess, by)
    _keep_as_it_came(prescription, Document.Kind.REPORT, content, finess)
    return prescription


def read(content: bytes) -> cda.CdaDispensing:
    try:
        return cda.read_dispensing(content)
    except cda.CdaError as error:
        raise Refused(Reason(f"cda-{error.code}", str(error))) from None


def _why_not(told: cda.CdaDispensing, patient: Patient, finess: str) -> Reason | None:
    if reason := why_not_of(patient, told.patient):
        return reason
    if told.pharmacist is None or told.pharmacist.structure_finess != finess:
        return Reason(
            "structure-not-yours", _("La pharmacie de ce compte rendu (FINESS) n’est pas celle qui l’envoie.")
        )
    if told.dispensed_on > timezone.localdate():
        return Reason("future-date", _("La date de délivrance est dans l’avenir. Corrigez-la."))
    return None


# --- What it carries out ----------------------------------------------------------------------------------------------


def _carried_out(told: cda.CdaDispensing, patient: Patient) -> Prescription | None:
    """Whatever the patient masked or blocked since: what left the counter is counted, and nothing opens by it."""
    own = reach.of_registry().filter(patient=patient).with_content()
    return next((each for each in own if cda.document_id(each) in told.prescriptions), None)


def _handed(told: cda.CdaDispensing, prescription: Prescription) -> list[Handed] | None:
    lines = {cda.line_id(line): line for line in prescription.lines.all()}
    known = [delivered.item in lines and _is_counted(delivered) for delivered in told.lines]
    return [_of_line(delivered, lines[delivered.item]) for delivered in told.lines] if all(known) else None


def _is_counted(delivered: cda.Delivered) -> bool:
    in_boxes = delivered.quantity_unit.lower().startswith(BOXES[1:]) or not delivered.quantity_unit
    is_whole = delivered.quantity is not None and delivered.quantity % 1 == 0
    return in_boxes and is_whole and delivered.substitution in {"", *DispensingLine.Substitution.values}


def _of_line(delivered: cda.Delivered, line: PrescriptionLine) -> Handed:
    """A part when the report says so, or when it is fewer boxes than were due."""
    due = boxes_due(line)
    return Handed(
        line=line,
        quantity=int(delivered.quantity),
        complete=not delivered.is_part and (due is None or delivered.quantity >= due),
        cip13=delivered.codes.get("cip13", ""),
        delivered_name=delivered.name,
        lot=delivered.lot,
        expires_on=delivered.expires_on,
        substitution=delivered.substitution,
    )


def _is_known(told: cda.CdaDispensing, prescription: Prescription, handed: list[Handed], finess: str) -> bool:
    """The same pharmacy already said the same of that day, by its software or at the desk."""
    said = {(item.line.pk, item.quantity) for item in handed}
    return any(
        said <= {(line.line_id, line.quantity) for line in one.lines.all()}
        for one in policies.reported_dispensings(prescription)
        if one.pharmacy_finess == finess and timezone.localdate(one.dispensed_at) == told.dispensed_on
    )


def _record(told: cda.CdaDispensing, prescription: Prescription, handed: list[Handed], finess: str, by) -> None:
    pharmacist = told.pharmacist
    actions.record_dispensing(
        prescription=prescription,
        pharmacy_finess=finess,
        pharmacy_name=pharmacist.structure_name[:160] or finess,
        lines=handed,
        dispensed_at=told.dispensed_at or _some_time_on(told),
        dispenser=pharmacist.full_name[:160],
        dispenser_rpps=pharmacist.rpps,
        by=by,
    )


def _some_time_on(told: cda.CdaDispensing) -> datetime:
    """The report gives a day and no hour."""
    noon = timezone.make_aware(datetime.combine(told.dispensed_on, time(12)))
    return min(noon, timezone.now())


# --- The report by itself ---------------------------------------------------------------------------------------------


def _keep_as_it_came(prescription: Prescription, kind: str, content: bytes, finess: str) -> None:
    locked(prescription)  # one position each
    prescription.documents.create(
        kind=kind,
        position=prescription.documents.filter(kind=kind).count(),
        content_type=XML,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        handed_in_by=finess,
    )


def _as_document(told: cda.CdaDispensing, patient: Patient, content: bytes, finess, by, carried_out) -> Prescription:
    """Kept from others as the prescription is that it carries out, when it is ours."""
    prescription = Prescription.objects.create(
        masked_at=carried_out.masked_at if carried_out else None,
        restricted=carried_out.restricted if carried_out else False,
        patient=patient,
        provenance=REPORT,
        authored_on=told.dispensed_on,
        comment=told.pharmacist.structure_name[:160],
        source={"format": "cda", "delivered": [_kept(each) for each in told.lines]},
    )
    _keep_as_it_came(prescription, Document.Kind.RECEIVED, content, finess)
    audit.record(
        kind="prescription.filed",
        by=by,
        patient_id=patient.pk,
        subject=prescription,
        provenance=str(REPORT),
        lines=len(told.lines),
    )
    tell(prescription, notices.new_document)
    return prescription


def _kept(delivered: cda.Delivered) -> dict:
    facts = {name: value for name, value in vars(delivered).items() if value and name not in {"item", "is_part"}}
    texts = {"quantity": str, "expires_on": lambda day: day.isoformat()}
    return {name: texts.get(name, lambda same: same)(value) for name, value in facts.items()}
