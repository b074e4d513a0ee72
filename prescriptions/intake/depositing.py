"""A deposit by prescribing software: the registry row, its number and its signed code, in one transaction.

The patient it is for finds it at once; a patient not yet known gets a space that waits to be claimed.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from portal import idempotency
from portal.models import SoftwareClient
from portal.reasons import Reason, Refused, refuse_if
from prescriptions import actions, fhir, numbers, reach
from prescriptions.fhir.node import Node
from prescriptions.intake import identities, strict
from prescriptions.locks import locked
from prescriptions.models import Prescription


def deposit(*, data: dict, key: str, by: SoftwareClient) -> Prescription:
    """`key`: the Idempotency-Key; without one, the bundle's own content is the key. Raises FhirError or Refused."""
    given = strict.check(data, fhir.read_bundle(data), structure_finess=by.structure_finess)
    answer = idempotency.once(
        scope=f"software:{by.pk}:deposit",
        key=key or actions.content_key(data),
        request_facts={"bundle": actions.content_key(data)},
        effect=lambda: {"prescription": str(_write(given, data, by).pk)},
    )
    return Prescription.objects.with_content().get(pk=answer["prescription"])


@transaction.atomic
def _write(given: fhir.Deposit, data: dict, by: SoftwareClient) -> Prescription:
    patient = identities.patient_for(given.patient, named=None, by=by)
    prescriber = identities.prescriber_for(given.prescriber, named=None, by=by)
    replaced = _replaced(data, prescriber)
    if replaced is not None:
        replaced = locked(replaced)
    prescription = actions.file_prescription(
        patient=patient,
        prescriber=prescriber,
        draft=given.draft,
        provenance=Prescription.Provenance.REGISTRY,
        by=by,
    )
    if given.replaced is not None and prescription.replaced_prescriber_id is None:
        prescription.replaced_prescriber = identities.prescriber_for(given.replaced, named=None, by=by)
        prescription.save(update_fields=["replaced_prescriber"])
    if replaced is not None and replaced.pk != prescription.pk:
        actions.replace_prescription(prescription=replaced, replacement=prescription, by=by)
    return prescription


def _replaced(data: dict, prescriber) -> Prescription | None:
    """MedicationRequest.priorPrescription / ServiceRequest.replaces, by the number: only one's own."""
    for entry in Node(data).items("entry"):
        resource = entry.get("resource")
        for prior in [
            resource.get("priorPrescription"),
            *_list(resource, "replaces"),
            *_list(resource, "priorRequest"),
        ]:
            number = prior.text("identifier", "value") if prior else ""
            if number:
                return _of_prescriber(number, prescriber, prior)
    return None


def _list(resource: Node, name: str) -> list[Node]:
    return resource.items(name) if isinstance(resource.get(name).value, list) else []


def _of_prescriber(number: str, prescriber, prior: Node) -> Prescription:
    found = prescriber.prescriptions.filter(number=numbers.normalise_number(number)).first()
    if found is None:
        raise prior.get("identifier").refuse(
            _("l’ordonnance à remplacer n’est pas connue de ce prescripteur."), "replaced-unknown"
        )
    return found


def cancel_by_number(*, number: str, rpps: str, reason: str, key: str = "", by: SoftwareClient) -> Prescription:
    """By the prescriber who wrote it, through software of the same structure. Not theirs: unknown. `key`: the
    Idempotency-Key; sent again with it, it is the same cancellation. Why not is said without a word of what was
    delivered, to whom may not read it."""
    found = Prescription.objects.filter(
        number=numbers.normalise_number(number), prescriber__rpps=rpps, prescriber__structure_finess=by.structure_finess
    ).first()
    if found is None:
        sentence = _("aucune ordonnance de ce prescripteur n’a ce numéro.")
        raise fhir.FhirError("Parameters.parameter", sentence, "not-found")
    try:
        _cancel_once(found, reason, key, by)
    except Refused as refused:
        if refused.reason.code == "already-dispensed" and not reach.reads_execution(by, found):
            refuse_if(Reason("too-late-to-cancel", _("Cette ordonnance ne peut plus être annulée.")))
        raise
    return Prescription.objects.with_content().get(pk=found.pk)


def _cancel_once(found: Prescription, reason: str, key: str, by: SoftwareClient) -> None:
    idempotency.once(
        scope=f"software:{by.pk}:cancel",
        key=key,
        request_facts={"prescription": found.pk, "reason": reason},
        effect=lambda: {"prescription": str(actions.cancel_prescription(prescription=found, reason=reason, by=by).pk)},
    )
