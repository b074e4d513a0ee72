"""What a patient reads, in French and in English, for what a prescribing software wrote as FHIR."""

from decimal import Decimal

import pytest

from prescriptions.posology import explain, say
from tests.prescriptions.dosages import (
    EDQM,
    GTS,
    SNOMED,
    UCUM,
    at,
    at_most,
    between,
    daily,
    dosage,
    every,
    lasting,
    quantity,
    typed,
    ucum,
)

NB = "\u00a0"
PAIN = {"coding": [{"system": SNOMED, "code": "22253000"}], "text": "Si douleurs"}
PATCH = {"doseQuantity": {"value": 1, "unit": "Patch", "system": EDQM, "code": "15036000"}}
ORAL = {"coding": [{"system": EDQM, "code": "20053000", "display": "Voie orale"}]}

CASES = {  # name: (dosages, French, English); "_" stands for a no-break space
    "a moment": ([dosage(2, repeat=at("EVE"))], "2_comprimés le soir.", "2_tablets in the evening."),
    "two moments, one dose each": (
        [dosage(1, repeat=at("MORN", "EVE", **lasting(7)))],
        "1_comprimé le matin et 1_comprimé le soir, pendant 7_jours.",
        "1_tablet in the morning and 1_tablet in the evening, for 7_days.",
    ),
    "two doses at once share what follows": (
        [dosage(1, repeat=at("MORN", **lasting(7))), dosage(2, repeat=at("EVE", **lasting(7)))],
        "1_comprimé le matin et 2_comprimés le soir, pendant 7_jours.",
        "1_tablet in the morning and 2_tablets in the evening, for 7_days.",
    ),
    "times a day with meals": (
        [dosage(2, repeat=daily(3, when=["C"]))],
        "2_comprimés, 3_fois par jour, aux repas.",
        "2_tablets, 3_times a day, with meals.",
    ),
    "three moments": (
        [dosage(1, repeat=at("MORN", "NOON", "EVE"))],
        "1_comprimé, 3_fois par jour_: le matin, à midi et le soir.",
        "1_tablet, 3_times a day: in the morning, at midday and in the evening.",
    ),
    "before meals, with minutes": (
        [dosage(1, "gélule", daily(3, when=["AC"], offset=30))],
        "1_gélule, 3_fois par jour, 30_minutes avant les repas.",
        "1_capsule, 3_times a day, 30_minutes before meals.",
    ),
    "before each meal": ([dosage(1, repeat=at("AC"))], "1_comprimé avant chaque repas.", "1_tablet before each meal."),
    "just before the meal": (
        [dosage(1, repeat=at("ACM", offset=0))],
        "1_comprimé juste avant le petit-déjeuner.",
        "1_tablet just before breakfast.",
    ),
    "hours after the evening meal": (
        [dosage(1, repeat=at("PCV", offset=120))],
        "1_comprimé 2_heures après le repas du soir.",
        "1_tablet 2_hours after the evening meal.",
    ),
    "at breakfast": ([dosage(3, repeat=at("CM"))], "3_comprimés au petit-déjeuner.", "3_tablets with breakfast."),
    "meal and bedtime": (
        [dosage(1, repeat=at("HS", "CD"))],
        "1_comprimé au repas de midi et 1_comprimé au coucher.",
        "1_tablet with the midday meal and 1_tablet at bedtime.",
    ),
    "before bedtime": (
        [dosage(1, repeat=at("HS", offset=30))],
        "1_comprimé 30_minutes avant le coucher.",
        "1_tablet 30_minutes before bedtime.",
    ),
    "on waking": ([dosage(1, repeat=at("WAKE"))], "1_comprimé au réveil.", "1_tablet on waking."),
    "parts of the day": (
        [dosage(1, repeat=at("AFT.late", "MORN.early"))],
        "1_comprimé tôt le matin et 1_comprimé en fin d’après-midi.",
        "1_tablet early in the morning and 1_tablet late in the afternoon.",
    ),
    "hours": (
        [dosage(1, "g", {"timeOfDay": ["20:00:00", "08:00:00", "12:30:00"]})],
        "1_g, 3_fois par jour_: à 8_h, 12_h_30 et 20_h.",
        "1_g, 3_times a day: at 8:00, 12:30 and 20:00.",
    ),
    "hours and their count": (
        [dosage(1, repeat=daily(2, timeOfDay=["08:00", "20:00"]))],
        "1_comprimé, 2_fois par jour_: à 8_h et 20_h.",
        "1_tablet, twice a day: at 8:00 and 20:00.",
    ),
    "once a day": ([dosage(1, repeat=daily(1))], "1_comprimé, 1_fois par jour.", "1_tablet, once a day."),
    "every six hours": (
        [dosage(1, repeat=every(6, "h"))],
        "1_comprimé, toutes les 6_heures.",
        "1_tablet, every 6_hours.",
    ),
    "minutes that make hours": (
        [dosage(1, repeat=every(360, "min"))],
        "1_comprimé, toutes les 6_heures.",
        "1_tablet, every 6_hours.",
    ),
    "every hour": ([dosage(1, "goutte", every(1, "h"))], "1_goutte, toutes les heures.", "1_drop, every hour."),
    "hours are not made days": (
        [dosage(1, "patch", every(72, "h"))],
        "1_patch, toutes les 72_heures.",
        "1_patch, every 72_hours.",
    ),
    "a range of hours": (
        [dosage(1, repeat=every(4, "h", periodMax=6))],
        "1_comprimé, toutes les 4 à 6_heures.",
        "1_tablet, every 4 to 6_hours.",
    ),
    "every other day": (
        [dosage(1, repeat=every(2, "d"))],
        "1_comprimé, un jour sur deux.",
        "1_tablet, every other day.",
    ),
    "every three days": (
        [dosage(1, "patch", every(3, "d"))],
        "1_patch, tous les 3_jours.",
        "1_patch, every 3_days.",
    ),
    "several times in two days": (
        [dosage(1, repeat={"frequency": 3, "period": 2, "periodUnit": "d"})],
        "1_comprimé, 3_fois tous les 2_jours.",
        "1_tablet, 3_times every 2_days.",
    ),
    "once a week, on a day": (
        [dosage(2, repeat=every(1, "wk", dayOfWeek=["tue"]))],
        "2_comprimés, 1_fois par semaine, le mardi.",
        "2_tablets, once a week, on Tuesday.",
    ),
    "two days of the week": (
        [dosage(1, repeat={"dayOfWeek": ["thu", "mon"]})],
        "1_comprimé le lundi et le jeudi.",
        "1_tablet on Monday and Thursday.",
    ),
    "days in a row, at an hour": (
        [dosage(1, repeat={"dayOfWeek": ["mon", "tue", "wed", "thu", "fri"], "timeOfDay": ["18:00:00"]})],
        "1_comprimé à 18_h, du lundi au vendredi.",
        "1_tablet at 18:00, from Monday to Friday.",
    ),
    "every day of the week": (
        [dosage(1, repeat={"dayOfWeek": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]})],
        "1_comprimé tous les jours.",
        "1_tablet every day.",
    ),
    "every two weeks, on a day": (
        [dosage(1, "injection", every(2, "wk", dayOfWeek=["fri"]))],
        "1_injection, toutes les 2_semaines, le vendredi.",
        "1_injection, every 2_weeks, on Friday.",
    ),
    "every three months": (
        [dosage(1, "injection", every(3, "mo"))],
        "1_injection, tous les 3_mois.",
        "1_injection, every 3_months.",
    ),
    "once a year": (
        [dosage(1, "injection", every(1, "a"))],
        "1_injection, 1_fois par an.",
        "1_injection, once a year.",
    ),
    "14 days out of 21": (
        [dosage(1, repeat=at("MORN", duration=14, durationUnit="d", period=21, periodUnit="d"))],
        "1_comprimé le matin, 14_jours sur 21.",
        "1_tablet in the morning, 14 out of every 21_days.",
    ),
    "3 weeks out of 4": (
        [dosage(1, repeat=at("EVE", duration=3, durationUnit="wk", period=4, periodUnit="wk"))],
        "1_comprimé le soir, 3_semaines sur 4.",
        "1_tablet in the evening, 3 out of every 4_weeks.",
    ),
    "on given dates": (
        [{"timing": {"event": ["2025-03-08T09:30:00+01:00", "2025-03-01"]}, **dosage(1, "injection")}],
        "1_injection le 1er mars 2025 et le 8 mars 2025 à 9_h_30.",
        "1_injection on 1 March 2025 and 8 March 2025 at 9:30.",
    ),
    "a range of times": (
        [dosage(1, repeat=daily(1, frequencyMax=2))],
        "1_comprimé, 1 à 2_fois par jour.",
        "1_tablet, 1 to 2_times a day.",
    ),
    "up to so many times": (
        [dosage(1, "application", {"frequencyMax": 3, "period": 1, "periodUnit": "d"})],
        "1_application, jusqu’à 3_fois par jour.",
        "1_application, up to 3_times a day.",
    ),
    "a range of doses": (
        [between(1, 2, repeat=daily(3))],
        "1 à 2_comprimés, 3_fois par jour.",
        "1 to 2_tablets, 3_times a day.",
    ),
    "up to a dose": (
        [dosage(repeat=daily(1), doseAndRate=[{"doseRange": {"high": quantity(4)}}])],
        "Jusqu’à 4_comprimés, 1_fois par jour.",
        "Up to 4_tablets, once a day.",
    ),
    "half a tablet": (
        [dosage(0.5, repeat=daily(1))],
        "Un demi-comprimé, 1_fois par jour.",
        "Half a tablet, once a day.",
    ),
    "three quarters": (
        [dosage(0.75, repeat=at("MORN"))],
        "Trois quarts de comprimé le matin.",
        "Three quarters of a tablet in the morning.",
    ),
    "a quarter": (
        [dosage(0.25, "ampoule", at("MORN"))],
        "Un quart d’ampoule le matin.",
        "A quarter of an ampoule in the morning.",
    ),
    "one and a half": (
        [dosage(1.5, repeat=at("MORN"))],
        "1_comprimé et demi le matin.",
        "1.5_tablets in the morning.",
    ),
    "halves of what is not cut": (
        [dosage(0.5, "mL", daily(2))],
        "0,5_mL, 2_fois par jour.",
        "0.5_mL, twice a day.",
    ),
    "thousands": ([dosage(1000, "mg", daily(3))], "1_000_mg, 3_fois par jour.", "1,000_mg, 3_times a day."),
    "millions": ([dosage(1000000, "UI", at("EVE"))], "1_000_000_UI le soir.", "1,000,000_IU in the evening."),
    "decimals": ([dosage(2.25, "mg", at("EVE"))], "2,25_mg le soir.", "2.25_mg in the evening."),
    "below two is singular in French": (
        [dosage(1.2, "dose", at("EVE"))],
        "1,2_dose le soir.",
        "1.2_doses in the evening.",
    ),
    "a unit of the prescriber's own": (
        [dosage(1, "dose correspondant à la graduation de 7 kg", every(6, "h"))],
        "1_dose correspondant à la graduation de 7 kg, toutes les 6_heures.",
        "1 “dose correspondant à la graduation de 7 kg”, every 6_hours.",
    ),
    "a unit whose plural is not known": (
        [dosage(3, "pot de crème", daily(1))],
        "3 × pot de crème, 1_fois par jour.",
        "3 × “pot de crème”, once a day.",
    ),
    "as needed": ([dosage(1, asNeededBoolean=True)], "Si besoin_: 1_comprimé.", "If needed: 1_tablet."),
    "as needed for, wait, no more than": (
        [
            dosage(
                1,
                repeat=every(6, "h"),
                asNeededCodeableConcept={"text": "douleur"},
                maxDosePerPeriod=at_most(4, "comprimé", 1, "jour"),
            )
        ],
        "Si douleur_: 1_comprimé, à renouveler si besoin après 6_heures au moins, sans dépasser 4_comprimés par jour.",
        "If needed for pain: 1_tablet, to be repeated if needed after at least 6_hours, no more than 4_tablets a day.",
    ),
    "as needed, by code": (
        [dosage(2, "gélule", every(6, "h", **lasting(10)), asNeededCodeableConcept=PAIN)],
        "Si douleurs_: 2_gélules, à renouveler si besoin après 6_heures au moins, pendant 10_jours.",
        "If needed for pain: 2_capsules, to be repeated if needed after at least 6_hours, for 10_days.",
    ),
    "as needed for a reason of the prescriber's": (
        [dosage(1, asNeededCodeableConcept={"text": "En cas de crise"})],
        "En cas de crise_: 1_comprimé.",
        "If needed (“En cas de crise”): 1_tablet.",
    ),
    "not as needed": ([dosage(1, repeat=at("EVE"), asNeededBoolean=False)], "1_comprimé le soir.", None),
    "maxima alone": (
        [
            {
                "asNeededCodeableConcept": PAIN,
                "maxDosePerPeriod": {"numerator": ucum(4000, "mg"), "denominator": ucum(24, "h")},
                "maxDosePerAdministration": ucum(1000, "mg"),
            }
        ],
        "Si douleurs_: sans dépasser 1_000_mg par prise ni 4_000_mg en 24_heures.",
        "If needed for pain: no more than 1,000_mg each time or 4,000_mg in 24_hours.",
    ),
    "maximum of a life": (
        [dosage(50, "mg", every(3, "wk"), maxDosePerLifetime=quantity(550, "mg"))],
        "50_mg, toutes les 3_semaines, sans dépasser 550_mg au total sur toute la vie.",
        "50_mg, every 3_weeks, no more than 550_mg in a lifetime.",
    ),
    "a range of days": (
        [
            dosage(
                1,
                repeat=daily(
                    1, boundsRange={"low": {"value": 5, "unit": "jours"}, "high": {"value": 7, "unit": "jours"}}
                ),
            )
        ],
        "1_comprimé, 1_fois par jour, pendant 5 à 7_jours.",
        "1_tablet, once a day, for 5 to 7_days.",
    ),
    "from day to day": (
        [dosage(1, repeat=at("EVE", boundsPeriod={"start": "2025-03-01", "end": "2025-03-07"}))],
        "1_comprimé le soir, pendant 7_jours, du 1er mars au 7 mars 2025 inclus.",
        "1_tablet in the evening, for 7_days, from 1 March to 7 March 2025 inclusive.",
    ),
    "from hour to hour, written in UTC": (
        [dosage(1, repeat=at("EVE", boundsPeriod={"start": "2021-07-13T08:48:00Z", "end": "2021-07-18T08:47:59Z"}))],
        "1_comprimé le soir, pendant 5_jours, du 13 juillet à 10_h_48 au 18 juillet 2021 à 10_h_48.",
        "1_tablet in the evening, for 5_days, from 13 July at 10:48 to 18 July 2021 at 10:48.",
    ),
    "from year to year, in the hours of La Réunion": (
        [
            dosage(
                1,
                repeat=at(
                    "EVE", boundsPeriod={"start": "2025-12-20T07:00:00+04:00", "end": "2026-02-20T06:59:59+04:00"}
                ),
            )
        ],
        "1_comprimé le soir, pendant 2_mois, du 20 décembre 2025 à 7_h au 20 février 2026 à 7_h.",
        "1_tablet in the evening, for 2_months, from 20 December 2025 at 7:00 to 20 February 2026 at 7:00.",
    ),
    "until": (
        [dosage(1, repeat=at("EVE", boundsPeriod={"end": "2023-03-26"}))],
        "1_comprimé le soir, jusqu’au 26 mars 2023 inclus.",
        "1_tablet in the evening, until 26 March 2023 inclusive.",
    ),
    "from": (
        [dosage(1, repeat=at("EVE", boundsPeriod={"start": "2023-03-26"}))],
        "1_comprimé le soir, à partir du 26 mars 2023.",
        "1_tablet in the evening, from 26 March 2023.",
    ),
    "a count": (
        [dosage(20, "gouttes", daily(3, count=9))],
        "20_gouttes, 3_fois par jour, 9_fois en tout.",
        "20_drops, 3_times a day, 9_times in all.",
    ),
    "a count at most": (
        [dosage(1, repeat=daily(3, countMax=21))],
        "1_comprimé, 3_fois par jour, 21_fois au plus.",
        "1_tablet, 3_times a day, at most 21_times.",
    ),
    "a patch to keep on": (
        [
            {
                "timing": {"repeat": {"timeOfDay": ["07:00:00"], "duration": 16, "durationUnit": "h"}},
                "doseAndRate": [PATCH],
            }
        ],
        "1_patch à 7_h, à garder 16_heures.",
        "1_patch at 7:00, kept on for 16_hours.",
    ),
    "a nebuliser": (
        [dosage(1, "mg", daily(2, duration=20, durationUnit="min"))],
        "1_mg, 2_fois par jour, en 20_minutes à chaque fois.",
        "1_mg, twice a day, over 20_minutes each time.",
    ),
    "an infusion, by its rate": (
        [
            {
                "timing": {"repeat": {"timeOfDay": ["10:00:00", "22:00:00"]}},
                "doseAndRate": [{"rateRatio": {"numerator": ucum(500, "mL", "ml"), "denominator": ucum(12, "h")}}],
                "route": {"text": "Voie intraveineuse"},
            }
        ],
        "À 10_h et 22_h, à raison de 500_mL en 12_heures, par voie intraveineuse.",
        "At 10:00 and 22:00, at a rate of 500_mL in 12_hours, route: “Voie intraveineuse”.",
    ),
    "a dose and its rate": (
        [
            dosage(
                repeat=daily(1),
                doseAndRate=[{"doseQuantity": quantity(500, "mL"), "rateQuantity": ucum(50, "mL/h", "mL/h")}],
            )
        ],
        "500_mL, 1_fois par jour, à raison de 50_mL par heure.",
        "500_mL, once a day, at a rate of 50_mL an hour.",
    ),
    "a range of rates": (
        [dosage(repeat=daily(1), doseAndRate=[{"rateRange": {"low": ucum(20, "mL/h"), "high": ucum(40, "mL/h")}}])],
        "1_fois par jour, à raison de 20 à 40_mL par heure.",
        "Once a day, at a rate of 20 to 40_mL an hour.",
    ),
    "a calculated dose": (
        [
            dosage(
                repeat={"timeOfDay": ["07:00:00"]},
                doseAndRate=[
                    typed("calculated", ucum(1000, "mg/m2", "mg/m²")),
                    typed("ordered", ucum(1800, "mg", "mg")),
                ],
            )
        ],
        "1_800_mg à 7_h (dose calculée_: 1_000_mg par m² de surface corporelle).",
        "1,800_mg at 7:00 (calculated dose: 1,000_mg per m² of body surface).",
    ),
    "a route": ([dosage(1, repeat=at("EVE"), route=ORAL)], "1_comprimé le soir, par voie orale.", None),
    "a place, a way": (
        [dosage(2, "bouffées", daily(2), site={"text": "narine gauche"}, method={"text": "pulvériser"})],
        "2_bouffées, 2_fois par jour, à cet endroit_: narine gauche, mode d’administration_: pulvériser.",
        "2_puffs, twice a day, where: “narine gauche”, how: “pulvériser”.",
    ),
    "instructions, woven in or apart": (
        [
            dosage(
                1,
                repeat=at("EVE"),
                additionalInstruction=[{"text": "Jusqu’à disparition de la douleur."}, {"text": "Ne pas croquer"}],
                patientInstruction="Ne pas croquer",
            )
        ],
        "1_comprimé le soir, jusqu’à disparition de la douleur. Ne pas croquer.",
        "1_tablet in the evening. The prescriber wrote: “Jusqu’à disparition de la douleur”. "
        "The prescriber wrote: “Ne pas croquer”.",
    ),
    "tapering": (
        [
            dosage(1, sequence=3, repeat=at("MORN"), patientInstruction="Revoir le médecin"),
            dosage(60, "mg", at("MORN"), sequence=1, additionalInstruction=[{"text": "Jusqu’à 3 tests négatifs"}]),
            dosage(40, "mg", at("MORN", **lasting(2, "semaines")), sequence=2),
        ],
        "60_mg le matin, jusqu’à 3 tests négatifs_; puis 40_mg le matin, pendant 2_semaines_; "
        "puis 1_comprimé le matin (Revoir le médecin).",
        "60_mg in the morning (The prescriber wrote: “Jusqu’à 3 tests négatifs”); "
        "then 40_mg in the morning, for 2_weeks; "
        "then 1_tablet in the morning (The prescriber wrote: “Revoir le médecin”).",
    ),
    "regular and as needed": (
        [dosage(1, repeat=at("MORN")), dosage(1, repeat=at("EVE"), asNeededCodeableConcept={"text": "fièvre"})],
        "1_comprimé le matin_; si fièvre_: 1_comprimé le soir.",
        "1_tablet in the morning; if needed for fever: 1_tablet in the evening.",
    ),
    "as needed, a range of hours": (
        [dosage(1, repeat=every(4, "h", periodMax=6), asNeededBoolean=True)],
        "Si besoin_: 1_comprimé, à renouveler si besoin après 4 à 6_heures.",
        "If needed: 1_tablet, to be repeated if needed after 4 to 6_hours.",
    ),
    "twice a day, 14 days out of 21": (
        [dosage(1800, "mg", at("MORN", "EVE", duration=14, durationUnit="d", period=3, periodUnit="wk"))],
        "1_800_mg le matin et 1_800_mg le soir, pendant 14_jours, toutes les 3_semaines.",
        "1,800_mg in the morning and 1,800_mg in the evening, for 14_days, every 3_weeks.",
    ),
    "as needed comes last": (
        [dosage(1, repeat=at("EVE"), asNeededBoolean=True), dosage(2, repeat=at("MORN"))],
        "2_comprimés le matin_; si besoin_: 1_comprimé le soir.",
        "2_tablets in the morning; if needed: 1_tablet in the evening.",
    ),
    "each meal is not one moment": (
        [dosage(1, repeat=at("AC", "EVE", "HS"))],
        "1_comprimé avant chaque repas, 1_comprimé le soir et 1_comprimé au coucher.",
        "1_tablet before each meal, 1_tablet in the evening and 1_tablet at bedtime.",
    ),
    "one after the other by dates": (
        [
            dosage(2, repeat=at("MORN", boundsPeriod={"start": "2025-03-01", "end": "2025-03-07"})),
            dosage(1, repeat=at("MORN", boundsPeriod={"start": "2025-03-08", "end": "2025-03-14"})),
        ],
        "2_comprimés le matin, pendant 7_jours, du 1er mars au 7 mars 2025 inclus_; "
        "1_comprimé le matin, pendant 7_jours, du 8 mars au 14 mars 2025 inclus.",
        None,
    ),
    "an abbreviation of the standard": (
        [{"timing": {"code": {"coding": [{"system": GTS, "code": "TID"}]}}, **dosage(1, "gélule")}],
        "1_gélule, 3_fois par jour.",
        "1_capsule, 3_times a day.",
    ),
    "no dose, and no text that gives one": ([dosage(repeat=daily(2))], "2_fois par jour.", "Twice a day."),
    "a unit by its UCUM code": (
        [dosage(repeat=daily(1), doseAndRate=[{"doseQuantity": ucum(2, "{tbl}")}])],
        "2_comprimés, 1_fois par jour.",
        "2_tablets, once a day.",
    ),
    "drops by their UCUM code": (
        [dosage(repeat=daily(1), doseAndRate=[{"doseQuantity": ucum(20, "[drp]")}])],
        "20_gouttes, 1_fois par jour.",
        "20_drops, once a day.",
    ),
    "a unit by its EDQM code": (
        [dosage(repeat=daily(1), doseAndRate=[{"doseQuantity": {"value": 2, "system": EDQM, "code": "15012000"}}])],
        "2_gélules, 1_fois par jour.",
        "2_capsules, once a day.",
    ),
    "invisible characters": (
        [dosage(1, repeat=at("EVE"), patientInstruction="Ne pas\u200b croquer\ufeff")],
        "1_comprimé le soir. Ne pas croquer.",
        None,
    ),
    "markup is only characters": (
        [dosage(1, repeat=at("EVE"), patientInstruction="Si T < 38 & <b>frissons</b>")],
        "1_comprimé le soir, si T < 38 & <b>frissons</b>.",
        None,
    ),
}


