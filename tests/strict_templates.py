"""A variable that a template of ours names and nobody gives is a mistake that Django shows as nothing at all.

Django tells its debug log about each one; this listens and raises, for our templates only (those of the admin and
of allauth rely on it). What a template asks about may be missing: `{% if x %}`, `{% for … in x %}`,
`{{ x|default:"…" }}`. So may what it passes on: `{% include … with x=x %}`.
"""

import logging
import sys

from django.conf import settings
from django.template.base import FilterExpression
from django.template.loader_tags import IncludeNode

TEMPLATES = str(settings.BASE_DIR / "templates")
FORGIVING_FILTERS = {"default", "default_if_none"}


class UndefinedVariable(AssertionError):
    pass


def _raise_on_undefined(record: logging.LogRecord) -> bool:
    """A logging filter: raises for a mistake, and keeps the rest out of the log."""
    if not str(record.msg).startswith("Exception while resolving variable"):
        return True
    asked = _nearest(lambda scope: isinstance(scope.get("self"), FilterExpression) and "ignore_failures" in scope)
    if asked is None or asked["ignore_failures"] or _forgives(asked["self"]):
        return False
    node = _nearest(lambda scope: hasattr(scope.get("self"), "origin") and hasattr(scope["self"], "token"))
    if node and not isinstance(node["self"], IncludeNode) and str(node["self"].origin).startswith(TEMPLATES):
        where = f"{node['self'].origin}, line {node['self'].token.lineno}"
        raise UndefinedVariable(f"{where}: {asked['self'].token!r} is not defined")
    return False


def refuse_undefined_variables() -> None:
    log = logging.getLogger("django.template")
    log.setLevel(logging.DEBUG)
    log.addFilter(_raise_on_undefined)


def _forgives(expression: FilterExpression) -> bool:
    return any(function.__name__ in FORGIVING_FILTERS for function, _ in expression.filters)


def _nearest(wanted) -> dict | None:
    frame = sys._getframe(2)
    while frame is not None:
        if wanted(frame.f_locals):
            return frame.f_locals
        frame = frame.f_back
    return None
