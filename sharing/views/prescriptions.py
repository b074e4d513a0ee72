"""The patient's prescriptions: the list, one of them, and the page to show at a counter."""

from urllib.parse import urlencode

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import patient_only
from portal.paging import last_of_page_before
from prescriptions import objecting, words
from prescriptions.models import Prescription
from sharing import actions, policies
from sharing.space import history, listing, share_cards


@require_http_methods(["GET", "HEAD", "POST"])
@patient_only
def prescriptions(request):
    """A search is a POST: the name of a medicine is health data, and stays out of URLs and logs."""
    q, chip = request.POST.get("q", "").strip()[:100], request.POST.get("vue") or request.GET.get("vue", "")
    after = None if q else last_of_page_before(request, request.prescriptions)
    if q:
        page = listing.search(request.prescriptions, q, chip=chip)
    else:
        page = listing.page_of(request.prescriptions, chip=chip, after=after)
    context = {
        "q": q,
        "chip": chip,
        "chips": [(key, label, _address(vue=key)) for key, label in listing.CHIPS.items()],
        "page": page,
        "next_url": _address(vue=chip, apres=page.last.prescription.pk) if page.last else "",
        # The month that "Voir plus" goes on with is already written on the page it adds to.
        "month_above": listing.month_of(after) if after and request.headers.get("HX-Request") else "",
    }
    return render(request, "sharing/prescriptions.html", context)


@require_safe
@patient_only
def prescription(request, id):
    found = _prescription(request, id)
    if request.acting_for:
        actions.note_reading(prescription=found, by=request.user)
    shares = list(share_cards.with_all_for_cards(request.shares.filter(prescription=found)))
    cards = [share_cards.card_of(share) for share in shares]
    context = _context(found) | {
        "replaced_by_id": request.prescriptions.filter(replaces=found).values_list("pk", flat=True).first(),
        "shares": cards,
        "active": next((card for card in cards if card.share.is_active()), None),
        "history": history.who_has_seen(found, shares, reader=request.user, is_own=not request.acting_for),
    }
    return render(request, "sharing/prescription.html", context)


@require_safe
@patient_only
def present(request, id):
    """Full screen, for a counter: the QR and the number. Only what the registry knows has them."""
    found = _prescription(request, id)
    if not found.is_authentic():
        raise Http404
    if found.masked_at:  # the pharmacy would not find it: its page says so, and what to do
        return redirect("prescription", found.pk)
    return render(request, "sharing/present.html", _context(found))


def _context(found) -> dict:
    standing, why_not = words.standing(found), policies.why_not_send(found)
    lines = words.say_lines(found)
    return {
        "prescription": found,
        "title": words.title_of(found),
        "by": listing.by_whom(found),
        "standing": standing,
        "lines": lines,
        "has_own_text": any(line.is_own_text and line.dosage for line in lines),
        "delivered": words.say_report(found) if found.provenance == Prescription.Provenance.REPORT else [],
        "deadlines": words.deadlines(found),
        "dispensings": words.dispensings_words(found),
        "objection": objecting.told_to_patient(found),
        "flags": words.flags(found),
        "why_not_send": why_not,
        "is_ended": standing.code in listing.FINISHED,
    }


def _prescription(request, id):
    rows = request.prescriptions.select_related("prescriber", "replaced_prescriber", "replaced_by", "replaces")
    rows = rows.defer("source", "replaced_by__source", "replaces__source")
    return get_object_or_404(rows.prefetch_related("lines", "dispensings__lines__line"), pk=id)


def _address(**parameters) -> str:
    said = urlencode({key: value for key, value in parameters.items() if value})
    return f"{reverse('prescriptions')}?{said}" if said else reverse("prescriptions")
