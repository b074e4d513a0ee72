"""The section of medicines: a table for people, and one entry (FR-Traitement-prescrit) for each line."""

from dataclasses import dataclass

from lxml import etree

from prescriptions.cda import codes, parts, stamps, steps, write_steps
from prescriptions.cda.narrative import across, content, original, reference, table
from prescriptions.cda.product import components, consumable, no_product
from prescriptions.cda.xml import E, templates
from prescriptions.files.letters import in_letters
from prescriptions.models import Prescription, PrescriptionLine

FLAGS = list(codes.LINE_FLAGS)
HEADINGS = [
    "Durée du traitement",
    "Médicament",
    "Posologie",
    "Quantité",
    "Substitution",
    "Nombre de renouvellements",
    *parts.flag_headings(FLAGS),
]
NORMAL, TAPERED, SPLIT = (f"1.3.6.1.4.1.19376.1.5.3.1.4.{end}" for end in ("7.1", "8", "9"))
STRUCTURED = "1.3.6.1.4.1.19376.1.9.1.3.6"


@dataclass(frozen=True)
class Medicine:
    """A line, the start of its IDs in the narrative, and its dosage when it is plain enough to be coded."""

    line: PrescriptionLine
    identifier: str
    plan: steps.Plan | None
    time: str

    @property
    def step(self) -> steps.Step:
        """The only one; an empty one when there are several, or none that is plain."""
        return self.plan.steps[0] if self.plan and len(self.plan.steps) == 1 else steps.Step()

    @property
    def steps(self) -> tuple[steps.Step, ...]:
        """Several: each is an entry of its own under this one."""
        return self.plan.steps if self.plan and len(self.plan.steps) > 1 else ()


def section(prescription: Prescription) -> etree._Element | None:
    lines = [line for line in prescription.lines.all() if line.kind == PrescriptionLine.Kind.MEDICINE]
    if not lines:
        return None
    time = stamps.written_at(prescription)
    medicines = [
        Medicine(line, f"med-{place:03d}", steps.plan_of(line.dosage), time) for place, line in enumerate(lines, 1)
    ]
    return E.section(
        templates("1.3.6.1.4.1.19376.1.9.1.2.1", "1.2.250.1.213.1.1.2.171"),
        E.id(root=stamps.entry_id(prescription, "medicines")),
        E.code(code="57828-6", displayName="Prescriptions", **codes.LOINC),
        E.title("Prescription de médicaments"),
        E.text([_table(medicine, prescription) for medicine in medicines]),
        [E.entry(_entry(medicine)) for medicine in medicines],
    )


# --- For people -------------------------------------------------------------------------------------------------------


def _table(medicine: Medicine, prescription: Prescription) -> etree._Element:
    line, identifier = medicine.line, medicine.identifier
    cells = [
        parts.duration(line) or None,
        [content(identifier, line.name), components(line, identifier)],
        content(f"{identifier}-{_whose_words(medicine)}", parts.dosage(line)),
        content(f"{identifier}-quantite", parts.quantity(line)),
        _substitution_in_words(medicine),
        str(line.renewals),
        *parts.flag_cells(line, identifier, FLAGS),
    ]
    letters = _letters(medicine) if prescription.has_flag(Prescription.Flag.SECURED) else None
    rows = [
        ("Détail de la posologie", _steps_in_words(medicine)),
        ("Précondition", content(f"{identifier}-precondition", _condition(medicine))),
        ("En toutes lettres", content(f"{identifier}-lettres", letters)),
        ("Instruction au patient", content(f"{identifier}-instrPatient", line.instructions)),
        ("Instruction au dispensateur", content(f"{identifier}-instrDisp", line.dispenser_note)),
    ]
    return table(HEADINGS, cells, *[across(heading, cell, len(HEADINGS)) for heading, cell in rows])


def _whose_words(medicine: Medicine) -> str:
    """The prescriber's, or all that is said of the dosage; else a sentence made of what is coded beside it."""
    return "posologie" if medicine.line.dosage_text or medicine.plan is None else "phrase"


def _steps_in_words(medicine: Medicine) -> list | None:
    if medicine.plan is None:
        return None
    identifier, step = medicine.identifier, medicine.step
    told = [_one_in_words(medicine, each, place) for place, each in enumerate(medicine.plan.steps, 1)]
    between = [told[0], *[[E.br(), each] for each in told[1:]]]
    route = medicine.plan.steps[0].route
    extra = [
        [E.br(), content(f"{identifier}-voie", route[1] or route[0])] if route else None,
        [E.br(), write_steps.maximum_in_words(step, identifier)] if step.maximum else None,
    ]
    return [between, extra]


def _one_in_words(medicine: Medicine, step: steps.Step, place: int) -> etree._Element:
    said = write_steps.step_in_words(step, medicine.identifier, place)
    text = content(f"{medicine.identifier}-texte-{place}", step.text)
    return E.content(said, [E.br(), text] if text is not None else None, ID=f"{medicine.identifier}-pas-{place}")


def _condition(medicine: Medicine) -> str:
    return write_steps.AS_NEEDED if medicine.step.as_needed else ""


def _letters(medicine: Medicine) -> str:
    """Strength, dosage and quantity in words, as a secured prescription wants them (CSP R5132-29)."""
    line = medicine.line
    said = [line.name, parts.dosage(line), parts.duration(line), parts.quantity(line)]
    return "\n".join(in_letters(text) for text in said if text)


