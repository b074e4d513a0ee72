"""What prescriptions tell Prometheus (portal/metrics.py)."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import Metric

from portal.clock import db_now
from portal.metrics import gauge
from prescriptions.medicine.catalogue import Edition


def medicines() -> Iterator[Metric]:
    edition = Edition.objects.filter(is_current=True).first()
    of = edition and (edition.published_on or edition.facts_until)
    age = (timezone.localdate(db_now()) - of).days if of else None
    yield gauge("medicines_age_days", "Of the public medicines database in use.", age)
