"""Numbers people copy: right ones pass, each kind of mistake has its sentence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from prescriptions import numbers
from prescriptions.numbers import CROCKFORD, new_prescription_number, normalise_number

SPECIMEN = "01S2TBPZ2JCNZZYGHZ"  # of the ANS samples


def code_of(reason):
    return reason and reason.code


@pytest.mark.parametrize(
    ("ins", "code"),
    [
        ("279035121518989", None),  # the official test INS
        ("2 79 03 51 215 189 89", None),
        ("285052A00408346", None),  # Corse-du-Sud: 2A counts as 19
        ("185052b03302785", None),  # Haute-Corse: 2B counts as 18
        ("179203512151836", None),  # month 20: unknown at birth, exists
        ("279035121518988", "ins-key"),
        ("285052A00408345", "ins-key"),
        ("285052C00408346", "ins-shape"),
        ("27903512151898", "ins-shape"),
        ("", "ins-shape"),
    ],
)
def test_ins(ins, code):
    assert code_of(numbers.why_not_ins(ins)) == code


@pytest.mark.parametrize(
    ("check", "text", "code"),
    [
        (numbers.why_not_rpps, "10000005479", None),
        (numbers.why_not_rpps, "100 0000 1916", None),
        (numbers.why_not_rpps, "10000005478", "rpps-key"),
        (numbers.why_not_rpps, "810000005479", "rpps-shape"),  # the national id is "8" and the RPPS
        (numbers.why_not_finess, "010002301", None),
        (numbers.why_not_finess, "010002293", None),
        (numbers.why_not_finess, "2A9900024", None),
        (numbers.why_not_finess, "010002302", "finess-key"),
        (numbers.why_not_finess, "2C0000018", "finess-shape"),
        (numbers.why_not_cip13, "3400949497294", None),
        (numbers.why_not_cip13, "34009 494 972 9 4", None),
        (numbers.why_not_cip13, "3400949497295", "cip13-key"),
        (numbers.why_not_cip13, "4006381333931", "cip13-shape"),  # a right EAN that is no medicine's
        (numbers.why_not_lpp, "1215702", None),
        (numbers.why_not_lpp, "121570", "lpp-shape"),
        (numbers.why_not_number, SPECIMEN, None),
        (numbers.why_not_number, "01S2 TBPZ-2JCN", None),
        (numbers.why_not_number, "01S2", "number-shape"),
        (numbers.why_not_number, "ÉTÉ2TBPZ2JCNZZYGHZ", "number-shape"),
    ],
)
def test_each_number_has_its_shape_and_its_key(check, text, code):
    assert code_of(check(text)) == code


@pytest.mark.parametrize("text", ["٢٧٩٠٣٥١٢١٥١٨٩٨٩", "²79035121518989", "2790351215189\u200b89x"])
def test_digits_of_other_scripts_are_refused(text):
    assert numbers.why_not_ins(text).code.startswith("ins-")
    assert numbers.why_not_rpps(text).code == "rpps-shape"


def test_a_sentence_never_repeats_the_number():
    assert "27903" not in numbers.why_not_ins("279035121518988").sentence


@pytest.mark.parametrize("typed", ["01s2 tbpz 2jcn zzyg hz", "01S2-TBPZ-2JCN-ZZYG-HZ", " 01S2TBPZ2JCNZZYGHZ\n"])
def test_a_number_is_searched_in_one_form(typed):
    assert normalise_number(typed) == SPECIMEN


def test_a_new_number_looks_like_the_specimen_and_never_comes_twice():
    made = {new_prescription_number() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(f"[{CROCKFORD}]{{18}}", number) for number in made)


@given(st.integers(0, 17), st.sampled_from(CROCKFORD))
def test_one_wrong_character_shows(place, letter):
    number = new_prescription_number()
    wrong = number[:place] + letter + number[place + 1 :]
    assert mod_37_36.is_valid(wrong, CROCKFORD) == (wrong == number)
