"""The REST side described by itself: OpenAPI 3.1 at /api/schema/, and /api/docs/ to read it.

FHIR addresses are left out: their description is the CapabilityStatement. What each operation takes and answers is said
beside its view with drf-spectacular; this page only lays it out.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, authentication_classes, permission_classes, renderer_classes
from rest_framework.response import Response

from portal import api_examples, software
from portal.api_access import Everybody

SCHEME = "software"
FHIR = "/api/fhir/"

# What each HTTP status means here, and the codes that come with it on every address.
STATUSES = {
    400: (gettext_lazy("Le corps n’est pas lisible."), ["parse_error"]),
    401: (
        gettext_lazy("Pas de jeton, ou un jeton inconnu, expiré ou révoqué. Demandez-en un autre."),
        ["not_authenticated", "authentication_failed"],
    ),
    403: (gettext_lazy("Le jeton n’a pas la portée qu’il faut."), ["permission_denied"]),
    405: (gettext_lazy("Ce verbe n’existe pas à cette adresse."), ["method_not_allowed"]),
    406: (gettext_lazy("Ce format de réponse n’existe pas ici."), ["not_acceptable"]),
    409: (
        gettext_lazy("La demande est comprise, mais l’état du registre s’y oppose."),
        ["patient-unknown", "objection-of-the-person"],
    ),
    413: (gettext_lazy("Le corps est trop grand."), ["too-large"]),
    415: (gettext_lazy("Ce format de corps n’est pas pris ici."), ["unsupported_media_type"]),
    422: (
        gettext_lazy("Un champ ne convient pas ; « field » le nomme. Rien n’est changé."),
        [
            "required",
            "invalid",
            "null",
            "blank",
            "max_length",
            "min_length",
            "not_a_list",
            "invalid_choice",
            "null_characters_not_allowed",
            "unknown-field",
            "window-too-long",
            "ends-before-start",
            "cursor-invalid",
            "ins-key",
            "ins-shape",
            "number-unknown",
            "since-not-here",
            "since-too-far",
        ],
    ),
    429: (gettext_lazy("Trop de demandes. Attendez le temps dit par Retry-After."), ["throttled"]),
}


class Problem(serializers.Serializer):
    code = serializers.CharField(help_text=gettext_lazy("Stable, pour un programme."))
    detail = serializers.CharField(help_text=gettext_lazy("Ce qui ne va pas, en une phrase."))
    field = serializers.CharField(
        required=False, allow_blank=True, help_text=gettext_lazy("Le champ en cause, comme numbers[3].")
    )


def problems(*statuses: int) -> dict[int, OpenApiResponse]:
    return {status: OpenApiResponse(Problem, description=STATUSES[status][0]) for status in statuses}


# --- What drf-spectacular cannot guess --------------------------------------------------------------------------------


class OfSoftware(OpenApiAuthenticationExtension):
    target_class = "portal.api_access.SoftwareAuthentication"
    name = SCHEME

    def get_security_definition(self, auto_schema):
        scopes = sorted({scope for given in software.SCOPES.values() for scope in given})
        flow = {"tokenUrl": "/api/token/", "scopes": {scope: SCOPE_WORDS[scope] for scope in scopes}}
        return {
            "type": "oauth2",
            "description": _("Jeton de dix minutes, contre une assertion signée (private_key_jwt, ES256)."),
            "flows": {"clientCredentials": flow},
        }

    def get_security_requirement(self, auto_schema):
        return {SCHEME: [permission.scope for permission in auto_schema.view.permission_classes]}


class OfExact(OpenApiSerializerExtension):
    target_class = "portal.api_fields.Exact"
    match_subclasses = True

    def map_serializer(self, auto_schema, direction):
        found = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        found.pop("description", None)  # the docstring of Exact is for us
        return found | {"additionalProperties": False}


SCOPE_WORDS = {
    "prescriptions.write": gettext_lazy("Déposer, annuler, remplacer une ordonnance."),
    "prescriptions.read": gettext_lazy("Relire les ordonnances de la structure."),
    "dispensings.read": gettext_lazy("Lire ce qui a été délivré, sauf opposition du patient."),
    "prescriptions.find": gettext_lazy("Trouver une ordonnance par son code ou son numéro."),
    "dispensings.write": gettext_lazy("Dire ce qui est délivré, et l’annuler le jour même."),
    "shares.read": gettext_lazy("Lire les envois des patients."),
    "shares.write": gettext_lazy("Y répondre."),
    "registry.check": gettext_lazy("Contrôler ordonnances, délivrances et factures."),
    "opposition.write": gettext_lazy("Enregistrer l’opposition d’un patient."),
}


def only_rest(endpoints):
    """drf-spectacular's hook: (path, path regex, method, callback) of what is described."""
    return [endpoint for endpoint in endpoints if not endpoint[0].startswith(FHIR)]


