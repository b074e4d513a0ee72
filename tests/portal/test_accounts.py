"""Signing in: a password and a second factor, for everyone."""

import re
import smtplib

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, TOTP
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.core.mail.backends.base import BaseEmailBackend
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portal.access import landing_page
from portal.accounts import SecondFactorAdapter
from portal.models import AuditEvent, User
from tests import factories
from tests.portal.signing import (
    PASSWORD,
    TOTP_SECRET,
    factors_of,
    give_password,
    give_the_code,
    give_the_password,
    sign_in,
    totp,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def gina():
    """Somebody with an account and no space yet."""
    person = factories.user("gina@ordolien.test", first_name="Gina")
    give_password(person)
    return person


@pytest.fixture
def newcomer():
    """Somebody who has chosen a password and nothing else."""
    person = factories.user("nora@ordolien.test", second_factor=False)
    give_password(person, totp=False)
    return person


def is_signed_in(client) -> bool:
    return "_auth_user_id" in client.session


def without_what_changes(page: HttpResponse) -> str:
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page.content.decode())
    return re.sub(r'nonce="[^"]*"', "", text)


# --- The way in -----------------------------------------------------------------------------------------------------
def test_a_password_then_a_code(client, gina):
    page = give_the_password(client, gina)
    assert page.url == "/compte/2fa/authenticate/" and not is_signed_in(client)
    assert client.get("/compte/debut/").url.startswith("/compte/login/")
    page = give_the_code(client)
    assert page.url == reverse("account_start") and is_signed_in(client)
    assert AuditEvent.objects.get(kind="account.signed_in").actor == f"user:{gina.pk}"


