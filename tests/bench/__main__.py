"""python -m tests.bench: on SQLite in a folder of its own, or on the database that DATABASE_URL names."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="ordolien-bench-"))
os.environ |= {"ORDOLIEN_DEMO": "1", "ORDOLIEN_VAR": str(FOLDER), "DJANGO_SETTINGS_MODULE": "portal.settings"}

import django  # noqa: E402
import psycopg  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.bench import measure, works  # noqa: E402


def make_the_database() -> None:
    """A PostgreSQL of the tests comes empty."""
    if connection.vendor != "postgresql":
        return
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as plain:
        plain.execute(f'CREATE DATABASE "{connection.settings_dict["NAME"]}"')


def main() -> None:
    started = time.monotonic()
    make_the_database()
    call_command("migrate", verbosity=0)
    print(f"On {connection.vendor}, {os.cpu_count()} cores. Median of one call, the floor's, and how many times it.\n")
    rows = []
    for work in works.ALL:
        measured = work(FOLDER)
        rows += measured
        sys.stderr.write(f"  {time.monotonic() - started:4.0f} s  {work.__name__.replace('_', ' ')}\n")
    print("\n".join(measure.drawn(rows)))
    print(f"\n{time.monotonic() - started:.0f} s in all.")


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
