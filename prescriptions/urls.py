"""Documents, the QR, verification and the patient's own additions."""

from django.urls import path

from prescriptions import views_upload

urlpatterns = [
    path("ordonnances/ajouter/", views_upload.upload, name="upload"),
]
