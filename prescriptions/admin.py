"""What the back office sees of prescriptions: pseudonyms and dates. What is prescribed is never shown."""

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal import moments
from portal.back_office import Figure, ReadOnly, found_by_id
from prescriptions.models import Edition, Prescriber, Prescription, SigningKey


@admin.register(Prescription)
class PrescriptionAdmin(ReadOnly):
    list_display = ["id", "patient_id", "provenance", "created_at", "authored_on", "valid_until", "cancelled_at"]
    list_filter = ["provenance"]
    list_select_related = False
    fields = [
        "id",
        "patient_id",
        "provenance",
        "prescriber",
        "authored_on",
        "valid_until",
        "first_dispensing_before",
        "lap_certification",
        "cancelled_at",
        "replaces_id",
        "created_at",
    ]
    readonly_fields = ["patient_id", "replaces_id"]
    search_fields = ["id"]
    search_help_text = _("L’identifiant de l’ordonnance, en entier.")
    ordering = ["-id"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("source")

    def get_search_results(self, request, queryset, search_term):
        return found_by_id(queryset, search_term), False


@admin.register(Prescriber)
class PrescriberAdmin(ReadOnly):
    """Professionals, as the public directory has them."""

    list_display = ["full_name", "speciality", "rpps", "postcode", "town"]
    search_fields = ["=rpps", "^family_name", "^town", "=postcode"]
    search_help_text = _("Nom, RPPS, commune ou code postal.")
    fields = [
        "rpps",
        "title",
        "given_name",
        "family_name",
        "profession_code",
        "speciality_code",
        "speciality",
        "structure_name",
        "structure_finess",
        "address",
        "postcode",
        "town",
        "phone",
        "email",
    ]


@admin.register(Edition)
class EditionAdmin(ReadOnly):
    """How fresh the medicines are."""

    list_display = ["became_current_at", "is_current", "published_on", "facts_until"]
    fields = ["id", "is_current", "published_on", "facts_until", "started_at", "became_current_at", "sources"]
    ordering = ["-started_at"]

    def figures(self):
        current = Edition.objects.filter(is_current=True).first()
        said = _("aucune")
        if current:
            said = moments.full_date(current.published_on or current.facts_until or current.started_at)
        url = reverse("admin:prescriptions_edition_changelist")
        yield Figure(_("édition de la base des médicaments"), said, url, "info" if current else "unknown")


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly):
    list_display = ["kid", "signs_from", "retired_at", "revoked_at"]
    fields = ["kid", "public_pem", "signs_from", "retired_at", "revoked_at"]
