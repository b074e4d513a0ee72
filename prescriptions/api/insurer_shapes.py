"""What the insurer sends, checked to the letter, and the shape of what it gets, for the documentation."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from portal.api_fields import Day, Exact, Flag, Text
from prescriptions import insurer
from prescriptions.fhir.codes import INS_OIDS
from prescriptions.intake import duplicates
from prescriptions.models import PrescriptionLine

STANDINGS = (
    "to_dispense",
    "partly_dispensed",
    "dispensed",
    "renewable",
    "expiring",
    "expired",
    "too_late",
    "cancelled",
    "replaced",
    "unknown",
)
ANOMALIES = (
    "dispensed-before-prescription",
    "dispensed-after-end",
    "dispensed-after-cancellation",
    "dispensed-after-replacement",
    "first-dispensed-too-late",
    "billing-reference-missing",
    "billing-reference-twice",
    "over-delivered",
)


def _number(**facts) -> Text:
    return Text(max_length=40, help_text=gettext_lazy("Numéro d’ordonnance, avec ou sans espaces."), **facts)


# --- Sent -------------------------------------------------------------------------------------------------------------


class Numbers(Exact):
    numbers = serializers.ListField(
        child=_number(), min_length=1, max_length=insurer.AT_MOST, help_text=gettext_lazy("500 numéros au plus.")
    )


class Window(serializers.Serializer):
    """Of the address: `from`, `to`, `_count`, `_after`."""

    def get_fields(self):
        return {
            "from": Day(),
            "to": Day(),
            "_count": Whole(default=50, least=1, most=200),
            "_after": Text(max_length=300, default=""),
        }

    def validate(self, attrs):
        days = (attrs["to"] - attrs["from"]).days
        if days < 0:
            raise serializers.ValidationError({"to": [_("La fin vient avant le début.")]}, code="ends-before-start")
        if days > duplicates.WINDOW_DAYS - 1:
            sentence = _("La période compte 92 jours au plus.")
            raise serializers.ValidationError({"to": [sentence]}, code="window-too-long")
        return attrs


class Whole(serializers.Field):
    """Digits and nothing else, as an address writes a whole number."""

    def __init__(self, *, least: int, most: int, **facts):
        super().__init__(**facts)
        self.least, self.most = least, most

    def to_internal_value(self, data):
        if not data.isascii() or not data.isdigit() or len(data) > 9 or not self.least <= int(data) <= self.most:
            sentence = _("Un nombre entier de %(least)s à %(most)s est attendu ici.")
            raise serializers.ValidationError(sentence % {"least": self.least, "most": self.most}, code="invalid")
        return int(data)


class Objection(Exact):
    ins = Text(min_length=15, max_length=25, help_text=gettext_lazy("Matricule INS, clé comprise."))
    oid = serializers.ChoiceField(sorted(INS_OIDS), help_text=gettext_lazy("OID de l’autorité du matricule."))
    opposed = Flag(help_text=gettext_lazy("Vrai : les prescripteurs ne consultent plus. Faux : ils le peuvent."))
    numbers = serializers.ListField(
        child=_number(),
        required=False,
        default=list,
        max_length=insurer.AT_MOST,
        help_text=gettext_lazy(
            "Les seules ordonnances concernées ; sans ce champ, la personne : tout ce qui est et sera prescrit."
        ),
    )
    since = Day(
        required=False,
        allow_null=True,
        default=None,
        help_text=gettext_lazy("Premier jour de l’opposition de la personne, aujourd’hui sinon ; à un an au plus."),
    )

    def validate(self, attrs):
        since, today = attrs["since"], timezone.localdate()
        if since and (attrs["numbers"] or not attrs["opposed"]):
            sentence = _("Une date de début va avec l’opposition de la personne, sans numéro.")
            raise serializers.ValidationError({"since": [sentence]}, code="since-not-here")
        if since and abs((since - today).days) > 366:
            raise serializers.ValidationError(
                {"since": [_("Un jour à un an d’aujourd’hui au plus.")]}, code="since-too-far"
            )
        return attrs


# --- Answered ---------------------------------------------------------------------------------------------------------


class LineShape(serializers.Serializer):
    line = serializers.IntegerField(help_text=gettext_lazy("Rang de la ligne, à partir de 1."))
    kind = serializers.ChoiceField(PrescriptionLine.Kind.values)
    name = serializers.CharField()
    codes = serializers.DictField(child=serializers.CharField(), help_text="cis, cip13, ucd, mv, sms, lpp, nabm")
    quantity = serializers.FloatField(allow_null=True)
    quantity_unit = serializers.CharField(allow_blank=True)
    duration_days = serializers.IntegerField(allow_null=True)
    renewals = serializers.IntegerField()
    no_substitution = serializers.CharField(allow_blank=True, help_text="MTE, EFG, CIF")
    flags = serializers.ListField(child=serializers.CharField())


class DeliveredShape(serializers.Serializer):
    line = serializers.IntegerField()
    cip13 = serializers.CharField(allow_blank=True)
    boxes = serializers.IntegerField()
    completeness = serializers.CharField(allow_blank=True, help_text="FFC, FFP, RFC, RFP")
    substitution = serializers.CharField(allow_blank=True, help_text="G, E, TE")
    not_dispensed_reason = serializers.CharField(allow_blank=True)


class DispensingShape(serializers.Serializer):
    id = serializers.UUIDField()
    pharmacy_finess = serializers.CharField()
    dispensed_at = serializers.DateTimeField()
    billing_reference = serializers.CharField(
        allow_blank=True, help_text=gettext_lazy("Référence de la facture envoyée en parallèle.")
    )
    undone_at = serializers.DateTimeField(allow_null=True)
    lines = DeliveredShape(many=True)


class AnomalyShape(serializers.Serializer):
    code = serializers.ChoiceField(ANOMALIES)
    sentence = serializers.CharField()
    dispensing = serializers.UUIDField(allow_null=True)
    line = serializers.IntegerField(allow_null=True)


class CheckedShape(serializers.Serializer):
    """Everything but `number` and `found` is there only when the registry knows the number."""

    number = serializers.CharField(help_text=gettext_lazy("Tel qu’il a été demandé."))
    found = serializers.BooleanField()
    standing = serializers.ChoiceField(STANDINGS, required=False)
    authored_on = serializers.DateField(required=False)
    valid_until = serializers.DateField(required=False, allow_null=True)
    first_dispensing_before = serializers.DateField(required=False, allow_null=True)
    cancelled_at = serializers.DateTimeField(required=False, allow_null=True)
    replaced_by = serializers.CharField(
        required=False, allow_null=True, help_text=gettext_lazy("Numéro de la nouvelle ordonnance.")
    )
    prescriber_rpps = serializers.CharField(required=False)
    flags = serializers.ListField(child=serializers.CharField(), required=False)
    lines = LineShape(many=True, required=False)
    dispensings = DispensingShape(many=True, required=False)
    anomalies = AnomalyShape(many=True, required=False)


class CheckAnswer(serializers.Serializer):
    prescriptions = CheckedShape(many=True, help_text=gettext_lazy("Une réponse par numéro, dans l’ordre demandé."))


class MedicineShape(serializers.Serializer):
    name = serializers.CharField()
    codes = serializers.DictField(child=serializers.CharField())


class OverlapShape(serializers.Serializer):
    def get_fields(self):
        return {
            "from": serializers.DateField(),
            "to": serializers.DateField(),
            "days": serializers.IntegerField(min_value=1),
        }


class TreatmentShape(serializers.Serializer):
    def get_fields(self):
        return {
            "number": serializers.CharField(),
            "line": serializers.IntegerField(),
            "authored_on": serializers.DateField(),
            "from": serializers.DateField(),
            "to": serializers.DateField(),
            "prescriber_rpps": serializers.CharField(),
            "dispensed": serializers.BooleanField(),
        }


class DuplicateShape(serializers.Serializer):
    patient = serializers.CharField(help_text=gettext_lazy("Pseudonyme, stable pour ce logiciel et lui seul."))
    medicine = MedicineShape()
    overlap = OverlapShape()
    earlier = TreatmentShape()
    later = TreatmentShape()
    dispensed_twice = serializers.BooleanField()


class DuplicatesAnswer(serializers.Serializer):
    duplicates = DuplicateShape(many=True)
    next = serializers.URLField(
        allow_null=True,
        help_text=gettext_lazy("Adresse de la page suivante ; une page peut être vide et en avoir une."),
    )


class OppositionAnswer(serializers.Serializer):
    opposed = serializers.BooleanField()
    since = serializers.DateField(
        allow_null=True, help_text=gettext_lazy("Depuis quand la personne s’oppose, si elle s’oppose pour toutes.")
    )
    concerned = serializers.IntegerField(help_text=gettext_lazy("Ordonnances concernées, parmi celles d’aujourd’hui."))
    changed = serializers.IntegerField(help_text=gettext_lazy("Parmi elles, celles qui disaient autre chose."))