# --- The schema -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=len(settings.LANGUAGES))
def _schema_in(language: str) -> dict:
    with override(language):
        return json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str))


def openapi() -> dict:
    return _schema_in(get_language() or settings.LANGUAGE_CODE)


@extend_schema(exclude=True)
@api_view(["GET"])
@authentication_classes([])
@permission_classes([Everybody])
@renderer_classes([OpenApiJsonRenderer2, OpenApiYamlRenderer])
def schema(request):
    return Response(openapi())


# --- The page ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A field or a parameter. `depth`: how far inside others it is."""

    name: str
    kind: str
    words: str
    is_required: bool = False
    depth: int = 0


@dataclass(frozen=True)
class Operation:
    anchor: str
    method: str
    path: str
    title: str
    words: str
    scopes: list[str]
    parameters: list[Row]
    media_type: str
    body: list[Row]
    examples: list[tuple[str, str]]
    answer: list[Row]
    statuses: list[tuple[str, str]] = field(default_factory=list)


@login_not_required
@require_safe
def docs(request):
    context = {
        "site_url": settings.SITE_URL,
        "operations": operations(openapi()),
        "kinds": [(kind, " ".join(software.SCOPES[kind]), told) for kind, told in api_examples.of_kinds().items()],
        "scopes": SCOPE_WORDS.items(),
        "statuses": STATUSES.items(),
        "program": api_examples.program(),
        "fhir": capabilities(),
    }
    return render(request, "portal/api_docs.html", context)


def capabilities() -> list[tuple[str, str, str]]:
    """(resource, interactions, search parameters) of the CapabilityStatement; another app holds it."""
    statement = import_string(settings.CAPABILITY_STATEMENT)()
    return [
        (
            resource["type"],
            ", ".join([i["code"] for i in resource["interaction"]] + [f"${o['name']}" for o in resource["operation"]]),
            ", ".join(parameter["name"] for parameter in resource["searchParam"]),
        )
        for resource in statement["rest"][0]["resource"]
    ]


def operations(described: dict) -> list[Operation]:
    return [
        _operation(described, path, method, facts)
        for path, verbs in described["paths"].items()
        for method, facts in verbs.items()
    ]


def _operation(described: dict, path: str, method: str, facts: dict) -> Operation:
    media_type, body = next(iter(facts.get("requestBody", {}).get("content", {}).items()), ("", {}))
    good = facts["responses"]["200"]["content"]["application/json"]["schema"]
    return Operation(
        anchor=facts["operationId"],
        method=method.upper(),
        path=path,
        title=facts["summary"],
        words=facts["description"],
        scopes=[scope for need in facts.get("security", []) for scope in need.get(SCHEME, [])],
        parameters=[
            Row(p["name"], _kind(described, p["schema"]), p.get("description", ""), p.get("required", False))
            for p in facts.get("parameters", [])
        ],
        media_type=media_type,
        body=list(_rows(described, body.get("schema", {}))),
        examples=[(e["summary"], _pretty(e["value"])) for e in body.get("examples", {}).values()],
        answer=list(_rows(described, good)),
        statuses=[(status, told["description"]) for status, told in facts["responses"].items() if status != "200"],
    )


def _pretty(value) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _rows(described: dict, shape: dict, depth: int = 0):
    shape = _resolved(described, shape)
    for name, inside in shape.get("properties", {}).items():
        held = _resolved(described, inside)
        words = inside.get("description", "")
        yield Row(name, _kind(described, inside), words, name in shape.get("required", []), depth)
        yield from _rows(described, held.get("items", held), depth + 1)


def _resolved(described: dict, shape: dict) -> dict:
    """Follows $ref, and the allOf that drf-spectacular wraps around one to describe it."""
    while "$ref" in shape or "allOf" in shape:
        reference = shape.get("$ref") or shape["allOf"][0].get("$ref")
        if reference is None:
            return shape["allOf"][0]
        shape = described["components"]["schemas"][reference.rsplit("/", 1)[1]]
    return shape


def _kind(described: dict, shape: dict) -> str:
    shape = _resolved(described, shape)
    if "oneOf" in shape:
        return " | ".join(_kind(described, one) for one in shape["oneOf"])
    if "enum" in shape:
        return " | ".join(str(value) for value in shape["enum"])
    kinds = shape.get("type", "object")
    text = " | ".join(kinds) if isinstance(kinds, list) else kinds
    if text == "array":
        return f"[{_kind(described, shape['items'])}]"
    return f"{text} ({shape['format']})" if "format" in shape else text
