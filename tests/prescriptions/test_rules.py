"""The law's rules, one by one: when each speaks, when it is silent, and which may be gone past."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from prescriptions.dispensing import Handed
from prescriptions.law import against, rules
from prescriptions.law.against import Case
from prescriptions.models import Prescription, PrescriptionLine
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def ago(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)


def case_of(prescription, *, conditions=(), name="Pharmacie du Marché", finess="", **handed) -> Case:
    line = prescription.lines.first()
    item = Handed(line=line, **{"quantity": 1} | handed)
    finess = finess or factories.market_pharmacy().finess
    return Case(prescription, item, timezone.localdate(), finess, name, tuple(conditions))


def codes(case: Case) -> list[str]:
    """Of all the rules that speak against it, whatever their level."""
    return [rule.code for rule in rules.RULES if rule.applies_when(case) and rule.why(case)]


def fentanyl(**fields) -> dict:
    facts = {"name": "FENTANYL 25 microgrammes/heure, dispositif transdermique", "duration_days": 28}
    return factories.amoxicillin(**{"dosage": []} | facts | fields)


def zolpidem(**fields) -> dict:
    return factories.amoxicillin(**{"name": "ZOLPIDEM 10 mg, comprimé", "dosage": [], "duration_days": 28} | fields)


@pytest.fixture
def renewable(alice):
    return factories.prescription(lines=[factories.levothyrox(quantity=1, quantity_unit="boîte")], authored_on=ago(90))


# --- The table itself -------------------------------------------------------------------------------------------------
def test_each_rule_has_a_code_of_its_own_a_source_and_a_level():
    assert len({rule.code for rule in rules.RULES}) == len(rules.RULES)
    assert all(rule.source and rule.level in {"hard", "soft"} for rule in rules.RULES)


def test_a_rule_holds_between_its_dates():
    rule = rules.Rule("x", rules.SOFT, date(2020, 1, 1), "JO", lambda case: True, lambda case: "", date(2021, 1, 1))
    assert [rule.holds_on(date(year, 1, 1)) for year in (2019, 2020, 2021, 2022)] == [False, True, True, False]


def test_an_ordinary_antibiotic_breaks_no_rule(prescription):
    assert codes(case_of(prescription)) == []


# --- From when to when ------------------------------------------------------------------------------------------------
def test_first_dispensing_within_three_months(alice):
    late = factories.prescription(authored_on=ago(100))
    assert codes(case_of(late)) == ["too-late-to-start"]
    factories.dispensing(late, completeness="FFP", dispensed_at=timezone.now() - timedelta(days=60))
    assert codes(case_of(Prescription.objects.get(pk=late.pk))) == []


def test_no_treatment_goes_past_twelve_months(alice):
    old = factories.prescription(authored_on=ago(370), valid_until=None, first_dispensing_before=None)
    assert codes(case_of(old)) == ["twelve-months"]
    device = factories.prescription(
        lines=[factories.amoxicillin(kind="device")], authored_on=ago(370), valid_until=None
    )
    assert codes(case_of(device)) == []


@pytest.mark.parametrize(("days", "expected"), [(5, ["too-soon"]), (20, ["too-soon"]), (21, []), (28, [])])
def test_a_month_goes_by_between_renewals(renewable, days, expected):
    factories.dispensing(renewable, dispensed_at=timezone.now() - timedelta(days=days))
    assert codes(case_of(renewable)) == expected


def test_a_pack_of_three_months_goes_by_three_months(renewable):
    told = factories.dispensing(renewable, dispensed_at=timezone.now() - timedelta(days=40)).lines.get()
    assert codes(case_of(renewable)) == []
    told.delivered_name = "LEVOTHYROX 75 microgrammes, 90 comprimés"
    told.save()
    assert codes(case_of(Prescription.objects.get(pk=renewable.pk))) == ["too-soon"]


def test_the_rest_of_a_delivery_waits_for_nothing(renewable):
    factories.dispensing(renewable, completeness="FFP")
    assert codes(case_of(renewable)) == []


def test_a_month_at_a_time(renewable):
    assert codes(case_of(renewable, quantity=3)) == ["a-month-at-a-time"]


# --- Hypnotics, anxiolytics and what the database limits --------------------------------------------------------------
def test_hypnotics_by_name_when_the_database_says_nothing(alice):
    assert codes(case_of(factories.prescription(lines=[zolpidem()]))) == []
    assert codes(case_of(factories.prescription(lines=[zolpidem(duration_days=30)]))) == ["limited-duration"]
    anxiolytic = zolpidem(name="ALPRAZOLAM 0,25 mg, comprimé", duration_days=84)
    assert codes(case_of(factories.prescription(lines=[anxiolytic]))) == []


@pytest.mark.parametrize(
    ("condition", "limit"),
    [
        ("prescription limitée à 4 semaines", 28),
        ("prescription limitée à 12 semaines", 84),
        ("prescription limitée à 7 jours", 7),
        ("prescription limitée à 6 mois", 180),
        ("liste i", 0),
    ],
)
def test_the_limit_is_read_from_the_conditions(prescription, condition, limit):
    assert against.limit_of(case_of(prescription, conditions=[condition])) == limit


def test_renewed_after_its_limit(alice):
    old = factories.prescription(lines=[zolpidem(duration_days=14, renewals=3)], authored_on=ago(40))
    factories.dispensing(old, dispensed_at=timezone.now() - timedelta(days=38))
    assert codes(case_of(old)) == ["limited-duration"]


# --- Narcotics and secured prescriptions ------------------------------------------------------------------------------
NARCOTIC = ["stupéfiants", "prescription limitée à 28 jours", "prescription en toutes lettres sur ordonnance sécurisée"]


def test_a_narcotic_presented_in_time(alice):
    assert codes(case_of(factories.prescription(lines=[fentanyl()]), conditions=NARCOTIC)) == []


def test_a_narcotic_presented_late_is_for_what_is_left(alice):
    late = case_of(factories.prescription(lines=[fentanyl()], authored_on=ago(4)), conditions=NARCOTIC)
    assert codes(late) == ["presented-late"] and "24\xa0jours" in against.presented_late(late).replace(" j", "\xa0j")
    over = factories.prescription(lines=[fentanyl()], authored_on=ago(28))
    assert "narcotic-over" in codes(case_of(over, conditions=NARCOTIC))


def test_a_secured_prescription_whose_medicine_is_not_known_warns(alice):
    secured = factories.prescription(lines=[fentanyl()], flags=["MED-1098"], authored_on=ago(10))
    assert codes(case_of(secured)) == ["presented-late"]
    assert rules.why_not_dispense(secured, [case_of(secured).item], "", timezone.now()) is None


def test_no_overlap_of_narcotics_unless_the_prescriber_says_so(alice, bob_patient, market):
    earlier = factories.prescription(lines=[fentanyl()], authored_on=ago(10))
    factories.dispensing(earlier, market)

    def overlapping(patient=earlier.patient, finess="", **fields):
        later = factories.prescription(patient, lines=[fentanyl(name="FENTANYL 50 microgrammes", **fields)])
        return codes(case_of(later, conditions=NARCOTIC, finess=finess))

    assert overlapping() == ["narcotic-overlap"]
    assert overlapping(dispenser_note="Chevauchement autorisé.") == []
    assert overlapping(finess=factories.pharmacy().finess) == [], "of the same pharmacy only"
    assert overlapping(bob_patient) == []
    earlier.lines.update(duration_days=7)
    assert overlapping() == [], "over since"


def test_isotretinoin_for_a_woman_is_for_a_month(alice_patient, bob_patient):
    def asked(patient, **fields):
        capsule = factories.amoxicillin(name="CURACNE 10 mg, capsule molle", **{"duration_days": 30} | fields)
        return codes(case_of(factories.prescription(patient, lines=[capsule])))

    assert asked(alice_patient) == [] and asked(bob_patient, duration_days=90) == []
    assert asked(alice_patient, duration_days=60) == asked(alice_patient, renewals=1) == ["isotretinoin-a-month"]


def test_a_narcotic_is_never_renewed_whatever_was_written(alice):
    renewed = factories.prescription(lines=[fentanyl(renewals=2)], authored_on=ago(3))
    factories.dispensing(renewed)
    assert "narcotic-not-renewable" in codes(case_of(renewed, conditions=NARCOTIC))


def test_a_narcotic_for_more_than_28_days(alice):
    long = factories.prescription(lines=[fentanyl(duration_days=60)])
    assert set(codes(case_of(long, conditions=NARCOTIC))) == {"narcotic-28-days", "limited-duration"}


def test_by_fractions_unless_the_prescriber_says_at_once(alice):
    conditions = [*NARCOTIC, "délivrance fractionnée de 7 jours"]
    fractions = factories.prescription(lines=[fentanyl()])
    assert codes(case_of(fractions, conditions=conditions)) == ["by-fractions"]
    assert codes(case_of(fractions, conditions=conditions, complete=False)) == []
    at_once = factories.prescription(lines=[fentanyl(dispenser_note="Délivrance en une seule fois.")])
    assert codes(case_of(at_once, conditions=conditions)) == []


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("Pharmacie du Marché", []),
        ("PHARMACIE DU MARCHE, Lyon", []),
        ("Pharmacie des Halles", ["named-dispenser-name"]),
        ("FINESS 999999999", ["named-dispenser"]),
        ("", []),
    ],
)
def test_a_named_dispenser(alice, named, expected):
    assert codes(case_of(factories.prescription(named_pharmacy=named))) == expected


def test_a_dispenser_named_by_its_number(market, alice):
    named = factories.prescription(named_pharmacy=f"Pharmacie du Marché ({market.finess})")
    assert codes(case_of(named)) == []
    refused = rules.why_not_dispense(named, [case_of(named).item], factories.pharmacy().finess, timezone.now())
    assert refused.code == "named-dispenser"


# --- What the pharmacist changes --------------------------------------------------------------------------------------
def test_not_substitutable(renewable):
    assert codes(case_of(renewable, substitution="G")) == ["not-substitutable"]
    agreed = {"change": "Générique", "change_reason": "Rupture", "prescriber_agreed_on": ago(0)}
    assert codes(case_of(renewable, substitution="G", **agreed)) == []


def test_a_change_that_nobody_agreed_to(prescription):
    assert codes(case_of(prescription, change="500 mg", change_reason="Rupture")) == ["change-not-agreed"]


def test_for_hospitals_only(prescription):
    assert codes(case_of(prescription, conditions=["réservé à l'usage hospitalier"])) == ["hospital-only"]


# --- Going past -------------------------------------------------------------------------------------------------------
def test_nothing_handed_over_breaks_no_rule(alice):
    late = factories.prescription(authored_on=ago(100))
    item = Handed(line=late.lines.get(), not_dispensed_reason="rupture")
    assert rules.why_not_dispense(late, [item], "", timezone.now()) is None


def test_a_soft_rule_is_gone_past_with_a_reason(renewable):
    item = case_of(renewable, quantity=3).item
    (warned,) = rules.warnings(renewable, [item], "", timezone.now())
    assert (warned.code, warned.line_id) == ("a-month-at-a-time", item.line.pk)
    assert rules.why_override([warned], [item]).code == "a-month-at-a-time"
    reasoned = Handed(line=item.line, quantity=3, override_reason="Part trois mois")
    assert rules.why_override([warned], [reasoned]) is None
    assert rules.why_override([warned], [Handed(line=item.line, quantity=3, override_reason=" ")]) is not None


def test_every_kind_of_line_is_looked_at_without_error(alice):
    for kind in PrescriptionLine.Kind.values:
        assert codes(case_of(factories.prescription(lines=[factories.amoxicillin(kind=kind)]))) == []
