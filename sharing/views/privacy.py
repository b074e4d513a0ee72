"""What patients keep from others: one prescription masked, a professional shut out. For oneself alone: whoever acts for
somebody would mask it from themselves, and must not learn who is shut out or why."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.access import patient_only
from portal.reasons import Refused
from prescriptions import words
from sharing import actions, policies
from sharing.space import professionals as known


@require_http_methods(["GET", "HEAD", "POST"])
@patient_only
def mask(request, id):
    found = _own(request, id)
    if found.masked_at:  # asked twice: it is done
        return redirect("prescription", found.pk)
    if request.method != "POST":
        return _mask_page(request, found, policies.why_not_mask(found))
    try:
        actions.mask_prescription(prescription=found, by=request.user)
    except Refused as refused:
        return _mask_page(request, found, refused.reason, status=409)
    messages.success(request, _("Ordonnance masquée. Vous êtes la seule personne à la voir ici."))
    return redirect("prescription", found.pk)


@require_POST
@patient_only
def unmask(request, id):
    found = _own(request, id)
    actions.unmask_prescription(prescription=found, by=request.user)
    messages.success(request, _("Ordonnance démasquée."))
    return redirect("prescription", found.pk)


def _for_oneself(request) -> None:
    if request.acting_for:
        raise Http404


def _own(request, id):
    _for_oneself(request)
    return get_object_or_404(request.prescriptions.with_content().defer("source"), pk=id)


def _mask_page(request, found, reason, status=200):
    context = {
        "prescription": found,
        "title": words.title_of(found),
        "reason": reason,
        "active": policies.active_share(found),
    }
    return render(request, "sharing/mask.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@patient_only
def professionals(request):
    """Who is shut out is private, so it is never in a URL."""
    _for_oneself(request)
    if request.method == "POST":
        return _decide(request)
    return _professionals_page(request)


def _decide(request):
    asked = request.POST.get("identifier", "")
    one = next((one for one in known.known_to(request.patient) if one.identifier == asked), None)
    if one is None:
        raise Http404
    if "unblock" in request.POST:
        actions.unblock_professional(patient=request.patient, identifier=one.identifier, by=request.user)
        messages.success(request, _("%(who)s n’est plus sur la liste des professionnels bloqués.") % {"who": one.name})
        return redirect("privacy")
    if "block" not in request.POST:
        return _professionals_page(request, status=422)
    try:
        actions.block_professional(patient=request.patient, identifier=one.identifier, by=request.user)
    except Refused as refused:
        return _professionals_page(request, refused.reason, status=409)
    messages.success(request, _("C’est fait : %(who)s ne peut plus ouvrir vos ordonnances.") % {"who": one.name})
    return redirect("privacy")


def _professionals_page(request, reason=None, status=200):
    context = {"professionals": known.known_to(request.patient), "reason": reason}
    return render(request, "sharing/privacy.html", context, status=status)
