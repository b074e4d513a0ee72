"""Alice sends a prescription from her phone; Chloé prepares it at her desk; Alice's screen follows by itself."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from prescriptions.models import Prescription
from sharing import actions, delivery
from sharing.models import Share
from sharing.states import ShareStatus as S
from tests import factories
from tests.browser import DESK, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SMALL = {"width": 320, "height": 640}
POLL = 4_000  # milliseconds: so often the page of a share asks where it stands


@pytest.fixture
def cast(db):
    """Alice with two prescriptions and a pharmacy of her own."""
    people = {"alice": factories.alice(), "market": factories.market_pharmacy()}
    people["chloe"] = factories.chloe(people["market"])
    factories.own_pharmacy(factories.alice_patient(), people["market"], is_favourite=True)
    factories.prescription(lines=[factories.levothyrox(), factories.amoxicillin()])
    return people


@pytest.fixture
def prescription(cast):
    return Prescription.objects.get()


def heading(page):
    return page.locator("h1")


def posted(response) -> bool:
    return response.request.method == "POST"


def send(page, prescription, words="Je passerai vers 18 h."):
    """From the list to the confirmation, by clicking."""
    page.goto(reverse("prescriptions"))
    page.get_by_role("link", name="Levothyrox, Amoxicilline", exact=True).click()
    page.get_by_role("link", name="Envoyer à une pharmacie", exact=True).click()
    expect(heading(page)).to_have_text("À quelle pharmacie ?".replace(" ?", "\xa0?"))
    page.get_by_role("button", name=re.compile("Pharmacie du Marché")).click()
    page.get_by_label("Votre message").fill(words)
    page.get_by_role("button", name="Continuer").click()
    expect(page.locator(".summary-list").first).to_contain_text(words)
    page.get_by_role("button", name="Envoyer à la pharmacie").click()
    expect(heading(page)).to_have_text("C’est enregistré")
    share = Share.objects.get()
    expect(page.locator(".receipt")).to_contain_text(share.receipt_shown)
    return share


def test_the_main_job(open_browser, cast, prescription, local_operator):
    phone, counter = open_browser(cast["alice"], PHONE), open_browser(cast["chloe"], DESK)
    share = send(phone, prescription)
    phone.clock.install()
    phone.get_by_role("link", name="Suivre cet envoi").click()
    word = phone.locator("#share-live .status-word")
    expect(word).to_have_text("Enregistrée")
    # If the page were loaded again, this would be gone.
    phone.evaluate("window.same_page = true")

    delivery.sweep_once()
    phone.clock.run_for(POLL)
    expect(word).to_have_text("Remise")

    counter.goto(reverse("desk"))
    counter.locator(f"#row-{share.pk} a").click()
    expect(counter.locator("#desk-detail")).to_contain_text("Je passerai vers 18 h.")
    phone.clock.run_for(POLL)
    expect(word).to_have_text("Lue")

    with counter.expect_response(posted):
        counter.get_by_role("button", name=re.compile("En préparation")).click()
    phone.clock.run_for(POLL)
    expect(word).to_have_text("En préparation")

    writing = phone.get_by_label("Votre message à la pharmacie")
    writing.fill("À moitié écr")  # what is being typed survives what arrives
    ready_until = timezone.localdate() + timedelta(days=3)
    counter.get_by_text("Prête", exact=True).first.click()
    box = counter.locator("details[open] form")
    box.locator("input[type=date]").fill(ready_until.isoformat())
    with counter.expect_response(posted):
        box.locator("button.btn-main").click()
    phone.clock.run_for(POLL)
    expect(word).to_have_text("Prête")
    expect(phone.locator("#share-words")).to_contain_text("Prête.")
    expect(phone.get_by_role("link", name="Voir le code à présenter")).to_be_visible()
    expect(writing).to_have_value("À moitié écr")
    assert phone.evaluate("window.same_page")

    phone.get_by_role("link", name="Voir le code à présenter").click()
    expect(phone.locator("img.qr-big")).to_be_visible()
    phone.locator("img.qr-big").evaluate("picture => picture.decode()")  # waits for it; refuses what is no picture


def test_a_share_is_taken_back_and_the_poll_stops(open_browser, cast, prescription):
    phone = open_browser(cast["alice"], PHONE)
    share = factories.share(prescription, cast["market"], status=S.PREPARING)
    phone.goto(reverse("share", args=[share.pk]))
    phone.get_by_role("link", name="Retirer cet envoi").click()
    phone.get_by_role("button", name="Retirer l’envoi").click()
    expect(phone.locator(".flashes")).to_contain_text("Envoi retiré.")
    expect(phone.locator("#share-live")).not_to_have_attribute("hx-trigger", re.compile("."))
    expect(phone.get_by_role("link", name="Choisir une autre pharmacie")).to_be_visible()


def test_without_javascript(open_browser, cast, prescription):
    phone = open_browser(cast["alice"], SMALL, javascript=False)
    share = send(phone, prescription)
    phone.goto(reverse("share", args=[share.pk]))
    expect(phone.locator("#share-live .status-word")).to_have_text("Enregistrée")
    actions.open_share(share=share, by=cast["chloe"])
    phone.get_by_role("link", name="Actualiser").click()
    expect(phone.locator("#share-live .status-word")).to_have_text("Lue")

    phone.goto(reverse("prescriptions"))
    phone.get_by_label("Chercher un médicament ou un médecin").fill("levo")
    phone.get_by_role("button", name="Chercher").click()
    expect(phone.locator("#list .card")).to_have_count(1)


def test_with_the_keyboard_alone(open_browser, cast, prescription):
    page = open_browser(cast["alice"], DESK)
    page.goto(reverse("prescription", args=[prescription.pk]))

    def press_on(name):
        """Tabs until the control has the focus, then presses it."""
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()").startswith(name):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
                return page.keyboard.press("Enter")
        raise AssertionError(f"no focus on {name}")

    press_on("Envoyer à une pharmacie")
    expect(heading(page)).to_contain_text("À quelle pharmacie")
    press_on("Pharmacie du Marché")
    expect(heading(page)).to_contain_text("Un mot pour la pharmacie")
    press_on("Continuer")
    expect(heading(page)).to_contain_text("Vérifiez avant d’envoyer")
    press_on("Envoyer à la pharmacie")
    expect(heading(page)).to_have_text("C’est enregistré")


def test_a_refused_form_says_where_to_look(open_browser, cast, prescription):
    page = open_browser(cast["alice"], PHONE)
    page.goto(reverse("share-pharmacy", args=[prescription.pk]))
    page.get_by_role("button", name=re.compile("Pharmacie du Marché")).click()
    page.get_by_label("Votre message").fill("x" * 1001)
    expect(page.locator(".count-line")).to_have_text("Caractères en trop\xa0: 1")
    page.get_by_role("button", name="Continuer").click()
    expect(page.locator(".errors")).to_be_focused()
    page.locator(".errors a").first.click()
    expect(page.get_by_label("Votre message")).to_be_focused()
    expect(page.get_by_label("Votre message")).to_have_value("x" * 1001)


def test_pharmacies_are_found_while_typing(open_browser, cast, prescription):
    factories.pharmacy("Pharmacie des Halles", town="Angers", postcode="49000")
    page = open_browser(cast["alice"], PHONE)
    page.goto(reverse("share-pharmacy", args=[prescription.pk]))
    page.get_by_label("Nom, ville ou code postal").fill("halles")
    page.locator("#found").get_by_role("button", name=re.compile("Pharmacie des Halles")).click()
    expect(heading(page)).to_contain_text("Un mot pour la pharmacie")


def test_pharmacies_around_me_only_when_asked(open_browser, cast, prescription):
    page = open_browser(
        cast["alice"], PHONE, permissions=["geolocation"], geolocation={"latitude": 45.7578, "longitude": 4.8351}
    )
    page.goto(reverse("share-pharmacy", args=[prescription.pk]))
    page.get_by_role("button", name="Autour de moi").click()
    expect(page.locator("#found")).to_contain_text("les plus proches d’abord")
    assert "lat" not in page.url


def test_see_more_adds_below(open_browser, cast):
    for _ in range(25):
        factories.prescription(authored_on=timezone.localdate().replace(day=1) - timedelta(days=70))
    page = open_browser(cast["alice"], PHONE)
    page.goto(reverse("prescriptions"))
    expect(page.locator("#list .card")).to_have_count(20)
    page.get_by_role("link", name="Voir plus").click()
    expect(page.locator("#list .card")).to_have_count(26)
    expect(page.locator("#pager a")).to_have_count(0)
    titles = page.locator("#list .group-title").all_text_contents()
    assert len(titles) == len(set(titles)) == 2


@pytest.mark.parametrize(("size", "scheme"), [(SMALL, "light"), (DESK, "dark")], ids=["small", "dark"])
def test_no_page_breaks_an_accessibility_rule_or_overflows(open_browser, cast, prescription, size, scheme):
    shares = {status: factories.share(factories.prescription(), status=status) for status in (S.READY, S.REFUSED)}
    page = open_browser(cast["alice"], size, color_scheme=scheme, bypass_csp=True)
    urls = [
        reverse("home"),
        reverse("prescriptions"),
        reverse("prescription", args=[prescription.pk]),
        reverse("prescription", args=[shares[S.READY].prescription_id]),
        reverse("prescription-present", args=[prescription.pk]),
        reverse("share-pharmacy", args=[prescription.pk], query={"q": "lyon"}),
        reverse("share-pharmacy", args=[shares[S.READY].prescription_id]),
        reverse("shares"),
        *(reverse("share", args=[share.pk]) for share in shares.values()),
        reverse("share-revoke", args=[shares[S.READY].pk]),
        reverse("spaces"),
    ]
    found = []
    for url in urls:
        page.goto(url)
        found += broken_rules(page)
    page.goto(reverse("share-pharmacy", args=[prescription.pk]))
    for step in (re.compile("Pharmacie du Marché"), "Continuer", "Envoyer à la pharmacie"):
        page.get_by_role("button", name=step).click()
        found += broken_rules(page)
    assert found == []


def broken_rules(page) -> list[str]:
    found = [f"{page.url}: {broken['id']}" for broken in Axe().run(page).response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{page.url}: wider than the screen")
    return found
