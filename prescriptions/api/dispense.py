"""What pharmacy software does in the registry: find a prescription, record what was delivered, undo, read back."""

import uuid

from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.response import Response

from portal import audit
from portal.api_access import for_software
from portal.api_fields import BoundedForm
from portal.reasons import Refused
from prescriptions import actions, numbers, reach
from prescriptions.api import dispensed, handed
from prescriptions.api.base import FhirParser, FhirParserOfPlainJSON, FhirView
from prescriptions.api.outcome import RefusedHere, Unprocessable
from prescriptions.api.paging import page
from prescriptions.code import verification
from prescriptions.fhir import FhirError
from prescriptions.fhir.node import Node
from prescriptions.models import Dispensing, Prescription

READERS = [for_software("dispensings.write", "lgo") | for_software("dispensings.read", "lap")]
NOT_GENUINE = {"altered", "unknown_key", "revoked_key", "not_ours"}


def is_dispensing(data: dict) -> bool:
    """A transaction Bundle whose entries are MedicationDispense: not a deposit."""
    entries = data.get("entry")
    first = entries[0] if isinstance(entries, list) and entries else None
    resource = first.get("resource") if isinstance(first, dict) else None
    return isinstance(resource, dict) and resource.get("resourceType") == "MedicationDispense"


def record_transaction(request) -> Response:
    """A Bundle: one entry a line, all recorded or none."""
    resources = [entry.get("resource") for entry in Node(request.data).items("entry")]
    dispensing, status = _record(resources, request)
    moment = dispensing.created_at.isoformat(timespec="milliseconds")
    entries = [
        {
            "resource": resource,
            "response": {
                "status": "201 Created" if status == 201 else "200 OK",
                "location": f"MedicationDispense/{resource['id']}",
                "lastModified": moment,
            },
        }
        for resource in dispensed.resources_of(dispensing)
    ]
    return Response({"resourceType": "Bundle", "type": "transaction-response", "entry": entries}, status=status)


def _record(resources: list[Node], request) -> tuple[Dispensing, int]:
    """Without an Idempotency-Key, the content is the key: a message sent again after a cut line is recorded once."""
    software, started = request.user, timezone.now()
    told = handed.read(resources, finess=software.structure_finess)
    try:
        dispensing = actions.record_dispensing(
            prescription=told.prescription,
            pharmacy_finess=software.structure_finess,
            pharmacy_name=told.pharmacy_name or software.name,
            lines=told.lines,
            dispensed_at=told.dispensed_at,
            dispenser=told.dispenser or software.name,
            dispenser_rpps=told.dispenser_rpps,
            billing_reference=told.billing_reference,
            key=request.headers.get("Idempotency-Key", "") or actions.content_key(request.data),
            by=software,
        )
    except Refused as refused:
        raise RefusedHere(refused, _place_of(refused, resources, told)) from None
    whole = get_object_or_404(reach.dispensed_by(software.structure_finess), pk=dispensing.pk)
    return whole, 201 if whole.created_at >= started else 200


def _place_of(refused: Refused, resources: list[Node], told: handed.Told) -> str:
    """The resource whose line it is about, when it is about one."""
    line_id = getattr(refused.reason, "line_id", None)
    places = (resource.path for resource, item in zip(resources, told.lines, strict=True) if item.line.pk == line_id)
    return next(places, "")


class Dispenses(FhirView):
    """POST: one line. GET: the pharmacy's own, or a prescribing structure's, newest first.

    `_count` counts dispensings; each gives a resource a line.
    """

    permission_classes = READERS

    def post(self, request):
        if "dispensings.write" not in request.auth.scopes:
            self.permission_denied(request, message="This needs the scope dispensings.write.")
        dispensing, status = _record([Node(request.data, "MedicationDispense")], request)
        (resource,) = dispensed.resources_of(dispensing)
        location = f"{settings.SITE_URL}/api/fhir/MedicationDispense/{resource['id']}"
        return Response(resource, status=status, headers={"Location": location})

    def get(self, request):
        refuse_number_in_address(request, "MedicationDispense")
        rows, next_url = page(_with_lines(_readable_by(self.software)), request)
        return _answer(rows, request, next_url)


class OneDispense(FhirView):
    """One line of a dispensing, where the answer to its recording says that it is."""

    permission_classes = READERS

    def get(self, request, id):
        found = get_object_or_404(_with_lines(_readable_by(self.software)), pk=_dispensing_id(id))
        line = next((one for one in dispensed.resources_of(found) if one["id"] == id), None)
        if line is None:
            raise Http404
        _tell_patients({found.prescription}, self.software)
        return Response(line, headers={"Cache-Control": "no-store"})


