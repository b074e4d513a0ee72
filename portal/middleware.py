"""What holds for every request. Function middleware, in the order of settings.MIDDLEWARE."""

import time

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string

from portal.reasons import Refused

OPEN_WITHOUT_SECOND_FACTOR = (
    "/compte/",
    "/static/",
    "/langue/",
    "/healthz",
    "/aide/",
    "/accessibilite/",
    "/demo/",
)


def no_store_and_headers(get_response):
    """Signed-in pages are never kept by a cache; powers the site does not use are given up."""

    def middleware(request):
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def end_old_sessions(get_response):
    """Idle and absolute limits (OWASP ASVS 5.0, 7.3)."""

    def middleware(request):
        if request.user.is_authenticated:
            now, session = int(time.time()), request.session
            idle = now - session.get("last_seen", now)
            age = now - session.setdefault("signed_in_at", now)
            if idle > settings.SESSION_IDLE_SECONDS or age > settings.SESSION_ABSOLUTE_SECONDS:
                logout(request)
                return redirect(settings.LOGIN_URL)
            if now - session.get("last_seen", 0) >= 60:
                session["last_seen"] = now
        return get_response(request)

    return middleware


def require_second_factor(get_response):
    """Nobody goes past the door with a password alone; demo personas enter by their own door."""

    def middleware(request):
        if _needs_second_factor(request):
            return redirect("mfa_index")
        return get_response(request)

    return middleware


def _needs_second_factor(request) -> bool:
    if not request.user.is_authenticated or request.path.startswith(OPEN_WITHOUT_SECOND_FACTOR):
        return False
    if settings.DEMO and request.session.get("demo_persona"):
        return False
    return not is_mfa_enabled(request.user)


def show_refusals(get_response):
    """A Refused that a view did not turn into its own page becomes a page with its reason, and changes nothing."""

    def middleware(request):
        return get_response(request)

    def process_exception(request, exception):
        if not isinstance(exception, Refused):
            return None
        page = render_to_string("portal/refused.html", {"reason": exception.reason}, request=request)
        return HttpResponse(page, status=409)

    middleware.process_exception = process_exception
    return middleware
