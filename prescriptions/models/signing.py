"""The keys that sign the QR."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto import EncryptedTextField
from portal.ids import uuid7


class SigningKey(models.Model):
    """ES256 keys of the QR. Rotation overlaps: several verify, one signs."""

    # hex of the first 8 bytes of SHA-256 of the public key (SPKI DER)
    kid = models.CharField(_("clé"), max_length=16, unique=True)
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    private_pem = EncryptedTextField()
    public_pem = models.TextField(_("clé publique"))
    signs_from = models.DateTimeField(_("signe depuis"))
    # no longer signs, still verifies
    retired_at = models.DateTimeField(_("ne signe plus depuis"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("révoquée le"), null=True, blank=True)  # verifies no more

    class Meta:
        verbose_name = _("clé de signature")
        verbose_name_plural = _("clés de signature")
        ordering = ["-signs_from"]

    def __str__(self):
        return self.kid
