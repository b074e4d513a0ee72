"""What is prescribed (FR-Produit-de-sante): codes when there are any, its words always, what a mixture is made of."""

from lxml import etree

from prescriptions.cda import codes
from prescriptions.cda.narrative import content, original
from prescriptions.cda.xml import E, P, templates
from prescriptions.models import PrescriptionLine

PRODUCT = ("2.16.840.1.113883.10.20.1.53", "1.3.6.1.4.1.19376.1.5.3.1.4.7.2", "1.2.250.1.213.1.1.3.43")
MEDICINE_ENTRY = "1.3.6.1.4.1.19376.1.9.1.3.1"
ACTIVE, DILUENT = "ACTI", "IACT"  # RoleClass: what acts, and what only carries it


def consumable(line: PrescriptionLine, identifier: str) -> etree._Element:
    return E.consumable(
        E.manufacturedProduct(
            templates(*PRODUCT),
            E.manufacturedMaterial(
                templates(MEDICINE_ENTRY),
                _code(line, identifier),
                E.name(line.name),
                _form(line.form),
                [_ingredient(component, identifier, place) for place, component in enumerate(line.components, 1)],
                classCode="MMAT",
                determinerCode="KIND",
            ),
            classCode="MANU",
        )
    )


def no_product() -> etree._Element:
    """A step is about the product of its line."""
    return E.consumable(
        E.manufacturedProduct(
            templates(*PRODUCT),
            E.manufacturedMaterial(
                templates(MEDICINE_ENTRY),
                E.code(nullFlavor="NA"),
                E.name(nullFlavor="NA"),
                classCode="MMAT",
                determinerCode="KIND",
            ),
            classCode="MANU",
        ),
        typeCode="CSM",
    )


def _code(line: PrescriptionLine, identifier: str) -> etree._Element:
    """CIS is the code; the others are translations of it. Free text or a mixture has none."""
    others = [_translation(line, name) for name in codes.PRODUCT_SYSTEMS if name != "cis" and name in line.codes]
    words = original(identifier)
    if "cis" not in line.codes:
        return E.code(words, others, nullFlavor="NA")
    system, name = codes.PRODUCT_SYSTEMS["cis"]
    return E.code(words, others, code=line.codes["cis"], displayName=line.name, codeSystem=system, codeSystemName=name)


def _translation(line: PrescriptionLine, name: str) -> etree._Element:
    system, words = codes.PRODUCT_SYSTEMS[name]
    return E.translation(code=line.codes[name], displayName=line.name, codeSystem=system, codeSystemName=words)


def _form(form: str) -> etree._Element | None:
    return P.formCode(P.originalText(form), nullFlavor="OTH") if form else None


# --- Mixtures ---------------------------------------------------------------------------------------------------------


def _ingredient(component: dict, identifier: str, place: int) -> etree._Element:
    where = P.originalText(P.reference(value=f"#{_component_id(identifier, place)}"))
    return P.ingredient(
        P.ingredient(
            P.code(where, nullFlavor="OTH"),
            P.name(component.get("name", "")),
            classCode="MMAT",
            determinerCode="KIND",
        ),
        classCode=DILUENT if component.get("diluent") else ACTIVE,
    )


def components(line: PrescriptionLine, identifier: str) -> list | None:
    """« - glucose 5 % 500 mL (solvant) », a line each."""
    return [
        [E.br(), "- ", _component_in_words(component, _component_id(identifier, place))]
        for place, component in enumerate(line.components, 1)
    ]


def _component_id(identifier: str, place: int) -> str:
    return f"{identifier}-composant-{place}"


def _component_in_words(component: dict, identifier: str) -> list:
    strength = content(f"{identifier}-dosage", component.get("strength", ""))
    return [
        content(identifier, component.get("name", "")),
        [" ", strength] if strength is not None else None,
        " (solvant)" if component.get("diluent") else None,
    ]
