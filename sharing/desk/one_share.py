"""One share as the pharmacy reads it: who it is for, what is prescribed with its codes, what was said.

For professionals: the prescriber's own words come first, beside what the patient is told.
"""

from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import moments
from prescriptions import words
from prescriptions.models import Document, Patient, Prescription, PrescriptionLine
from sharing.models import Share, ThreadFile, ThreadMessage

CODE_LABELS = {
    "cip13": "CIP 13",
    "cis": "CIS",
    "ucd": "UCD",
    "mv": "Médicament virtuel",
    "sms": "SMS",
    "lpp": "LPP",
    "nabm": "NABM",
}
INS_NATURES = {"8": "INS-NIR", "9": "INS-NIA", "10": "INS-NIR de test", "11": "INS-NIR de démonstration"}


@dataclass(frozen=True)
class Identity:
    """The traits of a qualified identity, as a professional compares them (RNIV)."""

    name: str
    birth_name: str
    given_names: str
    born_label: str
    born: str
    age: str
    sex: str
    ins: str
    ins_nature: str


@dataclass(frozen=True)
class Line:
    said: words.LineWords
    own_text: str
    told: str  # what the patient reads, when it is not the prescriber's own text
    codes: list[tuple[str, str]]
    note: str  # of the prescriber to the pharmacist
    substitution: str


@dataclass(frozen=True)
class File:
    label: str
    url: str
    is_picture: bool


def identity(patient: Patient) -> Identity:
    born = date.fromisoformat(patient.birth_date)
    oid_end = patient.ins_oid.rpartition(".")[2]
    return Identity(
        name=f"{patient.family_name.upper()} {patient.given_name}",
        birth_name=patient.birth_name.upper(),
        given_names=patient.given_names,
        born_label=born_label(patient),
        born=f"{born:%d/%m/%Y}",
        age=_age(born),
        sex=Patient.Sex(patient.sex).label,
        ins=_ins_in_groups(patient.ins),
        ins_nature=INS_NATURES.get(oid_end, "INS"),
    )


def born_label(patient: Patient) -> str:
    return {Patient.Sex.FEMALE: _("Née le"), Patient.Sex.MALE: _("Né le")}.get(patient.sex, _("Né(e) le"))


def _ins_in_groups(ins: str) -> str:
    """1 88 03 75 056 123 45, as on a carte Vitale."""
    cuts = (0, 1, 3, 5, 7, 10, 13, 15)
    return " ".join(ins[a:b] for a, b in zip(cuts, cuts[1:], strict=False))


def _age(born: date) -> str:
    today = timezone.localdate()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if years >= 3:
        return ngettext("%(count)s an", "%(count)s ans", years) % {"count": years}
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    return _("%(count)s mois") % {"count": months}


def lines(prescription: Prescription) -> list[Line]:
    rows = zip(prescription.lines.all(), words.say_lines(prescription), strict=True)
    return [_line(line, said) for line, said in rows]


def _line(line: PrescriptionLine, said: words.LineWords) -> Line:
    return Line(
        said=said,
        own_text=line.dosage_text or said.dosage,
        told=said.dosage if line.dosage_text and not said.is_own_text else "",
        codes=[(CODE_LABELS.get(name, name), code) for name, code in line.codes.items() if code],
        note=line.dispenser_note,
        substitution=_substitution(line),
    )


def _substitution(line: PrescriptionLine) -> str:
    if not line.no_substitution:
        return ""
    return _("Non substituable (%(code)s) : %(why)s") % {
        "code": line.no_substitution,
        "why": line.get_no_substitution_display(),
    }


def files(share: Share) -> list[File]:
    """What desk-document gives, in the same order; nothing is rendered to list it."""
    url = reverse("desk-document", args=[share.pk])
    if share.prescription.is_authentic():
        return [File(_("L’ordonnance (PDF)"), url, is_picture=False)]
    kept = share.prescription.documents.filter(kind__in=[Document.Kind.RECEIVED, Document.Kind.PHOTO])
    types = list(kept.order_by("kind", "position").values_list("content_type", flat=True))
    return [
        File(_file_label(kind, place, len(types)), f"{url}?n={place}", kind.startswith("image/"))
        for place, kind in enumerate(types, start=1)
    ]


def _file_label(content_type: str, place: int, total: int) -> str:
    label = _("Photo") if content_type.startswith("image/") else _("Document")
    return f"{label} {place}" if total > 1 else label


def thread(share: Share) -> list[ThreadMessage]:
    files = Prefetch("files", queryset=ThreadFile.objects.defer("content"))
    return list(share.messages.select_related("author").prefetch_related(files).order_by("created_at", "id"))


def told_by_patient(share: Share) -> str:
    """When the patient would like to come, in words."""
    return moments.moment(share.wished_at) if share.wished_at else ""
