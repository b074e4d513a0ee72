"""Two questions: does this process answer (`/healthz`), and does the whole work (`/healthz/deep`)?

Each app says what it knows in a function named in settings.HEALTH_CHECKS: counts and ages, never a word about people.
The first is for load balancers and open; the second is for whoever runs the site.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_GET
from redis import Redis, RedisError

from portal.clock import db_now
from portal.models import Notice
from portal.operators import for_operators

NOTICE_LATE_SECONDS = 15 * 60
REDIS_SECONDS = 2
GOOD_FOR_REDIS = {None, "noeviction"}


@dataclass(frozen=True)
class Finding:
    name: str
    value: object  # a number, a short word or None
    is_good: bool = True


@login_not_required
@require_GET
def healthz(request):
    """The process answers and reaches its database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "trouble", "database": "no answer"}, status=503)
    return JsonResponse({"status": "ok"})


@login_not_required
@require_GET
@for_operators
def deep(request):
    """A process that is up can be asleep: what waits, since when, what does not add up. 503 when something is wrong."""
    try:
        findings = list(_ask_everybody())
    except DatabaseError:
        findings = [Finding("database", "no answer", is_good=False)]
    wrong = [finding.name for finding in findings if not finding.is_good]
    answer = {
        "status": "trouble" if wrong else "ok",
        "wrong": wrong,
        "checks": {finding.name: finding.value for finding in findings},
    }
    return JsonResponse(answer, status=503 if wrong else 200)


def _ask_everybody() -> Iterator[Finding]:
    for name in settings.HEALTH_CHECKS:
        yield from import_string(name)()


def notices() -> Iterator[Finding]:
    oldest = Notice.objects.filter(status=Notice.Status.QUEUED).order_by("created_at").first()
    age = round((db_now() - oldest.created_at).total_seconds()) if oldest else 0
    yield Finding("oldest_notice_seconds", age, age < NOTICE_LATE_SECONDS)
    yield Finding("failed_notices", Notice.objects.filter(status=Notice.Status.FAILED).count())


def redis() -> Iterator[Finding]:
    policy = what_redis_does_when_full()
    yield Finding("redis_when_full", policy, policy in GOOD_FOR_REDIS)


def what_redis_does_when_full() -> str | None:
    """Only `noeviction` keeps the limits of sign-in and the bells. None: there is no Redis here."""
    if not settings.REDIS_URL:
        return None
    client = Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    try:
        with client:
            return client.info("memory").get("maxmemory_policy", "unknown")
    except RedisError:
        return "no answer"
