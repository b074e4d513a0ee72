"""The card's page: from a patient's line and from the desk, for whoever is signed in, and only where there is one."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse

from sharing import actions
from tests import factories
from tests.prescriptions import bdpm_files as source

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
LINES = [{"cis": source.GENERIC, "cip13": source.GENERIC_30}, {"mv": "MV1"}, {"cis": "69999999"}]


def card(cis: str) -> str:
    return reverse("medicine", args=[cis])


@pytest.fixture
def prescription(alice):
    names = ["IMAGINOL ESSAI 5 mg", "Paracétamol", "Un médicament retiré"]
    lines = [factories.amoxicillin(name=name, codes=codes) for name, codes in zip(names, LINES, strict=True)]
    return factories.prescription(factories.alice_patient(), lines=lines)


def read(client, url) -> str:
    page = client.get(url)
    assert page.status_code == 200
    return page.content.decode()


def test_from_her_prescription_alice_reads_the_card_and_goes_back(client, catalogue, alice, prescription):
    client.force_login(alice)
    page = read(client, reverse("prescription", args=[prescription.pk]))
    links = re.findall(r'href="(/medicaments/[^"]*)"', page)
    assert links == [f"{card(source.GENERIC)}?ordonnance={prescription.pk}"], "one line of three has a card"
    told = read(client, links[0])
    for words in (
        "Imaginol Essai 5\u00a0mg, gélule",
        "Chlorhydrate d’imaginol",
        "Sur ordonnance (liste II)",
        "Médicament d’origine",
        "Remboursé à 65\u00a0% · 4,77\u00a0€",
        source.GENERIC_30,
        "mise à jour du 15\u00a0juin 2022",
        "Licence Ouverte 2.0",
    ):
        assert words in told, words
    assert f'href="{reverse("prescription", args=[prescription.pk])}"' in told


def test_the_official_notice_is_a_link_that_says_nothing_of_who_follows_it(client, catalogue, alice):
    client.force_login(alice)
    [link] = re.findall(r"<a [^>]*extrait\.php[^>]*>", read(client, card(source.GENERIC)))
    assert f"https://base-donnees-publique.medicaments.gouv.fr/extrait.php?specid={source.GENERIC}" in link
    assert 'rel="noopener noreferrer"' in link


def test_another_s_prescription_or_none_leads_back_to_one_s_own(client, catalogue, alice, prescription, bob):
    client.force_login(bob)
    for asked in (prescription.pk, "1", "", "' OR 1=1"):
        page = client.get(card(source.GENERIC), {"ordonnance": asked})
        assert page.status_code == 200 and str(prescription.pk) not in page.content.decode()
        assert 'class="back" href="/ordonnances/"' in page.content.decode()


def test_the_pharmacist_reads_it_from_the_desk(client, catalogue, alice, prescription, market, chloe):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, message="", by=alice)
    client.force_login(chloe)
    page = read(client, reverse("desk-share", args=[share.pk]))
    assert re.findall(r'href="(/medicaments/[^"]*)"', page) == [card(source.GENERIC)]
    assert "Chlorhydrate d’imaginol" in read(client, card(source.GENERIC))


def test_professionals_read_it_and_visitors_are_asked_who_they_are(catalogue, alice, chloe, emma, dan):
    for person in (alice, chloe, emma, dan):
        browser = Client()
        browser.force_login(person)
        assert browser.get(card(source.NARCOTIC)).status_code == 200
        assert browser.post(card(source.NARCOTIC)).status_code == 405
    assert Client().get(card(source.NARCOTIC)).url.startswith(reverse("account_login"))


@pytest.mark.parametrize("cis", ["69999999", "0", "abc", "6990000", "x" * 300])
def test_a_medicine_that_is_not_there_is_not_found(client, catalogue, alice, cis):
    client.force_login(alice)
    assert client.get(card(cis)).status_code == 404


def test_without_a_catalogue_pages_go_without_cards(client, alice, prescription):
    client.force_login(alice)
    assert "/medicaments/" not in read(client, reverse("prescription", args=[prescription.pk]))
    assert client.get(card(source.GENERIC)).status_code == 404


def test_what_the_files_hold_is_text_and_never_markup(client, catalogue, alice):
    tables = source.rows()
    tables["CIS_bdpm"][0][1] = "<script>alert(1)</script> 5 mg"
    tables["CIS_CPD_bdpm"][0][1] = "<img src=x onerror=alert(1)>"
    tables["CIS_CIP_Dispo_Spec"] = [source.shortage(source.ORIGINAL, page="javascript:alert(1)")]
    catalogue(tables)
    client.force_login(alice)
    page = read(client, card(source.ORIGINAL))
    assert "<script>alert" not in page and "<img src=x" not in page and "javascript:" not in page


def test_every_kind_of_medicine_has_a_page(client, catalogue, alice):
    """Nothing sold, no condition, no substance, in shortage; a group whose original is gone."""
    tables = source.rows() | {"CIS_CIP_Dispo_Spec": [source.shortage(), source.shortage(kind="4")]}
    tables["CIS_GENER_bdpm"] = tables["CIS_GENER_bdpm"][1:]
    catalogue(tables)
    client.force_login(alice)
    assert "Aucune boîte n’est vendue" in read(client, card(source.OTHER))
    assert "n’y met pas de condition" in read(client, card(source.OTHER))
    assert "Rupture de stock" in read(client, card(source.GENERIC))
    assert "Stupéfiant" in read(client, card(source.NARCOTIC))


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_the_card_on_a_phone_and_on_a_desk(open_browser, catalogue, alice, prescription, width):
    page = open_browser(alice, {"width": width, "height": 740})
    page.goto(f"/ordonnances/{prescription.pk}/")
    page.get_by_role("link", name="Fiche du médicament").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Imaginol Essai 5\u00a0mg, gélule"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_text("1 boîte qui n’est plus vendue").click()
    page.get_by_text(source.OLD_30).wait_for()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="Retour à l’ordonnance").click()
    page.wait_for_url(f"**/ordonnances/{prescription.pk}/")
