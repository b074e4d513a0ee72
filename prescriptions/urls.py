"""Documents, the QR, verification and the patient's own additions."""

from django.urls import path

from prescriptions import views, views_medicine, views_prescriber, views_upload

urlpatterns = [
    path("ordonnances/ajouter/", views_upload.upload, name="upload"),
    path("ordonnances/<uuid:id>/pdf", views.prescription_pdf, name="prescription-pdf"),
    path("ordonnances/<uuid:id>/qr.svg", views.prescription_qr, name="prescription-qr"),
    path("medicaments/<slug:cis>/", views_medicine.medicine, name="medicine"),
    path("prescripteur/", views_prescriber.home, name="prescriber-home"),
    path("prescripteur/ordonnances/<uuid:id>/", views_prescriber.prescription, name="prescriber-prescription"),
    path("verifier/", views.verify, name="verify"),
    path("verifier/hors-ligne.js", views.verify_worker, name="verify-worker"),
    path(".well-known/ordolien-keys.json", views.verification_keys, name="verification-keys"),
]
