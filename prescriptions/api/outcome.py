"""Every error under /api/fhir/ as a FHIR OperationOutcome: a stable code, the field, a sentence. Never a value."""

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from portal import api
from portal.reasons import Refused
from prescriptions.fhir import FhirError

CODES = "https://ordolien.test/fhir/CodeSystem/refusals"
CONFLICT_OF_VERSION = "version-conflict"  # what If-Match asks for
WHOLE = "Resource"  # the path of what is wrong with all that was sent
OF_THE_ADDRESS = {"parameter-missing", "parameter-invalid"}  # these name a search parameter, not a field
PARAMETERS = {"qr", "group-identifier"}  # of a search, in its body
# Our HTTP status → IssueType of FHIR R4.
ISSUE_TYPES = {400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported"}
ISSUE_TYPES |= {
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
}


class Unprocessable(exceptions.APIException):
    """Well-formed, but cannot be done: 422 with the field's path (FHIRPath) and a sentence."""

    status_code = 422

    def __init__(self, code: str, sentence: str, path: str = ""):
        super().__init__(sentence, code)
        self.stable_code, self.sentence, self.path = code, sentence, path


class RefusedHere(Refused):
    """409 that names the field it is about."""

    def __init__(self, refused: Refused, path: str):
        super().__init__(refused.reason)
        self.path = path


def outcome(*, status: int, code: str, sentence: str, path: str = "") -> dict:
    issue = {
        "severity": "error",
        "code": ISSUE_TYPES.get(status, "exception"),
        "details": {"coding": [{"system": CODES, "code": code}]},
        "diagnostics": str(sentence),
    }
    if path:
        is_parameter = code in OF_THE_ADDRESS or path in PARAMETERS
        issue["expression"] = [path if path[:1].isupper() or is_parameter else f"Bundle.{path}"]
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def explain(exception, context):
    """DRF's exception handler for FHIR views."""
    if isinstance(exception, FhirError):
        status = 413 if exception.code == "too-large" else 400 if exception.path in {"", WHOLE} else 422
        return _answer(status, exception.code, exception.sentence, exception.path)
    if isinstance(exception, Refused):
        status = 412 if exception.reason.code == CONFLICT_OF_VERSION else api.status_of(exception)
        return _answer(status, exception.reason.code, exception.reason.sentence, getattr(exception, "path", ""))
    if isinstance(exception, Unprocessable):
        return _answer(422, exception.stable_code, exception.sentence, exception.path)
    response = exception_handler(exception, context)
    if response is None:
        return None
    detail = getattr(exception, "detail", "")
    code = getattr(detail, "code", "not-found")  # Django's own 404 and 403 say nothing more
    sentence = str(detail) if detail else "There is nothing of yours here."
    return _answer(response.status_code, code, sentence, headers=response.headers)


def _answer(status: int, code: str, sentence: str, path: str = "", headers=None) -> Response:
    kept = {
        name: value for name, value in (headers or {}).items() if name in {"WWW-Authenticate", "Retry-After", "Allow"}
    }
    return Response(outcome(status=status, code=code, sentence=sentence, path=path), status=status, headers=kept)
