"""Errors of the REST side: a stable code and a sentence that says what to do."""

from rest_framework.response import Response
from rest_framework.views import exception_handler

from portal.reasons import Refused


def explain(exception, context):
    if isinstance(exception, Refused):
        return Response({"code": exception.reason.code, "detail": exception.reason.sentence}, status=409)
    response = exception_handler(exception, context)
    if response is not None and isinstance(response.data, dict) and "detail" in response.data:
        response.data.setdefault("code", getattr(response.data["detail"], "code", "error"))
    return response
