"""Every bundle of the French e-prescription guide: what is shown, beside the text of the person who wrote it.

The comparison has its own, blunter reading of the texts: it knows nothing of the module under test.
"""

import csv
import json
import re
import unicodedata
from pathlib import Path

import pytest

from prescriptions.posology import explain, fullest, say

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "testdata" / "fhir-has"
RENDERED = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationRequest.renderedDosageInstruction"
NUMBERS = {"un quart": "0.25", "trois quarts": "0.75", "trois-quart": "0.75", "3/4": "0.75", "demi-": "0.5 "}
MOMENTS = (
    *("matin", "midi", "soir", "coucher", "nuit", "repas", "petit-dejeuner", "dejeuner", "diner"),
    *("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche", "puis", "max", "sans"),
)


def lines():
    """One for each MedicationRequest: (name, text beside it, texts inside it, dosages, label of the medicine)."""
    with (FOLDER / "index.tsv").open(encoding="utf-8", newline="") as index:
        rows = list(csv.DictReader(index, delimiter="\t"))
    for row in rows:
        resources = [entry["resource"] for entry in json.loads((FOLDER / row["file"]).read_text())["entry"]]
        medicines = {each["id"]: each for each in resources if each["resourceType"] == "Medication"}
        requests = [each for each in resources if each["resourceType"] == "MedicationRequest"]
        beside = row["text_fr"].split(" || ")
        for number, request in enumerate(requests):
            text = beside[number] if len(beside) == len(requests) else beside[0]
            name = f"{row['file'].removesuffix('.json')}-{number + 1}"
            yield name, text, written_in(request), request["dosageInstruction"], label(request, medicines)


def written_in(request):
    rendered = [each["valueMarkdown"] for each in request.get("extension", []) if each["url"] == RENDERED]
    notes = [each["text"] for each in request.get("note", []) if "Prescription textuelle" in each["text"]]
    return rendered + notes


def label(request, medicines):
    concept = request.get("medicationCodeableConcept")
    if not concept:
        reference = request["medicationReference"]["reference"].removeprefix("#")
        concept = medicines.get(reference, {}).get("code", {})
    return " ".join([concept.get("text", ""), *(each.get("display", "") for each in concept.get("coding", []))])


LINES = list(lines())
NAMES = [name for name, *_ in LINES]
each_line = pytest.mark.parametrize(("name", "text", "inside", "dosages", "medicine"), LINES, ids=NAMES)


def plain(text):
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).lower())
    text = "".join(char for char in text if not unicodedata.combining(char) and char != "\u200b")
    text = re.sub(r"(?<![\w.,])(\d{1,3}) (?=\d{3}(?!\d))", r"\1", text)
    for words, number in NUMBERS.items():
        text = text.replace(words, number)
    return re.sub(r"(\d),(\d)", r"\1.\2", text).replace("petit dejeuner", "petit-dejeuner")


def named(text):
    """Numbers (00 minutes are none), moments and days of a text."""
    text = re.sub(r"\b\d+/\d+/(\d{4})|(?<=\d)[h:]00\b", " ", plain(text))
    return {str(float(each)) for each in re.findall(r"\d+(?:\.\d+)?", text)} | {m for m in MOMENTS if m in text}


def fair(text):
    """What the sentence may say in other words: max → sans dépasser, morning → breakfast, ½ day → hours."""
    return named(text) - {"max", "sans"}


@each_line
def test_all_that_the_text_beside_it_names_is_shown_or_the_text_is(name, text, inside, dosages, medicine):
    shown = explain(dosages, own_text=text, medicine=medicine)
    if shown.faithful:
        strength = named(medicine) | named(before_dosage(text))
        missing = fair(text) - named(shown.sentence) - strength
        assert not missing - equivalents(shown.sentence), (missing, shown.sentence)
    else:
        assert plain(shown.sentence).strip() == plain(text).strip()


def before_dosage(text):
    return text.rpartition(" : ")[0] or text.rpartition(": ")[0]


def equivalents(sentence):
    said = plain(sentence)
    return {
        *({"matin"} if "petit-dejeuner" in said else ()),
        *({"dejeuner"} if "petit-dejeuner" in said else ()),
        *({"1.0"} if "par jour" in said or "par semaine" in said else ()),
        *({"0.75", "0.5", "3.0"} if "quarts de" in said else ()),
        *({"2.0"} if "14 jours" in said else ()),
    }


