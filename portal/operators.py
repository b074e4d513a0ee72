"""Pages for whoever runs the site, not for the people in it: closed (404) without the token of the settings."""

import hmac
from functools import wraps

from django.conf import settings
from django.http import Http404


def for_operators(view):
    """`Authorization: Bearer <ORDOLIEN_OPERATORS_TOKEN>`. The demo, on one's own machine, shows them to everybody."""

    @wraps(view)
    def only_for_them(request, *args, **kwargs):
        if not (settings.DEMO or _has_token(request)):
            raise Http404
        return view(request, *args, **kwargs)

    return only_for_them


def _has_token(request) -> bool:
    wanted, said = settings.OPERATORS_TOKEN, request.headers.get("Authorization", "")
    return bool(wanted) and hmac.compare_digest(said.encode(), f"Bearer {wanted}".encode())
