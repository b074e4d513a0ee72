"""The section of devices: a table for people, and one entry (FR-Dispositif-medical) for each line."""

from lxml import etree

from prescriptions.cda import codes, parts, stamps
from prescriptions.cda.narrative import across, content, original, reference, table
from prescriptions.cda.xml import E, templates
from prescriptions.models import Prescription, PrescriptionLine

LineFlag = PrescriptionLine.Flag
FLAGS = [LineFlag.ALD, LineFlag.WORK, LineFlag.PREVENTION, LineFlag.NOT_REIMBURSED]
HEADINGS = [
    "Dispositif médical",
    "Utilisation",
    "Durée",
    "Nombre de conditionnements",
    "Nombre de renouvellements",
    *parts.flag_headings(FLAGS),
]


def section(prescription: Prescription) -> etree._Element | None:
    lines = [line for line in prescription.lines.all() if line.kind == PrescriptionLine.Kind.DEVICE]
    if not lines:
        return None
    time = stamps.written_at(prescription)
    named = [(line, f"DM-{place:03d}") for place, line in enumerate(lines, 1)]
    return E.section(
        templates("1.2.250.1.213.1.1.2.222"),
        E.id(root=stamps.entry_id(prescription, "devices")),
        E.code(code="46264-8", displayName="Dispositifs médicaux", **codes.LOINC),
        E.title("Prescription de dispositifs médicaux"),
        E.text([_table(line, identifier) for line, identifier in named]),
        [E.entry(_entry(line, identifier, time)) for line, identifier in named],
    )


def flags_of(line: PrescriptionLine) -> list[str]:
    """« Hors AMM » is for medicines: here only when it is set."""
    return [flag for flag in codes.LINE_FLAGS if flag in FLAGS or flag in line.flags]


def _table(line: PrescriptionLine, identifier: str) -> etree._Element:
    cells = [
        [content(identifier, line.name), _lpp_in_words(line, identifier)],
        content(f"{identifier}-posologie", parts.dosage(line)),
        parts.duration(line) or None,
        content(f"{identifier}-quantite", parts.quantity(line)),
        str(line.renewals),
        *parts.flag_cells(line, identifier, FLAGS),
    ]
    rows = [
        ("Hors AMM", content(f"{identifier}-horsamm", "Oui" if LineFlag.OFF_LABEL in line.flags else "")),
        ("Instruction au patient", content(f"{identifier}-instrPatient", line.instructions)),
        ("Instruction au dispensateur", content(f"{identifier}-instrDisp", line.dispenser_note)),
    ]
    return table(HEADINGS, cells, *[across(heading, cell, len(HEADINGS)) for heading, cell in rows])


def _lpp_in_words(line: PrescriptionLine, identifier: str) -> list | None:
    lpp = line.codes.get("lpp")
    return [" [LPP ", content(f"{identifier}-LPP", lpp), "]"] if lpp else None


def _entry(line: PrescriptionLine, identifier: str, time: str) -> etree._Element:
    return E.supply(
        templates("2.16.840.1.113883.10.20.1.34", "1.2.250.1.213.1.1.3.20"),
        E.id(root=stamps.line_id(line)),
        E.text(reference(identifier)),
        _use(line),
        E.repeatNumber(value=str(line.renewals)),
        parts.quantity_of(line, identifier),
        E.expectedUseTime(E.width(value=str(line.duration_days), unit="d")) if line.duration_days else None,
        _device(line, identifier),
        parts.instructions(line, identifier),
        parts.flags(line, identifier, flags_of(line), time),
        classCode="SPLY",
        moodCode="INT",
    )


def _use(line: PrescriptionLine) -> etree._Element:
    """From when; how long is expectedUseTime."""
    if line.starts_on is None:
        return E.effectiveTime(xsi_type="IVL_TS", nullFlavor="UNK")
    ends = [E.low(value=stamps.day(line.starts_on))]
    if line.duration_days:
        ends.append(E.high(value=stamps.day(stamps.last_day(line.starts_on, line.duration_days))))
    return E.effectiveTime(ends, xsi_type="IVL_TS")


def _device(line: PrescriptionLine, identifier: str) -> etree._Element:
    return E.participant(
        E.participantRole(
            E.playingDevice(_code(line, identifier), classCode="DEV", determinerCode="INSTANCE"), classCode="MANU"
        ),
        typeCode="DEV",
    )


def _code(line: PrescriptionLine, identifier: str) -> etree._Element:
    """EMDN would be the code; only the LPP, its translation, is known here."""
    lpp = line.codes.get("lpp")
    if not lpp:
        return E.code(original(identifier), nullFlavor="OTH")
    system, name = codes.PRODUCT_SYSTEMS["lpp"]
    return E.code(
        original(identifier),
        E.translation(
            original(f"{identifier}-LPP"),
            code=lpp,
            displayName=line.name,
            codeSystem=system,
            codeSystemName=name,
        ),
        nullFlavor="OTH",
    )
