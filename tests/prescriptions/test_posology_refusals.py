"""What is not said: a structure we do not know whole, or that contradicts itself. Never a guess."""

import pytest

from prescriptions.posology import NOT_SAID, NOT_SPECIFIED, explain, say
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

EVENING = at("EVE")
EXTENSION = [{"url": "https://example.org/changes-everything", "valueBoolean": True}]


def one(**more):
    """A dosage that can be said, but for what is added."""
    return [dosage(1, repeat=EVENING, **more)]


def timed(**repeat):
    return [dosage(1, repeat=repeat)]


def dosed(*doses):
    return [dosage(repeat=EVENING, doseAndRate=list(doses))]


def measured(**dose):
    return dosed({"doseQuantity": dose})


NOT_WHOLE = {
    "no list": None,
    "an empty list": [],
    "not a dosage": ["2 par jour"],
    "nothing but text": [{"text": "1 comprimé le soir"}],
    "an element of another version": one(asNeeded=True),
    "an extension": one(extension=EXTENSION),
    "an extension that modifies": one(modifierExtension=EXTENSION),
    "an extension of a text": one(_text={"extension": EXTENSION}),
    "an extension of the dose": dosed({"doseQuantity": quantity(4, "g"), "extension": EXTENSION}),
    "an extension of the timing": [{"timing": {"repeat": EVENING, "extension": EXTENSION}, **dosage(1)}],
    "a moment unknown to the standard": timed(when=["TEATIME"]),
    "a day unknown to the standard": timed(dayOfWeek=["lundi"]),
    "a unit of time unknown to the standard": timed(frequency=1, period=1, periodUnit="fortnight"),
    "a timing code of a hospital": [
        {"timing": {"code": {"coding": [{"system": "https://hospital", "code": "3", "display": "3/j"}]}}, **dosage(1)}
    ],
    "a timing that is only words": [{"timing": {"code": {"text": "trois fois par jour"}}, **dosage(1)}],
    "a frequency without its period": timed(frequency=1, periodUnit="wk", dayOfWeek=["fri"]),
    "a period without its unit": timed(frequency=1, period=1),
    "only the longest period": timed(frequencyMax=1, periodMax=4, periodUnit="h"),
    "a duration without its unit": timed(when=["EVE"], duration=20),
    "a dose without a unit": measured(value=1),
    "a dose whose unit is only a code": measured(value=1, system=EDQM, code="15062000"),
    "a dose in a unit of software": measured(value=20, unit="dose_kg"),
    "a dose in braces": measured(value=20, unit="{unit}"),
    "an unknown UCUM unit": measured(value=20, system=UCUM, code="mol/L"),
    "less than a dose": measured(value=1, unit="comprimé", comparator="<"),
    "a dose for a weight": measured(**ucum(15, "mg/kg", "mg/kg")),
    "a calculated dose for a weight": dosed(typed("calculated", ucum(15, "mg/kg"))),
    "a type of dose we do not know": dosed(typed("estimated", ucum(15, "mg"))),
    "a dose without its moment": [dosage(1)],
    "a dose without its moment, with advice": [between(1, 4, additionalInstruction=[{"text": "selon les symptômes"}])],
    "a duration without a moment": [dosage(1, repeat=lasting(7))],
    "advice alone": [{"patientInstruction": "Revoir le médecin"}],
    "a maximum alone": [{"maxDosePerLifetime": quantity(1, "g")}],
    "an instruction that is only a code": one(additionalInstruction=[{"coding": [{"code": "311504000"}]}]),
    "a reason that is only an unknown code": one(asNeededCodeableConcept={"coding": [{"code": "1"}]}),
    "a route that is only an unknown code": one(route={"coding": [{"system": EDQM, "code": "20999000"}]}),
    "an empty instruction": one(patientInstruction=" \u200b "),
    "a leftover of a program": one(patientInstruction="None"),
    "a template not filled in": one(patientInstruction="Prendre {dose}"),
    "a month of half": timed(frequency=1, period=1.5, periodUnit="mo"),
    "a date without a day": timed(when=["EVE"], boundsPeriod={"start": "2025-03"}),
    "a date that does not exist": timed(when=["EVE"], boundsPeriod={"start": "2025-02-30"}),
    "a time without its offset": timed(when=["EVE"], boundsPeriod={"start": "2025-03-01T10:00:00"}),
    "an hour to the second": timed(timeOfDay=["08:00:30"]),
    "an hour that does not exist": timed(timeOfDay=["25:00:00"]),
    "an offset from a moment that has no side": timed(when=["C"], offset=30),
    "an offset from nothing": timed(timeOfDay=["08:00"], offset=30),
    "a dose for days in a row that may be one long one": [
        dosage(1, repeat={"duration": 14, "durationUnit": "d", "period": 21, "periodUnit": "d"})
    ],
    "an infusion of several days": [
        dosage(
            100, "mg", at("MORN", duration=2, durationUnit="d", period=21, periodUnit="d"), route={"text": "Perfusion"}
        )
    ],
}
CONTRADICTORY = {
    "hours and moments": timed(timeOfDay=["08:00"], when=["EVE"]),
    "the same moment twice": timed(when=["EVE", "EVE"]),
    "three times, two moments": timed(frequency=3, period=1, periodUnit="d", when=["MORN", "EVE"]),
    "once, three hours": timed(frequency=1, period=1, periodUnit="d", timeOfDay=["07:00", "12:00", "18:00"]),
    "every 12 hours, at 10": timed(frequency=1, period=12, periodUnit="h", timeOfDay=["10:00"]),
    "once a week, two days": timed(frequency=1, period=1, periodUnit="wk", dayOfWeek=["mon", "thu"]),
    "every three days, on Mondays": timed(frequency=1, period=3, periodUnit="d", dayOfWeek=["mon"]),
    "an abbreviation and another frequency": [
        {
            "timing": {"code": {"coding": [{"system": GTS, "code": "TID"}]}, "repeat": daily(2)},
            **dosage(1),
        }
    ],
    "dates and a rhythm": [{"timing": {"event": ["2025-03-01"], "repeat": EVENING}, **dosage(1)}],
    "two bounds": timed(when=["EVE"], boundsPeriod={"end": "2025-03-01"}, **lasting(7)),
    "a period that ends before it starts": timed(
        when=["EVE"], boundsPeriod={"start": "2025-03-02", "end": "2025-03-01"}
    ),
    "lasting longer than its period": timed(frequency=1, period=6, periodUnit="h", duration=8, durationUnit="h"),
    "a cycle without a pause": timed(when=["EVE"], duration=21, durationUnit="d", period=21, periodUnit="d"),
    "a count that its days contradict": timed(**daily(3, count=20, **lasting(7))),
    "a range turned over": [between(2, 1, repeat=EVENING)],
    "a range of times turned over": timed(**daily(3, frequencyMax=2)),
    "a range of two units": dosed({"doseRange": {"low": quantity(1, "g"), "high": quantity(2, "mg")}}),
    "two doses": dosed({"doseQuantity": quantity(1)}, {"doseQuantity": quantity(2)}),
    "a dose and a range": dosed({"doseQuantity": quantity(1), "doseRange": {"high": quantity(2)}}),
    "a unit and another code": measured(value=1, unit="g", system=UCUM, code="mg"),
    "a tablet coded as a patch": measured(value=1, unit="Comprimé", system=EDQM, code="15036000"),
    "days coded as weeks": timed(
        when=["EVE"], boundsDuration={"value": 7, "unit": "jours", "system": UCUM, "code": "wk"}
    ),
    "as needed and not": one(asNeededBoolean=False, asNeededCodeableConcept={"text": "douleur"}),
    "pain coded as fever": one(
        asNeededCodeableConcept={"coding": [{"system": SNOMED, "code": "386661006"}], "text": "Si douleur"}
    ),
    "by mouth coded as a vein": one(route={"coding": [{"system": EDQM, "code": "20045000"}], "text": "Voie orale"}),
    "tablets with a maximum in drops": [dosage(1, repeat=EVENING, maxDosePerPeriod=at_most(4, "goutte", 1, "jour"))],
    "a dose above its maximum": [dosage(1000, "mg", EVENING, maxDosePerPeriod=at_most(4, "mg", 1, "jour"))],
    "a dose above its maximum each time": [dosage(2, "g", EVENING, maxDosePerAdministration=quantity(1000, "mg"))],
    "a day above its maximum": [dosage(1, "g", daily(4), maxDosePerPeriod=at_most(3, "g", 24, "h"))],
    "a rate that its time contradicts": [
        dosage(
            repeat=daily(1, duration=5, durationUnit="h"),
            doseAndRate=[{"doseQuantity": quantity(500, "mL"), "rateQuantity": ucum(50, "mL/h")}],
        )
    ],
    "numbered lines that do not say when they end": [
        dosage(1, sequence=1, repeat=at("MORN")),
        dosage(1, sequence=2, repeat=at("EVE")),
    ],
    "half of the lines numbered": [dosage(1, sequence=1, repeat=at("MORN")), dosage(1, repeat=at("EVE"))],
    "two doses at the same moment": [dosage(1, repeat=EVENING), dosage(2, repeat=EVENING)],
    "a dose at each meal and one at breakfast": [dosage(1, repeat=at("C")), dosage(2, repeat=at("CM"))],
    "a rhythm beside a moment": [dosage(1, repeat=daily(3)), dosage(2, repeat=EVENING)],
    "steps against their dates": [
        dosage(2, sequence=1, repeat=at("EVE", boundsPeriod={"start": "2025-03-08", "end": "2025-03-14"})),
        dosage(1, sequence=2, repeat=at("EVE", boundsPeriod={"start": "2025-03-01", "end": "2025-03-07"})),
    ],
    "an instruction with another dose": one(patientInstruction="Puis 3 comprimés"),
    "an instruction with another rhythm": [
        dosage(1, repeat=every(6, "h"), patientInstruction="Toutes les 4 heures si besoin")
    ],
    "an instruction with another duration": [
        dosage(1, repeat=at("EVE", **lasting(7)), patientInstruction="Pendant 10 jours")
    ],
    "an instruction with days of a cycle": [
        dosage(
            1, "patch", {"frequency": 3, "period": 1, "periodUnit": "mo"}, patientInstruction="Aux 1er, 8e et 15e jours"
        )
    ],
}
REFUSED = {**NOT_WHOLE, **CONTRADICTORY}


@pytest.mark.parametrize("dosages", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_not_sure_is_not_said(dosages, language):
    assert say(dosages, language=language) is None


@pytest.mark.parametrize("dosages", REFUSED.values(), ids=REFUSED)
def test_the_prescribers_own_text_is_shown_instead(dosages):
    shown = explain(dosages, own_text="1 cp le soir, voir avec moi")
    assert shown.sentence == shown.own_text == "1 cp le soir, voir avec moi"
    assert not shown.faithful
    assert shown.in_own_words
    assert not shown.missing


@pytest.mark.parametrize("language", ["fr", "en"])
def test_with_nothing_to_show_the_patient_is_sent_to_the_pharmacist(language):
    shown = explain(one(modifierExtension=EXTENSION), language=language)
    assert shown.sentence == NOT_SAID[language]
    assert explain([], language=language).sentence == NOT_SPECIFIED[language]
    assert shown.missing
    assert not shown.faithful
    assert shown.own_text is None
