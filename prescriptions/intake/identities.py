"""Who a deposit is for and by whom: rows found or made from what a bundle says, checked against who was named."""

import uuid

from django.utils.translation import gettext as _

from portal import audit
from portal.reasons import Reason
from prescriptions import numbers
from prescriptions.fhir import FhirError, PatientTraits, PrescriberTraits
from prescriptions.fhir.codes import INS_OIDS
from prescriptions.models import Patient, Prescriber


def find_patient(text: str) -> Patient | None:
    """By the row's id or by INS: an operator's word, never a sender's."""
    try:
        return Patient.objects.filter(pk=uuid.UUID(text)).first()
    except ValueError:
        return find_by_ins(text)


def find_by_ins(text: str) -> Patient | None:
    """Whatever its OID."""
    indexes = [Patient.index_of(numbers.compact(text), oid) for oid in INS_OIDS]
    return Patient.objects.filter(ins_index__in=indexes).first()


def find_prescriber(rpps: str) -> Prescriber | None:
    return Prescriber.objects.filter(rpps=numbers.compact(rpps)).first()


def why_not_of(patient: Patient, traits: PatientTraits | None) -> Reason | None:
    """Why a document with these traits is not this patient's. The INS decides, matricule and OID: never a name, which
    two people may share."""
    if traits is None:
        return Reason(
            "patient-missing", _("Ce document ne dit pas pour qui il est (matricule INS). Rien n’a été gardé.")
        )
    if Patient.index_of(traits.ins, traits.ins_oid) != patient.ins_index:
        return Reason("other-patient", _("Ce document est pour une autre personne. Rien n’a été gardé."))
    return None


def patient_for(traits: PatientTraits | None, *, named: Patient | None, by) -> Patient:
    """`named`: who the sender says it is for. A bundle that identifies somebody else is refused."""
    if traits is None:
        if named is None:
            raise FhirError("subject", _("le fichier ne dit pas pour qui est l’ordonnance. Nommez le patient."))
        return named
    known = Patient.objects.filter(ins_index=Patient.index_of(traits.ins, traits.ins_oid)).first()
    if named is not None and (known is None or known.pk != named.pk):
        raise FhirError(traits.path, _("le fichier est pour un autre patient que celui qui est nommé. Vérifiez."))
    return known or _new_patient(traits, by)


def _new_patient(traits: PatientTraits, by) -> Patient:
    if not (traits.birth_name and traits.given_names and traits.birth_date):
        raise FhirError(
            traits.path,
            _("patient inconnu : il manque ses traits (nom de naissance, prénoms, date de naissance)."),
        )
    patient = Patient.objects.create(
        ins=traits.ins,
        ins_oid=traits.ins_oid,
        birth_name=traits.birth_name,
        used_name=traits.used_name if traits.used_name != traits.birth_name else "",
        given_names=traits.given_names,
        birth_date=traits.birth_date.isoformat(),
        birth_place=traits.birth_place,
        sex=traits.sex,
    )
    audit.record(kind="patient.created", by=by, patient_id=patient.pk, subject=patient)
    return patient


def prescriber_for(traits: PrescriberTraits | None, *, named: Prescriber | None, by) -> Prescriber:
    if traits is None:
        if named is None:
            raise FhirError("requester", _("le fichier ne dit pas qui prescrit. Nommez le prescripteur par son RPPS."))
        return named
    known = find_prescriber(traits.rpps)
    if named is not None and (known is None or known.pk != named.pk):
        raise FhirError(traits.path, _("le fichier est d’un autre prescripteur que celui qui est nommé. Vérifiez."))
    return known or _new_prescriber(traits, by)


def _new_prescriber(traits: PrescriberTraits, by) -> Prescriber:
    """With all that must be printed (CSP R5132-3), or not at all."""
    facts = {
        "rpps": traits.rpps,
        "given_name": traits.given_name,
        "family_name": traits.family_name,
        "speciality": traits.speciality,
        "structure_name": traits.structure_name,
        "structure_finess": traits.structure_finess,
        "address": traits.address,
        "postcode": traits.postcode,
        "town": traits.town,
        "phone": traits.phone,
        "email": traits.email,
    }
    if not all(facts.values()):
        raise FhirError(
            traits.path,
            _("prescripteur inconnu : il manque ses noms, sa spécialité, sa structure ou ses coordonnées."),
        )
    optional = {"profession_code": traits.profession_code, "speciality_code": traits.speciality_code}
    prescriber = Prescriber.objects.create(
        title=traits.title, **facts, **{name: value for name, value in optional.items() if value}
    )
    audit.record(kind="prescriber.created", by=by, subject=prescriber)
    return prescriber
