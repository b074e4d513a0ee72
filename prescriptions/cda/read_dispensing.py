"""What a pharmacy says that it delivered, in a CDA document (eDISP-MED). Nothing is written here.

It points at the document and at the lines that it carries out by their identifiers: those of our own documents are
`document_id(prescription)` and `line_id(line)`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from prescriptions.cda.node import Node
from prescriptions.cda.parse import parse
from prescriptions.cda.read_lines import MAX_LINES, product_codes, product_name, quantity_of, told
from prescriptions.cda.read_narrative import Narrative, reference_of
from prescriptions.cda.read_people import patient_of, professional_of
from prescriptions.fhir.people import PatientTraits, PrescriberTraits

PARTS = {"FFP", "RFP"}  # JDV_CompletudeDispensation_CISIS
UNSAID = "?"  # substituted, nobody says by what kind of product
REPORT = "60593-1"  # LOINC
SECTION = "1.2.250.1.213.1.1.2.236"
ITEM, REFERENCE, SUBSTITUTION, NOTES = (f"1.2.250.1.213.1.1.3.{end}" for end in ("204", "90", "206", "207"))


@dataclass(frozen=True)
class Delivered:
    """`item`: the identifier of the line of the prescription, upper case; "" when the report does not say.

    `substitution`: HL7 v3 ActSubstanceAdminSubstitutionCode; "" when there was none. `is_part`: said to be incomplete.
    """

    name: str
    item: str = ""
    codes: dict = field(default_factory=dict)
    quantity: Decimal | None = None
    quantity_unit: str = ""
    lot: str = ""
    expires_on: date | None = None
    substitution: str = ""
    is_part: bool = False
    note: str = ""


@dataclass(frozen=True)
class CdaDispensing:
    """`prescriptions`: identifiers of the documents that it carries out. `pharmacist`: with the pharmacy's FINESS."""

    patient: PatientTraits | None
    pharmacist: PrescriberTraits | None
    dispensed_on: date
    dispensed_at: datetime | None  # when it gives the hour
    prescriptions: tuple[str, ...]
    lines: tuple[Delivered, ...]


def read_dispensing(data: bytes) -> CdaDispensing:
    """Raises CdaError."""
    document = parse(data)
    if document.at("code", "code") != REPORT:
        raise document.refuse(_("ce document n’est pas un compte rendu de délivrance (eDISP-MED)."), "not-a-report")
    return CdaDispensing(
        patient=patient_of(document),
        pharmacist=_pharmacist(document),
        dispensed_on=_dispensed_on(document),
        dispensed_at=_dispensed_at(document),
        prescriptions=tuple(_identifier(each) for each in document.all("inFulfillmentOf/order/id")),
        lines=_lines(document),
    )


def _pharmacist(document: Node) -> PrescriberTraits | None:
    """Among the authors, the person: software signs too."""
    people = [role for role in document.all("author/assignedAuthor") if role.one("assignedPerson")]
    return professional_of(people[0]) if people else None


def _dispensed_on(document: Node) -> date:
    time = document.one("documentationOf/serviceEvent/effectiveTime/low") or document.one("effectiveTime")
    day = time.day() if time else None
    if day is None:
        raise document.refuse(_("la date de la délivrance manque (effectiveTime)."))
    return day


def _dispensed_at(document: Node) -> datetime | None:
    said = document.at("documentationOf/serviceEvent/effectiveTime/low", "value")
    try:
        return datetime.strptime(said, "%Y%m%d%H%M%S%z")
    except ValueError:
        return None


def _identifier(node: Node) -> str:
    """root, or root^extension: as a document names another."""
    return "^".join(filter(None, [node.get("root"), node.get("extension")])).upper()


def _lines(document: Node) -> tuple[Delivered, ...]:
    sections = [s for s in document.all("component/structuredBody/component/section") if s.has_template(SECTION)]
    supplies = [s for section in sections for s in section.all("entry/supply") if s.has_template(ITEM)]
    if not 0 < len(supplies) <= MAX_LINES:
        raise document.refuse(_("ce compte rendu ne délivre rien, ou plus de 200 lignes."))
    narrative = Narrative(document)
    return tuple(_delivered(supply, narrative) for supply in supplies)


def _delivered(supply: Node, narrative: Narrative) -> Delivered:
    material = supply.one("product/manufacturedProduct/manufacturedMaterial")
    if material is None:
        raise supply.refuse(_("le produit délivré manque ici (manufacturedMaterial)."))
    place = reference_of(supply.one("text"))
    expiry = material.one("pharm:expirationTime")
    return Delivered(
        name=product_name(material, narrative, place if narrative.text(place) else f"{place}-delivre"),
        item=_item(supply),
        codes=product_codes(material.all("code")),
        **quantity_of(supply.one("quantity"), narrative),
        lot=material.text("lotNumberText")[:40],
        expires_on=expiry.day() if expiry else None,
        substitution=_substitution(supply),
        is_part=supply.at("code", "code") in PARTS,
        note=told(supply, NOTES, narrative),
    )


def _substitution(supply: Node) -> str:
    acts = [act for act in supply.all("entryRelationship/act") if act.has_template(SUBSTITUTION)]
    return (acts[0].at("code", "code") or UNSAID) if acts else ""


def _item(supply: Node) -> str:
    for item in supply.all("entryRelationship/substanceAdministration"):
        identifier = item.one("id") if item.has_template(REFERENCE) else None
        if identifier is not None:
            return _identifier(identifier)
    return ""