def test_a_wrong_code_opens_nothing_and_a_code_serves_once(client, gina):
    give_the_password(client, gina)
    assert client.post("/compte/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not is_signed_in(client)
    code = totp(TOTP_SECRET)
    client.post("/compte/2fa/authenticate/", {"code": code})
    other = Client()
    give_the_password(other, gina)
    other.post("/compte/2fa/authenticate/", {"code": code})
    assert is_signed_in(client) and not is_signed_in(other)


def test_the_session_is_a_new_one_once_signed_in(client, gina):
    client.get("/compte/login/")
    give_the_password(client, gina)
    before = client.session.session_key
    give_the_code(client)
    assert before and client.session.session_key != before


def test_a_recovery_code_replaces_the_phone(client, gina):
    codes = Authenticator.objects.create(
        user=gina, type="recovery_codes", data={"migrated_codes": [SecondFactorAdapter().encrypt("11112222")]}
    )
    give_the_password(client, gina)
    client.post("/compte/2fa/authenticate/", {"code": "11112222"})
    assert is_signed_in(client)
    codes.refresh_from_db()
    assert codes.data["migrated_codes"] == []


def test_where_each_one_lands(alice, bob, chloe, dan, emma, gina):
    assert landing_page(alice) == landing_page(bob) == reverse("home")
    assert landing_page(chloe) == reverse("desk")
    assert landing_page(dan) == reverse("admin:index")
    assert landing_page(emma) == reverse("prescriber-home")
    assert landing_page(gina) == reverse("account_start")


# --- No account without a second factor -----------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)  # allauth tells that a factor was added once it is committed
def test_signing_up_leads_to_the_second_factor_and_then_to_what_to_do(client):
    page = client.post(
        "/compte/signup/", {"email": "Nora@Ordolien.test", "password1": PASSWORD, "password2": PASSWORD}, follow=True
    )
    code = re.search(r"^([A-Z0-9-]{6,9})$", mail.outbox[0].body, re.M).group(1)
    assert page.redirect_chain[-1][0] == "/compte/confirm-email/" and not is_signed_in(client)
    client.post("/compte/confirm-email/", {"code": code})
    user = User.objects.get(email="nora@ordolien.test")
    assert is_signed_in(client) and user.language == "fr"
    assert client.get("/compte/sessions/").url == "/compte/2fa/"

    client.get("/compte/2fa/totp/activate/", follow=True)
    client.post("/compte/reauthenticate/?next=/compte/2fa/totp/activate/", {"password": PASSWORD}, follow=True)
    secret = client.session[SECRET_SESSION_KEY]
    page = client.post("/compte/2fa/totp/activate/", {"code": totp(secret)})
    assert page.url == "/compte/2fa/recovery-codes/"
    assert factors_of(user) == {"totp", "recovery_codes"}
    assert client.get(page.url).status_code == 200
    assert client.get("/compte/sessions/").status_code == 200


def test_a_password_alone_reaches_only_what_adds_a_factor(client, newcomer):
    give_the_password(client, newcomer)
    assert is_signed_in(client)
    assert client.get("/compte/debut/").status_code == client.get("/compte/2fa/").status_code == 200
    assert client.get("/aide/").status_code == 200
    for path in ["/compte/sessions/", "/compte/password/change/", "/compte/2fa/recovery-codes/", "/admin/"]:
        assert client.get(path).url == "/compte/2fa/", path


def test_a_session_older_than_the_factor_must_use_it(client, newcomer):
    """Somebody who knew the password was in before Nora added her factor: that session opens nothing more."""
    give_the_password(client, newcomer)
    TOTP.activate(newcomer, TOTP_SECRET)
    for path in ["/compte/2fa/", "/compte/2fa/recovery-codes/", "/compte/2fa/webauthn/add/", "/compte/email/"]:
        assert client.get(path).url.startswith("/compte/2fa/reauthenticate/"), path
    assert client.post("/compte/password/change/", {}).url == "/compte/2fa/reauthenticate/"

    page = client.post("/compte/2fa/reauthenticate/?next=/compte/sessions/", {"code": totp(TOTP_SECRET)})
    assert page.url == "/compte/sessions/" and client.get(page.url).status_code == 200


def test_the_last_factor_cannot_be_removed(client, gina):
    sign_in(client, gina)
    client.post("/compte/reauthenticate/", {"password": PASSWORD})
    client.post("/compte/2fa/totp/deactivate/")
    assert factors_of(gina) == {"totp"}


def test_without_any_factor_left_nothing_is_open(client, gina):
    gina.authenticator_set.all().delete()
    key = Authenticator.objects.create(user=gina, type="webauthn", data={"name": "Clé"})
    client.force_login(gina)
    client.post("/compte/reauthenticate/", {"password": PASSWORD})
    client.post(f"/compte/2fa/webauthn/keys/{key.pk}/remove/")
    assert factors_of(gina) == set()
    assert client.get("/compte/sessions/").url == "/compte/2fa/"


def test_secrets_of_factors_are_sealed(gina):
    stored = gina.authenticator_set.get().data["secret"]
    assert TOTP_SECRET not in stored and stored.startswith("demo.")


def test_a_factor_is_added_only_after_saying_again_who_one_is(client, gina):
    sign_in(client, gina)
    page = client.get("/compte/2fa/webauthn/add/")
    assert page.url.startswith("/compte/reauthenticate/")


# --- Nobody learns who has an account -------------------------------------------------------------------------------
def test_a_wrong_password_and_an_unknown_account_answer_the_same(client, gina):
    known = client.post("/compte/login/", {"login": gina.email, "password": "x" * 12})
    unknown = Client().post("/compte/login/", {"login": "rien@ordolien.test", "password": "x" * 12})
    assert known.status_code == unknown.status_code
    assert without_what_changes(known).replace(gina.email, "") == without_what_changes(unknown).replace(
        "rien@ordolien.test", ""
    )


def test_signing_up_twice_answers_the_same_and_tells_only_the_owner(client, gina):
    def sign_up(email):
        visitor = Client()
        form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
        page = visitor.post("/compte/signup/", form, follow=True)
        return page.redirect_chain, without_what_changes(page).replace(email, "")

    assert sign_up(gina.email) == sign_up("rien@ordolien.test")
    to_owner, to_newcomer = mail.outbox
    assert to_owner.subject == "Vous avez déjà un compte" and to_newcomer.subject == "Votre code de confirmation"
    assert User.objects.filter(email=gina.email).count() == 1


def test_asking_for_a_new_password_answers_the_same(gina):
    def ask(email):
        page = Client().post("/compte/password/reset/", {"email": email}, follow=True)
        return page.redirect_chain, without_what_changes(page).replace(email, "")

    assert ask(gina.email) == ask("rien@ordolien.test")
    assert [message.subject for message in mail.outbox] == [
        "Choisir un nouveau mot de passe",
        "Aucun compte à cette adresse",
    ]


def test_the_sixth_try_is_refused_for_an_account_and_for_none(gina):
    def last_of_six(email):
        pages = [Client().post("/compte/login/", {"login": email, "password": "x" * 12}) for _ in range(6)]
        return [without_what_changes(page).replace(email, "") for page in (pages[0], pages[-1])]

    known, unknown = last_of_six(gina.email), last_of_six("rien@ordolien.test")
    assert known == unknown and known[0] != known[1]
    cache.clear()


class BrokenMail(BaseEmailBackend):
    def send_messages(self, email_messages):
        raise smtplib.SMTPServerDisconnected


def test_a_mail_that_cannot_leave_is_said_and_changes_no_answer(client, gina, settings):
    def ask(email):
        page = Client().post("/compte/password/reset/", {"email": email}, follow=True)
        return page.status_code, without_what_changes(page).replace(email, "")

    settings.EMAIL_BACKEND = f"{__name__}.BrokenMail"
    assert ask(gina.email) == ask("rien@ordolien.test")
    assert "n’a pas pu partir" in ask(gina.email)[1]


# --- Mail of the account --------------------------------------------------------------------------------------------
def test_account_mail_speaks_the_language_of_the_page_and_says_it_is_automatic(client, gina):
    client.cookies["langue"] = "fr"
    client.post("/compte/password/reset/", {"email": gina.email})
    message = mail.outbox[0]
    assert message.subject == "Choisir un nouveau mot de passe" and message.body.startswith("Bonjour,")
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    link = re.search(r"http://testserver(/compte/password/reset/key/\S+)", message.body).group(1)

    page = client.get(link, follow=True)
    form = {"password1": "une autre phrase de passe", "password2": "une autre phrase de passe"}
    client.post(page.redirect_chain[-1][0], form)
    gina.refresh_from_db()
    assert gina.check_password("une autre phrase de passe")
    assert mail.outbox[-1].subject == "Votre mot de passe a changé" and not is_signed_in(client)


def test_a_new_address_replaces_the_old_one_once_confirmed_and_the_old_one_is_told(client, gina):
    sign_in(client, gina)
    client.post("/compte/reauthenticate/", {"password": PASSWORD})
    client.post("/compte/email/", {"action_add": "", "email": "gina2@ordolien.test"})
    gina.refresh_from_db()
    assert gina.email == "gina@ordolien.test"
    code = re.search(r"^([A-Z0-9-]{6,9})$", mail.outbox[-1].body, re.M).group(1)
    client.post("/compte/confirm-email/", {"code": code})
    gina.refresh_from_db()
    assert gina.email == "gina2@ordolien.test"
    assert ["gina@ordolien.test"] in [message.to for message in mail.outbox]
    assert EmailAddress.objects.filter(user=gina).count() == 1


# --- Sessions -------------------------------------------------------------------------------------------------------
def test_sessions_are_listed_and_the_others_can_be_ended(client, gina):
    sign_in(client, gina)
    elsewhere = Client(headers={"user-agent": "Firefox de la bibliothèque"})
    sign_in(elsewhere, gina)
    page = client.get("/compte/sessions/")
    assert "Firefox de la bibliothèque" in page.content.decode() and UserSession.objects.count() == 2
    client.post("/compte/sessions/")
    assert elsewhere.get("/compte/sessions/").url.startswith("/compte/login/")
    assert client.get("/compte/sessions/").status_code == 200


def test_the_language_chosen_is_the_one_of_later_mail(client, gina):
    client.force_login(gina)
    client.post("/langue/", {"language": "en", "next": "/compte/debut/"})
    gina.refresh_from_db()
    assert gina.language == "en"
    client.post("/langue/", {"language": "xx"})
    gina.refresh_from_db()
    assert gina.language == "en"
    elsewhere = Client()
    page = sign_in(elsewhere, gina)
    assert page.cookies["langue"].value == "en"
