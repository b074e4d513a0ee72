"""The page that verifies, in a real browser with the network cut: the same answers as the registry's own reader."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from prescriptions.code import keys, qr, signed
from tests import factories
from tests.prescriptions.test_qr_signed import mutated

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/verifier/"
CHANGES = 150

READ_ALL = """async ([texts, keySet, now]) => {
  const { read } = await import("/static/js/signed_code.js");
  return Promise.all(texts.map(async (text) => (await read(text, keySet, new Date(now))).code));
}"""


def readings(page, texts, key_set, now) -> list[str]:
    return page.evaluate(READ_ALL, [texts, key_set, now.isoformat()])


def test_no_change_is_accepted_and_each_is_said_as_the_registry_says_it(open_browser, prescription):
    page = open_browser()
    page.goto(PAGE)
    text, now, draw = qr.text_of(prescription), timezone.now(), random.Random(20261123)
    key_set, later = keys.key_set(), now + timedelta(days=4000)
    texts = [text, f" {text}\r\n", text.lower(), text[:-1], "01S2TBPZ2JCNZZYGHZ", "ORD1:", "", "HC1:6BF"]
    texts += [mutated(text, draw) for _ in range(CHANGES)]
    expected = [signed.read(one, key_set, now=now).code for one in texts]
    assert readings(page, texts, key_set, now) == expected
    assert expected.count("valid") == 2 and set(expected) == {"valid", "altered", "not_ours"}
    kid = key_set["keys"][0]["kid"]
    assert readings(page, [text], key_set, later) == ["expired"]
    assert readings(page, [text], {"keys": [], "revoked": []}, now) == ["unknown_key"]
    assert readings(page, [text], key_set | {"revoked": [kid]}, now) == ["revoked_key"]


def test_with_the_network_cut_the_page_opens_and_checks(chromium, live_server, alice):
    """Opened once with a network; nothing of whoever was signed in is kept."""
    text = qr.text_of(factories.prescription())
    context = chromium.new_context(base_url=live_server.url, locale="fr-FR")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(PAGE)
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function(
        "async () => !!(await (await caches.open('verifier')).match('/.well-known/ordolien-keys.json'))"
    )
    context.set_offline(True)
    page.goto(PAGE)
    for given, word in [
        (text, "Émise et intacte"),
        (f"{text[:-6]}AAAAAA", "Modifiée"),
        ("01S2TBPZ2JCNZZYGHZ", "Ce n’est pas"),
    ]:
        page.get_by_label("Code ou numéro").fill(given)
        page.get_by_role("button", name="Vérifier").click()
        expect(page.get_by_role("heading", name=word)).to_be_visible()
        expect(page.get_by_text("Non consulté")).to_be_visible()
    kept = page.evaluate(
        "async () => (await (await caches.open('verifier-page')).keys()).map((one) => new URL(one.url).pathname)"
    )
    assert PAGE in kept and all(path == PAGE or path.startswith("/static/") for path in kept)

    context.set_offline(False)
    page.goto(PAGE)
    page.get_by_label("Code ou numéro").fill(text)
    page.get_by_role("button", name="Vérifier").click()
    expect(page.locator("[data-verdict=valid]")).to_be_visible()
    context.close()