def _substitution_in_words(medicine: Medicine) -> etree._Element:
    code = medicine.line.no_substitution
    why = f"Non ({code} : {codes.WHY_NO_SUBSTITUTION[code]})" if code else "Oui"
    return content(f"{medicine.identifier}-substitution", why)


# --- Coded ------------------------------------------------------------------------------------------------------------


def _entry(medicine: Medicine) -> etree._Element:
    line, identifier, step = medicine.line, medicine.identifier, medicine.step
    return E.substanceAdministration(
        _templates(medicine.plan),
        E.id(root=stamps.line_id(line)),
        E.code(code="DRUG", displayName="Médicament", codeSystem="2.16.840.1.113883.5.4", codeSystemName="HL7:ActCode"),
        E.text(reference(identifier)),
        E.statusCode(code="completed"),
        _duration(medicine),
        write_steps.frequency(step, f"{identifier}-frequence-1", _anchor(line), operator="A"),
        E.repeatNumber(value=str(line.renewals)),
        _route(medicine),
        write_steps.dose(step, identifier, 1),
        write_steps.maximum(step, identifier),
        consumable(line, identifier),
        [_step(medicine, each, place) for place, each in enumerate(medicine.steps, 1)],
        parts.instructions(line, identifier),
        _quantity(line, identifier),
        _substitution(line, identifier),
        parts.flags(line, identifier, FLAGS, medicine.time),
        _precondition(medicine),
        classCode="SBADM",
        moodCode="INT",
    )


def _templates(plan: steps.Plan | None) -> list[etree._Element]:
    """The last one says how the doses are given."""
    how = NORMAL if plan is None or len(plan.steps) == 1 else TAPERED if plan.in_sequence else SPLIT
    return templates(
        "2.16.840.1.113883.10.20.1.24",  # CCD medication activity
        "1.3.6.1.4.1.19376.1.5.3.1.4.7",  # IHE PCC medications
        "1.3.6.1.4.1.19376.1.9.1.3.2",  # IHE PRE prescription item
        "1.2.250.1.213.1.1.3.83",  # FR-Traitement-prescrit
        *([STRUCTURED] if plan else []),
        how,
    )


def _duration(medicine: Medicine) -> etree._Element | None:
    """Both ends count. Without a start, the length alone. A frequency must follow a duration, be it unknown."""
    line = medicine.line
    if line.starts_on and line.duration_days:
        last = stamps.last_day(line.starts_on, line.duration_days)
        ends = [E.low(value=stamps.day(line.starts_on)), E.high(value=stamps.day(last))]
    elif line.starts_on:
        ends = [E.low(value=stamps.day(line.starts_on)), E.high(nullFlavor="UNK")]
    elif line.duration_days:
        ends = [E.width(value=str(line.duration_days), unit="d")]
    elif medicine.step.rhythm:
        ends = [E.low(nullFlavor="UNK"), E.high(nullFlavor="UNK")]
    else:
        return None
    return E.effectiveTime(ends, xsi_type="IVL_TS")


def _anchor(line: PrescriptionLine):
    return line.starts_on or line.prescription.authored_on


def _route(medicine: Medicine) -> etree._Element | None:
    route = medicine.plan.steps[0].route if medicine.plan else None
    if route is None:
        return None
    where = original(f"{medicine.identifier}-voie")
    return E.routeCode(where, code=route[0], displayName=route[1] or None, **codes.EDQM)


def _step(medicine: Medicine, step: steps.Step, place: int) -> etree._Element:
    """FR-Traitement-prescrit-subordonnee: one step of a dosage that changes with time."""
    identifier = medicine.identifier
    return E.entryRelationship(
        E.sequenceNumber(value=str(place)),
        E.substanceAdministration(
            templates("1.2.250.1.213.1.1.3.83.1"),
            E.id(root=stamps.entry_id(medicine.line, f"step {place}")),
            E.text(reference(f"{identifier}-pas-{place}")),
            E.statusCode(code="completed"),
            write_steps.frequency(step, f"{identifier}-frequence-{place}", _anchor(medicine.line)),
            write_steps.dose(step, identifier, place),
            no_product(),
            classCode="SBADM",
            moodCode="INT",
        ),
        typeCode="COMP",
    )


def _quantity(line: PrescriptionLine, identifier: str) -> etree._Element | None:
    if line.quantity is None:
        return None
    return E.entryRelationship(
        E.supply(
            templates("1.3.6.1.4.1.19376.1.9.1.3.8", "1.2.250.1.213.1.1.3.86"),
            E.independentInd(value="false"),
            parts.quantity_of(line, identifier),
            classCode="SPLY",
            moodCode="RQO",
        ),
        typeCode="COMP",
    )


def _substitution(line: PrescriptionLine, identifier: str) -> etree._Element:
    """Forbidden: the narrative says why, which is then mandatory (CSS L162-16)."""
    if line.no_substitution:
        code = E.code(
            original(f"{identifier}-substitution"),
            code="N",
            displayName="Aucune substitution permise",
            **codes.SUBSTITUTION,
        )
    else:
        code = E.code(code="G", displayName="Substitution autorisée par un produit générique", **codes.SUBSTITUTION)
    return E.entryRelationship(
        E.act(
            templates("1.3.6.1.4.1.19376.1.9.1.3.9.1", "1.2.250.1.213.1.1.3.87"),
            code,
            E.statusCode(code="completed"),
            classCode="ACT",
            moodCode="DEF",
        ),
        typeCode="COMP",
    )


def _precondition(medicine: Medicine) -> etree._Element | None:
    if not medicine.step.as_needed:
        return None
    return E.precondition(E.criterion(E.text(reference(f"{medicine.identifier}-precondition"))))
