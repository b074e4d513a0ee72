"""The prescriber's text beside the structure: when the sentence may stand in for it, and when the text is right."""

import pytest

from prescriptions.posology import explain, fullest, say
from tests.prescriptions.dosages import at, at_most, between, daily, dosage, every, lasting

MORNING_EVENING = [dosage(1, repeat=at("MORN")), dosage(2, repeat=at("EVE"))]
WEEK = [dosage(1, repeat=daily(2, **lasting(7)))]
WHEN_IN_PAIN = [
    dosage(
        2,
        "gélule",
        every(6, "h"),
        asNeededCodeableConcept={"text": "Si douleurs"},
        maxDosePerPeriod=at_most(8, "gélule", 24, "h"),
    )
]

SAID_ALIKE = [
    (WEEK, "1 cp 2 fois par jour pendant 7 jours"),
    (WEEK, "1 comprimé 2x/j pdt 7j"),
    (WEEK, "Un comprimé deux fois par jour pendant une semaine"),
    (WEEK, "1 comprimé deux fois par jour, pendant 1 semaine."),
    (WEEK, "1 comprimé 2 fois par jour"),  # the structure may add on what the text leaves out
    (MORNING_EVENING, "1 comprimé le matin, 2 le soir"),
    (MORNING_EVENING, "1 cpr matin et 2 cpr soir"),
    ([dosage(0.5, repeat=daily(1))], "1/2 cp par jour"),
    ([dosage(0.5, repeat=daily(1))], "½ cp/j"),
    ([dosage(0.75, repeat=daily(1))], "3/4 cpr par jour (trois-quart de comprimé)"),
    ([dosage(1.5, repeat=daily(1))], "1,5 cp par jour"),
    ([dosage(1, repeat=daily(3))], "1 cp x3/j"),
    ([dosage(1, repeat=daily(3))], "3 x 1 cp/j"),
    ([dosage(1, repeat=at("MORN"))], "1 le matin"),
    ([dosage(1, "g", {"timeOfDay": ["08:00", "20:00"]})], "1000 mg à 8h et 20h00"),
    ([dosage(1, repeat=daily(1))], "1 comprimé chaque jour"),
    ([dosage(1, repeat=every(2, "d"))], "1 comprimé tous les 2 jours"),
    ([dosage(1, repeat=every(1, "wk", dayOfWeek=["tue"]))], "1 comprimé par semaine, le mardi"),
    ([dosage(1, repeat=at("ACM", offset=30))], "1 comprimé le matin 30 min avant le petit déjeuner\u200b"),
    (WHEN_IN_PAIN, "2 gélules toutes les 6 h si douleurs, ne pas dépasser 8 gélules par 24h"),
    ([dosage(1, repeat=at("EVE", boundsPeriod={"end": "2023-03-26"}))], "1 comprimé le soir jusqu'au 26/03/2023"),
    ([dosage(1, repeat=at("EVE"), patientInstruction="Ne pas croquer.")], "1 comprimé le soir, ne pas croquer"),
]
TEXT_IS_RIGHT = {
    "another dose": (WEEK, "2 comprimés 2 fois par jour pendant 7 jours"),
    "another unit": (WEEK, "1 sachet 2 fois par jour pendant 7 jours"),
    "a dose that the structure has not": ([dosage(repeat=daily(2))], "1 comprimé 2 fois par jour"),
    "another rhythm": (WEEK, "1 comprimé 3 fois par jour pendant 7 jours"),
    "once a week, not once a day": ([dosage(1, repeat=daily(1))], "1 comprimé par semaine"),
    "each day, not each week": ([dosage(1, repeat=every(1, "wk"))], "1 comprimé tous les jours"),
    "another duration": (WEEK, "1 comprimé 2 fois par jour pendant 10 jours"),
    "another moment": (MORNING_EVENING, "1 comprimé le matin et 2 comprimés à midi"),
    "a moment less": ([dosage(1, repeat=at("MORN", "EVE"))], "1 comprimé le matin"),
    "a moment more": ([dosage(1, repeat=at("MORN"))], "1 comprimé le matin et le soir"),
    "doses exchanged": (MORNING_EVENING, "2 comprimés le matin et 1 comprimé le soir"),
    "another hour": ([dosage(1, repeat={"timeOfDay": ["08:00"]})], "1 comprimé à 18h"),
    "hours, not a rhythm": ([dosage(1, repeat=every(8, "h"))], "1 comprimé à 8h"),
    "another day": ([dosage(1, repeat={"dayOfWeek": ["mon"]})], "1 comprimé le mardi"),
    "another maximum": (WHEN_IN_PAIN, "2 gélules toutes les 6 h si douleurs, max 6 gélules par jour"),
    "a condition": (WEEK, "1 comprimé 2 fois par jour pendant 7 jours si fièvre"),
    "no condition": (WHEN_IN_PAIN, "2 gélules toutes les 6 h"),
    "or, not and": ([dosage(1, repeat=at("MORN", "EVE"))], "1 comprimé le matin ou le soir"),
    "between meals, not at meals": (
        [dosage(1, repeat=daily(3, when=["C"]))],
        "1 comprimé 3 fois par jour entre les repas",
    ),
    "after, not before": ([dosage(1, repeat=at("ACM"))], "1 comprimé après le petit-déjeuner"),
    "an advice": (WEEK, "1 comprimé 2 fois par jour pendant 7 jours, à jeun"),
    "a warning": (WEEK, "1 comprimé 2 fois par jour. Ne pas conduire"),
    "an equivalence": (WHEN_IN_PAIN, "2 gélules (soit 1 g) toutes les 6 h si douleurs"),
    "a date": ([dosage(1, repeat=at("EVE"))], "1 comprimé le soir jusqu'au 26/03/2023"),
    "words we do not read": (WEEK, "one tablet twice a day for a week"),
    "a total, not each time": ([dosage(2, repeat=daily(2))], "2 comprimés par jour en 2 prises"),
    "a total, not each hour": ([dosage(2, repeat={"timeOfDay": ["08:00", "20:00"]})], "2 cp/j à 8h et 20h"),
    "so many at a time, not so many times": ([dosage(1, repeat=at("MORN", "NOON", "EVE"))], "3 matin, midi et soir"),
    "from an hour to another": ([dosage(1, "patch", {"timeOfDay": ["08:00", "20:00"]})], "1 patch de 8h à 20h"),
    "an hour to another": ([dosage(1, "patch", {"timeOfDay": ["08:00", "20:00"]})], "1 patch 8h-20h"),
    "one Monday in two": ([dosage(2, repeat={"dayOfWeek": ["mon"]})], "2 comprimés un lundi sur deux"),
    "another spoon": ([dosage(2, repeat=daily(1))], "2 c à c par jour"),
    "a number of tablets, not of mg": ([dosage(2, "mg", at("EVE"))], "2 le soir"),
    "doses for a weight, not doses": ([dosage(20, "dose", at("EVE"))], "20 dose-kg le soir"),
    "a month is no 30 days": ([dosage(1, repeat=daily(1, **lasting(30)))], "1 comprimé par jour pendant 1 mois"),
    "at least": (WEEK, "1 comprimé 2 fois par jour pendant au moins 7 jours"),
    "then": (WEEK, "1 comprimé 2 fois par jour pendant 7 jours puis 1 comprimé par jour"),
    "two reasons": (
        [
            dosage(1, asNeededCodeableConcept={"text": "douleur"}),
            dosage(2, asNeededCodeableConcept={"text": "fièvre"}),
        ],
        "Si fièvre 1 comprimé, si douleur 2 comprimés",
    ),
    "a range": ([between(1, 2, repeat=daily(3))], "1 à 3 comprimés 3 fois par jour"),
    "a range narrowed": ([between(1, 3, repeat=daily(3))], "2 à 3 comprimés 3 fois par jour"),
}


