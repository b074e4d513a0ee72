"""/metrics, for Prometheus. Counts and ages, by words the site itself knows: never an id, an address, a path or a name.

What matters is read in the database when Prometheus asks, so that every process, on every machine, gives the same
answer: each app says what it knows in a function named in settings.METRICS. Only requests are counted where they are
served; with several processes on a machine, PROMETHEUS_MULTIPROC_DIR names a folder where they add theirs up.
"""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.db.models import Count, Min
from django.http import HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_GET
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from portal import health
from portal.clock import db_now
from portal.models import Notice
from portal.operators import for_operators

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10)  # seconds; 0.3 is what a share may take (p95)

_of_this_process = CollectorRegistry()
REQUESTS = Counter(
    "ordolien_http_requests", "Requests answered.", ["route", "method", "status"], registry=_of_this_process
)
REQUEST_SECONDS = Histogram(
    "ordolien_http_request_seconds", "Time to answer.", ["route"], buckets=BUCKETS, registry=_of_this_process
)


@login_not_required
@require_GET
@for_operators
def metrics(request):
    registry = CollectorRegistry()
    registry.register(_Told())
    return HttpResponse(generate_latest(registry) + _requests(), content_type=CONTENT_TYPE_LATEST)


def _requests() -> bytes:
    if not settings.METRICS_DIR:
        return generate_latest(_of_this_process)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(settings.METRICS_DIR))
    return generate_latest(registry)


class _Told:
    def collect(self) -> Iterator[Metric]:
        try:
            told = [family for name in settings.METRICS for family in import_string(name)()]
        except DatabaseError:
            told = []
        yield gauge("database_up", "1 when the database answers.", bool(told))
        yield from told


def gauge(name: str, help_text: str, value) -> Metric:
    """`value`: a number, or None for what is not known: then there is no sample."""
    return gauges(name, help_text, "", [] if value is None else [("", value)])


def gauges(name: str, help_text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    """One sample a value of the label; its values are words of ours."""
    family = GaugeMetricFamily(f"ordolien_{name}", help_text, labels=[label] if label else [])
    for word, value in values:
        family.add_metric([str(word)] if label else [], float(value))
    return family


# --- What portal itself knows ---------------------------------------------------------------------------------------
def notices() -> Iterator[Metric]:
    by_status = Notice.objects.exclude(status=Notice.Status.SENT).values_list("status")
    counted = {"queued": 0, "failed": 0} | dict(by_status.annotate(count=Count("pk")))
    yield gauges("notices", "E-mails to people that have not left.", "status", counted.items())
    oldest = Notice.objects.filter(status=Notice.Status.QUEUED).aggregate(at=Min("created_at"))["at"]
    age = (db_now() - oldest).total_seconds() if oldest else 0
    yield gauge("oldest_notice_seconds", "Since when the oldest of them waits.", age)


def redis() -> Iterator[Metric]:
    policy = health.what_redis_does_when_full()
    value = None if policy is None else policy in health.GOOD_FOR_REDIS
    yield gauge("redis_up", "1 when Redis answers and forgets nothing when it is full.", value)
