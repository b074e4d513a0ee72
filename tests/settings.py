"""The site's own settings, told by the environment that these are tests.

Every process has its own folder for what the site writes (database, mailboxes, notices) and its own Redis database,
so that two of them never meet.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # "gw0", "gw1"…, or nothing in a single process

if WORKER:
    _folder = Path(os.environ["ORDOLIEN_VAR"]) / WORKER  # inside the folder of the process that started this one
else:
    _folder = Path(tempfile.mkdtemp(prefix="ordolien-tests-"))
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)

os.environ["ORDOLIEN_VAR"] = str(_folder)
os.environ["ORDOLIEN_STATIC_ROOT"] = str(_folder / "static")
(_folder / "static").mkdir(parents=True, exist_ok=True)
os.environ["ORDOLIEN_TEST"] = "1"
if WORKER and os.environ.get("REDIS_URL"):
    _server = os.environ["REDIS_URL"].rpartition("/")[0]
    os.environ["REDIS_URL"] = f"{_server}/{int(WORKER.removeprefix('gw')) + 1}"

from portal.settings import *  # noqa: E402, F403 - after the environment is said

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # These databases live for minutes: waiting for the disk at each commit would show nothing.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # noqa: F405

WHITENOISE_AUTOREFRESH = True  # looks for a file when it is asked for: every `Client()` would list all of them (35 ms)