class Search(FhirView):
    """POST MedicationDispense/_search: those of one prescription, whole, by its number."""

    parser_classes = [BoundedForm, FhirParser, FhirParserOfPlainJSON]
    permission_classes = READERS

    def post(self, request):
        number = numbers.normalise_number(asked_number(request.data))
        rows = _with_lines(_readable_by(self.software).filter(prescription__number=number))
        return _answer(rows.order_by("-created_at", "-pk"), request)


def _readable_by(software):
    if software.kind == "lgo":
        return reach.dispensed_by(software.structure_finess)
    return reach.dispensings_for_prescribers(reach.written_in(software))


def refuse_number_in_address(request, kind: str) -> None:
    """An address is written in logs, and the number opens the prescription."""
    if "group-identifier" in request.query_params:
        sentence = f"A number has no place in an address: POST {kind}/_search."
        raise FhirError("group-identifier", sentence, "parameter-invalid")


def _with_lines(rows):
    return rows.select_related("prescription").prefetch_related("lines__line")


def _answer(rows, request, next_url: str | None = None) -> Response:
    """What prescribers read leaves its trace in the patient's history, as on their own page."""
    _tell_patients({row.prescription for row in rows}, request.user)
    resources = [resource for row in rows for resource in dispensed.resources_of(row)]
    page = dispensed.page(resources, url=request.build_absolute_uri(), next_url=next_url)
    return Response(page, headers={"Cache-Control": "no-store"})


@transaction.atomic
def _tell_patients(read: set[Prescription], software) -> None:
    if software.kind != "lap":
        return  # a pharmacy reads its own again
    about = [(prescription.patient_id, prescription) for prescription in read]
    audit.record_each(kind="prescription.read_by_prescriber", by=software, about=about)


class Undo(FhirView):
    """Parameters: `reason` (valueString). The whole dispensing of that line is undone, within the day."""

    permission_classes = [for_software("dispensings.write", "lgo")]

    def post(self, request, id):
        found = get_object_or_404(reach.dispensed_by(self.software.structure_finess), pk=_dispensing_id(id))
        parameters = Node(request.data, "Parameters").items("parameter")
        reason = next((p.text("valueString") for p in parameters if p.text("name") == "reason"), "")
        actions.undo_dispensing(
            dispensing=found,
            pharmacy_finess=self.software.structure_finess,
            reason=reason,
            key=request.headers.get("Idempotency-Key", ""),
            by=self.software,
        )
        whole = reach.dispensed_by(self.software.structure_finess).get(pk=found.pk)
        return Response(dispensed.page(dispensed.resources_of(whole), url=request.build_absolute_uri()))


def _dispensing_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text.partition(".")[0])
    except ValueError:
        raise Http404 from None


def find(request) -> Response:
    """By a pharmacy: `qr` (the code as scanned) or `group-identifier`. Finding opens: the patient reads that it did."""
    software = request.user
    prescription = _found(request.data.get("qr", ""), request.data.get("group-identifier", ""), software)
    if prescription is not None:
        actions.open_at_counter(prescription=prescription, pharmacy_finess=software.structure_finess, by=software)
    body = dispensed.found(prescription, url=request.build_absolute_uri())
    return Response(body, headers={"Cache-Control": "no-store"})


def asked_number(data: dict) -> str:
    """`group-identifier`: the number, or `system|number`."""
    given = data.get("group-identifier", "")
    number = given.rpartition("|")[2] if isinstance(given, str) else ""
    if not number:
        raise FhirError("group-identifier", "Give group-identifier.", "parameter-missing")
    return number


def _found(code: str, number: str, software) -> Prescription | None:
    asked = code or number.rpartition("|")[2] if isinstance(code, str) and isinstance(number, str) else ""
    if not asked:
        raise FhirError("group-identifier", "Give qr or group-identifier.", "parameter-missing")
    verdict = verification.check(asked)
    if code and verdict.code in NOT_GENUINE:
        raise Unprocessable(verdict.code.replace("_", "-"), verdict.sentence, "qr")
    if verdict.prescription_id is None:
        return None
    within_reach = reach.to_dispense(software.structure_finess)
    return within_reach.with_content().filter(pk=verdict.prescription_id).first()
