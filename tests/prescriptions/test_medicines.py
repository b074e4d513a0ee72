"""From a line's codes to a medicine of the public database: found, unknown, or nothing to say."""

import pytest
from django.utils import timezone

from prescriptions import words
from prescriptions.dispensing import Handed
from prescriptions.law.rules import conditions_of
from prescriptions.medicine import lookup
from prescriptions.medicine.catalogue import Edition
from tests import factories
from tests.prescriptions import bdpm_files as source

pytestmark = pytest.mark.django_db


def unknown_among(codes: dict) -> set:
    return lookup.unknown_among((system, codes[system]) for system in lookup.CODES if system in codes)


KNOWN = [
    {"cis": source.GENERIC},
    {"cip13": source.GENERIC_30},
    {"cip7": source.GENERIC_30[5:12]},
    {"cip13": f"34009 {source.GENERIC_30[5:12]} {source.GENERIC_30[-1]}"},
    {"cis": source.GENERIC, "cip13": source.GENERIC_90, "ucd": "9999999"},
]
UNKNOWN = [
    {"cis": "69999999"},
    {"cip13": source.cip13("9999999")},
    {"cip7": "9999999"},
    {"cis": source.GENERIC, "cip13": source.cip13("9999999")},
]
OTHER_SYSTEMS = [{}, {"ucd": "3400892065366"}, {"mv": "MV00000557", "sms": "1"}, {"cis": ""}]


@pytest.mark.parametrize("codes", KNOWN)
def test_a_medicine_is_found_by_any_of_its_codes(catalogue, codes):
    assert lookup.find(codes).cis == source.GENERIC
    assert not unknown_among(codes)
    assert lookup.conditions_of(codes) == ["liste II"]


@pytest.mark.parametrize("codes", UNKNOWN)
def test_a_code_that_is_not_there_is_unknown(catalogue, codes):
    assert unknown_among(codes)


def test_a_new_box_of_a_known_medicine_still_has_its_card(catalogue):
    assert lookup.find(UNKNOWN[-1]).cis == source.GENERIC
    assert lookup.find(UNKNOWN[0]) is None and lookup.conditions_of(UNKNOWN[0]) == []


@pytest.mark.parametrize("codes", OTHER_SYSTEMS)
def test_of_other_codes_there_is_nothing_to_say(catalogue, codes):
    assert lookup.find(codes) is None
    assert lookup.conditions_of(codes) == []


@pytest.mark.parametrize("codes", KNOWN + UNKNOWN + OTHER_SYSTEMS)
def test_without_an_edition_nothing_is_known_and_nothing_is_wrong(codes):
    Edition.objects.create(started_at=timezone.now())  # one that was never loaded whole
    assert lookup.find(codes) is None
    assert lookup.conditions_of(codes) == [] and lookup.unknown_among(codes.items()) == set()


def test_codes_that_name_two_medicines_give_no_card(catalogue):
    codes = {"cis": source.ORIGINAL, "cip13": source.GENERIC_30}
    assert lookup.find(codes) is None and lookup.conditions_of(codes) == []
    assert not unknown_among(codes), "each of them exists"


def test_a_medicine_says_all_its_facts(catalogue):
    found = lookup.find({"cip13": source.GENERIC_30})
    assert [(part.name, part.nature) for part in found.substances] == [
        ("IMAGINOL (CHLORHYDRATE D')", "SA"),
        ("IMAGINOL", "FT"),
    ]
    assert [pack.cip13 for pack in found.presentations] == [source.GENERIC_30, source.GENERIC_90, source.OLD_30]
    assert found.shortages is None, "no file told of shortages"
    assert found.notice_url == f"https://base-donnees-publique.medicaments.gouv.fr/extrait.php?specid={source.GENERIC}"
    assert found.edition.published_on.year == 2022


def test_a_group_names_its_original_and_those_on_sale(catalogue):
    [group] = lookup.find({"cis": source.GENERIC}).generics
    assert group.role.name == "GENERIC" and [relative.cis for relative in group.originals] == [source.ORIGINAL]
    assert group.others == [], "the third one is no longer on sale"
    [group] = lookup.find({"cis": source.ORIGINAL}).generics
    assert [relative.name for relative in group.others] == ["IMAGINOL ESSAI 5 mg, gélule"]
    assert lookup.find({"cis": source.NARCOTIC}).generics == []


def test_shortages_are_there_when_the_file_was(catalogue):
    catalogue(source.rows() | {"CIS_CIP_Dispo_Spec": [source.shortage()]})
    assert [told.kind for told in lookup.find({"cis": source.GENERIC}).shortages] == [1]
    assert lookup.find({"cis": source.ORIGINAL}).shortages == []


def test_cards_of_a_prescription_take_the_same_queries_whatever_its_length(
    catalogue,
    alice_patient,
    django_assert_num_queries,
):
    lines = [
        factories.amoxicillin(codes=codes)
        for codes in ({"cis": source.GENERIC}, {"cip13": source.NARCOTIC_14}, {"ucd": "1"}, {"cis": "69999999"})
    ]
    prescription = factories.prescription(alice_patient, lines=lines * 5)
    rows = list(prescription.lines.all())
    with django_assert_num_queries(3):
        cards = lookup.cards_for(rows)
    assert set(cards.values()) == {source.GENERIC, source.NARCOTIC} and len(cards) == 10
    assert [said.card for said in words.say_lines(prescription)][:4] == [source.GENERIC, source.NARCOTIC, "", ""]


def test_the_rules_of_dispensing_know_a_narcotic_by_its_code(catalogue, alice_patient):
    prescription = factories.prescription(alice_patient, lines=[factories.amoxicillin(codes={"cis": source.NARCOTIC})])
    told = conditions_of(Handed(line=prescription.lines.get(), quantity=1, cip13=source.GENERIC_30))
    assert {"stupéfiants", "prescription limitée à 4 semaines", "liste ii"} <= set(told)
