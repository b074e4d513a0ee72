"""CDA R2 documents of the French framework (CI-SIS): the e-prescription of medicines and devices, eP-MED-DM.

`write` gives the document of a prescription of the registry, in version 2024.01.

Shapes: ANS, volet eP-MED-DM 2024.01; IHE Pharmacy PRE; HL7 CDA R2. A section is one literal, to lay beside them.
"""

from prescriptions.cda.header import document_id
from prescriptions.cda.write import write

__all__ = ["document_id", "write"]
