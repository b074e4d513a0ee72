"""Prescriptions as they come, for the tests that print them: short, long, bizone, secured, an infusion."""

from datetime import date
from decimal import Decimal

from prescriptions.models import Prescription
from tests import factories


def in_own_words(name: str, text: str, **fields) -> dict:
    return factories.amoxicillin(name=name, dosage=[], dosage_text=text, **fields)


def one_line(**fields) -> Prescription:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"note": "à prendre « au repas » ≥ 3 j"}]}
    return factories.prescription(**{"source": bundle} | fields)


def six_lines(**fields) -> Prescription:
    paracetamol = in_own_words(
        "PARACETAMOL 1 g, comprimé", "1 comprimé si douleur, 4 par jour au plus", quantity=Decimal(2)
    )
    stockings = {
        "kind": "device",
        "name": "Bas de contention, classe 2",
        "codes": {"lpp": "1215702"},
        "quantity": Decimal(2),
        "quantity_unit": "paire",
        "flags": ["NR"],
    }
    blood = {"kind": "biology", "name": "NFS, plaquettes, CRP", "instructions": "À jeun, le matin."}
    lines = [
        factories.levothyrox(),
        factories.amoxicillin(),
        paracetamol,
        stockings,
        factories.nursing(duration_days=10),
        blood,
    ]
    facts = {"weight_kg": Decimal("72.50"), "height_cm": Decimal("178.0"), "opposed": True, "comment": "À revoir."}
    return factories.prescription(factories.bob_patient(), lines=lines, **facts | fields)


def bizone() -> Prescription:
    painkiller = in_own_words("DOLIPRANE 500 mg", "1 à 2 comprimés si douleur")
    return factories.prescription(lines=[factories.levothyrox(), painkiller], flags=["MED-1096"])


def secured() -> Prescription:
    morphine = in_own_words(
        "SKENAN LP 10 mg, gélule",
        "1 gélule matin et soir pendant 28 jours",
        duration_days=28,
        quantity=Decimal(56),
        quantity_unit="gélule",
        dispenser_note="Délivrance fractionnée par 14 jours.",
    )
    return factories.prescription(lines=[morphine], flags=["MED-1098"], named_pharmacy="Pharmacie du Marché, Lyon")


def infusion() -> Prescription:
    text = (
        "1500 mL sur 24 heures par voie intraveineuse sur cathéter central, débit 62,5 mL/h, surveillance de la "
        "kaliémie deux fois par jour, arrêt si le débit ne peut être tenu. "
    ) * 4
    salts = ["CHLORURE DE SODIUM", "CHLORURE DE POTASSIUM", "SULFATE DE MAGNÉSIUM", "GLUCONATE DE CALCIUM", "THIAMINE"]
    parts = [{"name": "GLUCOSE 5 % poche", "strength": "1000 mL", "diluent": True}]
    parts += [{"name": name, "strength": "2 g"} for name in salts]
    mixture = in_own_words(
        "GLUCOSE 5 % + électrolytes, solution pour perfusion",
        text,
        components=parts,
        instructions="Prévenir si la température est ≥ 38,5 °C → appeler.\nNe pas débrancher.",
        flags=["HORS-AMM", "AT/MP"],
        starts_on=date(2026, 12, 1),
    )
    return factories.prescription(lines=[mixture, mixture | {"name": "Second <mélange> & suite"}], flags=["MED-1094"])


ALL = {"one": one_line, "six": six_lines, "bizone": bizone, "secured": secured, "infusion": infusion}
