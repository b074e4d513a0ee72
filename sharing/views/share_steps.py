"""Sending a prescription, one question a page: which pharmacy, a word for it, check, saved.

The answers wait in the session (share_draft). A page asked for too early leads back to the one that is missing.
"""

from django.conf import settings
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import patient_only
from portal.reasons import Refused
from prescriptions import words
from sharing import actions, policies
from sharing.forms import CheckForm, MessageForm, PharmacyForm, PlaceForm
from sharing.space import checking, choosing, share_draft, timeline

page = require_http_methods(["GET", "HEAD", "POST"])


@page
@patient_only
def pharmacy(request, id):
    prescription = _prescription(request, id)
    draft = share_draft.load(request, prescription)
    moves = policies.active_share(prescription) if "changer" in request.GET else None
    stop = _stop(request, prescription, moves=moves)
    if stop:
        return stop
    if "lat" in request.POST:
        return _choose(request, prescription, draft, moves, near=_near(request))
    if request.method != "POST":
        return _choose(request, prescription, draft, moves)
    form = PharmacyForm(request.POST, prescription=prescription, moves=moves)
    if not form.is_valid():
        return _choose(request, prescription, draft, moves, form=form)
    share_draft.save(request, prescription, draft.to(form.cleaned_data["pharmacy"], moves))
    return redirect("share-message", prescription.pk)


@page
@patient_only
def message(request, id):
    prescription = _prescription(request, id)
    draft = share_draft.load(request, prescription)
    stop = _stop(request, prescription, moves=draft.moves) or _missing(request, prescription, draft, "pharmacy")
    if stop:
        return stop
    answers = {"message": draft.message, "wished_at": draft.wished()}
    form = MessageForm(request.POST or None, prescription=prescription, initial=answers)
    if form.is_valid():
        share_draft.save(request, prescription, draft.saying(**form.cleaned_data))
        return redirect("share-check", prescription.pk)
    context = _context(prescription) | {
        "form": form,
        "pharmacy": choosing.chosen(draft),
        "is_move": bool(draft.moves),
    }
    return render(request, "sharing/share_message.html", context, status=422 if form.is_bound else 200)


@page
@patient_only
def check(request, id):
    prescription = _prescription(request, id)
    draft = share_draft.load(request, prescription)
    if draft.share:  # already sent: the button was pressed twice, or somebody came back
        return redirect("share-confirmed", prescription.pk, draft.share)
    stop = _missing(request, prescription, draft, "pharmacy") or _missing(request, prescription, draft, "message")
    if stop:
        return stop
    if request.method == "POST":
        return _send(request, prescription, draft)
    return _stop(request, prescription, moves=draft.moves) or _check(request, prescription, draft)


@require_safe
@patient_only
def confirmed(request, id, share_id):
    prescription = _prescription(request, id)
    share = get_object_or_404(request.shares.select_related("pharmacy"), pk=share_id, prescription=prescription)
    context = _context(prescription) | {
        "share": share,
        "coming": timeline.coming_after(share),
        "late_minutes": settings.DELIVERY_LATE_SECONDS // 60,
    }
    return render(request, "sharing/share_confirmed.html", context)


def _send(request, prescription, draft):
    form = CheckForm(request.POST)
    if not form.is_valid() or form.cleaned_data["key"] != draft.key:
        changed = _("Vos réponses ont changé depuis que cette page était ouverte. Vérifiez-les, puis envoyez.")
        return _check(request, prescription, draft, reason=changed)
    try:
        share = _share(request, prescription, draft)
    except Refused as refused:
        return _stop(request, prescription, moves=draft.moves) or _check(
            request, prescription, draft, reason=refused.reason.sentence
        )
    share_draft.save(request, prescription, draft.sent(share))
    return redirect("share-confirmed", prescription.pk, share.pk)


def _share(request, prescription, draft):
    answers = {
        "pharmacy": choosing.chosen(draft),
        "message": draft.message,
        "wished_at": draft.wished(),
        "key": draft.key,
        "by": request.user,
    }
    moved = request.shares.filter(pk=draft.moves).first() if draft.moves else None
    if moved and moved.is_active():
        return actions.move_share(share=moved, **answers)
    return actions.share_prescription(prescription=prescription, **answers)


# --- The pages --------------------------------------------------------------------------------------------------------


def _choose(request, prescription, draft, moves, form=None, near=None):
    q = request.GET.get("q", "").strip()[:100]
    context = _context(prescription) | {
        "form": form,
        "moves": moves,
        "q": q,
        "near": near,
        "own": choosing.own_rows(prescription, draft, request.prescriptions if request.acting_for else None),
        "found": choosing.found_rows(prescription, draft, q, near) if q or near else None,
        "freshness": choosing.freshness(),
    }
    response = render(request, "sharing/share_pharmacy.html", context, status=422 if form else 200)
    response["Permissions-Policy"] = "camera=(), geolocation=(self), microphone=()"
    return response


def _check(request, prescription, draft, reason=""):
    try:
        letter = choosing.preview(prescription, draft, request.user)
    except Refused as refused:  # nothing could leave
        return _refuse(request, prescription, refused.reason)
    context = _context(prescription) | {
        "form": CheckForm(initial={"key": draft.key}),
        "reason": reason,
        "rows": checking.answers(request, prescription, draft),
        "headers": checking.headers(letter),
        "letter": letter,
        "attachments": checking.attachments(letter),
    }
    return render(request, "sharing/share_check.html", context, status=409 if reason else 200)


def _stop(request, prescription, *, moves):
    """The page that says why not. Moving is how one goes past "already shared"."""
    reason = policies.why_not_share(prescription)
    if reason is None or reason.code == "already-shared" and moves:
        return None
    return _refuse(request, prescription, reason)


def _refuse(request, prescription, reason):
    active = timeline.with_facts(request.shares.filter(prescription=prescription).active()).first()
    context = _context(prescription) | {
        "reason": reason,
        "active": active,
        "head": timeline.head_of(active, timezone.now()) if active else None,
    }
    return render(request, "sharing/share_stop.html", context, status=409 if request.method == "POST" else 200)


def _missing(request, prescription, draft, step):
    """Back to the page whose answer is missing."""
    if step == "pharmacy" and choosing.chosen(draft) is None:
        messages.info(request, _("Choisissez d’abord une pharmacie."))
        return redirect("share-pharmacy", prescription.pk)
    if step == "message" and not draft.message_asked:
        return redirect("share-message", prescription.pk)
    if step == "message" and draft.wished_at and draft.wished() < timezone.now():
        messages.info(request, _("Le moment que vous aviez choisi est passé. Choisissez-en un autre, ou effacez-le."))
        return redirect("share-message", prescription.pk)
    return None


def _near(request) -> tuple[float, float] | None:
    place = PlaceForm(request.POST)
    return place.near() if place.is_valid() else None


def _prescription(request, id):
    rows = request.prescriptions.select_related("prescriber", "replaced_by").defer("source", "replaced_by__source")
    found = get_object_or_404(rows.prefetch_related("lines", "dispensings__lines"), pk=id)
    found.patient = request.patient
    prefetch_related_objects([request.patient], "blocked_professionals")
    return found


def _context(prescription) -> dict:
    return {
        "prescription": prescription,
        "title": words.title_of(prescription),
        "back_url": reverse("prescription", args=[prescription.pk]),
    }
