"""Who may enter where: every URL of the site, for everybody. A new URL without its line here fails.

Not yours is 404, the same page as for what does not exist.
"""

import re
from functools import cache
from itertools import product
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from rest_framework.settings import api_settings
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from portal.api_access import Everybody, Nobody
from portal.models import AuditEvent
from sharing import actions
from sharing.models import Share, ThreadMessage
from tests import factories

pytestmark = pytest.mark.django_db
before_the_database = pytest.mark.any_database  # refused before any of it is looked for
EVERYBODY = ("anonymous", "alice", "bob", "chloe", "yann", "dan", "emma")
SIGNED_IN = EVERYBODY[1:]
PATIENTS = ("alice", "bob")
PHARMACISTS = ("chloe", "yann")

# --- Open to all: @login_not_required. Frozen: whoever opens a page says so here. ------------------------------------
OPEN = {
    "help": 200,
    "accessibility": 200,
    "verify": 200,
    "verify-worker": 200,
    "verification-keys": 200,
    "set_language": 302,
    "health": 200,
    "health-deep": 404,  # without the operators’ token: tests/portal/test_health.py
    "metrics": 404,
    "api-root": 200,
    "api-token": 405,
    "api-schema": 200,
    "api-docs": 200,
    "api-verify": 405,
    "fhir-metadata": 200,
    "fhir-nowhere": 404,
    "account_login": 200,
    "account_signup": 200,
    "account_logout": 302,
    "account_inactive": 200,
    "account_email_verification_sent": (200, 302),
    "account_reset_password": 200,
    "account_reset_password_done": 200,
    "account_reset_password_from_key": 200,
    "account_reset_password_from_key_done": 200,
    "account_confirm_login_code": 302,
    "mfa_authenticate": 302,
    "mfa_login_webauthn": 302,
    "admin:login": 302,
}
# For registered software with its token, and for nobody's session. What each software sees: the tests of each API.
SOFTWARE = {
    "insurer-check",
    "insurer-duplicates",
    "insurer-opposition",
    "fhir-base",
    "fhir-cancel",
    "fhir-find",
    "fhir-dispenses",
    "fhir-find-dispenses",
    "fhir-dispense",
    "fhir-documents",
    "fhir-document",
    "fhir-requests",
    "fhir-request",
    "fhir-device-request",
    "fhir-service-request",
    "fhir-task-document",
    "fhir-undo",
    "fhir-tasks",
    "fhir-task",
    "fhir-communications",
}
# Not there at all outside the demo.
DEMO = {
    "demo",
    "demo-enter",
    "demo-notices",
    "demo-mailboxes",
    "demo-mailbox",
    "demo-mail",
    "demo-mail-read",
    "demo-mail-file",
}

# --- For somebody signed in: {name: {who: status}}; whoever is not named finds nothing (404). ------------------------
OWN_PAGES = {
    **dict.fromkeys(["prescriptions", "shares", "spaces", "upload", "privacy"], dict.fromkeys(PATIENTS, 200)),
    "home": dict.fromkeys(PATIENTS, 200) | dict.fromkeys(("chloe", "yann", "dan", "emma"), 302),
    **dict.fromkeys(["desk", "desk-news"], dict.fromkeys(PHARMACISTS, 200)),
    "prescriber-home": {"emma": 200},
}
# Each has an object in its URL: Alice's prescription, her share, sent to Chloé's pharmacy.
ALICES = {
    "prescription": 200,
    "prescription-present": 200,
    "prescription-mask": 200,
    "prescription-pdf": 200,
    "prescription-qr": 200,
    "share-pharmacy": (200, 302, 409),
    "share-message": (200, 302, 409),
    "share-check": (200, 302, 409),
    "share-confirmed": 200,
    "share": 200,
    "share-status": 200,
    "share-file": 200,
    "share-revoke": 200,
}
CHLOES = {"desk-share": 200, "desk-document": 200, "desk-dispense": 200, "desk-dispensed": 200}
EMMAS = {"prescriber-prescription": 200}  # she wrote it
# Only ever written to: the verb is refused before anything is looked for, the same for every id and everybody.
POST_ONLY = {
    "switch-patient",
    "prescription-unmask",
    "share-post",
    "desk-take",
    "desk-reply",
    "desk-switch",
    "desk-undo",
}
ANY_ACCOUNT = {
    "account_start": 200,
    "medicine": 404,  # no catalogue is imported here; with one: tests/prescriptions/test_medicine_card.py
    "account_reauthenticate": (200, 302),
    "account_email": 200,
    "account_change_password": (200, 302),
    "account_set_password": (200, 302),
    "mfa_index": 200,
    "mfa_reauthenticate": 200,
    "mfa_reauthenticate_webauthn": 302,
    "mfa_activate_totp": 302,
    "mfa_deactivate_totp": 302,
    "mfa_view_recovery_codes": (200, 302, 404),
    "mfa_generate_recovery_codes": 302,
    "mfa_download_recovery_codes": (200, 302, 404),
    "mfa_list_webauthn": 200,
    "mfa_add_webauthn": 302,
    "mfa_remove_webauthn": 302,  # asks who it is first, then finds only one's own
    "mfa_edit_webauthn": 302,
    "usersessions_list": 200,
}
STAFF_PREFIX = "admin:"


