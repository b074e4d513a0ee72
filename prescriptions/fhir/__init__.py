"""FHIR R4 bundles of prescriptions, read into drafts. Nothing is written here.

Taken: a Bundle (searchset, collection, transaction, batch or document) holding one prescription or several of one
patient: MedicationRequest with its Medication (contained, sibling entry, or named in the request), DeviceRequest,
ServiceRequest; RequestGroup for the links between lines; Patient, Practitioner, PractitionerRole, Organization,
Observation and Provenance when they are there. Requests with one `groupIdentifier` are one prescription.
Shapes: interop-ig-fhir-ePrescription 1.1 (ANS), HL7 FHIR R4 4.0.1.

What cannot be taken faithfully is refused with a FhirError that names the field. What is taken is kept whole in
`draft.source`.
"""

from prescriptions.fhir.bundle import Deposit, read_bundle
from prescriptions.fhir.node import FhirError
from prescriptions.fhir.people import PatientTraits, PrescriberTraits
from prescriptions.fhir.text import MAX_BYTES, parse

__all__ = ["MAX_BYTES", "Deposit", "FhirError", "PatientTraits", "PrescriberTraits", "parse", "read_bundle"]
