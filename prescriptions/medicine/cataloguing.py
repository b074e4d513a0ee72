"""An extraction becomes the current edition of the catalogue: written beside the one in use, then switched at once.

Whatever goes wrong before the switch, the edition in use stays. The one before it stays too, for whoever is reading it.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import islice

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from portal import audit
from prescriptions.bdpm import FILES, BadFile, Extraction
from prescriptions.medicine.catalogue import CataloguedMedicine, CataloguedPresentation, Edition, GenericMember

LEAST_OF_FORMER = 0.8  # of the rows of each file; fewer: it was cut, or it is something else
ROWS_AT_ONCE = 1_000  # short transactions: whoever else writes meanwhile waits little (SQLite has one writer)
ABANDONED_AFTER = timedelta(hours=1)


def current_edition() -> Edition | None:
    return Edition.objects.filter(is_current=True).first()


def is_the_same(extraction: Extraction, edition: Edition | None, *, published_on: date | None) -> bool:
    """Nothing to do: these very files were read. The publisher dates them nowhere, so their hashes are compared."""
    if edition is None or published_on not in (None, edition.published_on):
        return False
    return sorted(s.sha256 for s in extraction.sources.values()) == sorted(s["sha256"] for s in edition.sources)


def check_against(extraction: Extraction, former: Edition | None) -> None:
    """Raises BadFile for a file that has lost too many of its rows since the edition in use."""
    rows = {_name_of(source["file"]): source["rows"] for source in former.sources} if former else {}
    for name, count in extraction.counts().items():
        if FILES[name].is_needed and count < LEAST_OF_FORMER * rows.get(name, 0):
            raise BadFile(
                extraction.sources[name].name,
                f"has {count} rows where the copy in use has {rows[name]} (--force takes it all the same)",
            )


def _name_of(file: str) -> str:
    return file.partition(".")[0]


def load(
    extraction: Extraction,
    *,
    published_on: date | None,
    by,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Edition:
    """Writes a new edition, makes it the current one, forgets those that nobody can be reading any more."""
    edition = Edition.objects.create(
        started_at=timezone.now(),
        published_on=published_on,
        facts_until=extraction.facts_until,
        sources=[_said(source) for source in extraction.sources.values()],
    )
    try:
        _write(edition, extraction, tell)
        _switch(edition, extraction, by)
    finally:
        if not edition.is_current:
            edition.delete()
    _forget_old_editions()
    return edition


def _said(source) -> dict:
    return {
        "file": source.name,
        "sha256": source.sha256,
        "bytes": source.size,
        "encoding": source.encoding,
        "rows": len(source.rows),
        "left_out": len(source.left_out),
    }


def _write(edition: Edition, extraction: Extraction, tell: Callable[[int, int], None]) -> None:
    tables = (
        (CataloguedMedicine, extraction.medicines),
        (CataloguedPresentation, extraction.presentations),
        (GenericMember, extraction.groups),
    )
    done, total = 0, sum(len(found) for _table, found in tables)
    for table, found in tables:
        for rows in _batches(table(edition=edition, **vars(fact)) for fact in found.values()):
            table.objects.bulk_create(rows)
            done += len(rows)
            tell(done, total)


def _batches(rows: Iterator[models.Model]) -> Iterator[list[models.Model]]:
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch


@transaction.atomic
def _switch(edition: Edition, extraction: Extraction, by) -> None:
    list(Edition.objects.select_for_update().order_by("pk"))  # two imports that end together switch one after the other
    Edition.objects.filter(is_current=True).update(is_current=False)
    Edition.objects.filter(pk=edition.pk).update(is_current=True, became_current_at=timezone.now())
    audit.record(
        kind="catalogue.switched",
        by=by,
        subject=edition,
        medicines=len(extraction.medicines),
        presentations=len(extraction.presentations),
    )
    edition.refresh_from_db()


def _forget_old_editions() -> None:
    """All but the current one, the one before it, and one that is being written."""
    replaced = Edition.objects.filter(is_current=False, became_current_at__isnull=False)
    before = replaced.order_by("-became_current_at").values_list("pk", flat=True).first()
    abandoned = Q(became_current_at=None, started_at__lt=timezone.now() - ABANDONED_AFTER)
    Edition.objects.filter(abandoned | Q(pk__in=replaced.exclude(pk=before).values("pk"))).delete()
