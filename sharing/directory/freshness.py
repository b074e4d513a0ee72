"""Of which day the copy of the national directories is."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Max

from sharing.models import DirectoryCopy, Pharmacy

# FINESS comes out every two months at most; mailboxes every day, with gaps of ten days seen.
ESTABLISHMENTS_OLD = timedelta(days=75)
MAILBOXES_OLD = timedelta(days=15)


@dataclass(frozen=True)
class Freshness:
    """None: not known. The demonstration's pharmacies come from no directory: `is_national` is then False."""

    establishments_on: date | None
    mailboxes_on: date | None
    is_national: bool = True

    def is_old(self, today: date) -> bool:
        return self.is_national and (
            today - (self.establishments_on or today) > ESTABLISHMENTS_OLD
            or today - (self.mailboxes_on or today) > MAILBOXES_OLD
        )


def freshness() -> Freshness:
    copies = DirectoryCopy.objects.aggregate(places=Max("establishments_on"), boxes=Max("mailboxes_on"), any=Max("pk"))
    if copies["any"]:
        return Freshness(copies["places"], copies["boxes"])
    made_on = Pharmacy.objects.aggregate(day=Max("source_date"))["day"]
    return Freshness(made_on, made_on, is_national=False)
