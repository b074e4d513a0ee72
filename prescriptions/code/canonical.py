"""The canonical prescription, whose SHA-256 the signed code carries: a change of the row after signing shows."""

import hashlib
import json
from decimal import Decimal

from prescriptions.models import Prescription, PrescriptionLine

LINE_FIELDS = (
    "kind",
    "name",
    "codes",
    "components",
    "dosage",
    "dosage_text",
    "instructions",
    "starts_on",
    "duration_days",
    "quantity",
    "quantity_unit",
    "renewals",
    "no_substitution",
    "flags",
)


def canonical(prescription: Prescription) -> bytes:
    """UTF-8 JSON, keys sorted, no spaces, recomputable from the registry's row alone.

    {"authored_on", "born_on": the patient's, "flags", "id", "lines": [LINE_FIELDS, in order of position], "number",
    "rpps": the prescriber's, "valid_until"}. Dates are ISO 8601, numbers (those inside `dosage` too) are decimals
    without exponent or useless zero, as text; None is null. `id` is the row's, which the code does not carry: nobody
    can try likely contents against the hash.
    """
    facts = {
        "authored_on": prescription.authored_on,
        "born_on": prescription.patient.birth_date,
        "flags": prescription.flags,
        "id": str(prescription.pk),
        "lines": [_line(line) for line in prescription.lines.all()],
        "number": prescription.number,
        "rpps": prescription.prescriber.rpps,
        "valid_until": prescription.valid_until,
    }
    return json.dumps(_plain(facts), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def content_hash(prescription: Prescription) -> bytes:
    return hashlib.sha256(canonical(prescription)).digest()[:16]


def _line(line: PrescriptionLine) -> dict:
    return {name: getattr(line, name) for name in LINE_FIELDS}


def _plain(value):
    """One form for what SQLite, PostgreSQL and memory hold differently (2, 2.0, Decimal("2.00"))."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return format(Decimal(str(value)).normalize(), "f")
    return value.isoformat() if hasattr(value, "isoformat") else value
