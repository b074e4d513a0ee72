"""The back office's own pages: audit trail, notices, accounts."""

from django.contrib import admin
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal import audit
from portal.back_office import Figure, ReadOnly, as_uuid, found_by_id
from portal.models import AuditEvent, Notice, SoftwareClient, User


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ["at", "kind", "actor", "patient", "subject"]
    list_filter = ["kind"]
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
    """Which software may use the REST side. Made and revoked by command."""

    list_display = ["name", "kind", "structure_finess", "created_at", "last_token_at", "revoked_at"]
    list_filter = ["kind"]
    search_fields = ["name", "=structure_finess"]
    fields = ["id", "name", "kind", "structure_finess", "public_jwk", "created_at", "last_token_at", "revoked_at"]
