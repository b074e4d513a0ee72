"""The back office's own pages: audit trail, notices, accounts."""

from django.contrib import admin, messages
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal import audit, software
from portal.back_office import Figure, ReadOnly, as_uuid, found_by_id
from portal.models import AuditEvent, Notice, SoftwareClient, User


class KindFilter(admin.SimpleListFilter):
    title = _("nature")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return [(kind, kind) for kind in audit.kinds()]

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ["at", "kind", "actor", "patient", "subject"]
    list_filter = [KindFilter]
    search_fields = ["=actor", "=subject", "=kind"]
    search_help_text = _("En entier : un patient, un acteur (user:…), un objet (share:…) ou une nature d’acte.")
    date_hierarchy = "at"
    ordering = ["-at", "-id"]
    fields = ["at", "kind", "actor", "patient", "subject", "detail", "chain", "position", "previous", "hash"]

    def get_search_results(self, request, queryset, search_term):
        """A patient is looked for by their pseudonym. Who looked for what is a line of audit too."""
        pseudonym = as_uuid(search_term)
        if search_term:
            with transaction.atomic():
                audit.record(kind="audit.searched", by=request.user, patient_id=pseudonym)
        if pseudonym:
            return queryset.filter(patient=pseudonym), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ["created_at", "kind", "status", "attempts", "next_attempt_at", "sent_at"]
    list_filter = ["status", "kind"]
    fields = ["id", "user", "kind", "path", "status", "attempts", "created_at", "next_attempt_at", "sent_at"]

    def figures(self):
        failed = Notice.objects.filter(status=Notice.Status.FAILED).count()
        url = reverse("admin:portal_notice_changelist") + "?status__exact=failed"
        yield Figure(_("avis qui n’ont pas pu partir"), str(failed), url, "stop" if failed else "ready")


@admin.register(User)
class UserAdmin(ReadOnly):
    """Accounts by their pseudonym: neither name nor address."""

    list_display = ["id", "date_joined", "last_login", "is_active", "is_staff", "language"]
    list_filter = ["is_active", "is_staff", "language"]
    fields = ["id", "date_joined", "last_login", "is_active", "is_staff", "is_superuser", "language"]
    search_fields = ["id"]
    search_help_text = _("L’identifiant du compte, en entier.")

    def get_search_results(self, request, queryset, search_term):
        return found_by_id(queryset, search_term), False


@admin.register(SoftwareClient)
class SoftwareClientAdmin(ReadOnly):
    """Which software may use the REST side. Registered by command; anybody on the staff ends it, at once."""

    list_display = ["name", "kind", "structure_finess", "method", "created_at", "last_token_at", "revoked_at"]
    list_filter = ["kind", ("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "=structure_finess"]
    actions = ["revoke"]
    fields = [
        "id",
        "name",
        "kind",
        "structure_finess",
        "method",
        "public_jwk",
        "certificate_thumbprint",
        "certificate_subject",
        "created_at",
        "last_token_at",
        "revoked_at",
    ]
    readonly_fields = ["method"]

    @admin.display(description=_("preuve"))
    def method(self, client):
        return client.auth_method

    @admin.action(description=_("Révoquer"), permissions=["view"])
    def revoke(self, request, queryset):
        """Its tokens end with it. There is no way back: a new installation is registered."""
        chosen = list(queryset.filter(revoked_at=None))
        for client in chosen:
            software.revoke_client(client=client, by=request.user)
        told = ngettext("%(n)s logiciel révoqué.", "%(n)s logiciels révoqués.", len(chosen)) % {"n": len(chosen)}
        self.message_user(request, told, messages.SUCCESS if chosen else messages.INFO)
