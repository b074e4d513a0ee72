"""The patient adds a photo of a paper prescription: one short page."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import patient_only
from portal.idempotency import new_key
from prescriptions import actions
from prescriptions.forms import UploadForm


@patient_only
@require_http_methods(["GET", "POST"])
def upload(request):
    sent = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if sent else UploadForm(initial={"key": new_key()})
    if sent and form.is_valid():
        added = actions.add_photos(patient=request.patient, by=request.user, **form.cleaned_data)
        messages.success(request, _("C’est ajouté. Photo : pour préparation seulement, apportez l’original."))
        return redirect("prescription", added.pk)
    return render(request, "prescriptions/upload.html", {"form": form}, status=422 if form.errors else 200)
