"""What the environment says. Settings are values; every value that changes from place to place is read here."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str) -> bool:
    return text(name).lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.lstrip("-").isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def one_of(name: str, *known: str) -> str:
    """The first is the default. A slip of the keyboard must not choose another one in silence."""
    value = text(name, known[0])
    if value not in known:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(known)}, not {value!r}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def path(name: str) -> Path | None:
    value = text(name)
    return Path(value) if value else None


# A machine that vanishes, ours or PostgreSQL's, is noticed within a minute, and not after two hours, the patience of
# TCP: until then the rows it held stay locked. The first ones are libpq's; `options` are said to the server.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "options": "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
    " -c tcp_user_timeout=60s -c idle_in_transaction_session_timeout=60s",
}


def database(url: str, *, sqlite_default: Path) -> dict:
    """Django's DATABASES entry for `postgres://user:password@host:port/name?option=value` or `sqlite:///file`.

    An option that the URL says, even as nothing (`?options=`), is taken as it says.
    """
    if not url:
        return _sqlite(sqlite_default)
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path)[1:] if parts.path.startswith("//") else unquote(parts.path)))
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or sqlite:///.")
    options = _PATIENCE | dict(parse_qsl(parts.query, keep_blank_values=True))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or options.pop("host", "")),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _sqlite(file: Path) -> dict:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        # Durable as the promise on the screen is: FULL, not NORMAL. IMMEDIATE so that a writer waits for its turn
        # at the start of a transaction instead of failing in the middle of it.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
        "CONN_MAX_AGE": None,
        # In-memory test databases are shared between the threads of one process by a file, so that they behave
        # like the real one (WAL, locks).
        "TEST": {"NAME": file.with_name(f"test-{file.name}")} if file.name else {},
    }