# --- The table of the site ------------------------------------------------------------------------------------------
def urls(patterns=None, namespace="", given=frozenset()) -> list:
    """(name, callback, names of the arguments) of every URL."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        names = given | set(pattern.pattern.regex.groupindex)
        if hasattr(pattern, "url_patterns"):
            inside = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            found += urls(pattern.url_patterns, inside, names)
        else:
            found.append((f"{namespace}{pattern.name or pattern.pattern}", pattern.callback, names))
    return found


def test_every_url_has_its_line():
    ours = {name for name, _, _ in urls() if not name.startswith(STAFF_PREFIX) or name == "admin:login"}
    lines = [OPEN, DEMO, SOFTWARE, OWN_PAGES, ALICES, CHLOES, EMMAS, POST_ONLY, ANY_ACCOUNT]
    told = set().union(*lines)
    assert ours - told == set(), "Say in this file who may enter"
    assert told - ours == set(), "No longer there"
    assert sum(map(len, lines)) == len(told), "Said twice"


def test_what_is_open_to_all_is_frozen():
    """By the mark on a page, by the permission of a REST view (whose mark says only that it looks for itself)."""
    marked = {
        name for name, view, _ in urls() if not getattr(view, "login_required", True) and not hasattr(view, "cls")
    }
    permitted = {name for name, view, _ in urls() if hasattr(view, "cls") and Everybody in view.cls.permission_classes}
    assert marked | permitted == set(OPEN) | DEMO


# --- The people and what they hold ----------------------------------------------------------------------------------
@pytest.fixture
def share(alice, kept_prescription, market):
    """Sent to Chloé's pharmacy, which has delivered a part of it."""
    sent = actions.share_prescription(prescription=kept_prescription, pharmacy=market, message="Merci", by=alice)
    factories.dispensing(kept_prescription, market, completeness="FFP")
    factories.thread_file(sent)
    return sent


@pytest.fixture
def people(share, chloe, bob, dan, emma):
    """A browser for each."""
    yann = factories.user("yann@ordolien.test", first_name="Yann", last_name="Le Goff")
    factories.member(yann, factories.pharmacy(), "Yann Le Goff")
    known = {"alice": share.shared_by, "bob": bob, "chloe": chloe, "yann": yann, "dan": dan, "emma": emma}
    browsers = {"anonymous": Client()}
    for name, person in known.items():
        browsers[name] = Client()
        browsers[name].force_login(person)
    return browsers


@cache
def names_in(url: str) -> frozenset:
    return next(frozenset(names) for name, _, names in urls() if name == url)


def arguments(share, names) -> dict:
    facts = {
        "share_id": share.pk,
        "uidb36": "1",
        "key": "x",
        "pk": 1,
        "persona": "alice",
        "address": "Patient/1",
        "cis": "61599041",
        "finess": "1",
        "number": 1,
    }
    if "dispensing_id" in names:
        facts["dispensing_id"] = share.prescription.dispensings.get().pk
    if "file_id" in names:
        facts["file_id"] = share.messages.get().files.get().pk
    return facts


BEFORE_SHARING = {"share-pharmacy", "share-message", "share-check", "prescription-unmask"}
DISPENSING = {"desk-dispense", "desk-dispensed", "desk-undo"}


def address(name, share, *, of=None) -> str:
    """The URL about Alice's object, or about the id given."""
    names = names_in(name)
    facts = arguments(share, names) | {"id": share.pk}
    if name in {*ALICES, *EMMAS} and not name.startswith("share") or name in BEFORE_SHARING | DISPENSING:
        facts["id"] = share.prescription_id
    if name == "share-confirmed":
        facts["id"] = share.prescription_id
    if name == "switch-patient":
        facts["id"] = share.patient_id
    if of is not None:
        facts |= {"id": of, "share_id": of, "dispensing_id": of, "file_id": of}
    query = {"depuis": timezone.now().isoformat()} if name == "desk-news" else None
    return reverse(name, kwargs={key: facts[key] for key in names}, query=query)


