"""What a deposit by prescribing software must hold beyond being readable: identities, codes, certification, doses.

An import by hand may name the patient and the prescriber beside the file; a deposit says them itself, or is refused
with the field that is wrong. Sources: CSP L4071-1, R4071-2, R5132-3; CDA eP-MED-DM 2024.01.
"""

from django.utils.translation import gettext as _

from prescriptions import numbers
from prescriptions.fhir import Deposit, FhirError, PatientTraits, PrescriberTraits
from prescriptions.fhir.codes import FINESS_SYSTEMS, INS_OIDS, PRODUCT_SYSTEMS, RPPS_SYSTEMS
from prescriptions.fhir.node import Node
from prescriptions.intake import filing
from prescriptions.medicine import lookup
from prescriptions.models import PrescriptionLine

UNITS_OF_TIME = {"", "s", "min", "h", "d", "wk", "mo", "a"}  # UnitsOfTime, FHIR R4
MAX_DOSE = 100_000
CODE_CHECKS = {"cip13": numbers.why_not_cip13, "lpp": numbers.why_not_lpp}


def check(data: dict, deposits: list[Deposit], *, structure_finess: str) -> Deposit:
    """The one deposit of the bundle, or FhirError with the field."""
    bundle = Node(data)
    if len(deposits) != 1:
        raise FhirError("entry", _("une ordonnance par dépôt (un seul groupIdentifier)."), "several-prescriptions")
    deposit = deposits[0]
    resources = _resources(bundle)
    check_patient(resources, deposit.patient, "entry")
    check_prescriber(resources, deposit.prescriber, "entry", structure_finess=structure_finess)
    _check_certification(deposit)
    _check_dates(resources, deposit)
    for resource in resources:
        _check_codes(resource)
        _check_doses(resource)
    _check_medicines_known(bundle)
    return deposit


def _resources(bundle: Node) -> list[Node]:
    return [entry.get("resource") for entry in bundle.items("entry")]


def check_patient(resources: list[Node], traits: PatientTraits | None, place: str) -> None:
    """`place`: the field that should name them, when nothing does."""
    patients = [r for r in resources if r.text("resourceType") == "Patient"]
    for patient in patients:
        found = [each for each in patient.items("identifier") if _is_ins(each)]
        for identifier in found:
            if reason := numbers.why_not_ins(identifier.text("value")):
                raise identifier.get("value").refuse(reason.sentence, reason.code)
        if traits and found and traits.ins not in {numbers.compact(each.text("value")) for each in found}:
            raise patient.refuse(
                _("deux patients dans le même envoi. Faites un envoi par patient."), "several-patients"
            )
    if traits is None:
        raise FhirError(place, _("le patient manque : matricule INS et OID, avec ses traits."), "patient-missing")
    if not (traits.birth_name and traits.given_names and traits.birth_date and traits.sex in {"F", "M"}):
        raise FhirError(
            traits.path,
            _("identité non qualifiée : nom de naissance, prénoms, date de naissance et sexe sont nécessaires."),
            "identity-not-qualified",
        )


def _is_ins(identifier: Node) -> bool:
    return identifier.text("system").removeprefix("urn:oid:") in INS_OIDS


def check_prescriber(
    resources: list[Node], traits: PrescriberTraits | None, place: str, *, structure_finess: str
) -> None:
    for person in (r for r in resources if r.text("resourceType") in {"Practitioner", "PractitionerRole"}):
        for identifier in person.items("identifier"):
            if identifier.text("system") in RPPS_SYSTEMS:
                _check_rpps(identifier.get("value"))
    if traits is None:
        raise FhirError(place, _("le prescripteur manque : son RPPS et sa structure (FINESS)."), "prescriber-missing")
    if traits.structure_finess != structure_finess:
        _refuse_wrong_finess(resources)
        raise FhirError(
            traits.path,
            _("la structure du prescripteur (FINESS) n’est pas celle pour laquelle ce logiciel est inscrit."),
            "structure-not-yours",
        )


def _refuse_wrong_finess(resources: list[Node]) -> None:
    """A typing error is told as one."""
    for place in (r for r in resources if r.text("resourceType") == "Organization"):
        for identifier in place.items("identifier"):
            text = numbers.compact(identifier.text("value"))
            text = text[1:] if len(text) == 10 and text.startswith("1") else text
            if identifier.text("system") in FINESS_SYSTEMS and (reason := numbers.why_not_finess(text)):
                raise identifier.get("value").refuse(reason.sentence, reason.code)


