"""What the back office sees of sharing: pharmacies, what is in trouble, and the one thing it may do: try again."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal import moments
from portal.back_office import Figure, ReadOnly, ReadOnlyRows, as_uuid, found_by_id
from sharing import delivery as deliveries
from sharing.incoming import unclaimed
from sharing.models import Delivery, DirectoryCopy, InboundMail, Mailbox, Pharmacy, Route, Share, ShareEvent, as_receipt


# --- Pharmacies -----------------------------------------------------------------------------------------------------
class MailboxRows(ReadOnlyRows):
    model = Mailbox
    fields = ["address", "rank"]


class HasMailbox(admin.SimpleListFilter):
    title = gettext_lazy("messagerie")
    parameter_name = "boite"

    def lookups(self, request, model_admin):
        return [("oui", _("Reçoit les envois")), ("non", _("Sans boîte publiée"))]

    def queryset(self, request, queryset):
        listed = Exists(Mailbox.objects.filter(pharmacy=OuterRef("pk")))
        if self.value() == "oui":
            return queryset.filter(listed)
        return queryset.filter(~listed) if self.value() == "non" else queryset


@admin.register(Pharmacy)
class PharmacyAdmin(ReadOnly):
    list_display = ["name", "finess", "postcode", "town", "is_open", "mailboxes_listed"]
    list_filter = ["is_open", HasMailbox, "department"]
    search_fields = ["name", "=finess", "^town", "^postcode"]
    search_help_text = gettext_lazy("Nom, FINESS, commune ou code postal.")
    fields = ["name", "finess", "address", "postcode", "town", "phone", "is_open", "source_date", "id"]
    inlines = [MailboxRows]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(box_count=Count("mailboxes"))

    @admin.display(description=gettext_lazy("boîtes"), ordering="box_count")
    def mailboxes_listed(self, pharmacy):
        return pharmacy.box_count


@admin.register(DirectoryCopy)
class DirectoryCopyAdmin(ReadOnly):
    """The newest is in use."""

    list_display = ["taken_at", "establishments_on", "mailboxes_on", "is_partial"]
    fields = ["taken_at", "establishments_on", "mailboxes_on", "is_partial", "counts", "files"]


# --- Deliveries -----------------------------------------------------------------------------------------------------
class Trouble(admin.SimpleListFilter):
    """What is in trouble comes first; the rest is one click away."""

    title = gettext_lazy("remises")
    parameter_name = "remises"

    def lookups(self, request, model_admin):
        return [("toutes", _("Toutes"))]

    def choices(self, changelist):
        for value, label in ((None, _("En difficulté")), ("toutes", _("Toutes"))):
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value} if value else {}, ["remises"]),
                "display": label,
            }

    def queryset(self, request, queryset):
        return queryset if self.value() == "toutes" else queryset.in_trouble()


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = [
        "created_at",
        "pharmacy",
        "kind",
        "status",
        "last_stage",
        "last_code",
        "attempts",
        "next_attempt_at",
    ]
    list_filter = [Trouble, "status", "kind", "last_stage"]
    list_select_related = ["share__pharmacy"]
    ordering = ["created_at", "id"]
    search_fields = ["id"]
    search_help_text = gettext_lazy("L’identifiant de la remise ou de l’envoi, en entier.")
    actions = ["try_again"]
    fields = [
        "id",
        "share",
        "pharmacy",
        "kind",
        "status",
        "destination",
        "message_id",
        "size",
        "content_sha256",
        "attempts",
        "last_stage",
        "last_code",
        "next_attempt_at",
        "give_up_at",
        "lease_owner",
        "lease_until",
        "created_at",
        "sent_at",
        "delayed_at",
        "delivered_at",
        "processed_at",
        "unprocessed_at",
        "unprocessed_code",
        "read_at",
        "ended_at",
    ]
    readonly_fields = ["pharmacy"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("content", "envelope_from")

    def get_search_results(self, request, queryset, search_term):
        by_share = found_by_id(Share.objects.all(), search_term) if search_term else Share.objects.none()
        found = found_by_id(queryset, search_term)
        return (found | queryset.filter(share__in=by_share.values("pk")) if search_term else found), False

    @admin.display(description=gettext_lazy("pharmacie"))
    def pharmacy(self, delivery):
        return delivery.share.pharmacy

    @admin.action(description=gettext_lazy("Réessayer"), permissions=["view"])
    def try_again(self, request, queryset):
        """Same message, same Message-ID, at once. Open to all staff: it sends only what the patient sent already."""
        by = request.user
        done = self.act_on(request, queryset, lambda delivery: deliveries.try_again(delivery=delivery, by=by))
        if done:
            told = ngettext("%(n)s remise repart.", "%(n)s remises repartent.", done) % {"n": done}
            self.message_user(request, told, messages.SUCCESS)

    def figures(self):
        url = reverse("admin:sharing_delivery_changelist")
        trouble = Delivery.objects.in_trouble().count()
        yield Figure(_("remises en difficulté"), str(trouble), url, "stop" if trouble else "ready")
        oldest = Delivery.objects.pending().aggregate(at=Min("created_at"))["at"]
        minutes = int((timezone.now() - oldest).total_seconds() // 60) if oldest else 0
        waits = ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes} if oldest else _("aucune")
        yield Figure(_("attente la plus longue"), waits, f"{url}?remises=toutes", "wait" if minutes >= 15 else "ready")


@admin.register(Route)
class RouteAdmin(ReadOnly):
    """The breaker of each way out: open, nothing leaves and nothing is lost."""

    list_display = ["name", "reason", "opened_at", "closed_until", "trials"]
    fields = ["name", "reason", "opened_at", "closed_until", "trials"]

    def figures(self):
        for route in Route.objects.exclude(opened_at=None):
            since = moments.full_moment(route.opened_at)
            url = reverse("admin:sharing_route_changelist")
            label = _("coupe-circuit de « %(route)s » ouvert depuis le %(since)s") % {
                "route": route.name,
                "since": since,
            }
            yield Figure(label, _("Arrêt"), url, "stop")


# --- Shares ---------------------------------------------------------------------------------------------------------
class EventRows(ReadOnlyRows):
    model = ShareEvent
    fields = ["at", "status", "door"]


class DeliveryRows(ReadOnlyRows):
    model = Delivery
    fields = ["kind", "status", "attempts", "last_stage", "last_code", "sent_at", "delivered_at", "read_at"]
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).defer("content", "envelope_from")


@admin.register(Share)
class ShareAdmin(ReadOnly):
    list_display = ["receipt_shown", "pharmacy", "status", "created_at", "status_at", "patient_id"]
    list_filter = ["status"]
    list_select_related = ["pharmacy"]
    search_fields = ["receipt"]
    search_help_text = gettext_lazy("Numéro de reçu, ou identifiant de l’envoi ou du patient, en entier.")
    date_hierarchy = "created_at"
    fields = [
        "id",
        "receipt",
        "patient_id",
        "prescription_id",
        "pharmacy",
        "status",
        "status_at",
        "refusal",
        "created_at",
        "thread_closed_at",
    ]
    readonly_fields = ["patient_id", "prescription_id"]
    inlines = [EventRows, DeliveryRows]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("message", "missing")

    def get_search_results(self, request, queryset, search_term):
        named = as_uuid(search_term)
        if named:
            return queryset.filter(Q(pk=named) | Q(patient=named)), False
        return queryset.filter(receipt=as_receipt(search_term)) if search_term else queryset, False


# --- Mail that came back --------------------------------------------------------------------------------------------
class WithReceipt(ActionForm):
    receipt = forms.CharField(label=gettext_lazy("Numéro de reçu"), required=False, max_length=12)


@admin.register(InboundMail)
class InboundMailAdmin(ReadOnly):
    """Metadata only: what it says is for the patient and the pharmacy."""

    list_display = ["received_at", "status", "reason", "attempts", "share"]
    list_filter = ["status"]
    fields = [
        "id",
        "sender",
        "message_id",
        "sha256",
        "status",
        "reason",
        "share",
        "received_at",
        "processed_at",
        "attempts",
    ]
    readonly_fields = ["sender"]
    actions = ["attach", "close"]
    action_form = WithReceipt

    def get_queryset(self, request):
        return super().get_queryset(request).defer("content")

    @admin.display(description=gettext_lazy("pharmacie qui l’envoie"))
    def sender(self, mail):
        return unclaimed.sender_of(mail) or _("inconnue")

    @admin.action(description=gettext_lazy("Rattacher à l’envoi de ce reçu"), permissions=["view"])
    def attach(self, request, queryset):
        receipt = request.POST.get("receipt", "")
        self._settle(request, queryset, lambda mail: unclaimed.attach(mail=mail, receipt=receipt, by=request.user))

    @admin.action(description=gettext_lazy("Clore : rien de plus à faire"), permissions=["view"])
    def close(self, request, queryset):
        self._settle(request, queryset, lambda mail: unclaimed.close(mail=mail, by=request.user))

    def _settle(self, request, queryset, act) -> None:
        done = self.act_on(request, queryset, act)
        if done:
            told = ngettext("%(n)s courrier réglé.", "%(n)s courriers réglés.", done) % {"n": done}
            self.message_user(request, told, messages.SUCCESS)

    def figures(self):
        waiting = InboundMail.objects.filter(status=InboundMail.Status.UNMATCHED).count()
        url = reverse("admin:sharing_inboundmail_changelist") + "?status__exact=unmatched"
        yield Figure(_("courriers sans destinataire"), str(waiting), url, "wait" if waiting else "ready")
