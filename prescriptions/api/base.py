"""What every FHIR view shares: media types, bounded parsing, errors as OperationOutcome."""

from rest_framework import parsers, renderers
from rest_framework.views import APIView

from prescriptions import fhir
from prescriptions.api import outcome

FHIR_JSON = "application/fhir+json"


class FhirJSON(renderers.JSONRenderer):
    media_type = FHIR_JSON
    format = "fhir"
    charset = "utf-8"
    ensure_ascii = False


class PlainJSON(FhirJSON):
    """Browsers and scripts that ask for application/json get the same bytes."""

    media_type = "application/json"
    format = "json"


class FhirParser(parsers.BaseParser):
    """UTF-8 JSON, bounded in size and depth before anything is believed (prescriptions.fhir.text)."""

    media_type = FHIR_JSON

    def parse(self, stream, media_type=None, parser_context=None):
        resource = fhir.parse(stream.read(fhir.MAX_BYTES + 1))
        if not isinstance(resource, dict):
            raise fhir.FhirError("", "A FHIR resource is a JSON object.", "not-a-resource")
        return resource


class FhirParserOfPlainJSON(FhirParser):
    media_type = "application/json"


class FhirView(APIView):
    parser_classes = [FhirParser, FhirParserOfPlainJSON]
    renderer_classes = [FhirJSON, PlainJSON]

    def get_exception_handler(self):
        return outcome.explain

    @property
    def software(self):
        """The registered installation that acts (closed by default: a permission made sure of it)."""
        return self.request.user
