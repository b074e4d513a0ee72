"""What a deposit says, before it is a row: the one shape between every reader (FHIR, CDA) and `file_prescription`.

Dates are `datetime.date`; dosage is a list of FHIR R4 Dosage elements, untouched; codes are text by system.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass
class LineDraft:
    kind: str  # PrescriptionLine.Kind
    name: str
    form: str = ""
    codes: dict = field(default_factory=dict)  # {"cis", "cip13", "ucd", "mv", "sms", "lpp", "nabm": text}
    components: list = field(default_factory=list)  # [{"name": text, "strength": text, "diluent": bool}]
    dosage: list = field(default_factory=list)
    dosage_text: str = ""
    instructions: str = ""
    dispenser_note: str = ""
    starts_on: date | None = None
    duration_days: int | None = None
    quantity: Decimal | None = None
    quantity_unit: str = ""
    renewals: int = 0
    no_substitution: str = ""
    flags: list = field(default_factory=list)


@dataclass
class PrescriptionDraft:
    authored_on: date
    lines: list[LineDraft]
    number: str = ""  # as the prescribing software gave it; empty: the registry makes one
    valid_until: date | None = None
    first_dispensing_before: date | None = None
    flags: list = field(default_factory=list)
    lap_certification: str = ""
    weight_kg: Decimal | None = None
    height_cm: Decimal | None = None
    comment: str = ""
    named_pharmacy: str = ""
    opposed: bool = False
    restricted: bool = False
    source: dict | None = None  # the deposit as received