@pytest.mark.parametrize(("dosages", "text"), SAID_ALIKE, ids=[text for _, text in SAID_ALIKE])
def test_the_sentence_stands_in_for_a_text_that_says_the_same(dosages, text):
    shown = explain(dosages, own_text=text)
    assert shown.faithful
    assert shown.sentence == say(dosages) == say(dosages, renderings=[text])
    assert shown.own_text == text.replace("\u200b", "")
    assert shown.parts == (shown.sentence,)


@pytest.mark.parametrize(("dosages", "text"), TEXT_IS_RIGHT.values(), ids=TEXT_IS_RIGHT)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_text_is_right_when_the_structure_says_less_or_otherwise(dosages, text, language):
    assert say(dosages, language=language)
    assert say(dosages, language=language, renderings=[text]) is None
    shown = explain(dosages, own_text=text, language=language)
    assert (shown.sentence, shown.faithful, shown.in_own_words) == (text, False, True)


def test_the_text_of_each_dosage_counts_too():
    agreed = [{**dosage(1, repeat=at("EVE")), "text": "1 cp le soir"}]
    assert explain(agreed).faithful
    other = [{**dosage(1, repeat=at("EVE")), "text": "2 cp le soir"}]
    assert explain(other).sentence == "2 cp le soir"


def test_half_of_a_treatment_is_not_shown_as_the_whole():
    told = {**dosage(1, repeat=at("EVE")), "text": "1 cp le soir pendant 3 jours"}
    shown = explain([told, dosage(2, "dose_kg", at("MORN"))])
    assert shown.by_element and "pendant 3 jours" in shown.parts[0] and "dose_kg" in shown.parts[1]
    whole = explain([{**told, "sequence": 1}, {"sequence": 2, "text": "puis 2 cp le matin"}])
    assert whole.sentence == "1 cp le soir pendant 3 jours ; puis 2 cp le matin"


