"""A medicine's card, for whoever is signed in: public facts, nothing of anybody's."""

from uuid import UUID

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.access import enter_space
from prescriptions.medicine import lookup, wording


@require_safe
def medicine(request, cis):
    found = lookup.find({"cis": cis})
    if found is None:
        raise Http404
    is_patient = enter_space(request)
    context = {
        "medicine": wording.say(found),
        "layout": "patient.html" if is_patient else "base.html",
        "back": _back(request) if is_patient else None,
    }
    return render(request, "prescriptions/medicine.html", context)


def _back(request) -> dict:
    """To the prescription one came from when it is one's own, else to all of them."""
    everything = {"url": reverse("prescriptions"), "words": _("Mes ordonnances")}
    try:
        asked = UUID(request.GET.get("ordonnance", ""))
    except ValueError:
        return everything
    if request.prescriptions.filter(pk=asked).exists():
        return {"url": reverse("prescription", args=[asked]), "words": _("Retour à l’ordonnance")}
    return everything
