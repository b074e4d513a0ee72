"""The pages one goes through to sign in, as a person does."""

import time

import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

PASSWORD = "quatre tisanes bien chaudes"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def give_password(user, *, totp: bool = True) -> None:
    """Makes a cast member somebody who signs in by the pages; `totp` False: with no second factor yet."""
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    user.authenticator_set.all().delete()
    if totp:
        TOTP.activate(user, TOTP_SECRET)


def totp(secret: str) -> str:
    """What the phone shows now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def when_the_phone_shows_a_new_code():
    """Half a minute to type it, for the server too."""
    return time_machine.travel((int(time.time()) // 30 + 1) * 30, tick=True)


def code_now() -> str:
    """A code serves once: forget that it did, as half a minute would."""
    cache.clear()
    return totp(TOTP_SECRET)


def give_the_password(client: Client, user, password: str = PASSWORD, **where):
    return client.post("/compte/login/", {"login": user.email, "password": password, **where})


def give_the_code(client: Client):
    return client.post("/compte/2fa/authenticate/", {"code": code_now()})


def sign_in(client: Client, user):
    give_the_password(client, user)
    return give_the_code(client)


def factors_of(user) -> set[str]:
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
