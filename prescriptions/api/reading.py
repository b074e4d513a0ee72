"""What prescribing software reads back: the prescriptions of its structure, their lines, their documents.

The same as on the prescriber's own page (reach.written_in); each reading leaves its trace in the patient's history.
"""

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework.response import Response

from portal import audit
from portal.api_access import for_software
from portal.api_fields import BoundedForm
from prescriptions import numbers, reach
from prescriptions.api import answers, dispense, documents, facts
from prescriptions.api.base import FhirParser, FhirParserOfPlainJSON, FhirView
from prescriptions.api.paging import page
from prescriptions.models import Prescription


class OwnPrescriptions(FhirView):
    permission_classes = [for_software("prescriptions.read", "lap")]

    @property
    def within_reach(self):
        return reach.written_in(self.software).with_content().defer("source")

    @transaction.atomic
    def tell(self, read: list[Prescription]) -> None:
        about = [(prescription.patient_id, prescription) for prescription in read]
        audit.record_each(kind="prescription.read_by_prescriber", by=self.software, about=about)


class Requests(OwnPrescriptions):
    """GET MedicationRequest: all of them, newest first. `_count` counts prescriptions; each gives a resource a line."""

    def get(self, request):
        dispense.refuse_number_in_address(request, "MedicationRequest")
        rows, next_url = page(self.within_reach, request)
        self.tell(rows)
        found = [resource for row in rows for resource in answers.requests_of(row)]
        return _answer(answers.searchset(found, url=request.build_absolute_uri(), next_url=next_url))


class OneRequest(OwnPrescriptions):
    def get(self, request, id):
        found = get_object_or_404(self.within_reach, lines=id)
        self.tell([found])
        (line,) = (line for line in found.lines.all() if line.pk == id)
        return _answer(answers.request_of(found, line))


class OneDocument(OwnPrescriptions):
    """Of a deposit, the QR, the PDF and the CDA document again. Of a document handed in, that document as it came."""

    permission_classes = [for_software("prescriptions.read", "lap") | for_software("dispensings.write", "lgo")]

    def get(self, request, id):
        found = self.within_reach.filter(pk=id).first() if self.software.kind == "lap" else None
        if found is None:
            return self._handed_in(id)
        self.tell([found])
        return _answer(answers.document_reference(found))

    @transaction.atomic
    def _handed_in(self, id) -> Response:
        within_reach = reach.handed_in_by(self.software.structure_finess)
        found = get_object_or_404(within_reach.select_related("replaced_by").defer("source"), pk=id)
        kind = "prescription.document_read_back"
        finess = self.software.structure_finess
        audit.record(kind=kind, by=self.software, patient_id=found.patient_id, subject=found, pharmacy=finess)
        return _answer(documents.document_reference(found, self.software, with_bytes=True))


class Search(OwnPrescriptions):
    """POST MedicationRequest/_search. A pharmacy finds by code or number; prescribing software, its own by number."""

    parser_classes = [BoundedForm, FhirParser, FhirParserOfPlainJSON]
    permission_classes = [for_software("prescriptions.find", "lgo") | for_software("prescriptions.read", "lap")]

    def post(self, request):
        if self.software.kind == "lgo":
            return dispense.find(request)
        number = dispense.asked_number(request.data)
        found = self.within_reach.filter(number=numbers.normalise_number(number)).first()
        self.tell([found] if found else [])
        resources = _whole(found) if found else []
        return _answer(answers.searchset(resources, url=request.build_absolute_uri()))


def _whole(prescription: Prescription) -> list[dict]:
    return [
        *answers.requests_of(prescription),
        answers.patient(prescription.patient),
        *facts.measures(prescription),
    ]


def _answer(body: dict) -> Response:
    return Response(body, headers={"Cache-Control": "no-store"})
