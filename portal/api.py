"""The REST side: closed by default, errors with a stable code and a sentence."""

from rest_framework import permissions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from portal.reasons import Refused


class Nobody(permissions.BasePermission):
    """The default: a view that forgets to say for whom it is, is for nobody."""

    def has_permission(self, request, view):
        return False


def explain(exception, context):
    if isinstance(exception, Refused):
        return Response({"code": exception.reason.code, "detail": exception.reason.sentence}, status=409)
    return exception_handler(exception, context)
