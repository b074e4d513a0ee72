"""Alice's antibiotic once its files are kept (signed code, PDF, CDA), as it is after a first share.

Making them takes longer than most stories. The first story of a process has them made as ever; the next ones begin
with the same rows. How they are made is shown in tests/prescriptions, on prescriptions that have none.
"""

from copy import deepcopy
from datetime import date

from django.db.models import Model
from django.utils import timezone

from prescriptions import cda
from prescriptions.code import keys
from prescriptions.models import Prescription, SigningKey
from tests import factories

_rows_on: dict[date, list[Model]] = {}  # by day: the prescription is three days old


def prescription() -> Prescription:
    """Alice is there, and Dr Emma; the key that signed the code too."""
    today = timezone.localdate()
    if today not in _rows_on:
        made = factories.prescription()
        cda.document_of(made)
        _rows_on[today] = deepcopy([keys.signing_key(), made, *made.lines.all(), *made.documents.all()])
        return made
    return _written_again(*deepcopy(_rows_on[today]))


def _written_again(key: SigningKey, made: Prescription, *parts: Model) -> Prescription:
    made.patient, made.prescriber = factories.alice_patient(), factories.emma().prescriber
    for row in (key, made, *parts):
        row.save(force_insert=True)
    return made