def _check_rpps(value: Node) -> None:
    text = numbers.compact(str(value.value or ""))
    text = text[1:] if len(text) == 12 and text.startswith("8") else text
    if reason := numbers.why_not_rpps(text):
        raise value.refuse(reason.sentence, reason.code)


def _check_certification(deposit: Deposit) -> None:
    """The certification number is mandatory as soon as a medicine is prescribed (CSS L161-38)."""
    has_medicine = any(line.kind == PrescriptionLine.Kind.MEDICINE for line in deposit.draft.lines)
    if has_medicine and not deposit.draft.lap_certification:
        raise FhirError(
            "entry",
            _("le numéro de certification du logiciel manque (Provenance.agent « assembler »)."),
            "certification-missing",
        )


def _check_dates(resources: list[Node], deposit: Deposit) -> None:
    if reason := filing.why_not_dates(deposit.draft.authored_on, deposit.draft.valid_until):
        ordered = next(resource for resource in resources if resource.get("authoredOn"))
        raise ordered.get("authoredOn").refuse(reason.sentence, reason.code)


def _check_codes(resource: Node) -> None:
    """CIP13 and LPP wherever a coding names them: a wrong key is a typing or a mapping error."""
    for coding in _codings(resource):
        name = PRODUCT_SYSTEMS.get(coding.text("system"), "")
        if name in CODE_CHECKS and (reason := CODE_CHECKS[name](coding.text("code"))):
            raise coding.get("code").refuse(reason.sentence, reason.code)


def _check_medicines_known(bundle: Node) -> None:
    """Once the public database of medicines was imported, a CIS or a CIP13 that it does not have is an error."""
    named = [
        (PRODUCT_SYSTEMS[coding.text("system")], coding)
        for resource in _resources(bundle)
        for coding in _codings(resource)
        if PRODUCT_SYSTEMS.get(coding.text("system")) in lookup.CODES and coding.text("code")
    ]
    unknown = lookup.unknown_among((system, coding.text("code")) for system, coding in named)
    for system, coding in named:
        if (system, numbers.compact(coding.text("code"))) in unknown:
            raise coding.get("code").refuse(
                _("ce code n’est celui d’aucun médicament de la base publique des médicaments (BDPM)."),
                "medicine-unknown",
            )


def _codings(resource: Node) -> list[Node]:
    holders = [resource.get("medicationCodeableConcept"), resource.get("codeCodeableConcept")]
    if resource.text("resourceType") in {"Medication", "ServiceRequest"}:
        holders.append(resource.get("code"))
    holders += [c.get("code") for c in resource.items("contained") if c.text("resourceType") == "Medication"]
    return [coding for holder in holders if holder for coding in holder.items("coding")]


def _check_doses(resource: Node) -> None:
    if resource.text("resourceType") != "MedicationRequest":
        return
    for dosage in resource.items("dosageInstruction"):
        for rate in dosage.items("doseAndRate"):
            _check_dose(rate.get("doseQuantity"))
            low, high = rate.get("doseRange", "low"), rate.get("doseRange", "high")
            _check_dose(low)
            _check_dose(high)
            if low and high and (low.number("value") or 0) > (high.number("value") or 0):
                raise rate.get("doseRange").refuse(_("la dose minimale dépasse la maximale."), "dose-impossible")
        _check_rhythm(dosage.get("timing", "repeat"))


def _check_dose(dose: Node) -> None:
    value = dose.number("value") if dose else None
    if value is not None and not 0 < value <= MAX_DOSE:
        raise dose.get("value").refuse(_("la dose doit être plus grande que zéro."), "dose-impossible")


def _check_rhythm(repeat: Node) -> None:
    for name, most in (("frequency", 96), ("count", 10_000), ("period", 10_000), ("duration", 10_000)):
        value = repeat.number(name)
        if value is not None and not 0 < value <= most:
            raise repeat.get(name).refuse(_("ce rythme de prise est impossible."), "dose-impossible")
    for name in ("periodUnit", "durationUnit"):
        if repeat.text(name) not in UNITS_OF_TIME:
            raise repeat.get(name).refuse(
                _("cette unité de temps n’existe pas (s, min, h, d, wk, mo, a)."), "dose-impossible"
            )
    for low, high in (("frequency", "frequencyMax"), ("count", "countMax"), ("period", "periodMax")):
        if (most := repeat.number(high)) is not None and most < (repeat.number(low) or 0):
            raise repeat.get(high).refuse(_("le maximum est plus petit que le minimum."), "dose-impossible")
    start, end = repeat.get("boundsPeriod").day("start"), repeat.get("boundsPeriod").day("end")
    if start and end and end < start:
        raise repeat.get("boundsPeriod").refuse(_("la fin vient avant le début."), "dose-impossible")
