"""Quantities in full letters, for the secured prescription."""

from decimal import Decimal

import pytest

from prescriptions.files.letters import in_letters, number_in_letters


@pytest.mark.parametrize(
    ("number", "letters"),
    [
        (0, "zéro"),
        (1, "un"),
        (16, "seize"),
        (21, "vingt et un"),
        (28, "vingt-huit"),
        (60, "soixante"),
        (61, "soixante et un"),
        (70, "soixante-dix"),
        (71, "soixante et onze"),
        (77, "soixante-dix-sept"),
        (80, "quatre-vingts"),
        (81, "quatre-vingt-un"),
        (91, "quatre-vingt-onze"),
        (99, "quatre-vingt-dix-neuf"),
        (100, "cent"),
        (101, "cent un"),
        (200, "deux cents"),
        (280, "deux cent quatre-vingts"),
        (1000, "mille"),
        (1500, "mille cinq cents"),
        (80000, "quatre-vingt mille"),
        (200000, "deux cent mille"),
        ("0.5", "zéro virgule cinq"),
        ("2.05", "deux virgule zéro cinq"),
        ("12.25", "douze virgule vingt-cinq"),
        ("1.0625", "1,0625"),
        (1_000_000, "1000000"),
    ],
)
def test_numbers(number, letters):
    assert number_in_letters(Decimal(number)) == letters


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("1 gélule matin et soir pendant 28 jours", "une gélule matin et soir pendant vingt-huit jours"),
        ("SKENAN LP 10 mg, gélule", "SKENAN LP dix milligrammes, gélule"),
        ("1\xa0comprimé à 8\xa0h", "un\xa0comprimé à huit heures"),
        ("2,5 mL", "deux virgule cinq millilitres"),
        ("1 mg", "un milligramme"),
        ("21 gouttes", "vingt et une gouttes"),
        ("1 500 mg", "mille cinq cents milligrammes"),
        ("20 %", "vingt pour cent"),
        ("1 petite cuillère", "une petite cuillère"),
        ("vitamine B12, D3", "vitamine B12, D3"),
        ("1/2 comprimé", "un demi comprimé"),
        ("le 12/03/2026", "le 12/03/2026"),
        ("1 h 30", "une heure trente"),
    ],
)
def test_a_sentence_has_its_quantities_written_out(text, letters):
    assert in_letters(text) == letters
