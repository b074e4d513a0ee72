"""Closed by default (LoginRequiredMiddleware); these say for whom a page is open and whose data it works on.

`request.user` acts; `request.patient` is whose data it is; `request.pharmacy` and `request.member` are where a
professional works. Whoever is not entitled gets 404, the same as for a page that does not exist.
"""

from functools import wraps

from django.db.models import Q
from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone

SESSION_PATIENT = "patient"
SESSION_PHARMACY = "pharmacy"


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


def member_of(request):
    members = list(request.user.pharmacy_members.filter(left_at=None).select_related("pharmacy").order_by("id"))
    chosen = request.session.get(SESSION_PHARMACY)
    return next((m for m in members if str(m.pharmacy_id) == chosen), members[0] if members else None)


def patient_only(view):
    """Sets request.patient, request.acting_for (None for oneself), request.prescriptions and request.shares."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        access = patient_access_of(request)
        if access is None:
            if request.resolver_match.url_name == "home":
                return redirect("account_start")
            raise Http404
        request.patient = access.patient
        request.acting_for = None if access.kind == "self" else access.patient
        request.prescriptions = access.patient.prescriptions.seen_by(request.user)
        request.shares = access.patient.shares.seen_by(request.user)
        return view(request, *args, **kwargs)

    return guarded


def pharmacist_only(view):
    """Sets request.pharmacy and request.member (the professional in that pharmacy)."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        member = member_of(request)
        if member is None:
            raise Http404
        request.member, request.pharmacy = member, member.pharmacy
        return view(request, *args, **kwargs)

    return guarded


def staff_only(view):
    @wraps(view)
    def guarded(request, *args, **kwargs):
        if not (request.user.is_active and request.user.is_staff):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded
