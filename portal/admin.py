"""The back office: read-only by default, pseudonyms only. What may be done there calls an action."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from portal.models import AuditEvent, Notice


class BackOffice(admin.AdminSite):
    site_header = site_title = _("Ordolien · administration")
    index_title = _("Bonjour")

    def has_permission(self, request):
        return request.user.is_active and request.user.is_staff


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and request.user.is_staff

    def has_module_permission(self, request):
        return self.has_view_permission(request)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ["at", "kind", "actor", "patient", "subject"]
    list_filter = ["kind"]
    search_fields = ["actor", "subject", "patient"]
    date_hierarchy = "at"


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ["created_at", "kind", "status", "attempts", "sent_at"]
    list_filter = ["status", "kind"]
    exclude = ["user"]
