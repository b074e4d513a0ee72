"""The patient's home, their shares, and whose space they are in."""

from io import BytesIO

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from portal import moments
from portal.access import SESSION_PATIENT, open_accesses, patient_only
from portal.paging import last_of_page_before
from portal.reasons import Refused
from portal.viewer import shown_by_the_browser
from prescriptions import words
from sharing import actions, policies, thread
from sharing.forms import ThreadForm
from sharing.space import listing, share_cards, timeline
from sharing.space.home import to_do
from sharing.states import ShareStatus as S

CURRENT_SHOWN = 4
RECENT_SHOWN = 3
STUCK = ("late", "silent", "unopened")  # calling the pharmacy, or another one, may be quicker


@require_safe
@patient_only
def home(request):
    now = timezone.now()
    cards = listing.current_cards(request.prescriptions)
    context = {
        "today": moments.day(timezone.localdate(now)),
        "tasks": to_do(shares=request.shares, cards=cards, now=now),
        "cards": cards[:CURRENT_SHOWN],
        "current_count": len(cards),
        "shares": share_cards.recent(request.shares, RECENT_SHOWN),
        "is_empty": not cards and not request.prescriptions.exists(),
        "has_other_spaces": len(open_accesses(request.user)) > 1,
    }
    return render(request, "sharing/home.html", context)


# --- Whose space ------------------------------------------------------------------------------------------------------


@require_safe
@patient_only
def spaces(request):
    return render(request, "sharing/spaces.html", {"accesses": open_accesses(request.user)})


@require_POST
@patient_only
def switch_patient(request, id):
    access = get_object_or_404(open_accesses(request.user), patient=id)
    request.session[SESSION_PATIENT] = str(access.patient_id)
    return redirect("home")


# --- Shares -----------------------------------------------------------------------------------------------------------


@require_safe
@patient_only
def shares(request):
    after = last_of_page_before(request, request.shares)
    page = share_cards.past(request.shares, after)
    next_url = f"{reverse('shares')}?apres={page.last.share.pk}" if page.last else ""
    context = {
        "active": [] if after else share_cards.going_on(request.shares),
        "page": page,
        "next_url": next_url,
        "is_first": after is None,
    }
    return render(request, "sharing/shares.html", context)


@require_safe
@patient_only
def share(request, id):
    return _page(request, _share(request, id), ThreadForm())


@require_GET
@patient_only
def share_status(request, id):
    """What changes while the page is open. Nothing new since `v`: 204, and htmx leaves the page alone."""
    found = _share(request, id)
    if request.GET.get("v") == timeline.version_of(found, timezone.now()):
        return HttpResponse(status=204)
    return render(request, "sharing/share_live.html", _context(request, found) | {"is_update": True})


@shown_by_the_browser
@require_safe
@patient_only
def share_file(request, id, file_id):
    """What the pharmacy joined to its words, once it is known to be harmless."""
    found = thread.file_of(_share(request, id), file_id)
    if found is None:
        raise Http404
    return FileResponse(BytesIO(found.content), content_type=found.content_type, filename=found.name)


@require_http_methods(["GET", "HEAD", "POST"])
@patient_only
def share_revoke(request, id):
    found = _share(request, id)
    if found.status == S.REVOKED:  # asked twice: it is done
        return redirect("share", found.pk)
    reason = policies.why_not_move(found, S.REVOKED)
    if reason:
        messages.warning(request, reason.sentence)
        return redirect("share", found.pk)
    if request.method != "POST":
        return render(request, "sharing/share_revoke.html", _context(request, found))
    actions.revoke_share(share=found, by=request.user)
    messages.success(request, _("Envoi retiré. La pharmacie n’a plus accès à l’ordonnance."))
    return redirect("share", found.pk)


@require_POST
@patient_only
def share_post(request, id):
    found, form = _share(request, id), ThreadForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    try:
        actions.post_message(share=found, **form.cleaned_data, by=request.user)
    except Refused as refused:
        return _page(request, found, form, reason=refused.reason, status=409)
    return redirect(reverse("share", args=[found.pk]) + "#messages")


def _share(request, id):
    rows = timeline.with_facts(request.shares).select_related("prescription__prescriber", "moved_from__pharmacy")
    return get_object_or_404(thread.with_words(rows).prefetch_related("prescription__lines"), pk=id)


def _page(request, found, form, reason=None, status=200):
    context = _context(request, found) | {"form": form, "reason": reason}
    return render(request, "sharing/share.html", context, status=status)


def _context(request, found) -> dict:
    now = timezone.now()
    head = timeline.head_of(found, now)
    can_leave = policies.why_not_move(found, S.REVOKED) is None
    return {
        "share": found,
        "title": words.title_of(found.prescription),
        "head": head,
        "steps": timeline.steps_of(found),
        "thread": thread.bubbles_of(found, reader=request.user),
        "version": timeline.version_of(found, now),
        "why_closed": policies.why_not_write(found),
        "can_revoke": can_leave,
        "is_asked": thread.unanswered(found) is not None,
        "can_present": head.code in (S.READY, S.PARTIALLY_READY) and found.prescription.is_authentic(),
        "can_change": can_leave and head.code in STUCK,
        "can_choose": found.status in timeline.BAD_ENDS and policies.why_not_share(found.prescription) is None,
    }
