"""From the files, or from the Annuaire Santé, to one listing. Only the FINESS file knows where a pharmacy stands."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from sharing.directory import extraction, finess, organizations
from sharing.directory.annuaire import Annuaire
from sharing.directory.finess import Stock
from sharing.directory.lines import Lines, Tell, silent
from sharing.directory.listed import BadFile, Listing
from sharing.directory.mailboxes import Boxes

CHANGES_KEPT = timedelta(days=30)  # by the Annuaire Santé


def from_files(establishments: Path, mailboxes: Path, tell: Tell = silent) -> tuple[Listing, list[Lines]]:
    """Raises BadFile when one of the two cannot be taken."""
    stock, first = finess.read(establishments, tell)
    boxes = Boxes(stock)
    second = extraction.read(mailboxes, boxes, tell)
    listing = Listing(
        pharmacies=boxes.listed(),
        counts=stock.counts + boxes.counts,
        files=[first.told(), second.told()],
        establishments_on=stock.published_on or extraction.date_of(establishments),
        mailboxes_on=extraction.date_of(mailboxes),
    )
    return listing, [first, second]


def from_annuaire(
    annuaire: Annuaire, *, today: date, establishments: Path | None = None, tell: Tell = silent
) -> tuple[Listing, list[Lines]]:
    """Pharmacies of the FINESS file when there is one, else of the Annuaire, which knows no position.

    Raises BadFile and AnnuaireTrouble.
    """
    stock, lines = finess.read(establishments, tell) if establishments else (Stock(), None)
    found = _asked(annuaire, stock, tell, is_stock_given=lines is not None)
    listing = Listing(
        pharmacies=found.boxes.listed(),
        counts=stock.counts + found.boxes.counts,
        files=[lines.told()] if lines else [],
        establishments_on=stock.published_on if lines else today,
        mailboxes_on=today,
        closed=frozenset(found.closed - stock.pharmacies.keys()),
    )
    return listing, [lines] if lines else []


def changes_of_annuaire(annuaire: Annuaire, *, since: date, today: date, tell: Tell = silent) -> Listing:
    """Only what changed since that day. Raises BadFile when it is too long ago to be told."""
    if today - since > CHANGES_KEPT:
        raise BadFile("The Annuaire Santé", f"tells changes of {CHANGES_KEPT.days} days; the copy is of {since}.")
    found = _asked(annuaire, Stock(), tell, since=since)
    return Listing(
        pharmacies=found.boxes.listed(),
        counts=found.boxes.counts,
        establishments_on=today,
        mailboxes_on=today,
        closed=frozenset(found.closed - found.stock.pharmacies.keys()),
        is_partial=True,
    )


class _Found:
    def __init__(self, stock: Stock):
        self.stock, self.closed = stock, set()
        self.boxes = Boxes(stock)


def _asked(annuaire: Annuaire, stock: Stock, tell: Tell, *, is_stock_given=False, since: date | None = None) -> _Found:
    found, done = _Found(stock), 0
    for page, total in annuaire.pharmacies(with_mailbox=is_stock_given, since=since):
        done += len(page)
        for organization in page:
            _take(found, organization, is_stock_given)
        tell("Annuaire Santé", done, max(total, done))
    if not done and since is None:
        raise BadFile("The Annuaire Santé", "lists no pharmacy.")
    return found


def _take(found: _Found, organization: dict, is_stock_given: bool) -> None:
    counts: Counter = found.boxes.counts
    number = organizations.finess_of(organization)
    if not organizations.is_pharmacy(organization):
        counts["of_other_establishments"] += 1
    elif not number:
        counts["without_finess"] += 1
    elif organization.get("active") is False:
        found.closed.add(number)
    else:
        if not is_stock_given:
            found.stock.pharmacies[number] = organizations.listed(organization, number)
        _put_boxes(found, organization, number)


def _put_boxes(found: _Found, organization: dict, number: str) -> None:
    finess = found.boxes.find(number)
    for box in organizations.boxes(organization) if finess else ():
        if box is None:
            found.boxes.counts["red_listed"] += 1
        else:
            found.boxes.counts["rows_of_organisations"] += 1
            found.boxes.put(
                finess,
                box.address,
                service=box.service,
                is_paperless=box.is_paperless,
                rank=box.rank,
            )
