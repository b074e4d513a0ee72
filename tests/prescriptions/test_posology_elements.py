"""Where no sentence is sure and nobody wrote a text: each element as it is written, and nothing more."""

import pytest

from prescriptions.posology import explain
from tests.prescriptions.dosages import at, dosage, quantity, typed, ucum
from tests.prescriptions.test_posology_refusals import EXTENSION, REFUSED, one, timed

ASK = {"fr": "En cas de doute, demandez à votre pharmacien.", "en": "If in doubt, please ask your pharmacist."}
UNREAD = {
    "fr": "Une partie ne peut pas être dite ici_: demandez à votre pharmacien.",
    "en": "One part cannot be said here: please ask your pharmacist.",
}
NOTHING = {"no list", "an empty list", "not a dosage", "an extension that modifies"}  # asked for, or changed in meaning
TEXT = {"nothing but text", "advice alone"}

CASES = {  # name: (dosages, French, English, what ends it)
    "a unit of software": (
        [dosage(20, "dose_kg", at("EVE"))],
        "Dose_: 20 «_dose_kg_» · Moments_: le soir",
        "Dose: 20 “dose_kg” · Moments: in the evening",
        ASK,
    ),
    "a dose for a weight": (
        [dosage(repeat=at("EVE"), doseAndRate=[typed("calculated", ucum(15, "mg/kg"))])],
        "Dose calculée_: 15_mg par kg de poids · Moments_: le soir",
        "Calculated dose: 15_mg per kg of body weight · Moments: in the evening",
        ASK,
    ),
    "a unit and a code that differ are both shown": (
        [dosage(repeat=at("EVE"), doseAndRate=[{"doseQuantity": ucum(1, "mg", "g")}])],
        "Dose_: 1 «_g_» (code «_mg_») · Moments_: le soir",
        "Dose: 1 “g” (code “mg”) · Moments: in the evening",
        ASK,
    ),
    "a period without its number": (
        timed(frequency=1, periodUnit="wk", dayOfWeek=["fri"]),
        "Dose_: 1_comprimé · Nombre de fois_: 1 · Unité de la période_: semaine · Jours_: le vendredi",
        "Dose: 1_tablet · Number of times: 1 · Unit of the period: week · Days: on Friday",
        ASK,
    ),
    "a unit of time that nobody knows": (
        timed(frequency=1, period=1, periodUnit="fortnight"),
        "Dose_: 1_comprimé · Nombre de fois_: 1 · Période_: 1 «_fortnight_»",
        "Dose: 1_tablet · Number of times: 1 · Period: 1 “fortnight”",
        ASK,
    ),
    "a code of a hospital": (
        [dosage(1) | {"timing": {"code": {"coding": [{"code": "3", "display": "3/j"}]}}}],
        "Dose_: 1_comprimé · Rythme_: «_3/j_» (code «_3_»)",
        "Dose: 1_tablet · How often: “3/j” (code “3”)",
        ASK,
    ),
    "two lines that contradict each other": (
        [dosage(1, repeat=at("EVE")), dosage(2, repeat=at("EVE"))],
        "Dose_: 1_comprimé · Moments_: le soir_; Dose_: 2_comprimés · Moments_: le soir",
        "Dose: 1_tablet · Moments: in the evening; Dose: 2_tablets · Moments: in the evening",
        ASK,
    ),
    "an extension is announced": (
        one(extension=EXTENSION),
        "Dose_: 1_comprimé · Moments_: le soir",
        "Dose: 1_tablet · Moments: in the evening",
        UNREAD,
    ),
    "needed and not needed": (
        one(asNeededBoolean=False, asNeededCodeableConcept={"text": "Si douleur"}),
        "Si douleur · Dose_: 1_comprimé · Moments_: le soir",
        "If needed for pain · Dose: 1_tablet · Moments: in the evening",
        UNREAD,
    ),
    "a template that was not filled in is not shown": (
        one(patientInstruction="Prendre {dose}"),
        "Dose_: 1_comprimé · Moments_: le soir",
        "Dose: 1_tablet · Moments: in the evening",
        UNREAD,
    ),
    "a dose above its maximum": (
        [dosage(2, "g", at("EVE"), maxDosePerAdministration=quantity(1, "g"))],
        "Dose_: 2_g · Moments_: le soir · Sans dépasser 1_g par prise",
        "Dose: 2_g · Moments: in the evening · No more than 1_g each time",
        ASK,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_as_it_is_written(case):
    dosages, french, english, ending = CASES[case]
    for language, said in (("fr", french), ("en", english)):
        shown = explain(dosages, language=language)
        assert shown.sentence == f"{said}. {ending[language]}".replace("_", "\u00a0").replace("dose\u00a0kg", "dose_kg")
        assert shown.by_element and not (shown.faithful or shown.in_own_words or shown.missing)


@pytest.mark.parametrize("case", sorted(REFUSED.keys() - NOTHING - TEXT))
def test_no_structure_with_something_to_show_gets_a_vague_answer(case):
    shown = explain(REFUSED[case])
    assert shown.by_element
    assert all(part[-1] != ":" and len(part) > 3 for part in shown.parts)


def test_a_text_is_still_better():
    assert explain(REFUSED["a dose in a unit of software"], own_text="20 graduations le soir").in_own_words
