"""A prescription's printed page and its QR, for whoever is in the patient's space."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from portal.access import patient_only
from portal.viewer import shown_by_the_browser
from prescriptions.code import qr
from prescriptions.files import documents


@shown_by_the_browser
@patient_only
@require_safe
def prescription_pdf(request, id):
    prescription = get_object_or_404(request.prescriptions.with_content(), pk=id)
    document = documents.hand_over(prescription=prescription, by=request.user)
    name = f"ordonnance-{prescription.authored_on:%Y-%m-%d}.pdf"  # dated, never named: it stays in download folders
    return HttpResponse(
        bytes(document.content),
        content_type=document.content_type,
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


@patient_only
@require_safe
def prescription_qr(request, id):
    prescription = get_object_or_404(request.prescriptions.with_content(), pk=id)
    if not prescription.number:
        raise Http404
    return HttpResponse(qr.svg(qr.text_of(prescription)), content_type="image/svg+xml")
