"""POST /api/fhir/ (transaction Bundle) deposits one prescription; $cancel takes one's own back."""

from django.utils import timezone
from rest_framework.response import Response

from portal.api_access import for_software
from prescriptions import reach
from prescriptions.api import answers, dispense
from prescriptions.api.base import FhirView
from prescriptions.fhir import FhirError
from prescriptions.fhir.node import Node
from prescriptions.intake import depositing


class Base(FhirView):
    """A transaction: a deposit by prescribing software, or a dispensing by pharmacy software."""

    permission_classes = [for_software("prescriptions.write") | for_software("dispensings.write")]

    def post(self, request):
        wanted = "dispensings.write" if dispense.is_dispensing(request.data) else "prescriptions.write"
        if wanted not in request.auth.scopes:
            self.permission_denied(request, message=f"This needs the scope {wanted}.")
        return dispense.record_transaction(request) if wanted == "dispensings.write" else self._deposit(request)

    def _deposit(self, request):
        if request.data.get("type") not in {"transaction", "batch"}:
            raise FhirError("type", "A deposit is a Bundle of type transaction.", "not-a-transaction")
        started = timezone.now()
        prescription = depositing.deposit(
            data=request.data, key=request.headers.get("Idempotency-Key", ""), by=self.software
        )
        is_new = prescription.created_at >= started
        is_short = "return=minimal" in request.headers.get("Prefer", "")  # FHIR R4, 3.1.0.1.7
        answer = answers.deposited(prescription, is_new=is_new, is_short=is_short)
        return Response(answer, status=201 if is_new else 200)


class Cancel(FhirView):
    """Parameters: `number` (Identifier), `prescriber` (Identifier, RPPS), `reason` (string ≤ 200)."""

    permission_classes = [for_software("prescriptions.write")]

    def post(self, request):
        given = _parameters(request.data)
        prescription = depositing.cancel_by_number(
            number=given["number"],
            rpps=given["prescriber"],
            reason=given["reason"],
            key=request.headers.get("Idempotency-Key", ""),
            by=self.software,
        )
        is_read = reach.reads(self.software, prescription)  # else it is cancelled, and nothing of it is shown
        found = answers.requests_of(prescription) if is_read else []
        return Response(answers.searchset(found, url=request.build_absolute_uri()))


def _parameters(data: dict) -> dict[str, str]:
    found = {}
    for parameter in Node(data, "Parameters").items("parameter"):
        value = parameter.get("valueIdentifier").text("value") or parameter.text("valueString")
        found[parameter.text("name")] = value
    for name in ("number", "prescriber", "reason"):
        if not found.get(name):
            raise FhirError("Parameters.parameter", f"The parameter {name} is missing.", "parameter-missing")
    return found