@each_line
def test_with_what_is_inside_it_the_line_is_said_or_its_text_is_shown(name, text, inside, dosages, medicine):
    shown = explain(
        dosages, own_text=fullest(inside, medicine) if inside else None, renderings=inside, medicine=medicine
    )
    if shown.faithful:
        assert shown.sentence == say(dosages, renderings=inside, medicine=medicine)
        for each in inside:
            strength = named(medicine) | named(before_dosage(each))
            assert not fair(each) - named(shown.sentence) - strength - equivalents(shown.sentence)
    else:
        assert shown.by_element == (not inside) and not shown.missing


@each_line
def test_both_languages_or_neither(name, text, inside, dosages, medicine):
    assert (say(dosages) is None) == (say(dosages, language="en") is None)


SAID = {
    "HAS-01-Presc-Pantoprazole-DC-1": "40 mg le soir.",
    "HAS-02-Presc-Fluindione-1": "Un demi-comprimé, 1 fois par jour.",
    "HAS-04a-Presc-Paracetamol-1": (
        "Si douleurs : 2 gélules, à renouveler si besoin après 6 heures au moins, pendant 10 jours."
    ),
    "HAS-05a-Presc-Fluindione-1": "Trois quarts de comprimé, 1 fois par jour.",
    "HAS-06-1-Presc-Methotrexate-1": "2 comprimés, 1 fois par semaine, le mardi.",
    "HAS-08-2-Presc-Paracetamol-1": (
        "1 dose correspondant à la graduation de 7 kg, toutes les 6 heures, "
        "si température supérieure ou égale à 38,5°C."
    ),
    "HAS-13-Presc-Desloratadine-1": "1 comprimé, 1 à 2 fois par jour, en fonction de la gêne allergique.",
    "HAS-20-Presc-Hydrocortisone-1": "20 mg à 8 h et 10 mg à 12 h.",
    "HAS-22-Presc-Prednisolone-1": (
        "60 mg le matin, jusqu'à obtenir 3 bandelettes urinaires négatives ; puis 50 mg le matin, pendant 1 semaine ; "
        "puis 40 mg le matin, pendant 1 semaine ; puis 30 mg le matin, pendant 1 semaine ; "
        "puis 20 mg le matin, pendant 1 semaine ; puis 10 mg le matin, pendant 2 semaines ; "
        "puis revoir pour l'arrêt selon évolution."
    ),
    "HAS-27-2-presc-Rifampicine-1": "2 gélules 30 minutes avant le petit-déjeuner.",
    "HAS-29-Presc-LOVENOX-1": (
        "1 seringue, 1 fois par jour, par voie sous-cutanée, "
        "jusqu’à ce que l’INR de l'AVK soit dans la zone thérapeutique cible."
    ),
    "HAS-33-Presc-VERSATIS-1": "1 emplâtre à 20 h, à garder 12 heures.",
    "Presc-CLARADOL-DoseDiffParHoraire-1": (
        "2 comprimés à 7 h et 1 comprimé à 18 h, par voie orale, "
        "pendant 5 jours, du 12 août à 16 h 08 au 17 août 2021 à 16 h 08."
    ),
    "Presc-MV-PerfGl-NaCl-KCl-1": (
        "À 10 h et 22 h, à raison de 500 mL en 12 heures, par voie intraveineuse, "
        "pendant 5 jours, du 30 juillet à 13 h 42 au 4 août 2021 à 13 h 42."
    ),
}
WHY_NOT = {  # the text is shown, else what the structure says, element by element
    "HAS-07-Presc-Paracetamol-1": "the text counts the capsules (« soit 2 gélules »), the structure does not",
    "HAS-11-2-Presc-EVRA-1": "days 1, 8 and 15 of a cycle in the text, 3 times a month in the structure",
    "HAS-16-Presc-Racecadotril-1": "7 days at most in the text, 21 times in the structure",
    "HAS-18-Presc-Budesonide-MV-1": "the text tells how to prepare the nebuliser",
    "HAS-23-2-Presc-Amiodarone-1": "the days without a tablet are only in the text",
    "HAS-30-2-Presc-Cetirizine-1": "a day in the text, no timing in the structure",
    "HAS-32-1-Presc-LOVENOX-1": "1 week in the text, 2 in the structure",
    "MultiLine-Presc-METHOTREXATE-LEDERFOLINE-1": "a frequency without its period",
    "MultiLine-Presc-METHOTREXATE-LEDERFOLINE-2": "a frequency without its period",
    "Presc-DOLIPRANE-20DoseParKG-1": "a unit that is a code of software (dose_kg)",
    "Presc-MiniperfCefotaxime-En20min-Pdt3j-1": "the dose is of a component, named by an extension",
    "Presc-Paracetamol-SiDouleur-MaxPrise-DelaisMin-1": "only the longest period",
    "TradPN13FHIR-MultiLine-Presc-Alt-METFORMINE-GLICLAZIDE-1": "a frequency without its period",
    "TradPN13FHIR-Presc-DOLIPRANE-1": "a timing code of a hospital",
    "TradPN13FHIR-Presc-Paracetamol-SiDouleur-1": "1 000 mg a time, 4 mg a day at most",
    "TradPN13FHIR-Presc-perfusion-6-composants-1": "every 12 hours, at 10 only",
}


