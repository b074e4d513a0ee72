"""What stands on the printed prescription: the mentions of CSP R5132-3, in French, whoever prints it."""

import base64
from datetime import date

from django.conf import settings
from django.utils import timezone, translation

from portal import moments
from prescriptions import words
from prescriptions.code import qr
from prescriptions.files.letters import in_letters, number_in_letters
from prescriptions.models import Document, Patient, Prescription, PrescriptionLine

Flag, LineFlag = Prescription.Flag, PrescriptionLine.Flag

# The two zones of the bizone form (cerfa 14465).
ALD_ZONE = (
    "Prescriptions relatives au traitement de l’affection de longue durée reconnue, liste ou hors liste "
    "(affection exonérante)"
)
OTHER_ZONE = "Prescriptions sans rapport avec l’affection de longue durée (maladies intercurrentes)"

LINE_MENTIONS = {
    LineFlag.ALD: "En rapport avec une ALD",
    LineFlag.WORK: "Accident du travail ou maladie professionnelle",
    LineFlag.PREVENTION: "Prévention",
    LineFlag.NOT_REIMBURSED: "Non remboursable (NR)",
    LineFlag.OFF_LABEL: "Hors autorisation de mise sur le marché (hors AMM)",
}


def sheet(prescription: Prescription, *, stamp: str = "") -> dict:
    """The context of templates/pdf/prescription.html. `stamp`: ANNULÉE or REMPLACÉE, across the page."""
    with translation.override("fr"):
        day = moments.full_date(prescription.authored_on)
        return {
            "title": f"Ordonnance du {day} pour {prescription.patient.full_name}",
            "day": day,
            "made_at": timezone.localtime().isoformat(timespec="seconds"),
            "stamp": stamp,
            "prescription": prescription,
            "prescriber": prescription.prescriber,
            "patient": _patient(prescription),
            "flags": [str(flag.label) for flag in Flag if prescription.has_flag(flag)],
            "zones": _zones(prescription),
            "count": _count_lines(prescription),
            "deadlines": [deadline.sentence for deadline in words.deadlines(prescription) if not stamp],
            "seal": _seal(prescription) if prescription.number else None,
        }


def _patient(prescription: Prescription) -> dict:
    patient = prescription.patient
    born = date.fromisoformat(patient.birth_date)
    measures = [
        f"{_figures(value)} {unit}"
        for value, unit in [(prescription.weight_kg, "kg"), (prescription.height_cm, "cm")]
        if value is not None
    ]
    return {
        "name": patient.full_name,
        "civil": _civil_name(patient),
        "sex": str(Patient.Sex(patient.sex).label),
        "born": f"{moments.full_date(born)} ({_age(born, prescription.authored_on)})",
        "measures": ", ".join(measures),
    }


def _civil_name(patient: Patient) -> str:
    """The birth traits, when they say more than the names in use."""
    civil = f"{patient.given_names} {patient.birth_name}"
    return "" if civil == patient.full_name else civil


def _age(born: date, on: date) -> str:
    months = (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)
    if months < 24:
        return f"{max(0, months)} mois"
    return f"{months // 12} ans"


def _figures(number) -> str:
    return format(number.normalize(), "f").replace(".", ",")


# --- The lines --------------------------------------------------------------------------------------------------------


def _zones(prescription: Prescription) -> list[dict]:
    secured, bizone = prescription.has_flag(Flag.SECURED), prescription.has_flag(Flag.BIZONE)
    lines = [
        _line(line, place, secured=secured, bizone=bizone) for place, line in enumerate(prescription.lines.all(), 1)
    ]
    if not bizone:
        return [{"title": "", "kind": "plain", "lines": lines}]
    return [
        {"title": ALD_ZONE, "kind": "ald", "lines": [line for line in lines if line["is_ald"]]},
        {"title": OTHER_ZONE, "kind": "other", "lines": [line for line in lines if not line["is_ald"]]},
    ]


