"""A listing of the national directories becomes the copy in use: compared, checked, then switched in one transaction.

Whatever goes wrong before, the copy in use stays. A pharmacy that is no longer listed is closed, never deleted: people
sent it prescriptions. Pharmacies that no national directory ever listed (the demonstration's) are left alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from django.db import transaction

from portal import audit
from sharing.directory.lines import Tell, silent
from sharing.directory.listed import BadFile, Listed, Listing
from sharing.directory.rows import row_of
from sharing.directory.search import distance_km
from sharing.models import DirectoryCopy, Mailbox, Pharmacy

LEAST_OF_FORMER = 0.8  # a fifth lost: it was cut, or it is something else
FORCE = "--force takes it all the same."
MOVED_KM = 0.1
ROWS_AT_ONCE = 1_000
FACTS = "name address postcode town department phone latitude longitude search_text is_open is_national".split()  # noqa: SIM905
# What may not shrink by a fifth from one copy to the next.
GUARDED = {
    "establishments": "establishments",
    "pharmacies": "pharmacies",
    "rows_of_mailboxes": "rows of mailboxes",
    "rows_of_organisations": "organisational mailboxes",
    "with_mailbox": "pharmacies with a mailbox",
}


@dataclass
class Differences:
    """FINESS numbers. `back`: closed before, listed again; `without_mailbox`: all those, not only the changes."""

    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    mailbox_changed: list[str] = field(default_factory=list)
    without_mailbox: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {name: len(numbers) for name, numbers in vars(self).items()}


@dataclass(frozen=True)
class Taken:
    copy: DirectoryCopy
    differences: Differences


def take(listing: Listing, *, by, force: bool = False, tell: Tell = silent) -> Taken:
    """Raises BadFile when the listing lost too much (unless `force`); the copy in use is then untouched."""
    former = DirectoryCopy.objects.filter(is_partial=False).first()
    known = _known(listing)
    listed = {one.finess: _with_what_is_known(one, known.get(one.finess)) for one in listing.pharmacies}
    differences = _differences(listing, listed, known)
    if not listing.is_partial:
        listing.counts["with_mailbox"] = sum(bool(one.mailboxes) for one in listed.values())
        listing.counts["pharmacies"] = len(listed)
        if not force:
            _check(listing, former, differences, known)
    return Taken(_switch(listing, listed, known, differences, by, tell), differences)


# --- Compare --------------------------------------------------------------------------------------------------------
def _known(listing: Listing) -> dict[str, Pharmacy]:
    """By FINESS, each with its mailboxes; of a partial listing, those it speaks of."""
    pharmacies = Pharmacy.objects.prefetch_related("mailboxes")
    if not listing.is_partial:
        return {pharmacy.finess: pharmacy for pharmacy in pharmacies}
    numbers = [*(one.finess for one in listing.pharmacies), *listing.closed]
    batches = _batches(numbers)
    return {one.finess: one for batch in batches for one in pharmacies.filter(finess__in=batch)}


def _with_what_is_known(one: Listed, known: Pharmacy | None) -> Listed:
    """A directory that gives no position does not take away the one we have, as long as the postcode is the same."""
    if one.latitude is not None or known is None or one.postcode != known.postcode:
        return one
    return replace(one, latitude=known.latitude, longitude=known.longitude)


def _same_address(one: Listed, known: Pharmacy) -> bool:
    return (one.address, one.postcode, one.town) == (known.address, known.postcode, known.town)


def _differences(listing: Listing, listed: dict[str, Listed], known: dict[str, Pharmacy]) -> Differences:
    found = Differences(gone=sorted(_gone(listing, listed, known)))
    for finess, one in sorted(listed.items()):
        if not one.mailboxes:
            found.without_mailbox.append(finess)
        if (before := known.get(finess)) is None:
            found.new.append(finess)
        else:
            _note_changes(found, one, before)
    return found


def _gone(listing: Listing, listed: dict[str, Listed], known: dict[str, Pharmacy]) -> Iterator[str]:
    for finess, pharmacy in known.items():
        is_missing = finess not in listed and not listing.is_partial
        if pharmacy.is_open and pharmacy.is_national and (is_missing or finess in listing.closed):
            yield finess


def _note_changes(found: Differences, one: Listed, before: Pharmacy) -> None:
    if not before.is_open:
        found.back.append(one.finess)
    if _has_moved(one, before):
        found.moved.append(one.finess)
    if one.name != before.name:
        found.renamed.append(one.finess)
    if one.mailboxes != _addresses(before):
        found.mailbox_changed.append(one.finess)


def _has_moved(one: Listed, before: Pharmacy) -> bool:
    if not _same_address(one, before):
        return True
    if None in (one.latitude, before.latitude):
        return False
    return distance_km((one.latitude, one.longitude), (before.latitude, before.longitude)) > MOVED_KM


def _addresses(pharmacy: Pharmacy) -> tuple[str, ...]:
    return tuple(box.address for box in pharmacy.mailboxes.all())


# --- Check ----------------------------------------------------------------------------------------------------------
def _check(listing: Listing, former: DirectoryCopy | None, differences: Differences, known: dict) -> None:
    for key, name in GUARDED.items():
        before = former.counts.get(key, 0) if former else 0
        now = listing.counts.get(key, 0)
        if key in listing.counts and before and now <= LEAST_OF_FORMER * before:
            raise BadFile("What was read", f"has {now} {name} where the copy in use has {before}. {FORCE}")
    open_before = sum(pharmacy.is_open and pharmacy.is_national for pharmacy in known.values())
    if open_before and len(differences.gone) >= (1 - LEAST_OF_FORMER) * open_before:
        raise BadFile("What was read", f"would close {len(differences.gone)} pharmacies of {open_before}. {FORCE}")


# --- Switch ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def _switch(listing, listed: dict[str, Listed], known, differences: Differences, by, tell: Tell) -> DirectoryCopy:
    list(DirectoryCopy.objects.select_for_update())  # two imports that end together switch one after the other
    rows = [row for one in listed.values() if (row := _row(one, known.get(one.finess))) is not None]
    _write(rows, len(listed), tell)
    for batch in _batches(differences.gone):
        Pharmacy.objects.filter(finess__in=batch).update(is_open=False)
    _write_mailboxes(listed, known)
    if listing.establishments_on and not listing.is_partial:
        Pharmacy.objects.filter(is_national=True, is_open=True).update(source_date=listing.establishments_on)
    counts = {**listing.counts, **differences.counts()}
    copy = DirectoryCopy.objects.create(
        establishments_on=listing.establishments_on,
        mailboxes_on=listing.mailboxes_on,
        is_partial=listing.is_partial,
        counts=counts,
        files=listing.files,
    )
    audit.record(kind="directory.switched", by=by, subject=copy, **differences.counts())
    return copy


def _row(one: Listed, known: Pharmacy | None) -> Pharmacy | None:
    """What is to be written of it; None when nothing changed."""
    row = row_of(one, is_open=True, is_national=True)
    if known is not None and all(getattr(row, fact) == getattr(known, fact) for fact in FACTS):
        return None
    return row


def _write(rows: list[Pharmacy], total: int, tell: Tell) -> None:
    done = total - len(rows)
    for batch in _batches(rows):
        Pharmacy.objects.bulk_create(batch, update_conflicts=True, unique_fields=["finess"], update_fields=FACTS)
        done += len(batch)
        tell("written", done, total)


def _write_mailboxes(listed: dict[str, Listed], known: dict[str, Pharmacy]) -> None:
    """Only of the pharmacies whose mailboxes changed. A red-listed or vanished address is forgotten."""
    changed = {f: one for f, one in listed.items() if one.mailboxes != (_addresses(known[f]) if f in known else ())}
    for numbers in _batches(changed):
        keys = dict(Pharmacy.objects.filter(finess__in=numbers).values_list("finess", "pk"))
        Mailbox.objects.filter(pharmacy__in=keys.values()).delete()
        Mailbox.objects.bulk_create(
            Mailbox(pharmacy_id=keys[finess], address=address, rank=rank)
            for finess in numbers
            for rank, address in enumerate(changed[finess].mailboxes)
        )


def _batches(rows: Iterable) -> Iterator[list]:
    rows = iter(rows)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch
