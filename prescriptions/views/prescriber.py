"""The prescriber reads what became of their own prescriptions. Nothing is written here but the trace."""

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.access import prescriber_only
from portal.paging import last_of_page_before
from prescriptions import execution, reach, words


@require_safe
@prescriber_only
def home(request):
    own = reach.written_by(request.prescriber)
    page = execution.page_of(own, after=last_of_page_before(request, own))
    next_url = reverse("prescriber-home", query={"apres": page.last.prescription.pk}) if page.last else ""
    context = {"prescriber": request.prescriber, "page": page, "next_url": next_url}
    return render(request, "prescriptions/prescriber.html", context)


@require_safe
@prescriber_only
def prescription(request, id):
    found = get_object_or_404(execution.with_execution(reach.written_by(request.prescriber)), pk=id)
    execution.note_reading(prescription=found, by=request.user)
    context = {
        "prescription": found,
        "title": words.title_of(found),
        "standing": execution.standing(found),
        "lines": [(line, words.say_line(line)) for line in found.lines.all()],
        "delivered": execution.delivered(found),
        "objection": execution.objection() if found.objected else "",
    }
    return render(request, "prescriptions/prescriber_prescription.html", context)
