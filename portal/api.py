"""Errors of the REST side: a stable code and a sentence that says what to do, and the field when one is wrong."""

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from portal.idempotency import OTHER_BODY
from portal.reasons import Refused


class Unfit(exceptions.APIException):
    """Well-formed, but cannot be taken: 422, the field, never its value."""

    status_code = 422

    def __init__(self, code: str, sentence: str, field: str):
        super().__init__(sentence, code)
        self.field = field


def status_of(refused: Refused) -> int:
    """409, it cannot be as things stand; 422, as the draft of `Idempotency-Key` asks, for a key of something else."""
    return 422 if refused.reason.code == OTHER_BODY else 409


def explain(exception, context):
    if isinstance(exception, Refused):
        said = {"code": exception.reason.code, "detail": exception.reason.sentence}
        return Response(said, status=status_of(exception))
    if isinstance(exception, exceptions.ValidationError):
        return _of_field(*_first(exception.detail))
    if isinstance(exception, Unfit):
        return _of_field(exception.field, exception.detail)
    response = exception_handler(exception, context)
    if response is not None and isinstance(response.data, dict) and "detail" in response.data:
        response.data.setdefault("code", getattr(response.data["detail"], "code", "error"))
    return response


def _of_field(field: str, detail) -> Response:
    """`detail` is an ErrorDetail: a sentence and its code."""
    sentence = f"{field}\u00a0: {detail}" if field else str(detail)
    return Response({"code": detail.code, "field": field, "detail": sentence}, status=422)


def _first(detail, path: str = "") -> tuple:
    """(path, ErrorDetail) of the first thing that is wrong, as `numbers[3]`."""
    if isinstance(detail, dict):
        name, inside = next(iter(detail.items()))
        return _first(inside, _deeper(path, name))
    if isinstance(detail, list):
        place, inside = next((place, item) for place, item in enumerate(detail) if item)
        return _first(inside, path if isinstance(inside, str) else _deeper(path, place))
    return path, detail


def _deeper(path: str, name) -> str:
    if name == "non_field_errors":
        return path
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name