def _line(line: PrescriptionLine, place: int, *, secured: bool, bizone: bool) -> dict:
    said, dosage = words.say_line(line), words.say_dosage(line)
    own_text = dosage.own_text if dosage and dosage.faithful else ""
    is_medicine = line.kind == PrescriptionLine.Kind.MEDICINE
    facts = _facts(line, said)
    return {
        "place": place,
        "name": line.name,
        "kind": "" if is_medicine else said.kind_label,
        "code": f"code LPP {line.codes['lpp']}" if line.codes.get("lpp") else "",
        "components": said.components,
        "steps": said.steps,
        "own_text": own_text,
        "facts": facts,
        "letters": _letters(line, said, facts) if secured and is_medicine else [],
        "mentions": _mentions(line, bizone=bizone),
        "instructions": words.say_instructions(line, dosage),
        "dispenser_note": line.dispenser_note,
        "is_ald": LineFlag.ALD in line.flags,
    }


def _facts(line: PrescriptionLine, said: words.LineWords) -> list[tuple[str, str]]:
    renewals = f"{line.renewals} fois" if line.renewals else ""
    known = [("Durée", said.duration), ("Quantité", said.quantity), ("À renouveler", renewals)]
    return [(name, value) for name, value in known if value]


def _letters(line: PrescriptionLine, said: words.LineWords, facts: list[tuple[str, str]]) -> list[str]:
    """The strength, the dosage and each quantity, as R5132-29 wants them."""
    texts = [line.name, *said.steps, *(f"{name.lower()}\u00a0: {value}" for name, value in facts)]
    return [in_letters(text) for text in texts if in_letters(text) != text]


def _mentions(line: PrescriptionLine, *, bizone: bool) -> list[str]:
    law = [f"Non substituable ({line.no_substitution})"] if line.no_substitution else []
    flags = [flag for flag in LineFlag if flag in line.flags and not (bizone and flag == LineFlag.ALD)]
    return law + [LINE_MENTIONS[flag] for flag in flags]


def _count_lines(prescription: Prescription) -> str:
    count = len(prescription.lines.all())
    return f"{number_in_letters(count, feminine=True)} ligne{'s' if count > 1 else ''}"


# --- Number and code --------------------------------------------------------------------------------------------------


def _seal(prescription: Prescription) -> dict:
    picture = base64.b64encode(qr.png(qr.text_of(prescription))).decode()
    return {
        "number": words.number_in_groups(prescription.number),
        "qr": f"data:image/png;base64,{picture}",
        "verify_at": settings.SITE_URL.partition("//")[2] + "/verifier/",
    }


# --- Photos -----------------------------------------------------------------------------------------------------------


def photo_sheet(prescription: Prescription, photos: list[Document]) -> dict:
    """The context of templates/pdf/photos.html."""
    with translation.override("fr"):
        heading = f"Photo d’ordonnance, {prescription.patient.full_name}"
        return {
            "title": f"{heading}, {moments.full_date(prescription.authored_on)}",
            "made_at": timezone.localtime().isoformat(timespec="seconds"),
            "heading": heading,
            "warning": "Pour préparation seulement\u00a0: l’original est à présenter à la pharmacie.",
            "photos": [
                {"src": _as_data(photo), "alt": f"Page {place} de l’ordonnance photographiée par le patient"}
                for place, photo in enumerate(photos, 1)
            ],
        }


def report_sheet(prescription: Prescription) -> dict:
    """The context of templates/pdf/report.html."""
    with translation.override("fr"):
        heading, day = "Compte rendu de délivrance", moments.full_date(prescription.authored_on)
        return {
            "title": f"{heading} du {day}, {prescription.patient.full_name}",
            "day": day,
            "made_at": timezone.localtime().isoformat(timespec="seconds"),
            "heading": heading,
            "prescription": prescription,
            "patient": _patient(prescription),
            "delivered": words.say_report(prescription),
        }


def _as_data(document: Document) -> str:
    return f"data:{document.content_type};base64,{base64.b64encode(bytes(document.content)).decode()}"
