"""Pharmacies, their mailboxes, who works there, and whose they are."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.ids import uuid7
from prescriptions.models import Patient


class Pharmacy(models.Model):
    """An establishment of FINESS category 620. Coordinates in WGS 84 degrees."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    finess = models.CharField("FINESS", max_length=9, unique=True)
    name = models.CharField(_("nom"), max_length=160)
    address = models.CharField(_("adresse"), max_length=200, blank=True)
    postcode = models.CharField(_("code postal"), max_length=5)
    town = models.CharField(_("commune"), max_length=100)
    department = models.CharField(_("département"), max_length=3)
    phone = models.CharField(_("téléphone"), max_length=20, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    search_text = models.CharField(max_length=400, editable=False)  # words of name, town, postcode without accents
    is_open = models.BooleanField(_("ouverte"), default=True)  # False: closed for good or gone from the directory
    source_date = models.DateField(_("annuaire du"), null=True, blank=True)  # of the directory it comes from
    # A copy of the national directories listed it: when the next one does not, it is closed. Never deleted.
    is_national = models.BooleanField(_("annuaire national"), default=False)

    class Meta:
        verbose_name = _("pharmacie")
        verbose_name_plural = _("pharmacies")
        ordering = ["name", "finess"]
        indexes = [
            models.Index(fields=["postcode"], name="pharmacy_postcode"),
            models.Index(fields=["latitude", "longitude"], name="pharmacy_place"),
        ]

    def __str__(self):
        return f"{self.name} ({self.finess})"

    @property
    def mailbox(self):
        """The organisational mailbox a share goes to: the best ranked one, or None."""
        return next(iter(self.mailboxes.all()), None)


class Mailbox(models.Model):
    """An organisational MSSanté mailbox (ORG) of a pharmacy, off the red list. One address may serve two pharmacies."""

    pharmacy = models.ForeignKey(Pharmacy, on_delete=models.CASCADE, related_name="mailboxes")
    address = models.CharField(_("adresse MSSanté"), max_length=254)  # lower case
    rank = models.PositiveSmallIntegerField(_("rang"), default=0)  # 0 is preferred

    class Meta:
        verbose_name = _("boîte MSSanté")
        verbose_name_plural = _("boîtes MSSanté")
        ordering = ["rank", "address"]
        constraints = [models.UniqueConstraint(fields=["pharmacy", "address"], name="mailbox_once_a_pharmacy")]

    def __str__(self):
        return self.address


class DirectoryCopy(models.Model):
    """A copy of the national directories that was taken, whole: the newest one is in use (`sharing.directory`)."""

    taken_at = models.DateTimeField(_("pris le"), default=timezone.now)
    establishments_on = models.DateField(_("établissements du"), null=True, blank=True)  # as the publisher dates it
    mailboxes_on = models.DateField(_("messageries du"), null=True, blank=True)
    is_partial = models.BooleanField(_("changements seulement"), default=False)
    counts = models.JSONField(_("comptes"), default=dict)  # what was read, left out, and changed
    files = models.JSONField(_("fichiers"), default=list)  # name, sha256, lines, lines left out

    class Meta:
        verbose_name = _("copie de l’annuaire")
        verbose_name_plural = _("copies de l’annuaire")
        ordering = ["-taken_at", "-pk"]
        get_latest_by = ["taken_at", "pk"]

    def __str__(self):
        return f"{self.taken_at:%Y-%m-%d %H:%M}"


class PharmacyMember(models.Model):
    """A professional working in a pharmacy. Authorised on (profession, structure), not on the person alone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pharmacy_members")
    pharmacy = models.ForeignKey(Pharmacy, on_delete=models.CASCADE, related_name="members")
    display_name = models.CharField(_("nom affiché"), max_length=100)
    rpps = models.CharField("RPPS", max_length=11, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "pharmacy"], condition=Q(left_at=None), name="member_once")
        ]

    def __str__(self):
        return str(self.pk)


class PatientPharmacy(models.Model):
    """A pharmacy that is the patient's own: chosen as favourite, or gone to."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="own_pharmacies")
    pharmacy = models.ForeignKey(Pharmacy, on_delete=models.CASCADE, related_name="+")
    is_favourite = models.BooleanField(default=False)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-is_favourite", "-last_used_at"]
        constraints = [models.UniqueConstraint(fields=["patient", "pharmacy"], name="own_pharmacy_once")]

    def __str__(self):
        return str(self.pk)
