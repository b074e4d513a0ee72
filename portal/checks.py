"""What an installation lacks and works without: said by every command of manage.py, and in the log of each web process
at its start. What it cannot work without stops it in the settings."""

import logging

from django.conf import settings
from django.core import checks
from django.db import connection

log = logging.getLogger(__name__)
TAG = "ordolien"


@checks.register(TAG)
def what_is_missing(**_asked) -> list[checks.Warning]:
    if settings.DEMO or settings.TESTING:
        return []
    return [checks.Warning(words, hint=hint, id=f"ordolien.{code}") for lacks, code, words, hint in _told() if lacks]


def _told() -> list[tuple[bool, str, str, str]]:
    return [
        (
            not settings.REDIS_URL,
            "W001",
            "No REDIS_URL: each process counts attempts to sign in for itself; several allow several times more.",
            "Set REDIS_URL, or run one web process.",
        ),
        (
            connection.vendor == "sqlite",
            "W002",
            "SQLite has one writer and one machine.",
            "Set DATABASE_URL to a PostgreSQL.",
        ),
        (
            not settings.OPERATORS_TOKEN,
            "W003",
            "No ORDOLIEN_OPERATORS_TOKEN: nobody can read /metrics and /healthz/deep.",
            "Set it, and give it to Prometheus.",
        ),
        (
            not settings.MSSANTE_SMTP_HOST,
            "W004",
            "No MSSANTE_SMTP_HOST: nothing leaves, shares wait.",
            "Name the operator's mail server.",
        ),
        (
            not settings.MSSANTE_IMAP_HOST,
            "W005",
            "No MSSANTE_IMAP_HOST: what pharmacies answer is not read.",
            "Name the operator's IMAP server.",
        ),
        (
            not settings.EMAIL_HOST,
            "W006",
            "No EMAIL_HOST: nobody gets an e-mail, nor the code that opens an account.",
            "Name a mail server for ordinary e-mails.",
        ),
    ]


def say_at_start() -> None:
    for lack in checks.run_checks(tags=[TAG]):
        log.warning("%s %s %s", lack.id, lack.msg, lack.hint)
