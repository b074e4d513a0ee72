"""Signing in as people do, in a real browser: an application that gives codes, then a passkey."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from playwright.sync_api import expect

from portal.models import User
from tests.browser import PHONE
from tests.portal.signing import PASSWORD, factors_of, give_password, totp, when_the_phone_shows_a_new_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def no_barrier(page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == [], page.url


def give_password_in(page, user) -> None:
    page.goto("/compte/login/")
    page.get_by_label("Adresse e-mail").fill(user.email)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter", exact=True).click()


def test_a_newcomer_from_the_first_page_to_what_to_do(browser_page):
    page = browser_page
    page.goto("/compte/signup/")
    no_barrier(page)
    page.get_by_label("Adresse e-mail").fill("nora@ordolien.test")
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("form[action*=signup] button").last.click()

    expect(page).to_have_url(re.compile("/compte/confirm-email/"))
    no_barrier(page)
    code = re.search(r"^([A-Z0-9-]{6,9})$", mail.outbox[0].body, re.M).group(1)
    page.locator("input[name=code]").fill(code)
    page.keyboard.press("Enter")

    expect(page.get_by_text("Encore une étape avant d’entrer")).to_be_visible()
    no_barrier(page)
    page.get_by_role("link", name="Activer l’application").click()
    page.locator("input[type=password]").fill(PASSWORD)  # says again who it is
    page.keyboard.press("Enter")
    expect(page.locator("img[src^='data:image/svg']")).to_be_visible()
    no_barrier(page)
    secret = re.search(r"[A-Z2-7]{32}", page.content()).group(0)
    with when_the_phone_shows_a_new_code():
        page.locator("input[name=code]").fill(totp(secret))
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/recovery-codes/"))
    no_barrier(page)
    assert factors_of(User.objects.get()) == {"totp", "recovery_codes"}
    page.goto("/")
    expect(page).to_have_url(re.compile("/compte/debut/"))
    no_barrier(page)


PHONE_WITH_A_FINGERPRINT = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_added_then_enough_by_itself(open_browser, alice):
    give_password(alice, totp=False)
    page = open_browser(size=PHONE)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE_WITH_A_FINGERPRINT})

    give_password_in(page, alice)
    expect(page.get_by_text("Encore une étape avant d’entrer")).to_be_visible()
    page.get_by_role("link", name="Ajouter une clé").click()
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ajouter une clé")).to_be_visible()
    no_barrier(page)
    page.locator("input[name=name]").fill("Mon téléphone")
    if page.locator("input[name=passwordless]").count():
        page.locator("input[name=passwordless]").check()
    page.get_by_role("button", name="Ajouter la clé").click()
    expect(page).to_have_url(re.compile("/recovery-codes/"))
    assert "webauthn" in factors_of(alice)

    page.goto("/compte/logout/")
    page.get_by_role("button", name="Se déconnecter").last.click()
    page.goto("/compte/login/")
    page.get_by_role("button", name="Avec une clé d’accès").click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Alice")
