from rest_framework.decorators import (
    api_view,
    authentication_classes,
    parser_classes,
    permission_classes,
)
from rest_framework.parsers import FormParser
from rest_framework.response import Response

from portal import software
from portal.api_access import Everybody


@api_view(["POST"])
@authentication_classes([])
@permission_classes([Everybody])
@parser_classes([FormParser])
def token(request):
    """OAuth 2.0 token address. Answers and errors as in RFC 6749 §5; form-encoded, as it asks."""
    try:
        issued = software.issue_token(
            grant_type=request.data.get("grant_type", ""),
            assertion_type=request.data.get("client_assertion_type", ""),
            assertion=request.data.get("client_assertion", ""),
            scope=request.data.get("scope", ""),
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
