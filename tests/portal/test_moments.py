"""Days and hours as people say them: the first of a month is « 1er » wherever French writes it, and nowhere else."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone, translation

from portal import moments
from prescriptions.files import sheet
from sharing.models import Share
from sharing.outgoing import message
from tests import factories

FIRST = date(2026, 2, 1)


@pytest.fixture(autouse=True)
def in_june():
    noon = datetime(2026, 6, 16, 12, 0, tzinfo=timezone.get_default_timezone())
    with time_machine.travel(noon, tick=False), translation.override("fr"):
        yield


def written(format: str, when: date) -> str:
    return Template("{% load moments %}{{ when|" + format + " }}").render(Context({"when": when}))


def test_days_are_said_in_words():
    assert moments.day_near(date(2026, 6, 16)) == "aujourd’hui"
    assert moments.day_near(date(2026, 6, 17)) == "demain"
    assert moments.day_near(date(2026, 6, 15)) == "hier"
    assert moments.day(date(2026, 7, 1)) == "mercredi 1er\xa0juillet"
    assert moments.short_day(date(2026, 7, 11)) == "11\xa0juillet"
    assert moments.short_day(date(2027, 1, 2)) == "2\xa0janvier 2027"
    assert moments.full_date(FIRST) == "1er\xa0février 2026"


def test_english_counts_the_first_as_any_other_day():
    with translation.override("en"):
        assert moments.full_date(FIRST) == "1\xa0February 2026"
        assert moments.day(date(2026, 7, 1)) == "Wednesday 1\xa0July"


def test_a_page_writes_the_day_it_is_in_paris():
    late = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    assert written("full_date", late) == "1er\xa0février 2026"
    assert written("full_moment", late) == "1er\xa0février 2026, 0\xa0h\xa030"
    assert written("short_day", late) == "1er\xa0février"
    assert written("day", late) == "dimanche 1er\xa0février"


@pytest.mark.django_db
def test_the_page_the_paper_and_the_letter_of_a_prescription_say_its_first_of_february(client, alice, market):
    prescription = factories.prescription(authored_on=FIRST)
    client.force_login(alice)
    page = client.get(reverse("prescription", args=[prescription.pk])).content.decode()
    assert "le 1er\xa0février 2026" in page
    assert sheet.sheet(prescription)["title"].startswith("Ordonnance du 1er\xa0février 2026")
    share = Share(prescription=prescription, patient=prescription.patient, pharmacy=market, shared_by=alice)
    assert "Date\xa0: 1er\xa0février 2026" in message.preview(share).text
