"""What the lines of medicines and of devices share: instructions, flags, the words of their tables."""

from lxml import etree

from prescriptions import words
from prescriptions.cda import codes, stamps
from prescriptions.cda.narrative import content, original, reference, yes_or_no
from prescriptions.cda.steps import annotation
from prescriptions.cda.xml import E, templates
from prescriptions.models import PrescriptionLine

TO_PATIENT = (
    "PINSTRUCT",
    (
        "2.16.840.1.113883.10.20.1.49",
        "1.3.6.1.4.1.19376.1.5.3.1.4.3",
        "1.2.250.1.213.1.1.3.33",
    ),
)
TO_DISPENSER = (
    "FINSTRUCT",
    (
        "2.16.840.1.113883.10.20.1.43",
        "1.3.6.1.4.1.19376.1.5.3.1.4.3.1",
        "1.2.250.1.213.1.1.3.34",
    ),
)


def instructions(line: PrescriptionLine, identifier: str) -> list[etree._Element]:
    told = (
        (line.instructions, TO_PATIENT, f"{identifier}-instrPatient"),
        (line.dispenser_note, TO_DISPENSER, f"{identifier}-instrDisp"),
    )
    return [_instruction(*kind, where) for text, kind, where in told if text]


def _instruction(code: str, roots: tuple[str, ...], identifier: str) -> etree._Element:
    return E.entryRelationship(
        E.act(
            templates(*roots),
            E.code(code=code, **codes.IHE_ACT),
            E.text(reference(identifier)),
            E.statusCode(code="completed"),
            classCode="ACT",
            moodCode="INT",
        ),
        typeCode="SUBJ",
        inversionInd="true",
    )


def flags(line: PrescriptionLine, identifier: str, flags_of_kind: list[str], time: str) -> list[etree._Element]:
    """Each flag is said, whether it is set or not."""
    return [_flag(line, flag, identifier, time) for flag in flags_of_kind]


def _flag(line: PrescriptionLine, flag: str, identifier: str, time: str) -> etree._Element:
    template, code, name, end, _ = codes.LINE_FLAGS[flag]
    return E.entryRelationship(
        E.observation(
            templates("1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.2.250.1.213.1.1.3.48", f"1.2.250.1.213.1.1.3.48.{template}"),
            E.id(root=stamps.entry_id(line, code)),
            E.code(code=code, displayName=name, **codes.TA_ASIP),
            E.text(reference(f"{identifier}-{end}")),
            E.statusCode(code="completed"),
            E.effectiveTime(value=time),
            E.value(xsi_type="BL", value="true" if flag in line.flags else "false"),
            classCode="OBS",
            moodCode="EVN",
        ),
        typeCode="COMP",
    )


def quantity_of(line: PrescriptionLine, identifier: str) -> etree._Element | None:
    """In EDQM packs when the word is one of them. A quantity without a unit counts boxes."""
    if line.quantity is None:
        return None
    unit = codes.PACKS.get(line.quantity_unit) or annotation(line.quantity_unit)
    said = E.translation(original(f"{identifier}-quantite")) if line.quantity_unit else None
    return E.quantity(said, value=f"{line.quantity.normalize():f}", unit=unit)


# --- Words of the tables ----------------------------------------------------------------------------------------------


def flag_headings(flags_of_kind: list[str]) -> list[str]:
    return [codes.LINE_FLAGS[flag][4] for flag in flags_of_kind]


def flag_cells(line: PrescriptionLine, identifier: str, flags_of_kind: list[str]) -> list:
    return [
        content(f"{identifier}-{codes.LINE_FLAGS[flag][3]}", yes_or_no(flag in line.flags)) for flag in flags_of_kind
    ]


def duration(line: PrescriptionLine) -> str:
    """Both ends count: « du 01/12/2026 au 06/12/2026 (6 jours) »."""
    days = f"{line.duration_days} jour{'s' if line.duration_days > 1 else ''}" if line.duration_days else ""
    if not line.starts_on:
        return days
    first = f"{line.starts_on:%d/%m/%Y}"
    if not days:
        return f"à partir du {first}"
    return f"du {first} au {stamps.last_day(line.starts_on, line.duration_days):%d/%m/%Y} ({days})"


def quantity(line: PrescriptionLine) -> str:
    return words.say_quantity(line.quantity, line.quantity_unit)


def dosage(line: PrescriptionLine) -> str:
    """The prescriber's words, else the sentence made of the structure."""
    said = words.say_dosage(line)
    return line.dosage_text or (said.sentence if said and not said.missing else "")
