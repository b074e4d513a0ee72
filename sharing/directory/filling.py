"""The demonstration's own pharmacies, listed by no national directory."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from sharing.directory.listed import Listed
from sharing.directory.rows import row_of
from sharing.models import Mailbox, Pharmacy


@transaction.atomic
def load(listed: Iterable[Listed], *, source_date: date) -> int:
    """Adds those whose FINESS is not known yet, with their mailboxes; returns how many. The others are left alone."""
    known = set(Pharmacy.objects.values_list("finess", flat=True))
    new = {one.finess: one for one in listed if one.finess not in known}
    rows = [row_of(one, source_date=source_date) for one in new.values()]
    Pharmacy.objects.bulk_create(rows, batch_size=500)
    boxes = [
        Mailbox(pharmacy=row, address=address.lower(), rank=rank)
        for row in rows
        for rank, address in enumerate(new[row.finess].mailboxes)
    ]
    Mailbox.objects.bulk_create(boxes, batch_size=500)
    return len(rows)
