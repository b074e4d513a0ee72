"""A working day at the desk, in a real browser: without the mouse, without JavaScript, and nothing that jumps."""

import base64
import json
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from prescriptions.code import qr
from sharing.models import Share
from sharing.states import ShareStatus as S
from tests import factories
from tests.browser import DESK, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def morning(alice, bob, chloe):
    """What waits for Chloé: Alice's antibiotic for tonight, Bob's treatment in preparation, a photo, one taken back."""
    now = timezone.now()
    shares = {
        "alice": factories.share(message="Je passe ce soir.", wished_at=now + timedelta(hours=6)),
        "photo": factories.share(factories.photo_prescription()),
        "bob": factories.share(
            factories.prescription(factories.bob_patient(), [factories.levothyrox(codes={"cip13": "3400935887559"})]),
            status=S.PREPARING,
        ),
        "gone": factories.share(factories.prescription(factories.bob_patient()), status=S.REVOKED),
    }
    shares["bob"].messages.create(side="patient", body="À quelle heure fermez-vous ?", door="portal", created_at=now)
    return shares


def status_of(share) -> str:
    return Share.objects.get(pk=share.pk).status


def rows(page):
    return page.locator(".desk-row")


# --- Without the mouse ----------------------------------------------------------------------------------------------
def test_from_the_scanner_to_ready_with_the_keyboard_alone(open_browser, chloe, morning):
    page = open_browser(chloe, DESK)
    page.goto("/pharmacie/")
    page.keyboard.press("/")
    page.keyboard.type(morning["alice"].receipt_shown)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("MOREAU Alice")
    assert "q=" not in page.url

    page.keyboard.press("t")
    expect(page.get_by_text("Vous vous en occupez.")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_text("C’est dit : elle est en préparation")).to_be_visible()
    assert status_of(morning["alice"]) == S.PREPARING

    page.keyboard.press("r")
    expect(page.get_by_label("Gardée jusqu’au")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Gardée jusqu’au")).to_be_hidden()
    page.keyboard.press("m")
    expect(page.locator("#message-text")).to_be_focused()
    page.keyboard.type("prtd")  # letters are letters while typing
    assert page.locator("#message-text").input_value() == "prtd"
    page.keyboard.press("Escape")

    page.keyboard.press("r")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Dire qu’elle est prête").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("C’est dit : elle est prête")).to_be_visible()
    assert status_of(morning["alice"]) == S.READY


def test_a_reader_of_codes_types_into_the_scan_field_wherever_the_focus_is(open_browser, chloe, morning):
    """Its letters come faster than fingers: P and R are not « En préparation » and « Prête »."""
    page = open_browser(chloe, DESK)
    page.goto(reverse("desk-share", args=[morning["bob"].pk]))
    before = status_of(morning["bob"])
    page.locator("body").click(position={"x": 5, "y": 5})
    page.keyboard.type("PR" + morning["alice"].receipt)
    expect(page.locator("[data-scan-into]")).to_have_value("PR" + morning["alice"].receipt)
    page.locator("[data-scan-into]").fill("")
    page.locator("h1").first.click()
    page.keyboard.type(qr.text_of(morning["alice"].prescription))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("MOREAU Alice")
    assert status_of(morning["bob"]) == before and status_of(morning["alice"]) == S.OPENED


CAMERA = """(picture) => {
  delete window.BarcodeDetector;
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement("canvas"), image = new Image();
    canvas.width = 640; canvas.height = 480;
    image.src = picture;
    await image.decode();
    const pen = canvas.getContext("2d");
    const draw = () => {
      pen.fillStyle = "#ddd"; pen.fillRect(0, 0, 640, 480); pen.drawImage(image, 120, 40, 400, 400);
    };
    draw(); setInterval(draw, 50);
    return canvas.captureStream(20);
  };
}"""


def test_the_camera_reads_a_code_where_the_browser_does_not_by_itself(open_browser, chloe, morning):
    page = open_browser(chloe, DESK)
    picture = "data:image/png;base64," + base64.b64encode(qr.png(qr.text_of(morning["alice"].prescription))).decode()
    page.add_init_script(f"({CAMERA})({json.dumps(picture)})")
    page.goto("/pharmacie/")
    page.get_by_role("button", name="Scanner avec la caméra").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("MOREAU Alice")
    assert status_of(morning["alice"]) == S.OPENED


def test_one_key_answers_can_be_switched_off(open_browser, chloe, morning):
    page = open_browser(chloe, DESK)
    page.goto(reverse("desk-share", args=[morning["alice"].pk]))
    page.locator("summary", has_text="Mon compte et préférences").click()
    page.get_by_role("button", name="Raccourcis clavier").click()
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.get_by_text("En préparation").first).to_be_visible()
    assert status_of(morning["alice"]) == S.OPENED


