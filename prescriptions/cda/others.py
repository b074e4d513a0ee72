"""The sections around the lines: code 2D, comment with what this document has no entry for, vital signs, PDF copy."""

import base64
from decimal import Decimal

from lxml import etree

from prescriptions import words
from prescriptions.cda import codes, parts, stamps
from prescriptions.cda.narrative import content, reference
from prescriptions.cda.xml import E, templates
from prescriptions.models import Prescription, PrescriptionLine

Kind = PrescriptionLine.Kind
CODED_KINDS = {Kind.MEDICINE, Kind.DEVICE}
# styleCode of a line that is narrative only; the framework lets local ones begin with x.
STYLES = {kind: f"x{kind.value}" for kind in Kind}
VITAL_SIGN = (
    "2.16.840.1.113883.10.20.1.31",
    "1.3.6.1.4.1.19376.1.5.3.1.4.13",
    "1.3.6.1.4.1.19376.1.5.3.1.4.13.2",
    "1.2.250.1.213.1.1.3.50",
)


# --- Code 2D ----------------------------------------------------------------------------------------------------------


def code_2d(prescription: Prescription, png: bytes) -> etree._Element:
    return E.section(
        templates("1.2.250.1.213.1.1.2.223"),
        E.id(root=stamps.entry_id(prescription, "code 2d")),
        E.code(code="57723-9", displayName="Numéro de code à barres unique", **codes.LOINC),
        E.title("Code 2D de la prescription"),
        E.text(
            E.renderMultiMedia(referencedObject="code-2d"),
            E.paragraph("Numéro de la prescription : ", words.number_in_groups(prescription.number)),
        ),
        E.entry(
            _media(
                "code-2d",
                "image/png",
                png,
                templates("2.16.840.1.113883.10.12.304", "1.2.250.1.213.1.1.3.103"),
            )
        ),
        classCode="DOCSECT",
        moodCode="EVN",
    )


def _media(identifier: str, media_type: str, data: bytes, *conforms_to) -> etree._Element:
    return E.observationMedia(
        *conforms_to,
        E.value(base64.b64encode(data).decode(), mediaType=media_type, representation="B64"),
        classCode="OBS",
        moodCode="EVN",
        ID=identifier,
    )


# --- Comment ----------------------------------------------------------------------------------------------------------


def comment(prescription: Prescription) -> etree._Element | None:
    """The prescriber's comment, and in words the acts (nursing, physiotherapy, biology) that have no entry here."""
    acts = [line for line in prescription.lines.all() if line.kind not in CODED_KINDS]
    if not prescription.comment and not acts:
        return None
    said = content("commentaire", prescription.comment)
    return E.section(
        templates("2.16.840.1.113883.10.12.201", "1.3.6.1.4.1.19376.1.4.1.2.16", "1.2.250.1.213.1.1.2.73"),
        E.id(root=stamps.entry_id(prescription, "comment")),
        E.code(code="55112-7", displayName="Commentaire", **codes.LOINC),
        E.title("Commentaire"),
        E.text(E.paragraph(said) if said is not None else None, _acts_table(acts) if acts else None),
    )


def _acts_table(acts: list[PrescriptionLine]) -> etree._Element:
    headings = ["Acte prescrit", "Nature", "Modalités", "Durée", "Quantité", "Renouvellements", "Mentions", "Consignes"]
    return E.table(
        E.thead(E.tr([E.th(heading) for heading in headings])),
        E.tbody([_act_row(line, f"acte-{place:03d}") for place, line in enumerate(acts, 1)]),
        border="0",
    )


def _act_row(line: PrescriptionLine, identifier: str) -> etree._Element:
    told = [line.instructions, line.dispenser_note]
    instructions = (
        content(f"{identifier}-instrPatient", told[0]),
        E.br() if all(told) else None,
        content(f"{identifier}-instrDisp", told[1]),
    )
    mentions = [codes.LINE_FLAGS[flag][4] for flag in codes.LINE_FLAGS if flag in line.flags]
    cells = [
        E.content(line.name, ID=identifier, styleCode=STYLES[line.kind]),
        str(line.get_kind_display()),
        content(f"{identifier}-posologie", parts.dosage(line)),
        content(f"{identifier}-duree", parts.duration(line)),
        content(f"{identifier}-quantite", parts.quantity(line)),
        str(line.renewals),
        ", ".join(mentions),
        list(instructions),
    ]
    return E.tr([E.td(cell) for cell in cells])


