"""The outbox: one row a message, the way out, and signs of life."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.clock import db_now
from portal.crypto import EncryptedBinaryField, EncryptedTextField
from portal.ids import uuid7
from sharing.models.shares import Share, ThreadMessage
from sharing.states import ACTIVE, DUE, IN_TROUBLE, DeliveryStatus


class DeliveryQuerySet(models.QuerySet):
    def due(self, now):
        """What a sweep may claim at `now` (the database's clock)."""
        return self.filter(
            Q(status__in=[DeliveryStatus.QUEUED, DeliveryStatus.RETRY], next_attempt_at__lte=now)
            | Q(status=DeliveryStatus.SENDING, lease_until__lte=now)
        )

    def in_trouble(self):
        """What somebody can still do something about: not the message of a share that ended and was told so, but the
        recall of one, as long as it may be tried again."""
        told = Q(status=DeliveryStatus.FAILED) & ~Q(share__status__in=ACTIVE)
        recall = Q(kind=Delivery.Kind.RECALL, give_up_at__gt=db_now())
        return self.filter(status__in=IN_TROUBLE).exclude(told & ~recall)

    def pending(self):
        return self.filter(status__in=DUE)


class Delivery(models.Model):
    """One message to one mailbox. The row is the queue: frozen bytes, claim, lease, outcome."""

    class Kind(models.TextChoices):
        SHARE = "share", _("ordonnance")
        MESSAGE = "message", _("message du patient")
        RECALL = "recall", _("rappel")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    share = models.ForeignKey(Share, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("envoi"))
    kind = models.CharField(_("nature"), max_length=10, choices=Kind.choices)
    words = models.OneToOneField(  # the patient's words it carries (kind `message`)
        ThreadMessage, null=True, blank=True, on_delete=models.PROTECT, related_name="delivery"
    )
    # with its angle brackets; the same at every attempt
    message_id = models.CharField(_("Message-ID"), max_length=200, unique=True)
    envid = models.CharField(max_length=64, unique=True)  # RFC 3461 envelope id: comes back in a DSN
    envelope_from = EncryptedTextField()  # the citizen's address is the NIR
    envelope_to = models.CharField(max_length=254)
    # the recipient's domain: few connections at once to each
    destination = models.CharField(_("destination"), max_length=254)
    content = EncryptedBinaryField()  # the frozen MIME message, CRLF
    content_sha256 = models.CharField(_("empreinte du message"), max_length=64)
    size = models.PositiveIntegerField(_("taille (octets)"))  # bytes of content
    status = models.CharField(_("état"), max_length=12, choices=DeliveryStatus.choices, default=DeliveryStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("essais"), default=0)  # counted at claim
    silent_claims = models.PositiveSmallIntegerField(default=0)  # since the last outcome: ten, and it is quarantined
    next_attempt_at = models.DateTimeField(_("prochain essai"))
    give_up_at = models.DateTimeField(_("abandon le"))
    lease_owner = models.CharField(_("tenue par"), max_length=64, blank=True)
    lease_until = models.DateTimeField(_("tenue jusqu’au"), null=True, blank=True)
    # connect, tls, ehlo, mail, rcpt, data, sent-dot, done
    last_stage = models.CharField(_("dernière étape"), max_length=12, blank=True)
    # "451 4.7.1", or a short word: timeout, dropped, tls
    last_code = models.CharField(_("dernière réponse"), max_length=20, blank=True)
    in_doubt_at = models.DateTimeField(null=True, blank=True)  # an attempt ended without our knowing whether it arrived
    refused_at = models.DateTimeField(null=True, blank=True)  # the last refusal for good, which may be of everybody
    created_at = models.DateTimeField(_("créée le"))
    sent_at = models.DateTimeField(_("envoyée le"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("remise le"), null=True, blank=True)  # DSN
    delayed_at = models.DateTimeField(_("retardée le"), null=True, blank=True)  # DSN: the operator still tries
    processed_at = models.DateTimeField(_("prise par le logiciel le"), null=True, blank=True)  # MDN
    # MDN processed/error: the pharmacy's software could not take it, and said this
    unprocessed_at = models.DateTimeField(_("non prise par le logiciel le"), null=True, blank=True)
    unprocessed_code = models.CharField(_("code du logiciel"), max_length=20, blank=True)
    unprocessed_words = EncryptedTextField(null=True, blank=True)
    read_at = models.DateTimeField(_("lue le"), null=True, blank=True)  # MDN
    ended_at = models.DateTimeField(_("terminée le"), null=True, blank=True)  # failed, cancelled, quarantined

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("remise")
        verbose_name_plural = _("remises")
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "created_at"],
                name="delivery_due",
                condition=Q(status__in=["queued", "retry"]),
            ),
            models.Index(fields=["lease_until"], name="delivery_leases", condition=Q(status="sending")),
            models.Index(fields=["status"], name="delivery_status"),
            models.Index(fields=["share", "created_at"], name="delivery_of_share"),
            models.Index(fields=["created_at"], name="delivery_made"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["share"], condition=Q(kind="share"), name="delivery_one_prescription_a_share"
            ),
            models.UniqueConstraint(fields=["share"], condition=Q(kind="recall"), name="delivery_one_recall_a_share"),
            models.CheckConstraint(
                name="delivery_sent_has_its_time",
                condition=Q(status="sent", sent_at__isnull=False)
                | Q(status="failed")  # accepted, then bounced: it keeps the time it was sent
                | ~Q(status__in=["sent", "failed"]) & Q(sent_at__isnull=True),
            ),
            models.CheckConstraint(
                name="delivery_words_only_in_a_message",
                condition=Q(kind="message", words__isnull=False) | ~Q(kind="message") & Q(words__isnull=True),
            ),
            models.CheckConstraint(
                name="delivery_lease_only_while_sending",
                condition=Q(status="sending", lease_until__isnull=False) & ~Q(lease_owner="")
                | ~Q(status="sending") & Q(lease_until__isnull=True, lease_owner=""),
            ),
        ]

    def __str__(self):
        return str(self.id)


class Route(models.Model):
    """The way out to one operator. Its breaker opens when the trouble is the operator's or ours, not a recipient's."""

    name = models.CharField(_("opérateur"), primary_key=True, max_length=40)
    refused = models.JSONField(default=list)  # mailboxes refused one after the other since the last acceptance
    refused_at = models.DateTimeField(null=True, blank=True)  # the last of them
    accepted_at = models.DateTimeField(null=True, blank=True)  # the first acceptance after those refusals
    missed = models.PositiveIntegerField(default=0)  # connections that failed since the last acceptance
    closed_until = models.DateTimeField(_("rien avant le"), null=True, blank=True)  # nothing is claimed before
    reason = models.CharField(_("raison"), max_length=40, blank=True)  # tls, auth, mail, refused-by-all, out-of-reach…
    opened_at = models.DateTimeField(_("ouvert depuis le"), null=True, blank=True)  # since when the breaker is open
    trials = models.PositiveIntegerField(_("essais depuis"), default=0)  # how many times it was tried again since

    class Meta:
        verbose_name = _("coupe-circuit")
        verbose_name_plural = _("coupe-circuits")

    def __str__(self):
        return self.name


class Heartbeat(models.Model):
    """When each standing process last went round: one that is up can be asleep."""

    name = models.CharField(primary_key=True, max_length=40)
    at = models.DateTimeField()

    def __str__(self):
        return self.name
