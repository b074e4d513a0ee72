"""`client.force_login(user)` opens a session as a whole sign-in does: password and second factor.

Django's own opens one that has proved nothing, which the site shows the way to the second factor. Tests of signing in
itself go through the pages.
"""

from types import SimpleNamespace

from allauth.account.internal.flows.login import record_authentication
from django.test import Client


def force_login_with_both_factors() -> None:
    open_session = Client.force_login

    def force_login(self, user, backend=None):
        open_session(self, user, backend)
        session = self.session
        record_authentication(SimpleNamespace(session=session, user=user), user, "mfa", type="totp")
        session.save()

    Client.force_login = force_login
