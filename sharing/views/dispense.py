"""Delivering at the desk: a sheet, a line at a time; what was done, and undoing it within the day."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.access import pharmacist_only
from portal.reasons import Refused
from prescriptions import actions as registry
from prescriptions import policies, reach, words
from prescriptions.dispensing import why_not_undo
from prescriptions.models import Dispensing, Prescription
from sharing import actions
from sharing.desk import counter, one_share, worklist
from sharing.desk.dispense_forms import Sheet, UndoForm


@require_http_methods(["GET", "POST"])
@pharmacist_only
def dispense(request, id):
    if request.method == "GET":
        prescription = counter.prescription_or_404(request, id)
        return _show(request, prescription, Sheet(prescription, request.pharmacy))
    prescription = counter.prescription_to_record_or_404(request, id)
    sheet = Sheet(prescription, request.pharmacy, request.POST)
    if not sheet.is_valid():
        return _show(request, prescription, sheet, status=422)
    try:
        dispensing = _record(request, prescription, sheet)
    except Refused as refused:
        if sheet.ask_reasons(refused.reason):
            return _show(request, prescription, sheet, status=422)
        return _show(request, prescription, sheet, reason=refused.reason, status=409)
    return redirect("desk-dispensed", prescription.pk, dispensing.pk)


def _record(request, prescription: Prescription, sheet: Sheet) -> Dispensing:
    return actions.dispense(
        prescription=prescription,
        pharmacy=request.pharmacy,
        lines=sheet.handed(),
        dispensed_at=timezone.now(),
        dispenser=request.member.display_name,
        dispenser_rpps=request.member.rpps,
        billing_reference=sheet.head.cleaned_data["billing_reference"],
        key=sheet.head.cleaned_data["key"],
        by=request.user,
    )


@require_GET
@pharmacist_only
def dispensed(request, id, dispensing_id):
    return _show_done(request, *_done_or_404(request, id, dispensing_id))


@require_POST
@pharmacist_only
def undo(request, id, dispensing_id):
    prescription, done = _done_or_404(request, id, dispensing_id)
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _show_done(request, prescription, done, form=form, status=422)
    reason = form.cleaned_data["reason"]
    try:
        registry.undo_dispensing(
            dispensing=done, pharmacy_finess=request.pharmacy.finess, reason=reason, by=request.user
        )
    except Refused as refused:
        return _show_done(request, prescription, done, form=form, reason=refused.reason, status=409)
    messages.success(request, _("La délivrance est annulée. Le patient le voit dans son espace."))
    if not reach.to_dispense(request.pharmacy.finess).filter(pk=prescription.pk).exists():
        return redirect("desk")  # the patient shut it meanwhile
    return redirect("desk-dispense", prescription.pk)


def _done_or_404(request, id, dispensing_id) -> tuple[Prescription, Dispensing]:
    """This pharmacy's own, which stays in its records whatever the patient masks or blocks."""
    own = reach.dispensed_by(request.pharmacy.finess).filter(prescription=id).prefetch_related("lines__line")
    done = get_object_or_404(own.select_related("prescription__patient"), pk=dispensing_id)
    return done.prescription, done


def _beside(request, prescription: Prescription) -> dict:
    """The list on the left, and whose prescription it is."""
    return {
        "worklist": worklist.worklist(request.pharmacy),
        "memberships": request.memberships,
        "prescription": prescription,
        "patient": one_share.identity(prescription.patient),
        "share_here": counter.share_here(request.pharmacy, prescription),
    }


def _show(request, prescription: Prescription, sheet: Sheet, *, reason=None, status=200):
    counter.note_reading(request, prescription)
    context = _beside(request, prescription) | {
        "sheet": sheet,
        "reason": reason,
        "why_ended": policies.why_ended(prescription),
        "standing": words.standing(prescription),
        "deadlines": words.deadlines(prescription),
        "flags": words.flags(prescription),
        "dispensings": words.dispensings_words(prescription),
        "undoable": _undoable(request, prescription),
    }
    return render(request, "sharing/dispense.html", context, status=status)


def _undoable(request, prescription: Prescription) -> Dispensing | None:
    """This pharmacy's last one of today."""
    own = [one for one in policies.reported_dispensings(prescription)]
    return next((one for one in reversed(own) if why_not_undo(one, request.pharmacy.finess) is None), None)


def _show_done(request, prescription: Prescription, done: Dispensing, *, form=None, reason=None, status=200):
    counter.note_reading(request, prescription)
    context = _beside(request, prescription) | {
        "done": done,
        "lines": [words.say_told(told) for told in done.lines.all()],
        "standing": words.standing(prescription),
        "why_not_undo": why_not_undo(done, request.pharmacy.finess),
        "form": form or UndoForm(),
        "reason": reason,
    }
    return render(request, "sharing/dispensed.html", context, status=status)
