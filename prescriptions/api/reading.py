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
from prescriptions.api import answers, dispense, facts
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
    """The QR, the PDF and the CDA document again, as the deposit gave them."""

    def get(self, request, id):
        found = get_object_or_404(self.within_reach, pk=id)
        self.tell([found])
        return _answer(answers.document_reference(found))


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
