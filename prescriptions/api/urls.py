"""/api/fhir/: the registry."""

from django.urls import path

from prescriptions.api import deposit

urlpatterns = [
    path("fhir/", deposit.Base.as_view(), name="fhir-base"),
    path("fhir/MedicationRequest/$cancel", deposit.Cancel.as_view(), name="fhir-cancel"),
]