def spaced(text):
    return text.replace("_", NB)


@pytest.mark.parametrize(("dosages", "french", "english"), CASES.values(), ids=CASES)
def test_a_dosage_is_said_in_both_languages(dosages, french, english):
    assert say(dosages) == say(dosages, language="fr") == spaced(french)
    if english:
        assert say(dosages, language="en") == spaced(english)


@pytest.mark.parametrize(
    ("unit", "plural"),
    [
        ("comprimé", "comprimés"),
        ("gélule", "gélules"),
        ("Gélule ou capsule molle", "gélules"),
        ("sachet", "sachets"),
        ("Gouttes", "gouttes"),
        ("bouffée", "bouffées"),
        ("Appln", "applications"),
        ("patch", "patchs"),
        ("unité", "unités"),
        ("injection", "injections"),
        ("cuillère-mesure", "cuillères-mesure"),
        ("cuillère à café", "cuillères à café"),
        ("suppositoire", "suppositoires"),
        ("ovule", "ovules"),
        ("récipient unidose", "récipients unidoses"),
        ("dispositif transdermique", "dispositifs transdermiques"),
        ("Seringue préremplie", "seringues"),
    ],
)
def test_units_have_a_plural_and_keep_their_name(unit, plural):
    assert say([dosage(2, unit, daily(1))]) == spaced(f"2_{plural}, 1_fois par jour.")


