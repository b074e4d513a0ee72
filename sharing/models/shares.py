"""A prescription sent to a pharmacy, and what is said about it."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.crypto import EncryptedBinaryField, EncryptedTextField
from portal.ids import uuid7
from prescriptions import numbers
from prescriptions.models import Patient, Prescription
from sharing.models.pharmacies import Pharmacy, PharmacyMember
from sharing.states import ACTIVE, ShareStatus

RECEIPT_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U


def new_receipt() -> str:
    """Ten characters said aloud without mistake, shown as `7K3P9-QXM2T`."""
    return "".join(secrets.choice(RECEIPT_ALPHABET) for _ in range(10))


def as_receipt(asked: str) -> str:
    """As people write it. Crockford's reading: O is 0, I and L are 1."""
    return numbers.compact(asked).translate(str.maketrans("OIL", "011"))


def new_token() -> str:
    return secrets.token_hex(16)


class ShareQuerySet(models.QuerySet):
    def active(self):
        return self.filter(status__in=ACTIVE)

    def seen_by(self, user):
        """Follows the prescription: what this person may not see, its shares do not show either."""
        return self.filter(prescription__in=Prescription.objects.seen_by(user))

    def on_desk(self):
        """What the pharmacy's worklist shows: everything that reached it, and the bare fact of what was taken back."""
        return self.exclude(status=ShareStatus.UNDELIVERABLE)

    def with_content(self):
        return self.select_related("prescription__patient", "prescription__prescriber", "pharmacy", "taken_by")


class Share(models.Model):
    """One prescription sent by a patient to one pharmacy. One active share a prescription."""

    class Refusal(models.TextChoices):
        OUT_OF_STOCK = "stock", _("rupture de stock")
        NOT_SOLD = "not-sold", _("produit que la pharmacie ne délivre pas")
        NOT_VALID = "not-valid", _("ordonnance qui ne peut pas être délivrée en l’état")
        ORIGINAL_NEEDED = "original", _("original nécessaire")
        CLOSED = "closed", _("pharmacie fermée à la date souhaitée")
        OTHER = "other", _("autre raison")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prescription = models.ForeignKey(
        Prescription, on_delete=models.PROTECT, related_name="shares", verbose_name=_("ordonnance")
    )
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="shares", verbose_name=_("patient"))
    pharmacy = models.ForeignKey(Pharmacy, on_delete=models.PROTECT, related_name="shares", verbose_name=_("pharmacie"))
    shared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    receipt = models.CharField(_("reçu"), max_length=10, unique=True, default=new_receipt)
    token = models.CharField(max_length=32, unique=True, default=new_token)  # threads the mail; says nothing
    status = models.CharField(_("état"), max_length=16, choices=ShareStatus.choices, default=ShareStatus.SHARED)
    status_at = models.DateTimeField(_("depuis le"))
    message = EncryptedTextField(blank=True, default="")  # the patient's optional word
    wished_at = models.DateTimeField(null=True, blank=True)  # when the patient would like to come
    taken_by = models.ForeignKey(PharmacyMember, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    refusal = models.CharField(_("motif de refus"), max_length=10, choices=Refusal.choices, blank=True)
    missing = EncryptedTextField(blank=True, default="")  # what a partly ready one lacks
    expected_on = models.DateField(null=True, blank=True)  # when the missing part should come
    ready_until = models.DateField(null=True, blank=True)
    # the professional ended it (X-MSS-MES: FIN)
    thread_closed_at = models.DateTimeField(_("conversation close le"), null=True, blank=True)
    moved_from = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="moved_to")
    created_at = models.DateTimeField(_("créé le"))

    objects = ShareQuerySet.as_manager()

    class Meta:
        verbose_name = _("envoi")
        verbose_name_plural = _("envois")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["pharmacy", "status", "-created_at"], name="share_worklist"),
            models.Index(fields=["patient", "-created_at"], name="share_of_patient"),
            models.Index(fields=["created_at"], name="share_made"),  # what must add up is counted over a day
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["prescription"],
                condition=Q(status__in=ACTIVE),
                name="share_one_active_a_prescription",
            ),
            models.CheckConstraint(
                name="share_refused_has_its_reason",
                condition=Q(status="refused") & ~Q(refusal="") | ~Q(status="refused") & Q(refusal=""),
            ),
            models.CheckConstraint(
                name="share_taken_has_its_time",
                condition=Q(taken_by__isnull=True) | Q(taken_at__isnull=False),
            ),
        ]

    def __str__(self):
        return str(self.id)

    @property
    def version(self) -> str:
        """Changes with every move and every taking."""
        taken = int(self.taken_at.timestamp() * 1000) if self.taken_at else 0
        return f"{int(self.status_at.timestamp() * 1000)}-{taken}"

    @property
    def receipt_shown(self) -> str:
        return f"{self.receipt[:5]}-{self.receipt[5:]}"

    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def first_delivery(self):
        """The message that carries the prescription (later ones carry words or a recall)."""
        return next((d for d in self.deliveries.all() if d.kind == "share"), None)


class ShareEvent(models.Model):
    """The share's timeline: each state with its time, and by which door it came."""

    class Door(models.TextChoices):
        PORTAL = "portal", _("portail")
        DESK = "desk", _("comptoir")
        MAIL = "mail", _("messagerie")
        API = "api", _("logiciel")
        SYSTEM = "system", _("automatique")

    share = models.ForeignKey(Share, on_delete=models.CASCADE, related_name="events")
    status = models.CharField(_("état"), max_length=16, choices=ShareStatus.choices)
    at = models.DateTimeField(_("le"))
    door = models.CharField(_("par"), max_length=10, choices=Door.choices)

    class Meta:
        verbose_name = _("étape")
        verbose_name_plural = _("étapes")
        ordering = ["at", "id"]

    def __str__(self):
        return f"{self.status} {self.pk}"


class ThreadMessage(models.Model):
    """Words between the patient and the pharmacy. A message is not a state."""

    class Side(models.TextChoices):
        PATIENT = "patient", _("patient")
        PHARMACY = "pharmacy", _("pharmacie")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    share = models.ForeignKey(Share, on_delete=models.CASCADE, related_name="messages")
    side = models.CharField(max_length=10, choices=Side.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    body = EncryptedTextField()
    came_with = models.CharField(max_length=16, choices=ShareStatus.choices, blank=True)  # the state said with them
    door = models.CharField(max_length=10, choices=ShareEvent.Door.choices)
    created_at = models.DateTimeField()
    after_end = models.BooleanField(default=False)  # came when the share was closed: kept, shown to the right side

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self):
        return str(self.id)


class ThreadFile(models.Model):
    """What the pharmacy joined to its words. Shown only once it is known to be harmless."""

    class State(models.TextChoices):
        SHOWN = "shown", _("montré")
        WAITING = "waiting", _("en cours de vérification")
        REFUSED = "refused", _("refusé")
        RECORDED = "recorded", _("compte rendu de délivrance, enregistré")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.ForeignKey(ThreadMessage, on_delete=models.CASCADE, related_name="files")
    name = EncryptedTextField()  # as the pharmacy's software called it, made a plain file name
    content_type = models.CharField(max_length=40, blank=True)  # as looked at, not as said; empty when refused
    content = EncryptedBinaryField()  # empty when refused: the mail itself is kept
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=40, blank=True)  # a code: why it waits or is refused

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["id"], name="file_waiting", condition=Q(state="waiting"))]

    def __str__(self):
        return str(self.id)
