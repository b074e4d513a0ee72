"""What holds for every request. Function middleware, in the order of settings.MIDDLEWARE."""

import time

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import access
from portal.reasons import Refused

LOGOUTS = {"account_logout", "admin:logout"}
# What pages ask for by themselves, again and again: it is not somebody's activity.
BACKGROUND = {"desk-news", "share-status"}
ACTIVITY_SECONDS = 60

# Until there is a second factor, a session reaches these and what is open to all.
FOR_ADDING_A_FACTOR = {
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "account_reauthenticate",
    "account_email",
    "account_email_verification_sent",
    "account_start",
    "account_logout",
}
# Where there is one already, a session that has not used it reaches only these: with the password alone somebody else
# could otherwise add a factor of their own, or read the recovery codes.
FOR_USING_A_FACTOR = {
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "account_logout",
}


def know_who_asks(get_response):
    """Behind a proxy every connection is the proxy's; the address it adds last to X-Forwarded-For is the one it saw.
    Whatever stands before it was written by whoever asks."""

    def middleware(request):
        seen = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if settings.BEHIND_PROXY and seen:
            request.META["REMOTE_ADDR"] = seen
        return get_response(request)

    return middleware


def no_store_and_headers(get_response):
    """Signed-in pages are never kept by a cache; powers a page does not use are given up (one that does says so)."""

    def middleware(request):
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(), microphone=()")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.headers["Cache-Control"] = "no-store"
        if request.method == "POST" and _name(request) in LOGOUTS:
            _leave_nothing(response)
        return response

    return middleware


def refuse_too_heavy(get_response):
    """Before a byte of the form is read: nothing is stored, not even for a moment. REST views bound what they read."""

    def middleware(request):
        return get_response(request)

    def process_view(request, view, args, kwargs):
        if hasattr(view, "cls") or int(request.META.get("CONTENT_LENGTH") or 0) <= settings.REQUEST_MAX_BYTES:
            return None
        return render(request, "413.html", status=413)

    middleware.process_view = process_view
    return middleware


def end_old_sessions(get_response):
    """Idle and absolute limits (OWASP ASVS 5.0, 7.3). A page that polls does not keep its session alive."""

    def middleware(request):
        if request.user.is_authenticated:
            now, session = int(time.time()), request.session
            if _is_over(session, now):
                return _ended(request)
        return get_response(request)

    def process_view(request, view, args, kwargs):
        if request.user.is_authenticated and _name(request) not in BACKGROUND:
            _note_activity(request, int(time.time()))

    middleware.process_view = process_view
    return middleware


def _is_over(session, now: int) -> bool:
    idle = now - session.get("last_seen", now)
    age = now - session.get("signed_in_at", now)
    return idle > settings.SESSION_IDLE_SECONDS or age > settings.SESSION_ABSOLUTE_SECONDS


def _ended(request) -> HttpResponse:
    logout(request)
    messages.info(request, _("Votre session a pris fin par sécurité. Reconnectez-vous pour continuer."))
    path = request.get_full_path() if request.method == "GET" else "/"
    return _leave_nothing(redirect_to_login(path))


def _note_activity(request, now: int) -> None:
    """Once a minute: a write for each page would cost more than it tells."""
    session = request.session
    session.setdefault("signed_in_at", now)
    if now - session.get("last_seen", 0) >= ACTIVITY_SECONDS:
        session["last_seen"] = now
        UserSession.objects.create_from_request(request)


def _leave_nothing(response: HttpResponse) -> HttpResponse:
    """Not "cookies": the theme and the language stay, the session's cookie is gone already."""
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    response.headers["Cache-Control"] = "no-store"
    return response


def require_second_factor(get_response):
    """Nobody goes past the door with a password alone; demo personas enter by their own door."""

    def middleware(request):
        return get_response(request)

    def process_view(request, view, args, kwargs):
        if not request.user.is_authenticated or _is_open_to_all(view) or access.used_second_factor(request):
            return None
        if access.has_second_factor(request.user):
            return _unless(FOR_USING_A_FACTOR, request, "mfa_reauthenticate")
        return _unless(FOR_ADDING_A_FACTOR, request, "mfa_index")

    middleware.process_view = process_view
    return middleware


def _is_open_to_all(view) -> bool:
    """Marked @login_not_required. REST views carry the same mark (they say who may enter themselves): not those."""
    return not getattr(view, "login_required", True) and not hasattr(view, "cls")


def _unless(names: set[str], request, elsewhere: str) -> HttpResponse | None:
    if _name(request) in names:
        return None
    response = redirect(elsewhere)
    if request.method == "GET" and elsewhere == "mfa_reauthenticate":
        response = redirect_to_login(request.get_full_path(), reverse(elsewhere))
    return response


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


def _name(request) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""
