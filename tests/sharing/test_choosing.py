"""The page where a pharmacy is chosen: how far, how fresh, what else to do. A position is used once, kept nowhere."""

import json
import logging
from datetime import date, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from portal.models import AuditEvent
from sharing.models import DirectoryCopy
from tests import factories

pytestmark = pytest.mark.django_db
HERE = {"lat": "45.75812", "lon": "4.83517"}


@pytest.fixture
def choose(client, alice, prescription):
    """Alice's page, asked for with a search or from a place; its text with plain spaces."""
    client.force_login(alice)

    def page(place: dict | None = None, **query):
        url = reverse("share-pharmacy", args=[prescription.pk], query=query)
        answer = client.post(url, place) if place else client.get(url)
        answer.said = answer.content.decode().replace("\xa0", " ")
        return answer

    return page


def test_distances_are_said_as_people_say_them(choose):
    for name, latitude in [("Ici", 45.7581), ("Près", 45.7656), ("Loin", 45.7698), ("Ailleurs", 45.90)]:
        factories.pharmacy(f"Pharmacie {name}", latitude=latitude, longitude=4.8352)
    page = choose(HERE)
    notes = [(row.pharmacy.name.split()[1], row.note.replace("\xa0", " ")) for row in page.context["found"]]
    assert notes == [("Ici", "à moins de 50 m"), ("Près", "à 850 m"), ("Loin", "à 1,3 km"), ("Ailleurs", "à 16 km")]
    assert "les plus proches d’abord, à vol d’oiseau" in page.said


def test_a_position_is_kept_nowhere(choose, client, caplog):
    factories.pharmacy("Pharmacie Près", latitude=45.7581, longitude=4.8352)
    with caplog.at_level(logging.DEBUG):
        page = choose(HERE, q="pres")
    kept = [
        page.request["QUERY_STRING"],
        page.said,
        caplog.text,
        json.dumps(dict(client.session)),
        *(session.session_data for session in Session.objects.all()),
        *(str(event.detail) for event in AuditEvent.objects.all()),
    ]
    assert [text for text in kept if "45.75" in text or "4.83517" in text] == []
    assert page["Cache-Control"] == "no-store"


def test_only_this_page_may_ask_where_somebody_is(choose, client, prescription):
    assert "geolocation=(self)" in choose()["Permissions-Policy"]
    assert "geolocation=(self)" in choose(HERE)["Permissions-Policy"]
    for url in ("/", "/ordonnances/", "/verifier/", reverse("prescription", args=[prescription.pk])):
        assert "geolocation=()" in client.get(url)["Permissions-Policy"], url


def test_around_me_is_not_there_without_javascript_and_asks_nothing_by_itself(choose):
    assert '<form method="post" action="#other" data-near hidden>' in choose().said


def test_nothing_found_says_what_to_do(choose, prescription):
    factories.pharmacy()
    page = choose(q="xyzzy")
    assert page.status_code == 200 and "Aucune pharmacie ne correspond" in page.said
    assert "seulement la ville" in page.said
    assert reverse("prescription-present", args=[prescription.pk]) in page.said
    assert reverse("prescription-pdf", args=[prescription.pk]) in page.said
    assert "Aucune pharmacie à moins de 150 km" in choose({"lat": "0", "lon": "-30"}).said


@pytest.mark.parametrize("q", ["a" * 10_000, "%", "_", "' OR 1=1 --", "<script>alert(1)</script>", "\\", "صيدلية"])
def test_a_search_that_makes_no_sense_is_only_a_search(choose, q):
    factories.pharmacy()
    page = choose(q=q)
    assert page.status_code == 200 and page.context["found"] == []
    assert "<script>alert" not in page.said


def test_a_pharmacy_of_ones_own_that_closed_is_shown_with_the_reason(choose, alice_patient):
    gone = factories.pharmacy("Pharmacie Partie", is_open=False)
    factories.own_pharmacy(alice_patient, gone, is_favourite=True)
    page = choose()
    assert "Cette pharmacie n’est plus dans l’annuaire. Choisissez-en une autre." in page.said
    assert f'value="{gone.pk}"' not in page.said


def test_the_page_says_of_which_day_the_list_is(choose):
    assert "Liste des pharmacies" not in choose().said
    factories.pharmacy(source_date=date(2025, 11, 1))
    assert "Liste des pharmacies au 1er novembre 2025." in choose().said
    today = timezone.localdate()
    copy = DirectoryCopy.objects.create(establishments_on=date(2025, 11, 2), mailboxes_on=today)
    said = choose().said
    assert "Liste des pharmacies au 2 novembre 2025, de leurs messageries au" in said
    assert "peut manquer" in said and "Sources : FINESS et Annuaire Santé." in said
    copy.establishments_on, copy.mailboxes_on = today, today - timedelta(days=2)
    copy.save()
    assert "peut manquer" not in choose().said
