"""A telephone number reads the same on the screen, on the paper and in the letter, however it came."""

import re

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from portal import telephones
from prescriptions.files import sheet
from sharing.outgoing import message
from tests import factories


@pytest.mark.parametrize(
    ("came", "said"),
    [
        ("+33 4 72 00 00 00", "04 72 00 00 00"),
        ("+33 (0)4 72 00 00 00", "04 72 00 00 00"),
        ("0033472000000", "04 72 00 00 00"),
        ("04.72.00.00.00", "04 72 00 00 00"),
        ("0262 20 00 00", "02 62 20 00 00"),
    ],
)
def test_a_french_number_is_written_the_national_way_on_one_line(came, said):
    assert telephones.written(came) == said.replace(" ", "\xa0")


@pytest.mark.parametrize("came", ["+32 2 123 45 67", "+262 262 20 00 00", "3624", "04 72 00 00 00 poste 12", ""])
def test_any_other_stays_as_it_came(came):
    assert telephones.written(came) == came


@pytest.mark.django_db
def test_the_doctor_has_one_number_in_the_letter_on_the_paper_and_at_the_desk(client, alice, chloe, market):
    shared = factories.share(factories.prescription(), market)
    client.force_login(chloe)
    page = client.get(reverse("desk-share", args=[shared.pk])).content.decode()
    paper = render_to_string("pdf/prescription.html", sheet.sheet(shared.prescription))
    for text in (page, paper, message.preview(shared).text):
        assert "01\xa099\xa000\xa012\xa034" in text
        assert "+33" not in re.sub(r'"tel:[^"]*"', "", text)
