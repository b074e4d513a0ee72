from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    parser_classes,
    permission_classes,
)
from rest_framework.response import Response

from portal import software
from portal.api_access import Everybody
from portal.api_docs import problems
from portal.api_fields import BoundedForm


class TokenRequest(serializers.Serializer):
    grant_type = serializers.ChoiceField(["client_credentials"])
    client_assertion_type = serializers.ChoiceField([software.ASSERTION_TYPE], required=False)
    client_assertion = serializers.CharField(
        required=False,
        max_length=software.MAX_ASSERTION,
        help_text=_("JWT signé en ES256 : iss, sub, aud, exp, jti. Sans certificat."),
    )
    client_id = serializers.CharField(
        required=False, help_text=_("En TLS mutuel, à la place de l’assertion : le certificat de la connexion prouve.")
    )
    scope = serializers.CharField(required=False, help_text=_("Portées voulues, séparées par des espaces."))


class TokenAnswer(serializers.Serializer):
    access_token = serializers.CharField()
    token_type = serializers.ChoiceField(["Bearer"])
    expires_in = serializers.IntegerField(help_text=_("En secondes."))
    scope = serializers.CharField()


class TokenProblem(serializers.Serializer):
    error = serializers.ChoiceField(["unsupported_grant_type", "invalid_client", "invalid_scope"])
    error_description = serializers.CharField()


@extend_schema(
    operation_id="token",
    tags=["token"],
    summary=_("Demander un jeton"),
    description=_(
        "OAuth 2.0 client_credentials avec private_key_jwt (RFC 7523) ou TLS mutuel (RFC 8705). Le jeton vaut dix "
        "minutes ; obtenu avec un certificat, il ne sert qu’avec lui."
    ),
    request={"application/x-www-form-urlencoded": TokenRequest},
    responses={
        200: TokenAnswer,
        400: OpenApiResponse(TokenProblem, description=_("Ce type de jeton ou cette portée n’est pas pour vous.")),
        401: OpenApiResponse(TokenProblem, description=_("L’assertion ou le certificat n’est pas accepté.")),
        **problems(413, 415),
    },
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([Everybody])
@parser_classes([BoundedForm])
def token(request):
    """OAuth 2.0 token address. Answers and errors as in RFC 6749 §5; form-encoded, as it asks."""
    try:
        issued = software.issue_token(
            grant_type=request.data.get("grant_type", ""),
            assertion_type=request.data.get("client_assertion_type", ""),
            assertion=request.data.get("client_assertion", ""),
            scope=request.data.get("scope", ""),
            client_id=request.data.get("client_id", ""),
            certificate=request.client_certificate,
        )
    except software.TokenRefused as refusal:
        status = 401 if refusal.error == "invalid_client" else 400
        body = {"error": refusal.error, "error_description": refusal.sentence}
        return Response(body, status=status, headers={"Cache-Control": "no-store"})
    answer = {
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": issued.seconds,
        "scope": " ".join(issued.scopes),
    }
    return Response(answer, headers={"Cache-Control": "no-store"})