@pytest.mark.parametrize(("system", "code"), [(None, None), (UCUM, "1")])
def test_a_dose_without_a_unit_takes_the_one_of_the_medicine(system, code):
    dose = {"value": 2, **({"system": system, "code": code} if code else {})}
    dosages = [dosage(repeat=daily(1), doseAndRate=[{"doseQuantity": dose}])]
    assert say(dosages) is None
    assert say(dosages, unit_hint="comprimé") == spaced("2_comprimés, 1_fois par jour.")
    assert say(dosages, unit_hint="Comprimé pelliculé sécable") == spaced("2_comprimés, 1_fois par jour.")
    assert say(dosages, unit_hint="suspension buvable") is None


def test_numbers_may_come_as_decimals():
    assert say([dosage(Decimal("1.50"), "mg", daily(1))]) == spaced("1,5_mg, 1_fois par jour.")


def test_the_steps_of_a_treatment_come_apart():
    shown = explain(CASES["tapering"][0])
    assert shown.parts == (
        spaced("60_mg le matin, jusqu’à 3 tests négatifs"),
        spaced("puis 40_mg le matin, pendant 2_semaines"),
        spaced("puis 1_comprimé le matin (Revoir le médecin)"),
    )
    assert shown.faithful


@pytest.mark.parametrize("language", ["en", "en-gb", "EN"])
def test_english_by_any_of_its_names(language):
    assert say([dosage(1, repeat=at("EVE"))], language=language) == spaced("1_tablet in the evening.")
