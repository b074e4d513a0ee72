"""What every FHIR view shares: media types, bounded parsing, errors as OperationOutcome."""

from django.http import Http404
from rest_framework import parsers, renderers
from rest_framework.views import APIView

from portal.api_access import Everybody
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
    most = fhir.MAX_BYTES

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            resource = fhir.parse(stream.read(self.most + 1), most=self.most)
        except fhir.FhirError as error:
            error.path = error.path or outcome.WHOLE  # what is wrong with the whole names the whole
            raise
        if not isinstance(resource, dict):
            raise fhir.FhirError(outcome.WHOLE, "A FHIR resource is a JSON object.", "not-a-resource")
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


class Nowhere(FhirView):
    """Any address that is not served: its answer can be read by the same program as every other error."""

    authentication_classes = []
    permission_classes = [Everybody]

    def initial(self, request, *args, **kwargs):
        raise Http404
