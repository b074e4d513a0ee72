"""/api/fhir/: the shares, and what the server says of itself."""

from django.urls import path

from prescriptions.api.base import Nowhere
from sharing.api import metadata, tasks

urlpatterns = [
    path("fhir/metadata", metadata.Metadata.as_view(), name="fhir-metadata"),
    path("fhir/Task", tasks.Tasks.as_view(), name="fhir-tasks"),
    path("fhir/Task/<uuid:id>", tasks.OneTask.as_view(), name="fhir-task"),
    path("fhir/Task/<uuid:id>/$document", tasks.TaskDocument.as_view(), name="fhir-task-document"),
    path("fhir/Communication", tasks.Communications.as_view(), name="fhir-communications"),
    path("fhir/<path:address>", Nowhere.as_view(), name="fhir-nowhere"),  # the last one
]
