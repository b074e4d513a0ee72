"""A pharmacy of a listing as its row, not saved yet."""

from sharing.directory.listed import Listed
from sharing.directory.words import search_text
from sharing.models import Pharmacy


def row_of(one: Listed, **facts) -> Pharmacy:
    """`facts`: what the listing does not say of each."""
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
        search_text=search_text(name=one.name, town=one.town, postcode=one.postcode, sign=one.sign),
        **facts,
    )
