"""Documents, the QR, verification and the patient's own additions."""

from django.urls import path

from prescriptions.views import files, medicine, prescriber, upload, verify

urlpatterns = [
    path("ordonnances/ajouter/", upload.upload, name="upload"),
    path("ordonnances/<uuid:id>/pdf", files.prescription_pdf, name="prescription-pdf"),
    path("ordonnances/<uuid:id>/qr.svg", files.prescription_qr, name="prescription-qr"),
    path("medicaments/<slug:cis>/", medicine.medicine, name="medicine"),
    path("prescripteur/", prescriber.home, name="prescriber-home"),
    path("prescripteur/ordonnances/<uuid:id>/", prescriber.prescription, name="prescriber-prescription"),
    path("verifier/", verify.verify, name="verify"),
    path("verifier/hors-ligne.js", verify.verify_worker, name="verify-worker"),
    path(".well-known/ordolien-keys.json", verify.verification_keys, name="verification-keys"),
]
