"""CDA R2 documents of the French framework (CI-SIS): the e-prescription of medicines and devices, eP-MED-DM.

`write` gives the document of a prescription of the registry, in version 2024.01; `read` takes one of any version, or a
level 1 document that wraps a PDF, and gives a draft, who it is for and who wrote it. `read_dispensing` takes a
pharmacy's report of what it delivered (eDISP-MED).

Shapes: ANS, volet eP-MED-DM 2022.01 to 2024.01; IHE Pharmacy PRE; HL7 CDA R2. What `write` makes is one literal a
section, to lay beside them.
"""

from prescriptions.cda.header import document_id
from prescriptions.cda.node import CdaError
from prescriptions.cda.read import CdaDeposit, kept, read
from prescriptions.cda.read_dispensing import CdaDispensing, Delivered, read_dispensing
from prescriptions.cda.read_header import Code, Header, read_header
from prescriptions.cda.stamps import line_id
from prescriptions.cda.whose import Whose, whose
from prescriptions.cda.write import document_of, type_of, write

__all__ = [
    "CdaDeposit",
    "CdaDispensing",
    "CdaError",
    "Code",
    "Delivered",
    "Header",
    "Whose",
    "document_id",
    "document_of",
    "kept",
    "line_id",
    "read",
    "read_dispensing",
    "read_header",
    "whose",
    "type_of",
    "write",
]
