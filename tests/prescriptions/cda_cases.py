"""Prescriptions of every kind that a CDA document holds, as the factories' arguments; a way to look inside one."""

from datetime import date

from lxml import etree

from tests import factories

UCUM, EDQM = "http://unitsofmeasure.org", "http://standardterms.edqm.eu"
TABLET = {"unit": "comprimé", "system": EDQM, "code": "15054000"}
DAY = {"unit": "j", "system": UCUM, "code": "d"}
NAMESPACES = {
    "c": "urn:hl7-org:v3",
    "pharm": "urn:ihe:pharm:medication",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}


def every(frequency: int, period, unit: str, **more) -> dict:
    return {"repeat": {"frequency": frequency, "period": period, "periodUnit": unit} | more}


def dose(value, **unit) -> list[dict]:
    return [{"doseQuantity": {"value": value} | (unit or {"unit": "comprimé"})}]


def medicine(name: str, *dosage: dict, **fields) -> dict:
    return {"kind": "medicine", "name": name, "dosage": list(dosage)} | fields


def as_needed() -> dict:
    """One or two tablets at a time, three times a day, six a day at most."""
    dosage = {
        "timing": every(3, 1, "d"),
        "asNeededBoolean": True,
        "route": {"coding": [{"system": EDQM, "code": "20053000", "display": "Voie orale"}]},
        "doseAndRate": [{"doseRange": {"low": {"value": 1} | TABLET, "high": {"value": 2} | TABLET}}],
        "maxDosePerPeriod": {"numerator": {"value": 6} | TABLET, "denominator": {"value": 1} | DAY},
    }
    return medicine("PARACETAMOL 500 mg, comprimé", dosage, form="comprimé", quantity=2)


def tapering() -> dict:
    steps = [(3, 2), (2, 1), (1, 0.5)]
    dosage = [
        {
            "sequence": place,
            "timing": every(frequency, 1, "d", boundsDuration={"value": 4} | DAY),
            "doseAndRate": dose(amount),
        }
        for place, (frequency, amount) in enumerate(steps, start=1)
    ]
    return medicine("PREDNISOLONE 20 mg, comprimé", *dosage, duration_days=12)


def weekly() -> dict:
    dosage = {"timing": every(1, 1, "wk", dayOfWeek=["tue"]), "doseAndRate": dose(4)}
    return medicine("METHOTREXATE 2,5 mg", dosage, dosage_text="4 comprimés le mardi, une fois par semaine")


def infusion() -> dict:
    components = [
        {"name": "Glucose 5 %", "strength": "500 mL", "diluent": True},
        {"name": "Chlorure de potassium", "strength": "2 g", "diluent": False},
    ]
    return medicine("Perfusion", components=components, dosage_text="À passer en 8 heures")


def coded() -> dict:
    """With every code of a medicine, in boxes."""
    codes = {"cis": "63107752", "cip13": "3400933516390", "mv": "MV00002306", "ucd": "3400890000011"}
    return factories.levothyrox(codes=codes, quantity=3, quantity_unit="boîte", starts_on=date(2026, 11, 1))


def bed() -> dict:
    return {
        "kind": "device",
        "name": "Lit médical",
        "codes": {"lpp": "1215702"},
        "quantity": 1,
        "duration_days": 60,
        "starts_on": date(2026, 11, 1),
        "flags": ["AT/MP", "NR"],
        "instructions": "À installer avant la sortie",
        "dispenser_note": "Appeler la famille",
    }


def secured() -> dict:
    dosage = {"timing": every(2, 1, "d"), "doseAndRate": dose(1, unit="gélule")}
    return medicine(
        "SKENAN L.P. 30 mg, gélule",
        dosage,
        dosage_text="1 gélule 2 fois par jour",
        duration_days=28,
        quantity=56,
        quantity_unit="gélule",
    )


CASES = {
    "text": {"lines": [factories.amoxicillin()]},
    "coded": {"lines": [coded()]},
    "as needed": {"lines": [as_needed()]},
    "tapering": {"lines": [tapering()]},
    "weekly": {"lines": [weekly()]},
    "infusion": {"lines": [infusion()], "weight_kg": "62.50", "height_cm": "170.0"},
    "magistral": {"lines": [medicine("Préparation : 30 g de diprosone", form="pommade", dosage_text="2 fois/j")]},
    "device": {"lines": [bed(), {"kind": "device", "name": "Bas de contention", "dosage_text": "Le jour"}]},
    "mixed": {
        "lines": [
            factories.amoxicillin(instructions="Au repas\nAvec de l’eau", dispenser_note="Vérifier l’âge"),
            {"kind": "device", "name": "Compresses", "quantity": 2, "quantity_unit": "sachet"},
            factories.nursing(duration_days=10),
            {"kind": "biology", "name": "NFS, plaquettes"},
        ],
        "flags": ["MED-1094", "MED-1095"],
        "comment": "Revenir dans un mois\n<avec> les résultats & le carnet",
    },
    "secured": {"lines": [secured()], "flags": ["MED-1098"], "named_pharmacy": "Pharmacie du Marché, Lyon"},
    "bizone": {
        "lines": [factories.levothyrox(), factories.amoxicillin(flags=["PREV", "HORS-AMM"])],
        "flags": ["MED-1096", "MED-1097", "MED-1132", "MED-1159"],
        "restricted": True,
        "valid_until": None,
    },
}


def prescription(case: str, **fields):
    made = factories.prescription(**CASES[case] | fields)
    made.refresh_from_db()
    return made


class Look:
    """`look("//c:section/c:title")`: the text of each, or the attributes asked for (`…/@code`)."""

    def __init__(self, content: bytes):
        self.root = etree.fromstring(content)

    def __call__(self, path: str) -> list[str]:
        found = self.root.xpath(path, namespaces=NAMESPACES)
        return [each if isinstance(each, str) else " ".join("".join(each.itertext()).split()) for each in found]

    def elements(self, path: str) -> list:
        return self.root.xpath(path, namespaces=NAMESPACES)
