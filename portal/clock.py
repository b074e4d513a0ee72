"""The database's clock. Leases and due times are read by many workers, whose own clocks need not agree."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils.dateparse import parse_datetime

# PostgreSQL's now() is the start of the transaction: this one moves on inside it. SQLite gives UTC text.
_NOW = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
}


def db_now() -> datetime:
    """Aware, UTC. DATABASE_CLOCK_AHEAD (seconds) is the seam by which tests move time; it is 0 everywhere else."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW[connection.vendor])
        said = cursor.fetchone()[0]
    now = parse_datetime(said).replace(tzinfo=UTC) if isinstance(said, str) else said
    return now + timedelta(seconds=settings.DATABASE_CLOCK_AHEAD)
