"""A prescription that a professional sent without the registry: filed in the patient's space as « Document seul ».

Taken: a CDA document of a prescription (`cda.read` says which), or a bare PDF; the bytes tell which. It gets no number
and no code: the number that a CDA carries was given by another registry, it stays in `source`. What came is kept as it
came.

Who wrote a CDA document stands in it; of a PDF, whoever brings it says so (`author`). `sent_by` is the address it came
from, as shown.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from portal import audit, notices, telephones
from portal.reasons import Reason, Refused, refuse_if
from portal.unaccented import unaccented
from prescriptions import actions, cda
from prescriptions.fhir import PrescriberTraits
from prescriptions.files import photos
from prescriptions.intake import filing
from prescriptions.intake.drafts import PrescriptionDraft
from prescriptions.intake.identities import find_prescriber, why_not_of
from prescriptions.models import Document, Patient, Prescriber, Prescription
from prescriptions.telling import tell

DOCUMENT = Prescription.Provenance.DOCUMENT
PDF, XML = "application/pdf", "text/xml"


@dataclass(frozen=True)
class Came:
    """What is known of a document beside its bytes."""

    author: PrescriberTraits | None
    written_on: date
    sent_by: str
    by: object


def file_received(
    *,
    patient: Patient,
    content: bytes,
    author: PrescriberTraits | None = None,
    written_on: date | None = None,
    sent_by: str = "",
    by,
) -> Prescription:
    """The same content for the same patient is the same prescription, however often it comes. Raises Refused.

    A document that repeats what this patient has in the registry, number and lines, gives that prescription.
    """
    digest = hashlib.sha256(content).hexdigest()
    known = patient.prescriptions.filter(documents__kind=Document.Kind.RECEIVED, documents__sha256=digest).first()
    if known is not None:
        return known
    came = Came(author, written_on or timezone.localdate(), sent_by, by)
    return actions.file_once(
        key=f"received:{digest}",
        facts={"sha256": digest},
        patient=patient,
        file=lambda: (_file_pdf if photos.is_pdf(content) else _file_cda)(patient, content, came),
    )


@transaction.atomic
def _file_pdf(patient: Patient, content: bytes, came: Came) -> Prescription:
    photos.check_pdf(content)
    prescriber = _known(came.author)
    source = _source({"format": "pdf", "prescriber": cda.kept(came.author)}, came)
    prescription = _without_lines(
        patient,
        came,
        prescriber=prescriber,
        authored_on=came.written_on,
        comment=_comment("", came.author, prescriber, came),
        source=source,
    )
    return _with_files(prescription, [(PDF, content)], came)


@transaction.atomic
def _file_cda(patient: Patient, content: bytes, came: Came) -> Prescription:
    deposit = _read(content)
    refuse_if(why_not_of(patient, deposit.patient))
    known = _in_registry(patient, deposit)
    if known is not None:
        return known
    files = [(XML, content)]
    if deposit.pdf:
        photos.check_pdf(deposit.pdf)
        files.insert(0, (PDF, deposit.pdf))
    alone = _its_pdf_alone(patient, deposit)
    if alone is not None:
        return _now_read(alone, deposit, content, came)
    return _with_files(_rows_of(patient, deposit, came), files, came)


def _read(content: bytes) -> cda.CdaDeposit:
    try:
        return cda.read(content)
    except cda.CdaError as error:
        raise Refused(Reason(f"cda-{error.code}", str(error))) from None


def _in_registry(patient: Patient, deposit: cda.CdaDeposit) -> Prescription | None:
    """The one of this number, if it says the same: a copy of it came, and it is there already."""
    draft = deposit.draft
    known = patient.prescriptions.filter(number=draft.number).first() if draft.number else None
    if known is None or known.authored_on != draft.authored_on:
        return None
    same = sorted(line.name for line in known.lines.all()) == sorted(line.name for line in draft.lines)
    return known if same or not draft.lines else None


def _its_pdf_alone(patient: Patient, deposit: cda.CdaDeposit) -> Prescription | None:
    """The PDF inside it, byte for byte, that this patient received before by itself."""
    digest = hashlib.sha256(deposit.pdf or b"").hexdigest()
    same = patient.prescriptions.filter(documents__kind=Document.Kind.RECEIVED, documents__sha256=digest)
    known = same.filter(provenance=DOCUMENT, lines=None).exclude(documents__content_type=XML)
    return known.select_for_update(of=("self",)).first()


# --- Rows -------------------------------------------------------------------------------------------------------------


def _rows_of(patient: Patient, deposit: cda.CdaDeposit, came: Came) -> Prescription:
    prescriber = _known(deposit.prescriber)
    draft = _draft(deposit, prescriber, came)
    if draft.lines:
        prescription = actions.file_prescription(
            patient=patient,
            prescriber=prescriber,
            draft=draft,
            provenance=DOCUMENT,
            by=came.by,
        )
    else:
        facts = ("authored_on", "valid_until", "flags", "comment", "named_pharmacy", "restricted", "source")
        told = {name: getattr(draft, name) for name in facts}
        prescription = _without_lines(patient, came, prescriber=prescriber, **told)
    replaced = _known(deposit.replaced)
    if replaced is not None:
        prescription.replaced_prescriber = replaced
        prescription.save(update_fields=["replaced_prescriber"])
    return prescription


def _draft(deposit: cda.CdaDeposit, prescriber: Prescriber | None, came: Came) -> PrescriptionDraft:
    comment = _comment(deposit.draft.comment, deposit.prescriber, prescriber, came)
    return replace(deposit.draft, number="", comment=comment, source=_source(deposit.draft.source, came))


def _now_read(alone: Prescription, deposit: cda.CdaDeposit, content: bytes, came: Came) -> Prescription:
    """What came as a PDF is now told line by line, in the same place: what was sent or masked stays so."""
    prescriber = _known(deposit.prescriber)
    draft = _draft(deposit, prescriber, came)
    refuse_if(filing.why_not_dates(draft.authored_on, draft.valid_until))
    kept = {name: getattr(alone, name) for name in ("id", "patient", "provenance", "number", "masked_at", "created_at")}
    people = {"prescriber": prescriber, "replaced_prescriber": _known(deposit.replaced)}
    prescription, lines = filing.rows_of(draft, **kept, **people)
    prescription.save(force_update=True)
    prescription.lines.bulk_create(lines)
    _record(prescription, len(lines), came)
    _keep(prescription, 1, XML, content, came)
    return prescription


def _without_lines(patient: Patient, came: Came, **facts) -> Prescription:
    """What it prescribes is in the PDF, for people to read."""
    refuse_if(filing.why_not_dates(facts["authored_on"], facts.get("valid_until")))
    prescription = Prescription.objects.create(patient=patient, provenance=DOCUMENT, **facts)
    _record(prescription, 0, came)
    return prescription


def _record(prescription: Prescription, lines: int, came: Came) -> None:
    audit.record(
        kind="prescription.filed",
        by=came.by,
        patient_id=prescription.patient_id,
        subject=prescription,
        provenance=str(DOCUMENT),
        lines=lines,
    )


def _source(source: dict, came: Came) -> dict:
    return source | ({"sent_by": came.sent_by} if came.sent_by else {})


def _with_files(prescription: Prescription, files: list[tuple[str, bytes]], came: Came) -> Prescription:
    for position, (content_type, content) in enumerate(files):
        _keep(prescription, position, content_type, content, came)
    tell(prescription, notices.new_document)
    return prescription


def _keep(prescription: Prescription, position: int, content_type: str, content: bytes, came: Came) -> None:
    prescription.documents.create(
        kind=Document.Kind.RECEIVED,
        position=position,
        content_type=content_type,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        handed_in_by=getattr(came.by, "structure_finess", ""),
    )


def _known(traits: PrescriberTraits | None) -> Prescriber | None:
    """By number and name. A document that nobody vouches for makes no prescriber: the registry's are printed."""
    found = find_prescriber(traits.rpps) if traits and traits.rpps else None
    return found if found and _plain(found.family_name) == _plain(traits.family_name) else None


def _plain(name: str) -> str:
    return unaccented(name).casefold().strip()


def _comment(said: str, author: PrescriberTraits | None, prescriber: Prescriber | None, came: Came) -> str:
    """Says who wrote it when the registry does not know them, and who sent it by mail. Kept, so in French for all."""
    told = [said]
    with translation.override("fr"):
        if prescriber is None and author is not None:
            who = ", ".join(filter(None, [author.full_name, *_of_author(author)]))
            told.append(_("Rédigée par %(who)s.") % {"who": who})
        if came.sent_by:
            told.append(_("Reçue par messagerie sécurisée, de %(sender)s.") % {"sender": came.sent_by})
    return "\n".join(filter(None, told))


def _of_author(author: PrescriberTraits) -> list[str]:
    rpps = f"RPPS {author.rpps}" if author.rpps else ""
    return [author.speciality, rpps, author.structure_name, author.town, telephones.written(author.phone)]