# --- Vital signs ------------------------------------------------------------------------------------------------------


def vital_signs(prescription: Prescription) -> etree._Element | None:
    known = [
        ("poids", "29463-7", "Poids (mesuré)", prescription.weight_kg, "kg"),
        ("taille", "8302-2", "Taille", prescription.height_cm, "cm"),
    ]
    known = [sign for sign in known if sign[3] is not None]
    if not known:
        return None
    day = stamps.day(prescription.authored_on)
    return E.section(
        templates(
            "2.16.840.1.113883.10.20.1.16",
            "1.3.6.1.4.1.19376.1.5.3.1.3.25",
            "1.3.6.1.4.1.19376.1.5.3.1.1.5.3.2",
            "1.2.250.1.213.1.1.2.75",
        ),
        E.id(root=stamps.entry_id(prescription, "vital signs")),
        E.code(code="8716-3", displayName="Signes vitaux", **codes.LOINC),
        E.title("Signes vitaux"),
        E.text(_signs_table(known)),
        E.entry(
            E.organizer(
                templates(
                    "2.16.840.1.113883.10.20.1.32",
                    "2.16.840.1.113883.10.20.1.35",
                    "1.3.6.1.4.1.19376.1.5.3.1.4.13.1",
                    "1.2.250.1.213.1.1.3.49",
                ),
                E.id(root=stamps.entry_id(prescription, "vital signs organizer")),
                E.code(code="85353-1", displayName="Signes vitaux", **codes.LOINC),
                E.statusCode(code="completed"),
                E.effectiveTime(value=day),
                [E.component(_sign(prescription, day, *sign), typeCode="COMP") for sign in known],
                classCode="CLUSTER",
                moodCode="EVN",
            )
        ),
    )


def _signs_table(known: list[tuple]) -> etree._Element:
    rows = [
        E.tr(E.td(words), E.td(content(identifier, f"{_figure(value)} {unit}".replace(".", ","))))
        for identifier, _, words, value, unit in known
    ]
    return E.table(E.thead(E.tr(E.th("Signe vital"), E.th("Valeur"))), E.tbody(rows), border="0")


def _sign(prescription: Prescription, day: str, identifier: str, code: str, name: str, value: Decimal, unit: str):
    return E.observation(
        templates(*VITAL_SIGN),
        E.id(root=stamps.entry_id(prescription, code)),
        E.code(code=code, displayName=name, **codes.LOINC),
        E.text(reference(identifier)),
        E.statusCode(code="completed"),
        E.effectiveTime(value=day),
        E.value(xsi_type="PQ", value=_figure(value), unit=unit),
        classCode="OBS",
        moodCode="EVN",
    )


def _figure(value: Decimal) -> str:
    return f"{value.normalize():f}"


# --- PDF copy ---------------------------------------------------------------------------------------------------------


def pdf_copy(prescription: Prescription, pdf: bytes) -> etree._Element:
    return E.section(
        templates("1.2.250.1.213.1.1.2.243"),
        E.id(root=stamps.entry_id(prescription, "pdf copy")),
        E.code(code="55108-5", displayName="Copie du document", **codes.LOINC),
        E.title("Copie du document"),
        E.text(E.table(E.tbody(E.tr(E.td(E.renderMultiMedia(referencedObject="copie-pdf")))), border="0", ID="copie")),
        E.entry(
            E.organizer(
                templates("1.2.250.1.213.1.1.3.18"),
                E.id(root=stamps.entry_id(prescription, "attached")),
                E.code(code="55107-7", displayName="Document attaché", **codes.LOINC),
                E.statusCode(code="completed"),
                E.component(_type_of_copy(prescription)),
                E.component(_media("copie-pdf", "application/pdf", pdf)),
                classCode="CLUSTER",
                moodCode="EVN",
            )
        ),
    )


def _type_of_copy(prescription: Prescription) -> etree._Element:
    return E.observation(
        templates("1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.2.250.1.213.1.1.3.48", "1.2.250.1.213.1.1.3.48.18"),
        E.id(root=stamps.entry_id(prescription, "type of copy")),
        E.code(code="69764-9", displayName="Type de document", **codes.LOINC),
        E.text(reference("copie")),
        E.statusCode(code="completed"),
        E.effectiveTime(nullFlavor="NA"),
        E.value(xsi_type="CD", code="55108-5", displayName="Copie du document", **codes.LOINC),
        classCode="OBS",
        moodCode="EVN",
    )
