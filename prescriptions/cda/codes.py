"""The code systems of an eP-MED-DM 2024.01 document, and the codes that do not depend on a prescription."""

from prescriptions.models import Prescription, PrescriptionLine

Flag, LineFlag = Prescription.Flag, PrescriptionLine.Flag

# Spread into an element: E.code(code="57833-6", displayName="…", **LOINC)
LOINC = {"codeSystem": "2.16.840.1.113883.6.1", "codeSystemName": "LOINC"}
TA_ASIP = {"codeSystem": "1.2.250.1.213.1.1.4.322", "codeSystemName": "TA_ASIP"}
EDQM = {"codeSystem": "0.4.0.127.0.16.1.1.2.1", "codeSystemName": "EDQM"}
IHE_ACT = {"codeSystem": "1.3.6.1.4.1.19376.1.5.3.2", "codeSystemName": "IHEActCode"}
SUBSTITUTION = {"codeSystem": "2.16.840.1.113883.5.1070", "codeSystemName": "HL7_substanceAdminSubstitution"}
PRACTICE_SETTING = {"codeSystem": "1.2.250.1.213.1.1.4.9", "codeSystemName": "practiceSettingCode"}
CONFIDENTIALITY = {"codeSystem": "2.16.840.1.113883.5.25"}
PROFESSION = {"codeSystem": "1.2.250.1.213.1.1.4.5"}

# Identifiers
RPPS = "1.2.250.1.71.4.2.1"  # with the 8 that says it is an RPPS
STRUCTURE = "1.2.250.1.71.4.2.2"  # with the 1 that says it is a FINESS
NUMBER = "1.2.250.1.215.500.1.1"  # the unique prescription number (EPU)

# Types of a prescription (JDV_J07), spread into an element
HEALTH_PRODUCTS = {"code": "57833-6", "displayName": "Prescription de produits de santé"} | LOINC
CARE = {"code": "57832-8", "displayName": "Prescription de soins"} | LOINC
OTHERS = {"code": "57828-6", "displayName": "Prescription (autre)"} | LOINC
ACTS = {
    kind: {"code": code, "displayName": name, "codeSystem": "1.2.250.1.213.1.1.4.12", "codeSystemName": "TRE_A05"}
    for kind, code, name in (
        (PrescriptionLine.Kind.NURSING, "PRESC-INF", "Prescription d'actes infirmiers"),
        (PrescriptionLine.Kind.PHYSIOTHERAPY, "PRESC-KINE", "Prescription d'actes de kinésithérapie"),
        (PrescriptionLine.Kind.BIOLOGY, "PRESC-BIO", "Prescription d'actes de biologie médicale"),
    )
}
PRESCRIPTIONS = {kind["code"] for kind in (HEALTH_PRODUCTS, CARE, OTHERS, *ACTS.values())}

VERSION = "2024.01"
EP_MED_DM = "1.2.250.1.213.1.1.1.39"  # template of the document, its extension is the version
XDS_SD = "1.3.6.1.4.1.19376.1.2.20"  # template of a document that only wraps a PDF

# {name in PrescriptionLine.codes: (codeSystem, codeSystemName)}
PRODUCT_SYSTEMS = {
    "cis": ("1.2.250.1.213.2.3.1", "CIS"),
    "mv": ("1.2.250.1.213.2.59", "MV"),
    "cip13": ("1.2.250.1.213.2.3.2", "CIP"),
    "ucd": ("1.2.250.1.213.2.61", "UCD"),
    "sms": ("2.16.840.1.113883.3.6905.2", "SMS"),
    "lpp": ("1.2.250.1.215.200.2.1", "LPP"),
    "nabm": ("1.2.250.1.215.200.3.2", "NABM"),
}

# Sub-types of the prescription, as the framework words them.
SUBTYPES = {
    Flag.BIZONE: "Prescription bizone",
    Flag.EXCEPTION: "Prescription médicaments d'exception",
    Flag.SECURED: "Ordonnance sécurisée",
    Flag.LARGE_EQUIPMENT: "Prescription grand appareillage",
    Flag.HOME: "Exécution à domicile",
    Flag.URGENT: "Exécution en urgence",
    Flag.MILITARY: "Affection militaire",
}

# {flag of a line: (end of its templateId, code, displayName, end of its ID in the narrative, heading)}
LINE_FLAGS = {
    LineFlag.ALD: ("13", "MED-574", "En rapport avec une ALD", "ALD", "En rapport avec une ALD"),
    LineFlag.WORK: (
        "14",
        "GEN-180",
        "En rapport avec un accident du travail ou une maladie professionnelle",
        "ATMP",
        "En rapport avec un AT ou une MP",
    ),
    LineFlag.PREVENTION: ("34", "GEN-295", "En rapport avec la prévention", "prev", "En rapport avec la prévention"),
    LineFlag.NOT_REIMBURSED: ("15", "GEN-181", "Non remboursable", "non-remb", "Non remboursable"),
    LineFlag.OFF_LABEL: ("12", "GEN-179", "Hors Autorisation de Mise sur le Marché (AMM)", "horsamm", "Hors AMM"),
}

# TRE_G15: those who may prescribe, and a pharmacist. The pattern: the specialities that go with it (JDV_J01).
PROFESSIONS = {
    "10": ("Médecin", r"SM(0[1-9]|[1-8][0-9]|9[0-5])"),
    "21": ("Pharmacien", "[A-E]"),
    "26": ("Audioprothésiste", None),
    "28": ("Opticien-Lunetier", None),
    "40": ("Chirurgien-Dentiste", "SCD0[1-3]"),
    "50": ("Sage-Femme", None),
    "60": ("Infirmier", "SI0[1-5]"),
    "70": ("Masseur-Kinésithérapeute", None),
    "80": ("Pédicure-Podologue", None),
    "91": ("Orthophoniste", None),
    "92": ("Orthoptiste", None),
    "94": ("Ergothérapeute", None),
}

# EDQM standard terms: what medicines are counted in. Other words are written as they are.
PACKS = {"boîte": "30009000", "tube": "30067000", "ampoule": "30001000", "cartouche": "30014000"}
OTHER_PACKS = {"30004000": "sac", "30007000": "plaquette", "30008000": "flacon", "30015500": "récipient"}  # as read

WHY_NO_SUBSTITUTION = {
    PrescriptionLine.NoSubstitution.MTE: "marge thérapeutique étroite",
    PrescriptionLine.NoSubstitution.EFG: "enfant de moins de 6 ans, pas de forme adaptée",
    PrescriptionLine.NoSubstitution.CIF: "contre-indication à un excipient",
}
