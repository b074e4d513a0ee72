"""What is prescribed: its name, form, codes and components, as the prescriber's software described it."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from prescriptions.fhir import codes, quantities
from prescriptions.fhir.node import Node
from prescriptions.fhir.shelf import Shelf

VEHICLE = "https://interop.esante.gouv.fr/ig/fhir/eprescription/StructureDefinition/fr-is-vehicle"
MAX_NAME = 500
MAX_COMPONENTS = 50


@dataclass
class Product:
    name: str
    form: str = ""
    codes: dict = field(default_factory=dict)
    components: list = field(default_factory=list)


def product_of(request: Node, shelf: Shelf, lone_medication: Node | None = None) -> Product:
    """The medicine of a MedicationRequest.

    `lone_medication`: the one Medication of the bundle that nothing points to, for the one line whose reference leads
    nowhere (a slip in two of the ANS examples).
    """
    concept, reference = request.get("medicationCodeableConcept"), request.get("medicationReference")
    if concept:
        product = Product(name=codes.label(concept), codes=codes.product_codes(concept))
    elif reference:
        medication = shelf.find(reference, inside=request, kind="Medication") or lone_medication
        product = _read(medication, shelf) if medication else Product(name=reference.text("display"))
        product.name = product.name or reference.text("display")
    else:
        product = Product(name="")
    product.name = product.name or _label_in_notes(request)
    return _named(product, request)


def _named(product: Product, request: Node) -> Product:
    where = next((n for n in ("medicationReference", "medicationCodeableConcept") if request.get(n)), "medication[x]")
    if not product.name:
        raise request.get(where).refuse(
            _("le produit prescrit n’a pas de nom ici : joignez sa ressource Medication ou un libellé (display).")
        )
    if len(product.name) > MAX_NAME:
        raise request.get(where).refuse(_("le nom du produit dépasse 500 caractères : abrégez-le."))
    return product


def _label_in_notes(request: Node) -> str:
    """The prescriber's own label of the medicine (note scope LIPRESCLIBMED)."""
    for note in request.items("note"):
        if any(e.text("valueCode") == "LIPRESCLIBMED" for e in note.items("extension")):
            return note.text("text")
    return ""


def _read(medication: Node, shelf: Shelf) -> Product:
    concept = medication.get("code")
    ingredients = medication.items("ingredient")
    if len(ingredients) > MAX_COMPONENTS:
        raise medication.get("ingredient").refuse(_("plus de 50 composants : ce n’est pas un produit prescrit."))
    components = [_component(i, medication, shelf) for i in ingredients] if len(ingredients) > 1 else []
    form = codes.label(medication.get("form"))
    name = codes.label(concept) or " + ".join(_say(c) for c in components)
    return Product(
        name=_with_strength(name, form, medication),
        form=form,
        codes=codes.product_codes(concept),
        components=components,
    )


def _with_strength(name: str, form: str, medication: Node) -> str:
    """A bare substance ("pantoprazole") gets its strength and its form; a name that has a figure is left alone."""
    if not name or any(character.isdigit() for character in name):
        return name
    only = medication.items("ingredient")
    strength = quantities.ratio_text(only[0].get("strength")) if len(only) == 1 else ""
    strength = strength or _amount_as_strength(medication)
    told = " ".join(filter(None, [name, strength]))
    return f"{told}, {form}" if strength and form and form.lower() not in name.lower() else told


def _amount_as_strength(medication: Node) -> str:
    """Medication.amount per unit of something ("0,5 mg/g"); a plain amount is a pack, not a strength."""
    amount = medication.get("amount")
    unit = amount.text("denominator", "unit") or amount.text("denominator", "code")
    return quantities.ratio_text(amount) if unit else ""


def _component(ingredient: Node, medication: Node, shelf: Shelf) -> dict:
    """One ingredient of a mixture: {"name", "strength", "diluent"}."""
    concept, reference = ingredient.get("itemCodeableConcept"), ingredient.get("itemReference")
    item = shelf.find(reference, inside=medication, kind="Medication") if reference else None
    name = codes.label(concept) or (codes.label(item.get("code")) if item else "") or reference.text("display")
    if not name:
        raise ingredient.refuse(_("ce composant n’a pas de nom ici : joignez sa ressource Medication ou un libellé."))
    strengths = [quantities.ratio_text(ingredient.get("strength")), *(_strengths(item) if item else [])]
    return {"name": name, "strength": ", ".join(filter(None, strengths)), "diluent": _is_vehicle(ingredient)}


def _strengths(item: Node) -> list[str]:
    """Of the medicine put in a mixture: its concentration, then how much of it."""
    own = item.items("ingredient")
    concentration = quantities.ratio_text(own[0].get("strength")) if len(own) == 1 else ""
    return [concentration, quantities.ratio_text(item.get("amount"))]


def _is_vehicle(ingredient: Node) -> bool:
    return any(e.text("url") == VEHICLE and e.flag("valueBoolean") for e in ingredient.items("extension"))


def _say(component: dict) -> str:
    return " ".join(filter(None, [component["name"], component["strength"]]))
