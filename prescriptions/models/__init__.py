"""Patients, prescribers, prescriptions, dispensings. Knows nothing of sharing: a pharmacy is a FINESS here.

The medicines of France and objections stand in modules of their own; Django looks for models here.
"""

from prescriptions.medicine.catalogue import CataloguedMedicine, CataloguedPresentation, Edition, GenericMember
from prescriptions.models.dispensing import Dispensing, DispensingLine
from prescriptions.models.people import BlockedProfessional, Patient, PatientAccess, Prescriber
from prescriptions.models.prescription import Document, Prescription, PrescriptionLine, PrescriptionQuerySet
from prescriptions.models.signing import SigningKey
from prescriptions.objection import Objection

__all__ = [
    "BlockedProfessional",
    "CataloguedMedicine",
    "CataloguedPresentation",
    "Dispensing",
    "DispensingLine",
    "Document",
    "Edition",
    "GenericMember",
    "Objection",
    "Patient",
    "PatientAccess",
    "Prescriber",
    "Prescription",
    "PrescriptionLine",
    "PrescriptionQuerySet",
    "SigningKey",
]
