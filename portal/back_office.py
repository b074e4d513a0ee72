"""The back office: read-only, pseudonyms only. What may be done there calls an action, and is open to all staff.

No name of a patient, no INS, no word of a message, no secure address of a patient: each page names the fields it shows.
"""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from portal.reasons import Refused


@dataclass(frozen=True)
class Figure:
    """One number of the front page. `state`: ready, wait, stop, info or unknown."""

    label: str
    value: str
    url: str
    state: str = "info"


class BackOffice(admin.AdminSite):
    site_header = site_title = _("Ordolien · administration")
    index_title = _("Où en est le service")
    site_url = None
    enable_nav_sidebar = False

    def register(self, model_or_iterable, admin_class=None, **options):
        """What is not read-only (pages that libraries bring along) has no place here."""
        if admin_class is not None and issubclass(admin_class, ReadOnly):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request):
        return request.user.is_active and request.user.is_staff

    def admin_view(self, view, cacheable=False):
        """Somebody signed in who is not staff finds nothing here, as for any page that is not theirs."""
        inner = super().admin_view(view, cacheable)

        def guarded(request, *args, **kwargs):
            if request.user.is_authenticated and not self.has_permission(request):
                raise Http404
            return inner(request, *args, **kwargs)

        return guarded

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request, extra_context=None):
        """One door for all: the site's own, with its second factor and its limits."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise Http404
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(self, request, extra_context=None):
        return redirect("account_logout")

    def password_change(self, request, extra_context=None):
        return redirect("account_change_password")

    def index(self, request, extra_context=None):
        pages = [page for page in self._registry.values() if hasattr(page, "figures")]
        figures = [figure for page in pages for figure in page.figures()]
        return super().index(request, {"figures": figures} | (extra_context or {}))


class Looked:
    """Anybody on the staff looks, nobody edits, not even a superuser."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and request.user.is_staff


class ReadOnly(Looked, admin.ModelAdmin):
    show_full_result_count = False  # counting a country's rows for a page is not worth it
    list_per_page = 50

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def lookup_allowed(self, lookup, value, request=None):
        """The page's own filters, nothing else: a sealed or hidden column would answer yes or no to whoever guesses."""
        name, _sep, condition = lookup.partition("__")
        return name in {*map(_name_of, self.get_list_filter(request)), self.date_hierarchy} and "__" not in condition

    def history_view(self, request, object_id, extra_context=None):
        raise Http404  # nothing is edited here; what was done is in the audit trail

    def act_on(self, request, rows, act) -> int:
        """How many `act` took. What it refuses is told, each with its reason."""
        done = 0
        for row in rows:
            try:
                act(row)
                done += 1
            except Refused as refused:
                self.message_user(request, f"{row.pk}\xa0: {refused.reason}", messages.WARNING)
        return done


def _name_of(list_filter) -> str:
    """What it is called in the address, in each of the forms that Django takes."""
    if isinstance(list_filter, str):
        return list_filter
    return list_filter[0] if isinstance(list_filter, tuple) else list_filter.parameter_name


class ReadOnlyRows(Looked, admin.TabularInline):
    extra = 0
    can_delete = False
    show_change_link = False


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def found_by_id(queryset, search_term: str):
    if not search_term:
        return queryset
    pk = as_uuid(search_term)
    return queryset.filter(pk=pk) if pk else queryset.none()
