"""What a log may say: ids, names of routes, codes, durations. Never a path, a query string, the words of an exception.

A path holds ids of prescriptions or the code of a medicine, and libraries put it in their own lines ("Not Found: …"):
those are said again here with the route's name. The text of an exception may quote what somebody typed, or a row of
the database: its kind and where it happened are enough. In production a line is a JSON object; in the demo, words.
"""

import json
import logging
import sys
import threading
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")
FRAMES_MAX = 25

log = logging.getLogger(__name__)


class Words(logging.Formatter):
    """`2026-11-23 14:02:31,015 INFO portal.requests GET share 200 in 34 ms`; the demo's people are invented."""

    def __init__(self):
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def formatMessage(self, record):  # noqa: N802 - logging's own name
        record.message = _said(record)
        return super().formatMessage(record)


class JsonLine(logging.Formatter):
    """One object a line: time, level, logger, message, request, then the facts of the line (`extra={"facts": …}`)."""

    def format(self, record):
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _said(record),
        }
        if request_id.get():
            facts["request"] = request_id.get()
        facts |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1]:
            facts |= _error(record.exc_info[1])
        return json.dumps(facts, ensure_ascii=False, default=str)


def _said(record: logging.LogRecord) -> str:
    request, task = getattr(record, "request", None), getattr(record, "data", None)
    if request is not None:  # django.request, django.security: their text is the path
        return f"{getattr(record, 'status_code', '')} {route_of(request)}".strip()
    if record.name.startswith("celery.app.trace") and isinstance(task, dict):
        return f"task {task.get('name')} {task.get('id')} {task.get('description', '')}".strip()
    text = record.getMessage()
    for error in _quoted_errors(record):
        for words in (repr(error), str(error)):
            text = text.replace(words, type(error).__name__) if words else text
    return text


def _quoted_errors(record: logging.LogRecord) -> list[BaseException]:
    given = record.args if isinstance(record.args, tuple) else ()
    raised = record.exc_info[1] if record.exc_info else None
    return [error for error in (raised, *given) if isinstance(error, BaseException)]


def _error(error: BaseException) -> dict:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    chain, kinds = error, []
    while chain is not None:
        kinds.append(type(chain).__name__)
        chain = chain.__cause__ or chain.__context__
    return {"error": kinds, "at": [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]}


def _short(file: str) -> str:
    return "/".join(file.split("/")[-3:])


def route_of(request) -> str:
    """The name of the route, from a list that the site itself holds: never what was typed."""
    match = getattr(request, "resolver_match", None)
    return match.view_name or "unnamed" if match else "unknown"


def say_what_ends_a_process_or_a_thread() -> None:
    """Python would print the exception whole, past every formatter."""

    def of_process(kind, error, trace):
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("the process ends", exc_info=(kind, error, trace))

    def of_thread(ended):
        if not issubclass(ended.exc_type, SystemExit):
            told = (ended.exc_type, ended.exc_value, ended.exc_traceback)
            log.critical("thread %s ended", ended.thread.name if ended.thread else "?", exc_info=told)

    sys.excepthook, threading.excepthook = of_process, of_thread
