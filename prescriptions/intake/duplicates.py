"""The same medicine prescribed twice to one patient for the same days: what the registry is there to make disappear.

A duplicate is a pair of lines of two prescriptions whose treatment periods overlap. Each patient's lines are sorted
and swept once: a line is set against the running one that ends last, so that n lines make at most n - 1 pairs for a
medicine. The report is of the later prescription's date; the earlier one may be up to a year older.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max

from portal import audit
from portal.crypto import blind_index
from portal.unaccented import unaccented
from prescriptions import policies, reach
from prescriptions.medicine import cataloguing
from prescriptions.medicine.catalogue import CataloguedPresentation, GenericMember
from prescriptions.models import Prescription, PrescriptionLine

WINDOW_DAYS = 92
LOOK_BACK = 366  # days
LONGEST = 3660  # days a line is believed to last
PATIENTS_AT_ONCE = 100
PATIENTS_AT_MOST = 2_000  # looked through for one page, which may then be short, or empty with a next one


@dataclass(frozen=True)
class Treatment:
    """One line and the days it covers, its renewals included."""

    line: PrescriptionLine
    starts: date
    ends: date

    @property
    def prescription(self) -> Prescription:
        return self.line.prescription

    @property
    def is_dispensed(self) -> bool:
        return bool(policies.dispensed_of(self.line))


@dataclass(frozen=True)
class Duplicate:
    earlier: Treatment
    later: Treatment

    @property
    def starts(self) -> date:
        return self.later.starts

    @property
    def ends(self) -> date:
        return min(self.earlier.ends, self.later.ends)

    @property
    def is_dispensed_twice(self) -> bool:
        return self.earlier.is_dispensed and self.later.is_dispensed


@transaction.atomic
def read(*, start: date, end: date, after: UUID | None, count: int, by) -> tuple[list[Duplicate], UUID | None]:
    """The report, and its trace in the history of each patient it is about."""
    found, last = report(start=start, end=end, after=after, count=count)
    told = {one.prescription.pk: one.prescription for pair in found for one in (pair.earlier, pair.later)}
    about = [(prescription.patient_id, prescription) for prescription in told.values()]
    audit.record_each(kind="prescription.checked_by_insurer", by=by, about=about)
    return found, last


def report(*, start: date, end: date, after: UUID | None, count: int) -> tuple[list[Duplicate], UUID | None]:
    """At least `count` duplicates where there are, a patient's all together, and the last patient of the page."""
    found: list[Duplicate] = []
    looked_at = 0
    while len(found) < count and looked_at < PATIENTS_AT_MOST:
        patients = _patients(start, end, after)
        held = _by_patient(patients, start, end)
        medicines = _medicines_of(held)
        for patient in patients:
            pairs = _pairs(held[patient], medicines)
            found += [pair for pair in pairs if pair.later.prescription.authored_on >= start]
            after, looked_at = patient, looked_at + 1
            if len(found) >= count:
                return found, after
        if len(patients) < PATIENTS_AT_ONCE:
            return found, None
    return found, after


def pseudonym(patient_id: UUID, *, reader) -> str:
    """The same patient has the same pseudonym for one reader, and another for another reader."""
    return blind_index("pseudonym", str(reader.pk), str(patient_id))[:32]


# --- Whose prescriptions ----------------------------------------------------------------------------------------------


def _patients(start: date, end: date, after: UUID | None) -> list[UUID]:
    """Patients with two prescriptions or more, one of them in the window; by key, so that depth costs nothing."""
    rows = reach.written_between(_since(start), end).order_by("patient")
    rows = rows.filter(patient__gt=after) if after else rows
    rows = rows.values("patient").annotate(times=Count("pk"), newest=Max("authored_on"))
    return list(rows.filter(times__gt=1, newest__gte=start).values_list("patient", flat=True)[:PATIENTS_AT_ONCE])


