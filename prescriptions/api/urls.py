"""/api/fhir/: the registry."""

from django.urls import path

from prescriptions.api import deposit, dispense, documents, insurer, reading, verify

urlpatterns = [
    path("verify/", verify.Verify.as_view(), name="api-verify"),
    path("insurer/check/", insurer.Check.as_view(), name="insurer-check"),
    path("insurer/duplicates/", insurer.Duplicates.as_view(), name="insurer-duplicates"),
    path("insurer/opposition/", insurer.Opposition.as_view(), name="insurer-opposition"),
    path("fhir/", deposit.Base.as_view(), name="fhir-base"),
    path("fhir/DocumentReference", documents.Documents.as_view(), name="fhir-documents"),
    path("fhir/DocumentReference/<uuid:id>", reading.OneDocument.as_view(), name="fhir-document"),
    path("fhir/MedicationRequest", reading.Requests.as_view(), name="fhir-requests"),
    path("fhir/MedicationRequest/<uuid:id>", reading.OneRequest.as_view(), name="fhir-request"),
    path("fhir/DeviceRequest/<uuid:id>", reading.OneRequest.as_view(), name="fhir-device-request"),
    path("fhir/ServiceRequest/<uuid:id>", reading.OneRequest.as_view(), name="fhir-service-request"),
    path("fhir/MedicationRequest/$cancel", deposit.Cancel.as_view(), name="fhir-cancel"),
    path("fhir/MedicationRequest/_search", reading.Search.as_view(), name="fhir-find"),
    path("fhir/MedicationDispense", dispense.Dispenses.as_view(), name="fhir-dispenses"),
    path("fhir/MedicationDispense/_search", dispense.Search.as_view(), name="fhir-find-dispenses"),
    path("fhir/MedicationDispense/<str:id>", dispense.OneDispense.as_view(), name="fhir-dispense"),
    path("fhir/MedicationDispense/<str:id>/$undo", dispense.Undo.as_view(), name="fhir-undo"),
]
