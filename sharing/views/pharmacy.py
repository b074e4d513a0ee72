"""The pharmacy's desk: get, form, action, redirect. Everything comes from `request.pharmacy.shares`."""

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.access import SESSION_PHARMACY, pharmacist_only
from portal.reasons import Refused
from portal.viewer import shown_by_the_browser
from prescriptions import words
from prescriptions.files import documents
from sharing import actions, policies
from sharing.desk import answers, counter, one_share
from sharing.desk import worklist as worklists
from sharing.models import Share, ShareEvent
from sharing.states import ShareStatus as S


@require_http_methods(["GET", "POST"])
@pharmacist_only
def desk(request):
    """The list; a scanned or typed number (`q`) opens its share. Posted only: a code has no place in a URL, and a link
    that somebody else wrote opens nobody's prescription in the pharmacist's name."""
    asked = request.POST.get("q", "").strip()
    if not asked:
        return render(request, "sharing/desk.html", _list(request))
    share, verdict = worklists.find(request.pharmacy, asked)
    if share is None:
        return _not_sent_here(request, asked, verdict)
    if verdict and verdict.state in {"stop", "wait"}:
        messages.warning(request, f"{verdict.word}. {verdict.sentence}")
    return redirect("desk-share", share.pk)


def _not_sent_here(request, asked, verdict):
    """The patient is at the counter: what they show opens, unless they masked it or shut this pharmacy out."""
    shown = counter.open_shown(request, verdict)
    if shown is not None:
        return redirect("desk-dispense", shown.pk)
    found = {"q": asked[:300], "verdict": counter.as_unknown(verdict)}
    return render(request, "sharing/desk.html", _list(request) | found)


@require_GET  # not HEAD: asking is opening
@pharmacist_only
def share(request, id):
    """Opening is reading, and the patient is told so: the one GET here that writes, the first time only.

    A link that posts would not open in another tab nor be shared with a colleague. What a browser fetches ahead
    of a click (Sec-Purpose) is not somebody reading: it gets nothing.
    """
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        return HttpResponse(status=204)
    found = _share_or_404(request, id)
    was_new = found.status == S.SHARED
    if found.is_readable:
        actions.open_share(share=found, by=request.user)
    return _show(request, id, just_opened=was_new)


@require_POST
@pharmacist_only
def take(request, id):
    found = _share_or_404(request, id)
    try:
        actions.take_share(share=found, member=request.member, by=request.user)
    except Refused as refused:
        messages.error(request, refused.reason)
    return redirect("desk-share", found.pk)


@require_POST
@pharmacist_only
def reply(request, id):
    found = _share_or_404(request, id)
    choice = answers.choice_of(found, request.POST.get("answer", ""))
    if choice is None:
        raise Http404
    form = choice.form_class(request.POST, share=found, code=choice.code)
    if not form.is_valid():
        return _show(request, id, form=form, status=422)
    try:
        actions.record_reply(
            share=found,
            answer=form.answer(),
            door=ShareEvent.Door.DESK,
            key=form.cleaned_data["key"],
            by=request.user,
        )
    except Refused as refused:
        return _show(request, id, form=form, reason=refused.reason, status=409)
    messages.success(request, choice.told)
    return redirect("desk-share", found.pk)


@shown_by_the_browser
@require_GET
@pharmacist_only
def document(request, id):
    found = _share_or_404(request, id)
    if not found.is_readable:
        raise Http404
    place = request.GET.get("n", "1")
    files = documents.for_message(found.prescription)
    if not place.isdecimal() or not 1 <= int(place) <= len(files):
        raise Http404
    actions.read_document(share=found, by=request.user)
    file = files[int(place) - 1]
    suffix = file.content_type.rpartition("/")[2]
    response = HttpResponse(file.content, content_type=file.content_type)
    response["Content-Disposition"] = f'inline; filename="ordonnance-{found.receipt}-{place}.{suffix}"'
    return response


@require_GET
@pharmacist_only
def news(request):
    """The bar « 2 nouveaux envois »; empty when there is none."""
    since = _moment_or_404(request.GET.get("depuis", ""))
    came = worklists.news(request.pharmacy, since)
    url = worklists.url_of(request.GET.get("etat", ""))
    return render(request, "sharing/desk_news.html", {"news": came, "url": url})


@require_POST
@pharmacist_only
def switch(request):
    """Whoever works in several pharmacies says at which one's desk they are."""
    chosen = request.POST.get("pharmacy", "")
    if chosen not in {str(member.pharmacy_id) for member in request.memberships}:
        raise Http404
    request.session[SESSION_PHARMACY] = chosen
    return redirect("desk")


def _moment_or_404(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Http404 from None
    if timezone.is_naive(at):
        raise Http404
    return at


def _share_or_404(request, id) -> Share:
    return get_object_or_404(worklists.shares_of(request.pharmacy).with_content(), pk=id)


def _list(request, **about) -> dict:
    page = request.GET.get("page", "1")
    return {
        "worklist": worklists.worklist(
            request.pharmacy,
            chosen=request.GET.get("etat", ""),
            page=int(page) if page.isdecimal() and len(page) < 6 else 1,
            **about,
        ),
        "memberships": request.memberships,
    }


def _show(request, id, *, form=None, reason=None, just_opened=False, status=200):
    """The list and the share as it is now; of one that may no longer be read, only that it existed."""
    found = _share_or_404(request, id)
    context = _list(request, current=found, just_opened=just_opened) | {
        "share": found,
        "look": worklists.look_of(found),
        "reason": reason,
    }
    if not found.is_readable:
        return render(request, "sharing/desk_gone.html", context, status=status)
    return render(request, "sharing/desk_share.html", context | _content(found, form), status=status)


def _content(found: Share, form) -> dict:
    prescription = found.prescription
    return {
        "patient": one_share.identity(prescription.patient),
        "prescription": prescription,
        "standing": words.standing(prescription),
        "deadlines": words.deadlines(prescription),
        "dispensings": words.dispensings_words(prescription),
        "lines": one_share.lines(prescription),
        "flags": words.flags(prescription),
        "files": one_share.files(found),
        "thread": one_share.thread(found),
        "wished": one_share.told_by_patient(found),
        "badge": worklists.badge_of(found),
        "answers": answers.offered(found, form),
        "why_not_write": policies.why_not_write(found),
    }
