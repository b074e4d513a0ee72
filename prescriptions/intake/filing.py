"""Between drafts and rows: what a draft becomes, whether it may be filed, whether it is the same once more."""

from dataclasses import replace
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.reasons import Reason
from prescriptions import numbers, policies
from prescriptions.intake.drafts import LineDraft, PrescriptionDraft
from prescriptions.models import Patient, Prescriber, Prescription, PrescriptionLine

REGISTRY = Prescription.Provenance.REGISTRY
# Fields that a draft and a row have under the same name.
LINE_FIELDS = tuple(LineDraft.__dataclass_fields__)
PRESCRIPTION_FIELDS = tuple(name for name in PrescriptionDraft.__dataclass_fields__ if name != "lines")


def settled(draft: PrescriptionDraft, provenance: str) -> PrescriptionDraft:
    """With what the registry adds: the number's stored form and the statutory deadline. No number is made here."""
    deadline = draft.first_dispensing_before
    if deadline is None and provenance == REGISTRY:
        deadline = policies.first_dispensing_deadline(draft.authored_on, {line.kind for line in draft.lines})
    return replace(draft, number=numbers.normalise_number(draft.number), first_dispensing_before=deadline)


def why_not_file(draft: PrescriptionDraft, prescriber: Prescriber | None, provenance: str) -> Reason | None:
    if provenance == REGISTRY and prescriber is None:
        return Reason("prescriber-missing", _("Une ordonnance numérique a un prescripteur : nommez-le."))
    if provenance != REGISTRY and draft.number:
        return Reason("number-outside-registry", _("Un document seul n’a pas de numéro d’ordonnance."))
    if draft.number and (reason := numbers.why_not_number(draft.number)):
        return reason
    return _why_not_content(draft)


def _why_not_content(draft: PrescriptionDraft) -> Reason | None:
    if not draft.lines:
        return Reason("no-line", _("Cette ordonnance ne prescrit rien : ajoutez au moins une ligne."))
    if not all(line.name.strip() for line in draft.lines):
        return Reason("line-without-name", _("Une ligne n’a pas de nom. Complétez-la."))
    return why_not_dates(draft.authored_on, draft.valid_until)


def why_not_dates(authored_on: date, valid_until: date | None) -> Reason | None:
    if authored_on > timezone.localdate():
        return Reason("future-date", _("La date de l’ordonnance est dans l’avenir. Corrigez-la."))
    if valid_until and valid_until < authored_on:
        return Reason("ends-before-start", _("La fin de validité vient avant la date de l’ordonnance. Corrigez-la."))
    return None


def _before_objection(known: Prescription) -> PrescriptionDraft:
    """As deposited, when the patient objected only later, with their insurer."""
    return replace(draft_of(known), opposed=False)


def why_number_taken(
    known: Prescription, patient: Patient, prescriber: Prescriber | None, draft: PrescriptionDraft
) -> Reason | None:
    """None when it is the same deposit once more."""
    same_people = (known.patient_id, known.prescriber_id) == (patient.pk, prescriber.pk if prescriber else None)
    if same_people and draft in (draft_of(known), _before_objection(known)):
        return None
    return Reason(
        "number-taken",
        _("Ce numéro est déjà celui d’une autre ordonnance. Rien n’a été changé : prenez un autre numéro."),
    )


def draft_of(prescription: Prescription) -> PrescriptionDraft:
    """The draft that these rows came from."""
    facts = {name: getattr(prescription, name) for name in PRESCRIPTION_FIELDS}
    lines = [LineDraft(**{name: getattr(line, name) for name in LINE_FIELDS}) for line in prescription.lines.all()]
    return PrescriptionDraft(**facts | {"number": facts["number"] or ""}, lines=lines)


def rows_of(draft: PrescriptionDraft, **owners) -> tuple[Prescription, list[PrescriptionLine]]:
    """Unsaved rows. `owners`: patient, prescriber, provenance, number."""
    facts = {name: getattr(draft, name) for name in PRESCRIPTION_FIELDS}
    prescription = Prescription(**facts | owners)
    lines = [
        PrescriptionLine(
            prescription=prescription, position=position, **{name: getattr(line, name) for name in LINE_FIELDS}
        )
        for position, line in enumerate(draft.lines, start=1)
    ]
    return prescription, lines
