"""A file of a prescription is made once and kept sealed (Document rows). Two who make it at once keep the first."""

import hashlib
from collections.abc import Callable

from prescriptions.models import Document, Prescription


def keep(
    prescription: Prescription, *, kind: str, position: int, content_type: str, make: Callable[[], bytes]
) -> Document:
    known = prescription.documents.filter(kind=kind, position=position).first()
    if known is not None:
        return known
    content = make()  # slow: outside any lock; the unique constraint decides who was first
    facts = {"content_type": content_type, "content": content, "sha256": hashlib.sha256(content).hexdigest()}
    document, _ = prescription.documents.get_or_create(kind=kind, position=position, defaults=facts)
    return document