@pytest.mark.parametrize(("name", "sentence"), SAID.items(), ids=SAID)
def test_the_sentence_as_a_patient_reads_it(name, sentence):
    _, _, inside, dosages, medicine = LINES[NAMES.index(name)]
    shown = explain(dosages, renderings=inside, medicine=medicine)
    assert shown.faithful
    assert shown.sentence.replace("\u00a0", " ") == sentence


BY_ELEMENT = {
    "Presc-MiniperfCefotaxime-En20min-Pdt3j-1": (
        "Débit (d’un des composants) : 4 g en 20 minutes · Rythme : toutes les 6 heures · "
        "Durée : 3 jours, du 2 octobre à 19 h 22 au 5 octobre 2021 à 19 h 22 · Par voie intraveineuse."
    ),
    "Presc-Paracetamol-SiDouleur-MaxPrise-DelaisMin-1": (
        "Si douleurs · Dose : 500 mg · Nombre de fois, au plus : 1 · Période, au plus : 4 heures · "
        "Durée : 5 jours, du 12 août à 13 h 59 au 17 août 2021 à 13 h 59 · Par voie orale · Sans dépasser 1 g par prise"
        " · Sans dépasser 3 g en 24 heures · Consigne : « Délais minimum entre 2 prises : 4h »."
    ),
    "MultiLine-Presc-METHOTREXATE-LEDERFOLINE-1": (
        "Dose : 2 flacons · Nombre de fois : 1 · Unité de la période : semaine · Jours : le vendredi · "
        "Durée : 28 jours, du 2 mai à 16 h 49 au 30 mai 2025 à 16 h 49 · Par voie intramusculaire."
    ),
    "Presc-DOLIPRANE-20DoseParKG-1": (
        "Dose : 20 « dose_kg » · Heures : à 7 h et 18 h · "
        "Durée : 5 jours, du 28 juillet à 17 h 20 au 2 août 2021 à 17 h 20 · Par voie orale."
    ),
}


@pytest.mark.parametrize(("name", "said"), BY_ELEMENT.items(), ids=BY_ELEMENT)
def test_what_cannot_be_a_sentence_is_said_element_by_element(name, said):
    _, _, _, dosages, medicine = LINES[NAMES.index(name)]
    shown = explain(dosages, medicine=medicine)
    assert shown.by_element and not shown.in_own_words
    assert shown.sentence.replace("\u00a0", " ") == f"{said} En cas de doute, demandez à votre pharmacien."


@each_line
def test_the_lines_that_are_not_said_are_known_with_their_reason(name, text, inside, dosages, medicine):
    shown = explain(dosages, renderings=inside, medicine=medicine)
    assert shown.faithful == (name not in WHY_NOT)
    assert shown.faithful or shown.by_element == (not inside)
    assert not shown.missing


def test_two_thirds_of_the_structures_that_carry_a_dose_are_said():
    carrying = [line for line in LINES if any("doseAndRate" in dosage for dosage in line[3])]
    said = [line for line in carrying if say(line[3])]
    assert (len(LINES), len(carrying)) == (45, 44)
    assert len(said) * 3 >= len(carrying) * 2
