"""GET /api/fhir/metadata: what this server does, and only that (FHIR R4 CapabilityStatement)."""

from django.conf import settings
from rest_framework.response import Response

from portal.api_access import Everybody
from prescriptions.api.base import FhirView

SEARCHES = {
    "group-identifier": {
        "type": "token",
        "documentation": "The prescription's number, or system|number. Only by POST _search: no number in an address.",
    },
    "qr": {"type": "string", "documentation": "By pharmacy software: the code as scanned. Only by POST _search."},
}


def _resource(kind: str, *interactions: str, search: tuple[str, ...] = (), operations: tuple = ()) -> dict:
    return {
        "type": kind,
        "interaction": [{"code": code} for code in interactions],
        "searchParam": [{"name": name} | SEARCHES.get(name, {"type": "token"}) for name in search],
        "operation": [{"name": name, "definition": f"{settings.SITE_URL}/api/docs/#{name}"} for name in operations],
    }


def capability_statement() -> dict:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-23",
        "kind": "instance",
        "software": {"name": "Ordolien"},
        "implementation": {"description": "Ordolien", "url": f"{settings.SITE_URL}/api/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "service": [
                        {"text": "OAuth 2.0 client credentials: private_key_jwt (RFC 7523) or mutual TLS (RFC 8705)"}
                    ],
                    "description": f"Token address: {settings.SITE_URL}/api/token/",
                },
                "interaction": [
                    {
                        "code": "transaction",
                        "documentation": "A Bundle of requests deposits one prescription; of MedicationDispense, "
                        "it records one dispensing.",
                    }
                ],
                "resource": [
                    _resource(
                        "MedicationRequest",
                        "read",
                        "search-type",
                        search=("group-identifier", "qr"),
                        operations=("cancel",),
                    ),
                    _resource("DeviceRequest", "read"),
                    _resource("ServiceRequest", "read"),
                    _resource(
                        "MedicationDispense",
                        "read",
                        "create",
                        "search-type",
                        search=("group-identifier",),
                        operations=("undo",),
                    ),
                    _resource("DocumentReference", "read", "create"),
                    _resource(
                        "Task",
                        "read",
                        "update",
                        "search-type",
                        search=("status", "identifier"),
                        operations=("document",),
                    ),
                    _resource("Communication", "create", "search-type", search=("based-on",)),
                ],
            }
        ],
    }


class Metadata(FhirView):
    authentication_classes = []
    permission_classes = [Everybody]

    def get(self, request):
        return Response(capability_statement())
