"""From what was downloaded to one listing."""

from pathlib import Path

from sharing.directory import extraction, finess
from sharing.directory.lines import Lines, Tell, silent
from sharing.directory.listed import Listing
from sharing.directory.mailboxes import Boxes


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