def test_instructions_to_the_patient_are_better_than_nothing():
    assert explain([{"patientInstruction": "Selon le protocole remis"}]).sentence == "Selon le protocole remis"


def test_an_instruction_that_the_text_does_not_repeat_is_not_lost():
    structure = [
        dosage(2, repeat=at("EVE"), patientInstruction="Ne pas conduire", additionalInstruction=[{"text": "À jeun"}])
    ]
    shown = explain(structure, own_text="1 cp le soir à jeun")
    assert shown.sentence == "1 cp le soir à jeun"
    assert shown.besides == ("Ne pas conduire",)
    assert explain(structure).besides == ()


def test_a_text_is_shown_as_written_less_what_cannot_be_seen():
    written = "**Prescription textuelle:** Prescription textuelle: 1  cp <b>le soir</b>\u200b\r\n  - avec de l'eau"
    assert explain([], own_text=written).sentence == "1 cp <b>le soir</b>\n- avec de l'eau"


@pytest.mark.parametrize("blank", [None, "", " \n", "\u200b", "Prescription textuelle: "])
def test_a_blank_text_is_no_text(blank):
    assert explain([], own_text=blank).missing
    assert explain([dosage(1, repeat=at("EVE"))], own_text=blank).faithful


class TestTheStrengthOfTheMedicine:
    TEN = [dosage(2, repeat=at("EVE"))]

    def test_named_before_the_dosage_it_is_no_dose(self):
        assert explain(self.TEN, own_text="HYDROCORTISONE 10 mg comprimé : 2 comprimés le soir").faithful

    def test_known_by_the_label_it_is_no_dose(self):
        text = "HYDROCORTISONE 10 mg comprimé 2 comprimés le soir"
        assert not explain(self.TEN, own_text=text).faithful
        assert explain(self.TEN, own_text=text, medicine="Hydrocortisone 10 mg, comprimé").faithful

    def test_when_the_text_gives_no_other_dose_it_may_be_the_dose(self):
        text = "DOLIPRANE 1000 mg : matin et soir"
        structure = [dosage(500, "mg", at("MORN", "EVE"))]
        assert explain(structure, own_text=text, medicine="DOLIPRANE 1000 mg").sentence == text

    def test_a_condition_before_a_colon_is_no_label(self):
        text = "Si douleur de plus de 5 mg : 2 comprimés le soir"
        assert explain(self.TEN, own_text=text).sentence == text


def test_of_several_texts_the_fullest_is_kept():
    short, note = "2 gélules le soir", "2 gélules le soir avec un verre d'eau"
    assert fullest([short, note]) == note
    assert fullest(["2 gélules le soir", "PARACETAMOL 500 mg : 2 gélules le soir"]) == "2 gélules le soir"
    assert explain([dosage(1, "dose_kg", at("EVE"))], own_text=short, renderings=[note]).sentence == note