# --- Nothing jumps --------------------------------------------------------------------------------------------------
def places(page) -> dict:
    return {row.get_attribute("href"): row.bounding_box()["y"] for row in rows(page).all()}


def test_opening_leaves_the_list_where_it_is(open_browser, chloe, morning):
    page = open_browser(chloe, DESK)
    page.goto("/pharmacie/")
    before = places(page)
    page.evaluate("window.stayed = true")
    rows(page).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("MOREAU Alice")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(rows(page).first).to_contain_text("MOREAU Alice")
    expect(rows(page).first).to_have_attribute("aria-current", "true")
    assert page.evaluate("window.stayed") and list(places(page)) == list(before)
    assert page.url.endswith(reverse("desk-share", args=[morning["alice"].pk]))
    assert page.title().startswith("MOREAU Alice")

    rows(page).nth(2).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("NGUYEN Bob")
    expect(page.locator(".desk-row[aria-current]")).to_have_count(1)
    page.keyboard.press("r")  # the shortcuts are those of the share now shown
    expect(page.get_by_label("Gardée jusqu’au")).to_be_focused()


def test_what_arrives_is_announced_and_moves_no_row(open_browser, chloe, morning, alice):
    page = open_browser(chloe, DESK)
    page.clock.install()
    page.goto("/pharmacie/")
    before = places(page)
    for _ in range(2):
        factories.share(factories.prescription())
    page.clock.run_for(16_000)
    bar = page.get_by_role("link", name="2 nouveaux envois")
    expect(bar).to_be_visible()
    assert places(page) == before
    bar.click()
    expect(rows(page)).to_have_count(6)


# --- Without JavaScript, on a phone ---------------------------------------------------------------------------------
def test_everything_works_without_javascript(open_browser, chloe, morning):
    page = open_browser(chloe, PHONE, javascript=False)
    page.goto("/pharmacie/")
    rows(page).nth(2).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("NGUYEN Bob")
    expect(rows(page).first).to_be_hidden()
    page.get_by_role("link", name="Répondre").click()
    page.locator("summary", has_text="En partie prête").click()
    page.get_by_label("Ce qui manque").fill("LEVOTHYROX, 1 boîte")
    page.get_by_label("Attendu le").fill("2020-01-01")
    page.get_by_role("button", name="Dire qu’elle est en partie prête").click()
    expect(page.get_by_text("Ce jour est déjà passé").first).to_be_visible()
    assert page.get_by_label("Ce qui manque").input_value() == "LEVOTHYROX, 1 boîte"
    page.get_by_label("Attendu le").fill("")
    page.get_by_role("button", name="Dire qu’elle est en partie prête").click()
    expect(page.get_by_text("C’est dit : elle est en partie prête")).to_be_visible()
    page.get_by_role("link", name="À traiter").first.click()
    expect(rows(page)).to_have_count(4)


# --- For every eye --------------------------------------------------------------------------------------------------
# Colours are the theme's and places the width's: two of the four show both.
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone-dark", "desk-light"])
def test_no_barrier_and_no_sideways_scrolling(open_browser, chloe, morning, size, scheme):
    page = open_browser(chloe, size, color_scheme=scheme)
    paths = ["/pharmacie/", "/pharmacie/?etat=terminees"]
    paths += [reverse("desk-share", args=[share.pk]) for share in morning.values()]
    for path in paths:
        page.goto(path)
        if page.locator(".answer-more").count():
            page.locator(".answer-more > summary").last.click()
        assert_no_barrier(page, size)
    page.locator("[data-scan-into]").fill("AAAAAAAAAA")
    page.locator("[data-scan-into]").press("Enter")
    expect(page.get_by_text("Rien à ce numéro")).to_be_visible()
    assert_no_barrier(page, size)


def assert_no_barrier(page, size):
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], page.url


def test_readable_when_zoomed_four_times(open_browser, chloe, morning):
    page = open_browser(chloe, {"width": 320, "height": 256})
    for path in ("/pharmacie/", reverse("desk-share", args=[morning["bob"].pk])):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_the_back_office_shows_no_script_error_and_no_barrier(open_browser, dan, morning):
    page = open_browser(dan, DESK)
    for path in ("/admin/", "/admin/sharing/delivery/", "/admin/sharing/share/", "/admin/portal/auditevent/"):
        page.goto(path)
        expect(page.get_by_role("link", name="Ordolien · administration")).to_be_visible()
        found = Axe().run(page).response["violations"]
        serious = [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] == "critical"]
        assert serious == [], path
