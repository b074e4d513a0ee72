"""Every bundle of ../shared/testdata/fhir-has goes in and shows what it says."""

import csv
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from prescriptions import words
from prescriptions.fhir import parse, read_bundle
from prescriptions.models import Prescription

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "testdata" / "fhir-has"
FILES = sorted(FOLDER.glob("*.json"))
INFUSIONS = {
    "Presc-PerfGl-NaCl-KCl-500ml.json": ["GLUCOSE", "SODIUM CHLORURE", "POTASSIUM CHLORURE"],
    "Presc-MiniperfCefotaxime-En20min-Pdt3j.json": ["CEFOTAXINE", "GLUCOSE"],
    "TradPN13FHIR-Presc-perfusion-6-composants.json": [
        "NUTRYELT",
        "POTASSIUM CHLORURE",
        "MAGNESIUM CHLORURE",
        "LEVOFOLINATE DE CALCIUM",
        "CERNEVIT",
        "SODIUM CHLORURE",
    ],
}


def facts_of(file: Path) -> dict:
    with (FOLDER / "index.tsv").open() as rows:
        return next(row for row in csv.DictReader(rows, delimiter="\t") if row["file"] == file.name)


def read(file: Path):
    (deposit,) = read_bundle(parse(file.read_bytes()))
    return deposit


@pytest.mark.django_db
def test_all_of_them_go_in_once(alice_patient, emma):
    people = {"patient": alice_patient.ins, "prescriber": emma.prescriber.rpps}
    for _time in range(2):
        call_command("import_prescriptions", *map(str, FILES), verbosity=0, **people)
    assert len(FILES) == 43 and Prescription.objects.count() == 43
    assert sum(p.lines.count() for p in Prescription.objects.all()) == 45
    for file in FILES:
        assert any(p.source == json.loads(file.read_bytes()) for p in Prescription.objects.all()), "kept whole"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_says_its_medicines_and_its_own_words(file):
    draft, facts = read(file).draft, facts_of(file)
    resources = [entry["resource"] for entry in json.loads(file.read_bytes())["entry"]]
    requests = [r for r in resources if r["resourceType"] == "MedicationRequest"]
    assert len(draft.lines) == int(facts["lines"])
    for line, request in zip(draft.lines, requests, strict=True):
        assert line.dosage == request["dosageInstruction"], "untouched"
        assert line.name and "\u200b" not in line.name + line.dosage_text
        concept = request.get("medicationCodeableConcept")
        if concept:
            assert line.name == (concept.get("text") or concept["coding"][0]["display"])
            assert set(line.codes.values()) == {concept["coding"][0]["code"]}
    if facts["dosage_text_fr"]:
        assert flat(draft.lines[0].dosage_text) == flat(facts["dosage_text_fr"])


@pytest.mark.parametrize("name", INFUSIONS)
def test_infusions_show_every_component(name):
    (line,) = read(FOLDER / name).draft.lines
    shown = [component["name"] for component in line.components]
    assert len(shown) == len(INFUSIONS[name])
    assert all(told.startswith(expected) for told, expected in zip(shown, INFUSIONS[name], strict=True))
    assert [component["diluent"] for component in line.components].count(True) == 1


def test_what_hides_in_the_notes_is_kept():
    budesonide = read(FOLDER / "HAS-18-Presc-Budesonide-MV.json").draft.lines[0]
    assert "3 mL Eau Pour Préparation Injectable" in budesonide.instructions
    metformin, gliclazide = read(FOLDER / "TradPN13FHIR-MultiLine-Presc-Alt-METFORMINE-GLICLAZIDE.json").draft.lines
    assert "Au choix avec : GLICLAZIDE" in metformin.instructions
    assert "En cas d'intolérance digestive" in gliclazide.instructions


def test_lost_references_are_said():
    warned = [file.name for file in FILES if read(file).warnings]
    assert warned == [
        "Presc-Betamethasone-ApplCut.json",
        "Presc-SolPrPerf-BIONOLYTE-G5-500mL-Sur12h.json",
        "TradPN13FHIR-Presc-perfusion-6-composants.json",
    ]


@pytest.mark.django_db
def test_each_line_has_a_sentence_for_the_patient(alice_patient, emma):
    people = {"patient": alice_patient.ins, "prescriber": emma.prescriber.rpps}
    call_command("import_prescriptions", *map(str, FILES), verbosity=0, **people)
    for prescription in Prescription.objects.prefetch_related("lines"):
        assert words.title_of(prescription)
        for line in prescription.lines.all():
            told = words.say_line(line)
            assert told.name == line.name and told.dosage, line.name
            assert len(told.components) == len(line.components)


def flat(text: str) -> str:
    return " ".join(text.replace("\u200b", "").split())
