"""Pharmacies, what a patient shares with one of them, the delivery of it, and the words exchanged."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.crypto import EncryptedBinaryField, EncryptedTextField
from portal.ids import uuid7
from prescriptions.models import Patient, Prescription
from sharing.states import ACTIVE, DUE, IN_TROUBLE, DeliveryStatus, ShareStatus

RECEIPT_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U


def new_receipt() -> str:
    """Ten characters said aloud without mistake, shown as `7K3P9-QXM2T`."""
    return "".join(secrets.choice(RECEIPT_ALPHABET) for _ in range(10))


def new_token() -> str:
    return secrets.token_hex(16)


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
        """The organisational mailbox a share goes to: the best ranked listed one, or None."""
        return next((box for box in self.mailboxes.all() if box.is_listed), None)


class Mailbox(models.Model):
    """An organisational MSSanté mailbox (ORG) of a pharmacy. One address may serve two pharmacies."""

    pharmacy = models.ForeignKey(Pharmacy, on_delete=models.CASCADE, related_name="mailboxes")
    address = models.CharField(_("adresse MSSanté"), max_length=254)  # lower case
    rank = models.PositiveSmallIntegerField(_("rang"), default=0)  # 0 is preferred
    is_listed = models.BooleanField(_("publiée"), default=True)  # False: red list

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
    def receipt_shown(self) -> str:
        return f"{self.receipt[:5]}-{self.receipt[5:]}"

    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def first_delivery(self):
        """The message that carries the prescription (later ones carry words or a recall)."""
        return next((d for d in self.deliveries.all() if d.kind == Delivery.Kind.SHARE), None)


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

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.ForeignKey(ThreadMessage, on_delete=models.CASCADE, related_name="files")
    name = EncryptedTextField()  # as the pharmacy's software called it, made a plain file name
    content_type = models.CharField(max_length=40, blank=True)  # as looked at, not as said; empty when refused
    content = EncryptedBinaryField()  # empty when refused: the mail itself is kept
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=40, blank=True)  # a code: why it waits or is refused

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return str(self.id)


class DeliveryQuerySet(models.QuerySet):
    def due(self, now):
        """What a sweep may claim at `now` (the database's clock)."""
        return self.filter(
            Q(status__in=[DeliveryStatus.QUEUED, DeliveryStatus.RETRY], next_attempt_at__lte=now)
            | Q(status=DeliveryStatus.SENDING, lease_until__lte=now)
        )

    def in_trouble(self):
        """What somebody can still do something about: not the message of a share that ended and was told so."""
        told = Q(status=DeliveryStatus.FAILED) & ~Q(share__status__in=ACTIVE)
        return self.filter(status__in=IN_TROUBLE).exclude(told)

    def pending(self):
        return self.filter(status__in=DUE)


class Delivery(models.Model):
    """One message to one mailbox. The row is the queue: frozen bytes, claim, lease, outcome (reliability.md)."""

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
    missed = models.PositiveSmallIntegerField(default=0)  # connections that failed since the last acceptance
    closed_until = models.DateTimeField(_("rien avant le"), null=True, blank=True)  # nothing is claimed before
    reason = models.CharField(_("raison"), max_length=40, blank=True)  # tls, auth, connect, mail, refused-by-all
    opened_at = models.DateTimeField(_("ouvert depuis le"), null=True, blank=True)  # since when the breaker is open
    trials = models.PositiveSmallIntegerField(_("essais depuis"), default=0)  # how many times it was tried again since

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