def allowed(expected, status) -> bool:
    return status in (expected if isinstance(expected, tuple) else (expected,))


def asks_to_sign_in(page) -> bool:
    return page.status_code == 302 and page.url.startswith(("/compte/login/?next=", "/admin/login/?next="))


# --- Walking it -----------------------------------------------------------------------------------------------------
def walk(people, share, table, expected, who=SIGNED_IN, verbs=("get",)) -> list:
    """What does not answer as expected(name, who): empty when all is well."""
    wrong = []
    for name in table:
        for one in who:
            for verb in verbs:
                status = getattr(people[one], verb)(address(name, share)).status_code
                if not allowed(expected(name, one), status):
                    wrong.append((name, one, verb, status))
    return wrong


def test_pages_open_to_all(people, share):
    assert walk(people, share, OPEN, lambda name, _: OPEN[name], who=["anonymous"]) == []


@before_the_database
def test_the_demo_is_not_there(people, share):
    assert walk(people, share, DEMO, lambda *_: 404, who=EVERYBODY, verbs=("get", "post")) == []


@before_the_database
def test_the_rest_side_knows_software_only(people, share):
    for verb, name in product(("get", "post", "put", "patch", "delete"), SOFTWARE):
        path = address(name, share)
        guessed = getattr(people["anonymous"], verb)(path, HTTP_AUTHORIZATION="Bearer guessed")
        statuses = {who: getattr(people[who], verb)(path).status_code for who in EVERYBODY}
        assert statuses | {"guessed": guessed.status_code} == dict.fromkeys([*EVERYBODY, "guessed"], 401), (name, verb)


@before_the_database
def test_the_rest_asks_who_it_is(people, share):
    for name in {*OWN_PAGES, *ALICES, *CHLOES, *EMMAS, *ANY_ACCOUNT, *POST_ONLY}:
        for verb in ("get", "post", "head", "put", "delete"):
            page = getattr(people["anonymous"], verb)(address(name, share))
            assert asks_to_sign_in(page), (name, verb, page.status_code)


def test_pages_of_ones_own(people, share):
    assert walk(people, share, OWN_PAGES, lambda name, who: OWN_PAGES[name].get(who, 404)) == []


def test_pages_of_every_account(people, share):
    assert walk(people, share, ANY_ACCOUNT, lambda name, _: ANY_ACCOUNT[name]) == []


@pytest.mark.parametrize(("table", "owner"), [(ALICES, "alice"), (CHLOES, "chloe"), (EMMAS, "emma")])
def test_whose_it_is_enters_and_nobody_else(people, share, table, owner):
    assert walk(people, share, table, lambda name, who: table[name] if who == owner else 404) == []


def test_what_is_only_written_to_is_never_read(people, share):
    for name in POST_ONLY:
        for who in SIGNED_IN:
            for of in (None, uuid4()):
                assert people[who].get(address(name, share, of=of)).status_code == 405, (name, who)


# --- Not yours is the same as not there -----------------------------------------------------------------------------
BODIES = {
    "share-pharmacy": {"pharmacy": str(uuid4())},
    "share-message": {"message": "Bonjour"},
    "share-check": {"key": "k"},
    "share-post": {"text": "Bonjour", "key": "k"},
    "desk-reply": {"answer": "ready", "key": "k"},
}


def same(page) -> tuple:
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"', "", page.content.decode())
    headers = {name: value for name, value in page.headers.items() if name not in {"Content-Length", "X-Request-ID"}}
    headers["Content-Security-Policy"] = re.sub("'nonce-[^']*'", "", headers.get("Content-Security-Policy", ""))
    return page.status_code, text, headers


def ask(browser, verb, path, name):
    return getattr(browser, verb)(path, *([BODIES.get(name, {})] if verb in {"get", "post"} else []))


NEVER_TAKEN = [pytest.param(verb, marks=before_the_database) for verb in ("put", "patch", "delete", "options")]


@pytest.mark.parametrize("verb", ["get", "post", "head", *NEVER_TAKEN])
def test_not_yours_answers_like_not_there(people, share, verb):
    before = (Share.objects.count(), share.status, ThreadMessage.objects.count())
    for name in sorted(ALICES | CHLOES | EMMAS | dict.fromkeys(POST_ONLY - {"desk-switch"})):
        owner = "chloe" if name.startswith("desk") else "emma" if name in EMMAS else "alice"
        for who in SIGNED_IN:
            if who == owner:
                continue
            theirs, nowhere = (ask(people[who], verb, address(name, share, of=of), name) for of in (None, uuid4()))
            assert theirs.status_code in {404, 405}, (name, who, theirs.status_code)
            assert same(theirs) == same(nowhere), (name, who)
    share.refresh_from_db()
    assert (Share.objects.count(), share.status, ThreadMessage.objects.count()) == before
    assert not AuditEvent.objects.filter(kind__in=["share.read", "share.opened", "prescription.read"]).exists()


def test_an_id_that_is_not_one_is_not_found(people, share):
    for name in {*ALICES, *CHLOES, *EMMAS}:
        for bad in ("1", "../admin", "0" * 36, "%00", "' OR 1=1"):
            path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", bad, address(name, share))
            assert people["alice"].get(path).status_code == 404, path


def test_a_foreign_id_in_a_form_changes_nothing(people, share, bob_patient):
    """Choosing: a pharmacy that is not there, another's space, another's desk, another's share as the one to move."""
    his = factories.prescription(bob_patient)
    bob, yann = people["bob"], people["yann"]
    page = bob.post(reverse("share-pharmacy", args=[his.pk]), {"pharmacy": str(uuid4())})
    assert page.status_code in {200, 422} and not Share.objects.filter(prescription=his).exists()
    assert bob.post(reverse("switch-patient", args=[share.patient_id])).status_code == 404
    assert "Moreau" not in bob.get("/").content.decode()
    assert yann.post(reverse("desk-switch"), {"pharmacy": str(share.pharmacy_id)}).status_code == 404
    assert yann.get(reverse("desk-share", args=[share.pk])).status_code == 404
    assert bob.get(reverse("share-confirmed", args=[his.pk, share.pk])).status_code == 404
    assert "MOREAU" not in yann.post(reverse("desk"), {"q": share.receipt}, follow=True).content.decode()


def test_lists_hold_ones_own_whatever_is_asked(people, share):
    queries = ({"q": "AMOXICILLINE"}, {"apres": str(share.pk)}, {"apres": str(share.prescription_id)}, {"vue": "x"})
    for name, query, verb in product(["prescriptions", "shares"], queries, ["get", "post"]):
        page = getattr(people["bob"], verb)(reverse(name), query)
        assert page.status_code in {200, 404, 405}, query
        assert str(share.pk) not in page.content.decode() and "AMOXICILLINE 500" not in page.content.decode()


def test_a_child_is_entered_by_the_parent_and_left_when_the_access_ends(people, alice, leo):
    child = factories.prescription(leo)
    browser = people["alice"]
    assert browser.get(reverse("prescription", args=[child.pk])).status_code == 404  # not in that space yet
    browser.post(reverse("switch-patient", args=[leo.pk]))
    assert browser.get(reverse("prescription", args=[child.pk])).status_code == 200
    alice.patient_accesses.filter(patient=leo).update(revoked_at=timezone.now())
    assert browser.get(reverse("prescription", args=[child.pk])).status_code == 404
    assert browser.post(reverse("switch-patient", args=[leo.pk])).status_code == 404


# --- The back office ------------------------------------------------------------------------------------------------
@pytest.mark.any_database
def test_the_back_office_is_not_there_for_others(people, share):
    """Every page of it, by its pattern."""
    for name, _, names in urls():
        if not name.startswith(STAFF_PREFIX) or name == "admin:login" or "Pattern" in name:
            continue
        facts = {"object_id": share.pk, "content_type_id": 1, "app_label": "sharing", "url": "x"}
        if name == "admin:(?P<url>.*)$" or "/" in name:
            continue
        path = reverse(name, kwargs={key: facts[key] for key in names})
        for who in ("alice", "bob", "chloe", "yann", "emma"):
            for verb in ("get", "post"):
                assert getattr(people[who], verb)(path).status_code == 404, (name, who, verb)
        assert asks_to_sign_in(people["anonymous"].get(path)), name


# --- The REST side --------------------------------------------------------------------------------------------------
def test_a_rest_view_that_says_nothing_is_for_nobody(alice, dan):
    assert list(api_settings.DEFAULT_PERMISSION_CLASSES) == [Nobody]
    for person in (None, alice, dan):
        request = APIRequestFactory().get("/")
        if person:
            request.user = person
        assert APIView.as_view()(request).status_code in {401, 403}
