"""POST /api/verify/: what a code or a typed number is worth. Open to all; no clinical data, whoever asks."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api_access import Everybody
from portal.api_docs import problems
from portal.api_fields import BoundedJSON, Exact, Text
from prescriptions.code import qr, verification

CODES = (
    "valid",
    "altered",
    "unknown_key",
    "revoked_key",
    "cancelled",
    "replaced",
    "expired",
    "exhausted",
    "unknown_number",
    "number_known",
    "not_ours",
)


class CodeToVerify(Exact):
    text = Text(max_length=4296, help_text=_("Le texte du QR, ou le numéro tapé."))


class VerdictAnswer(serializers.Serializer):
    code = serializers.ChoiceField(CODES, help_text=_("Le verdict, stable."))
    valid = serializers.BooleanField(help_text=_("Vrai seulement pour un code signé, intact et en cours."))
    offline = serializers.BooleanField(help_text=_("La signature a été vérifiée."))
    online = serializers.BooleanField(help_text=_("Le registre a été interrogé."))
    checked_at = serializers.DateTimeField()
    word = serializers.CharField()
    sentence = serializers.CharField(help_text=_("Ce qu’il faut faire."))


class Verify(APIView):
    authentication_classes = []
    permission_classes = [Everybody]
    parser_classes = [BoundedJSON]

    @extend_schema(
        operation_id="verify",
        tags=["verify"],
        summary=_("Vérifier un code ou un numéro"),
        description=_(
            "Sans jeton. La réponse ne dit rien du patient ni du traitement. Trente demandes par minute et par adresse."
        ),
        parameters=[
            OpenApiParameter("Retry-After", int, "header", response=[429], description=_("Secondes à attendre."))
        ],
        request=CodeToVerify,
        responses={200: VerdictAnswer, **problems(400, 413, 415, 422, 429)},
        examples=[
            OpenApiExample(
                "number", summary=_("Un numéro"), value={"text": "01S2 TBPZ 2JCN ZZYG HZ"}, request_only=True
            )
        ],
    )
    def post(self, request):
        if verification.is_asked_too_often(request):
            raise exceptions.Throttled(wait=verification.SECONDS)
        given = CodeToVerify(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(answer(qr.check(given.validated_data["text"])), headers={"Cache-Control": "no-store"})


def answer(verdict) -> dict:
    return {
        "code": verdict.code,
        "valid": verdict.is_valid,
        "offline": verdict.offline,
        "online": verdict.online,
        "checked_at": verdict.at.isoformat(timespec="seconds"),
        "word": verdict.word,
        "sentence": verdict.sentence,
    }
