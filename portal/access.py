"""Closed by default (LoginRequiredMiddleware); these say for whom a page is open and whose data it works on.

`request.user` acts; `request.patient` is whose data it is; `request.pharmacy` and `request.member` are where a
professional works. Whoever is not entitled gets 404, the same as for a page that does not exist.
"""

from functools import wraps

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db.models import Q
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

SESSION_PATIENT = "patient"
SESSION_PHARMACY = "pharmacy"


# --- What this session has proved -----------------------------------------------------------------------------------
def is_demo_person(request) -> bool:
    """Demo personas enter by their own door, which exists only in the demo."""
    return settings.DEMO and bool(request.session.get("demo_persona"))


def has_second_factor(user) -> bool:
    return is_mfa_enabled(user)


def used_second_factor(request) -> bool:
    records = get_authentication_records(request, request.user)
    return is_demo_person(request) or any(record["method"] == "mfa" for record in records)


# --- For whom a page is, and on whose data --------------------------------------------------------------------------
def open_accesses(user):
    now = timezone.now()
    return (
        user.patient_accesses.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
        .select_related("patient")
        .order_by("-kind")  # "self" first
    )


def patient_access_of(request):
    """The access in use: the one chosen in this session, else one's own, else the first."""
    accesses = list(open_accesses(request.user))
    chosen = request.session.get(SESSION_PATIENT)
    return next((a for a in accesses if str(a.patient_id) == chosen), accesses[0] if accesses else None)


def memberships(user) -> list:
    """Where a professional works today, the first place first."""
    return list(user.pharmacy_members.filter(left_at=None).select_related("pharmacy").order_by("id"))


def prescriber_of(user):
    return getattr(user, "prescriber", None)


def landing_page(user) -> str:
    """Where signing in leads: one's own space, the place where one works, or the page that says what to do."""
    if open_accesses(user).exists():
        return reverse("home")
    if user.pharmacy_members.filter(left_at=None).exists():
        return reverse("desk")
    if prescriber_of(user) is not None:
        return reverse("prescriber-home")
    return reverse("admin:index") if user.is_staff else reverse("account_start")


def other_places(request) -> list[str]:
    """Names of the pages where this person also works or reads, beside the place they are in."""
    user, found = request.user, []
    if getattr(request, "patient", None) is None and open_accesses(user).exists():
        found.append("home")
    if getattr(request, "pharmacy", None) is None and user.pharmacy_members.filter(left_at=None).exists():
        found.append("desk")
    if getattr(request, "prescriber", None) is None and prescriber_of(user) is not None:
        found.append("prescriber-home")
    return found


def enter_space(request) -> bool:
    """Sets what patient_only promises. False: this person enters no patient's space."""
    access = patient_access_of(request)
    if access is None:
        return False
    request.patient = access.patient
    request.acting_for = None if access.kind == "self" else access.patient
    request.prescriptions = access.patient.prescriptions.seen_by(request.user)
    request.shares = access.patient.shares.seen_by(request.user)
    return True


def patient_only(view):
    """Sets request.patient, request.acting_for (None for oneself), request.prescriptions and request.shares."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        if not enter_space(request):
            if request.resolver_match.url_name == "home":
                return redirect(landing_page(request.user))
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def pharmacist_only(view):
    """Sets request.memberships (wherever the professional works), request.member (here) and request.pharmacy."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        members = memberships(request.user)
        if not members:
            raise Http404
        chosen = request.session.get(SESSION_PHARMACY)
        member = next((m for m in members if str(m.pharmacy_id) == chosen), members[0])
        request.memberships, request.member, request.pharmacy = members, member, member.pharmacy
        return view(request, *args, **kwargs)

    return guarded


def prescriber_only(view):
    """Sets request.prescriber."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        prescriber = prescriber_of(request.user)
        if prescriber is None:
            raise Http404
        request.prescriber = prescriber
        return view(request, *args, **kwargs)

    return guarded
