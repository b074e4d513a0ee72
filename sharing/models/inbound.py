"""What comes back by mail, stored before it is understood."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.crypto import EncryptedBinaryField
from portal.ids import uuid7
from sharing.models.shares import Share


class InboxPlace(models.Model):
    """How far our mailbox was read (RFC 9051): the last UID kept. Another uidvalidity, and it is read again whole."""

    name = models.CharField(primary_key=True, max_length=40)
    uidvalidity = models.BigIntegerField()
    uid = models.BigIntegerField()

    def __str__(self):
        return self.name


class InboundMail(models.Model):
    """Stored first, processed after; what is unknown waits for the back office, never the bin."""

    class Status(models.TextChoices):
        STORED = "stored", _("reçu")
        PROCESSED = "processed", _("traité")
        UNMATCHED = "unmatched", _("sans destinataire")
        REFUSED = "refused", _("refusé")
        CLOSED = "closed", _("clos par l’équipe")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message_id = models.CharField(_("Message-ID"), max_length=300)
    sha256 = models.CharField(_("empreinte"), max_length=64)
    content = EncryptedBinaryField()
    status = models.CharField(_("état"), max_length=10, choices=Status.choices, default=Status.STORED)
    # counted before it is read: one that kills its process shows
    attempts = models.PositiveSmallIntegerField(_("essais"), default=0)
    reason = models.CharField(_("raison"), max_length=60, blank=True)
    share = models.ForeignKey(
        Share, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("envoi")
    )
    received_at = models.DateTimeField(_("reçu le"))
    processed_at = models.DateTimeField(_("traité le"), null=True, blank=True)

    class Meta:
        verbose_name = _("courrier reçu")
        verbose_name_plural = _("courriers reçus")
        ordering = ["-received_at"]
        indexes = [models.Index(fields=["status"], name="inbound_to_look_at", condition=~Q(status="processed"))]
        constraints = [models.UniqueConstraint(fields=["message_id", "sha256"], name="inbound_mail_once")]

    def __str__(self):
        return str(self.id)
