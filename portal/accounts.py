"""Signing in: e-mail and password, then a second factor, for everyone (django-allauth; OWASP ASVS 5.0, 6 and 7).

What a session has proved stands in allauth's records (portal.access.used_second_factor): a password alone opens
nothing, see portal.middleware.require_second_factor.
"""

import logging
import smtplib
import time

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portal import audit, crypto
from portal.access import has_second_factor, landing_page

log = logging.getLogger(__name__)
SECRETS_BELONG_TO = "mfa_authenticator.data"  # an authenticator has no key yet when its secret is sealed


class AccountAdapter(DefaultAccountAdapter):
    """What Ordolien says and does around allauth's own pages."""

    def save_user(self, request, user, form, commit=True):
        user.language = get_language() or settings.LANGUAGE_CODE
        return super().save_user(request, user, form, commit)

    def get_login_redirect_url(self, request):
        return landing_page(request.user)

    def post_login(self, request, user, **kwargs):
        response = super().post_login(request, user, **kwargs)
        request.session["signed_in_at"] = int(time.time())
        speak_their_language(response, user.language)
        with transaction.atomic():
            audit.record(kind="account.signed_in", by=user)
        return response

    def send_mail(self, template_prefix, email, context):
        """The page answers the same when the mail cannot leave: neither an error page nor a hint about the account."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("account mail %s not sent: %s", template_prefix, type(error).__name__)
            messages.error(
                self.request, _("Le message n’a pas pu partir. Rien n’est perdu : réessayez dans quelques minutes.")
            )

    def render_mail(self, template_prefix, email, context, headers=None):
        facts = context | {"site_url": settings.SITE_URL}
        return super().render_mail(template_prefix, email, facts, {"Auto-Submitted": "auto-generated"})


class SecondFactorAdapter(DefaultMFAAdapter):
    """allauth keeps TOTP secrets in clear unless told otherwise."""

    def encrypt(self, text: str) -> str:
        return str(crypto.seal(text.encode(), bound_to=SECRETS_BELONG_TO))

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.unseal(encrypted_text, bound_to=SECRETS_BELONG_TO).decode()

    def can_delete_authenticator(self, authenticator) -> bool:
        """The last one stays: an account without a second factor opens nothing. Add the new one first."""
        factors = authenticator.user.authenticator_set.exclude(type=authenticator.Type.RECOVERY_CODES)
        return factors.exclude(pk=authenticator.pk).exists()


def speak_their_language(response, language: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=settings.HTTPS,
        samesite="Lax",
    )


def prove_by_adding(request, user, authenticator, **kwargs) -> None:
    """The session that has just added a factor has used it. Receiver of allauth's `authenticator_added`.

    Other sessions, opened with the password alone, have not, and are asked for it.
    """
    if authenticator.type != authenticator.Type.RECOVERY_CODES:
        record_authentication(request, user, "mfa", type=authenticator.type, id=authenticator.pk)


def forget_when_none_is_left(request, user, **kwargs) -> None:
    """The last factor is gone: this session is one with a password alone. Receiver of `authenticator_removed`."""
    if not has_second_factor(user):
        records = get_authentication_records(request, user)
        request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [r for r in records if r["method"] != "mfa"]
