"""The insurer's three addresses as the documentation shows them."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from portal.api_docs import problems
from prescriptions.api import insurer_shapes as shapes

TAGS = ["insurer"]
DAY = {"type": "string", "format": "date"}

CHECK = extend_schema(
    operation_id="insurer-check",
    tags=TAGS,
    summary=_("Vérifier des ordonnances"),
    description=_(
        "L’ordonnance, ses délivrances et leurs références de facture au même endroit, sans copie numérisée. "
        "Les anomalies sont des faits à regarder. Chaque patient lit dans son historique que son ordonnance a été "
        "contrôlée."
    ),
    request=shapes.Numbers,
    responses={200: shapes.CheckAnswer, **problems(400, 401, 403, 413, 415, 422)},
    examples=[
        OpenApiExample(
            "numbers",
            summary=_("Deux numéros"),
            value={"numbers": ["01S2TBPZ2JCNZZYGHZ", "01TEST000000000001"]},
            request_only=True,
        )
    ],
)

DUPLICATES = extend_schema(
    operation_id="insurer-duplicates",
    tags=TAGS,
    summary=_("Lister les doublons"),
    description=_(
        "Deux ordonnances d’un même patient, le même médicament (même CIS, sinon même nom) et des traitements qui se "
        "chevauchent. La période est celle de la seconde ordonnance ; la première peut dater d’un an de plus."
    ),
    parameters=[
        OpenApiParameter("from", DAY, required=True, description=_("Premier jour, AAAA-MM-JJ.")),
        OpenApiParameter("to", DAY, required=True, description=_("Dernier jour ; 92 jours au plus en tout.")),
        OpenApiParameter(
            "_count",
            {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
            description=_("Doublons par page, ou un peu plus : ceux d’un patient restent ensemble."),
        ),
        OpenApiParameter(
            "_after",
            {"type": "string", "minLength": 1, "maxLength": 300},
            description=_("Donné par « next », à reprendre tel quel."),
        ),
    ],
    responses={200: shapes.DuplicatesAnswer, **problems(401, 403, 422)},
)

OPPOSITION = extend_schema(
    operation_id="insurer-opposition",
    tags=TAGS,
    summary=_("Enregistrer une opposition, ou la lever"),
    description=_(
        "Le patient s’oppose à ce que les prescripteurs consultent ce qui lui est délivré (CSP, R. 4071-3). L’effet "
        "est immédiat et le patient le voit. Sans numéro, elle vaut pour toutes les ordonnances de la personne, écrites"
        " ou à venir, jusqu’à ce qu’elle soit levée. Celle qu’un prescripteur a notée en rédigeant reste sur son "
        "ordonnance : on la lève en donnant son numéro."
    ),
    request=shapes.Objection,
    responses={200: shapes.OppositionAnswer, **problems(400, 401, 403, 409, 413, 415, 422)},
    examples=[
        OpenApiExample(
            "all",
            summary=_("La personne, pour toutes ses ordonnances"),
            value={"ins": "279035121518989", "oid": "1.2.250.1.213.1.4.10", "opposed": True},
            request_only=True,
        )
    ],
)
