"""What Alice reads of her prescriptions: exact, and silent about what nobody knows."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone, translation

from prescriptions import policies, words
from prescriptions.models import DispensingLine
from tests import factories

TODAY = "2026-11-23T12:00:00+01:00"
DAY = date(2026, 11, 23)

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _in_november():
    with time_machine.travel(TODAY, tick=False):
        yield


def standing_of(prescription):
    return words.standing(prescription.__class__.objects.with_content().get(pk=prescription.pk))


# --- Titles and numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["AMOXICILLINE 500 mg, gélule"], "Amoxicilline"),
        (["METFORMINE 850 mg cp", "RAMIPRIL 5 mg", "Bas de contention", "Aspirine"], "Metformine, Ramipril +2"),
        (["DOLIPRANE 1 g", "DOLIPRANE 500 mg"], "Doliprane"),
        (["EVRA 203 µg/24 h dispositif transdermique"], "EVRA"),
        (["GLUCOSE 5 % + POTASSIUM CHLORURE 0,2 %"], "Glucose"),
        (["10 séances de kinésithérapie"], "10 séances de"),
    ],
)
def test_a_title_says_the_first_names_and_how_many_more(names, title):
    lines = [factories.amoxicillin(name=name) for name in names]
    assert words.title_of(factories.prescription(lines=lines)) == title


def test_a_photo_is_titled_by_what_the_patient_wrote_or_by_what_it_is():
    assert words.title_of(factories.photo_prescription(comment="Ordonnance du dentiste")) == "Ordonnance du dentiste"
    assert words.title_of(factories.photo_prescription()) == "Photo"


def test_a_number_is_read_in_groups():
    assert words.number_in_groups("01S2TBPZ2JCNZZYGHZ") == "01S2 TBPZ 2JCN ZZYG HZ"


# --- Where it stands --------------------------------------------------------------------------------------------------


def test_a_new_prescription_is_good_and_nobody_is_said_to_have_dispensed_it(alice):
    stands = standing_of(factories.prescription(authored_on=date(2026, 11, 20)))
    assert (stands.code, stands.state, stands.word) == ("to_dispense", "ready", "Valable")
    assert stands.sentence == "À présenter avant le 20\xa0février 2027. Personne n’a signalé de délivrance."


@pytest.mark.parametrize(
    ("fields", "code", "word"),
    [
        ({"cancelled_at": timezone.now(), "cancelled_reason": "erreur"}, "cancelled", "Annulée"),
        ({"valid_until": date(2026, 11, 22)}, "expired", "Expirée"),
        ({"valid_until": date(2026, 11, 23)}, "expiring", "Expire aujourd’hui"),
        ({"valid_until": date(2026, 11, 24)}, "expiring", "Expire demain"),
        ({"valid_until": date(2026, 11, 29)}, "expiring", "Expire dans 6 jours"),
        ({"valid_until": date(2026, 12, 1)}, "to_dispense", "Valable"),
        ({"authored_on": date(2026, 8, 22)}, "too_late", "Délai dépassé"),
        ({"valid_until": None, "first_dispensing_before": None}, "unknown", "Inconnu"),
        ({"provenance": "document"}, "document", "Document"),
        ({"provenance": "document", "valid_until": date(2026, 1, 1)}, "expired", "Expirée"),
    ],
)
def test_where_an_undispensed_prescription_stands(fields, code, word):
    stands = standing_of(factories.prescription(**fields))
    assert (stands.code, stands.word) == (code, word)


def test_a_photo_is_for_preparing_only():
    stands = standing_of(factories.photo_prescription())
    assert (stands.code, stands.sentence) == (
        "upload",
        "Elle sert à préparer seulement. Apportez l’original à la pharmacie.",
    )


def test_a_replaced_prescription_says_so():
    old = factories.prescription()
    factories.prescription(replaces=old)
    assert standing_of(old).code == "replaced"
    assert policies.why_not_valid(old).code == "replaced"
    assert words.deadlines(old) == []


def test_dispensed_in_full_in_part_and_to_renew(market):
    once = factories.prescription()
    factories.dispensing(once, market)
    assert standing_of(once).code == "dispensed"

    renewable = factories.prescription(lines=[factories.levothyrox()])
    factories.dispensing(renewable, market)
    stands = standing_of(renewable)
    assert (stands.code, stands.word) == ("renewable", "À renouveler")
    assert stands.sentence.startswith("Il reste au moins un renouvellement. Valable jusqu’au ")

    partly = factories.prescription(lines=[factories.levothyrox()])
    factories.dispensing(partly, market, completeness=DispensingLine.Completeness.FIRST_PARTIAL)
    assert standing_of(partly).code == "partly_dispensed"


def test_a_line_nobody_delivered_keeps_the_prescription_open(market):
    two = factories.prescription(lines=[factories.amoxicillin(), factories.amoxicillin(name="Doliprane 1 g")])
    dispensing = factories.dispensing(two, market)
    dispensing.lines.filter(line__name="Doliprane 1 g").update(
        quantity=0, completeness="", not_dispensed_reason="rupture"
    )
    assert standing_of(two).code == "partly_dispensed"
    assert words.dispensings_words(two)[0]["lines"] == [
        "AMOXICILLINE 500 mg, gélule (1 boîte)",
        "Doliprane 1 g (non délivré\u00a0: rupture)",
    ]


def test_a_dispensing_that_was_undone_does_not_count(market):
    once = factories.prescription()
    factories.dispensing(once, market, undone_at=timezone.now())
    assert standing_of(once).code == "to_dispense"
    assert words.dispensings_words(once)[0]["word"] == "Délivrance annulée"


def test_in_time_on_the_last_day_and_after_a_first_dispensing(market):
    last_day = factories.prescription(authored_on=date(2026, 8, 23))
    assert standing_of(last_day).code == "expiring"
    started = factories.prescription(authored_on=date(2026, 6, 1), lines=[factories.levothyrox()])
    factories.dispensing(started, market)
    assert standing_of(started).code == "renewable"


def test_three_months_are_months_of_the_calendar():
    deadline = policies.first_dispensing_deadline
    assert deadline(date(2026, 11, 30), {"medicine"}) == date(2027, 2, 28)
    assert deadline(date(2026, 12, 1), {"medicine", "nursing"}) == date(2027, 3, 1)
    assert deadline(date(2026, 12, 1), {"nursing", "biology"}) is None


def test_reading_a_list_asks_the_database_a_fixed_number_of_times(alice, market, django_assert_num_queries):
    for _ in range(3):
        factories.dispensing(factories.prescription(lines=[factories.levothyrox(), factories.amoxicillin()]), market)
    listed = factories.patient_of(alice).prescriptions.with_content()
    with django_assert_num_queries(4):
        assert [words.standing(one).code for one in listed] == ["renewable"] * 3


# --- Until when -------------------------------------------------------------------------------------------------------


def test_deadlines_come_in_order_and_only_when_known():
    known = factories.prescription(authored_on=DAY, valid_until=date(2027, 3, 1))
    assert [(d.on, d.sentence, d.state) for d in words.deadlines(known)] == [
        (date(2027, 2, 23), "À présenter avant le 23\xa0février 2027.", "info"),
        (date(2027, 3, 1), "Valable jusqu’au 1er\xa0mars 2027.", "info"),
    ]
    nursing = factories.prescription(lines=[factories.nursing()], valid_until=None)
    assert words.deadlines(nursing) == []


def test_a_secured_prescription_is_better_shown_within_three_days():
    secured = factories.prescription(authored_on=DAY, flags=["MED-1098"])
    assert (words.deadlines(secured)[0].on, words.deadlines(secured)[0].state) == (DAY + timedelta(days=3), "wait")
    assert len(words.deadlines(factories.prescription(authored_on=date(2026, 11, 1), flags=["MED-1098"]))) == 2


def test_nothing_reported_is_unknown_in_the_words_of_the_line():
    medicine, nursing = factories.prescription(), factories.prescription(lines=[factories.nursing()])
    assert words.dispensings_words(medicine) == [
        {
            "word": "Inconnu",
            "sentence": "Personne n’a signalé de délivrance.",
            "at": None,
            "lines": [],
            "state": "unknown",
            "icon": "unknown",
        }
    ]
    assert words.dispensings_words(nursing)[0]["sentence"] == "Personne n’a signalé que c’était fait."


# --- A line -----------------------------------------------------------------------------------------------------------


def first_line(prescription):
    return words.say_line(prescription.lines.first())


def test_a_line_says_its_dose_its_length_and_what_is_left(market):
    prescription = factories.prescription(lines=[factories.levothyrox()])
    said = first_line(prescription)
    assert (said.icon, said.kind_label, said.total, said.left) == ("pill", "Médicament", 3, None)
    assert "comprimé" in said.dosage
    assert said.duration == "90 jours, environ 3 mois"
    assert said.renewals == "Renouvelable 2 fois"
    assert [note.title for note in said.notes] == [
        "Non substituable\xa0: pas de générique à la place",
        "Affection de longue durée",
    ]
    factories.dispensing(prescription, market)
    assert first_line(prescription).renewals == "Renouvelable 2 fois\xa0; il reste 2 renouvellements"
    factories.dispensing(prescription, market, completeness="RFC")
    assert (first_line(prescription).renewals, first_line(prescription).left) == (
        "Renouvelable 2 fois\xa0; il reste 1 renouvellement",
        1,
    )
    factories.dispensing(prescription, market, completeness="RFP")  # in part: the last one is not used up
    assert first_line(prescription).left == 1
    factories.dispensing(prescription, market, completeness="RFC")
    assert first_line(prescription).renewals == "Renouvelable 2 fois\xa0; il n’en reste plus"


def test_what_no_pharmacy_delivers_has_no_count():
    assert first_line(factories.prescription(lines=[factories.nursing(renewals=1)])).left is None


@pytest.mark.parametrize(
    ("days", "said"),
    [(1, "1 jour"), (6, "6 jours"), (28, "4 semaines (28 jours)"), (180, "180 jours, environ 6 mois")],
)
def test_a_duration_is_said_as_people_count(days, said):
    assert first_line(factories.prescription(lines=[factories.amoxicillin(duration_days=days)])).duration == said


def test_a_start_on_another_day_is_said():
    later = factories.amoxicillin(duration_days=6, starts_on=date(2026, 12, 1))
    assert first_line(factories.prescription(lines=[later])).duration == "6 jours, à partir du 1er\xa0décembre 2026"


@pytest.mark.parametrize(
    ("quantity", "unit", "said"),
    [
        ("1", "boîte", "1\xa0boîte"),
        ("2.00", "boîte", "2\xa0boîtes"),
        ("2", "", "2\xa0boîtes"),
        ("1.5", "comprimé", "1,5\xa0comprimé"),
        ("500", "mL", "500\xa0mL"),
        ("3", "bas", "3\xa0bas"),
        ("2", "boîte de 30", "2\xa0boîte de 30"),
    ],
)
def test_a_quantity_takes_its_plural(quantity, unit, said):
    assert words.say_quantity(Decimal(quantity), unit) == said


def test_a_mixture_names_its_parts():
    mixture = factories.amoxicillin(
        components=[{"name": "Potassium", "strength": "0,2 %"}, {"name": "Glucose", "strength": "5 %", "diluent": True}]
    )
    said = first_line(factories.prescription(lines=[mixture]))
    assert said.components == ["Potassium 0,2 %", "Glucose 5 % (solvant)"]


def test_each_flag_and_each_reason_has_its_sentence():
    for code in ["MTE", "EFG", "CIF"]:
        [note] = first_line(factories.prescription(lines=[factories.amoxicillin(no_substitution=code)])).notes
        assert note.sentence.endswith(".")
    flags = ["ALD", "AT/MP", "PREV", "NR", "HORS-AMM", "UNHEARD-OF"]
    said = first_line(factories.prescription(lines=[factories.amoxicillin(flags=flags, instructions="À jeun.")]))
    assert [note.title for note in said.notes] == [
        "Affection de longue durée",
        "Travail",
        "Prévention",
        "Non remboursable",
        "Hors autorisation de mise sur le marché",
        "Consigne du prescripteur",
    ]


def test_words_follow_the_language_asked():
    prescription = factories.prescription(authored_on=DAY)
    with translation.override("en"):
        assert "23 February 2027" in words.standing(prescription).sentence.replace("\xa0", " ")