def _by_patient(patients: list[UUID], start: date, end: date) -> dict[UUID, list[Prescription]]:
    rows = reach.written_between(_since(start), end).filter(patient__in=patients)
    rows = rows.select_related("prescriber", "replaced_by").defer("source", "replaced_by__source")
    held = defaultdict(list)
    for prescription in rows.prefetch_related("lines", "dispensings__lines"):
        held[prescription.patient_id].append(prescription)
    return held


def _since(start: date) -> date:
    return date.fromordinal(max(1, start.toordinal() - LOOK_BACK))


# --- The same medicine, the same days ---------------------------------------------------------------------------------


def _pairs(prescriptions: Iterable[Prescription], medicines: "Medicines") -> list[Duplicate]:
    groups = defaultdict(list)
    for treatment in sorted(_treatments(prescriptions), key=lambda t: (t.starts, t.prescription.authored_on, t.ends)):
        for key in keys_of(treatment.line, medicines):
            groups[key].append(treatment)
    pairs = {
        (pair.earlier.line.pk, pair.later.line.pk): pair for group in groups.values() for pair in _overlapping(group)
    }
    return list(pairs.values())


def _treatments(prescriptions: Iterable[Prescription]) -> Iterator[Treatment]:
    for prescription in prescriptions:
        is_off = bool(prescription.cancelled_at) or policies.is_replaced(prescription)
        for line in prescription.lines.all():
            if line.kind != PrescriptionLine.Kind.MEDICINE:
                continue
            treatment = _period(prescription, line)
            if treatment and (not is_off or treatment.is_dispensed):
                yield treatment


def _period(prescription: Prescription, line: PrescriptionLine) -> Treatment | None:
    """None when nobody said how long: no period is made up."""
    starts = line.starts_on or prescription.authored_on
    ends = prescription.valid_until
    if line.duration_days:
        ends = starts + timedelta(days=min(line.duration_days * (1 + line.renewals), LONGEST) - 1)
    return Treatment(line, starts, ends) if ends and ends >= starts else None


def _overlapping(group: list[Treatment]) -> Iterator[Duplicate]:
    running = group[0]
    for treatment in group[1:]:
        if treatment.prescription != running.prescription and treatment.starts <= running.ends:
            yield Duplicate(running, treatment)
        if treatment.ends > running.ends:
            running = treatment


def keys_of(line: PrescriptionLine, medicines: "Medicines") -> set[tuple[str, str]]:
    """What names the medicine: its CIS (or that of its box), the generic groups of that, its virtual medicine, and its
    name as words."""
    cis = line.codes.get("cis") or medicines.cis_of_box.get(line.codes.get("cip13"))
    keys = {(system, code) for system, code in (("cis", cis), ("mv", line.codes.get("mv"))) if code}
    keys |= {("generic", group) for group in medicines.groups_of_cis.get(cis, ())}
    return keys | {("name", plain_name(line.name))}


@dataclass(frozen=True)
class Medicines:
    """What the public database of medicines says of those prescribed. Empty where it is not imported."""

    cis_of_box: dict[str, str]
    groups_of_cis: dict[str, set[str]]


def _medicines_of(held: dict[UUID, list[Prescription]]) -> Medicines:
    codes = [line.codes for many in held.values() for p in many for line in p.lines.all()]
    edition, boxes = cataloguing.current_edition(), {c.get("cip13") for c in codes} - {None}
    named = CataloguedPresentation.objects.filter(edition=edition, cip13__in=boxes)
    cis_of_box = dict(named.values_list("cip13", "cis"))
    all_cis = {c.get("cis") for c in codes} - {None} | set(cis_of_box.values())
    groups = defaultdict(set)
    for cis, group in GenericMember.objects.filter(edition=edition, cis__in=all_cis).values_list("cis", "group"):
        groups[cis].add(group)
    return Medicines(cis_of_box, groups)


def plain_name(name: str) -> str:
    """Without accents, case and punctuation: « DOLIPRANE 1 g, comprimé » is « doliprane 1 g comprime »."""
    text = unaccented(name).lower()
    return " ".join(re.findall(r"[a-z]+|\d+(?:[.,]\d+)?", text))
