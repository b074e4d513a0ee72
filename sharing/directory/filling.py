"""The demonstration's own pharmacies, listed by no national directory."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from sharing.directory.listed import Listed
from sharing.directory.words import search_text
from sharing.models import Mailbox, Pharmacy


@transaction.atomic
def load(listed: Iterable[Listed], *, source_date: date) -> int:
    """Adds those whose FINESS is not known yet, with their mailboxes; returns how many. The others are left alone."""
    known = set(Pharmacy.objects.values_list("finess", flat=True))
    new = {one.finess: one for one in listed if one.finess not in known}
    rows = [_row(one, source_date) for one in new.values()]
    Pharmacy.objects.bulk_create(rows, batch_size=500)
    boxes = [
        Mailbox(pharmacy=row, address=address.lower(), rank=rank)
        for row in rows
        for rank, address in enumerate(new[row.finess].mailboxes)
    ]
    Mailbox.objects.bulk_create(boxes, batch_size=500)
    return len(rows)


def _row(one: Listed, source_date: date) -> Pharmacy:
    return Pharmacy(
        finess=one.finess,
        name=one.name,
        address=one.address,
        postcode=one.postcode,
        town=one.town,
        department=one.department,
        phone=one.phone,
        latitude=one.latitude,
        longitude=one.longitude,
        search_text=search_text(name=one.name, town=one.town, postcode=one.postcode),
        source_date=source_date,
    )
