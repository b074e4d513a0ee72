"""The foundation: who signs in, what was done (append-only), what was already asked, what must be said by e-mail."""

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.ids import uuid7


class UserAccounts(BaseUserManager):
    """Accounts are found by e-mail address, whatever its case."""

    def create_user(self, email, password=None, **fields):
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email):
        return self.get(email=email.lower())


class User(AbstractUser):
    """A person who signs in and acts. Whose health data they may see is said elsewhere (PatientAccess)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = None
    email = models.EmailField(_("adresse e-mail"), unique=True)
    language = models.CharField(
        _("langue"), max_length=5, default="fr", choices=[("fr", "Français"), ("en", "English")]
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = UserAccounts()

    class Meta:
        verbose_name = _("compte")
        verbose_name_plural = _("comptes")

    def __str__(self):
        return str(self.id)


class AuditHead(models.Model):
    """The last link of each chain. Locked while a link is added, so a chain never forks."""

    chain = models.PositiveSmallIntegerField(primary_key=True)
    length = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self):
        return f"{self.chain}:{self.length}"


class AuditEvent(models.Model):
    """One thing that somebody did. Append-only: a trigger in the database refuses UPDATE and DELETE.

    `actor` is who acted (user, pharmacy software, the system), `patient` whose data it was. No names, no health data:
    `detail` holds ids, codes and counts.
    """

    chain = models.PositiveSmallIntegerField(_("chaîne"))
    position = models.PositiveBigIntegerField(_("position"))
    at = models.DateTimeField(_("le"))
    kind = models.CharField(_("nature"), max_length=60)
    actor = models.CharField(_("acteur"), max_length=80)  # "user:<uuid>", "pharmacy:<uuid>", "system:delivery"
    patient = models.UUIDField(_("patient"), null=True, db_index=True)
    subject = models.CharField(_("objet"), max_length=100, blank=True, db_index=True)  # "share:<uuid>"
    detail = models.JSONField(_("détail"), default=dict)
    previous = models.CharField(_("empreinte précédente"), max_length=64)
    hash = models.CharField(_("empreinte"), max_length=64, unique=True)

    class Meta:
        verbose_name = _("trace")
        verbose_name_plural = _("traces")
        ordering = ["-at", "-position"]
        constraints = [models.UniqueConstraint(fields=["chain", "position"], name="audit_one_link_a_position")]
        indexes = [  # of the back office's page: the trail only grows
            models.Index(fields=["at", "id"], name="audit_by_moment"),
            models.Index(fields=["kind", "at", "id"], name="audit_by_kind"),
        ]

    def __str__(self):
        return f"{self.kind} {self.chain}:{self.position}"


class IdempotencyKey(models.Model):
    """The answer given to a write, kept with its effect: the same key and body get the same answer."""

    scope = models.CharField(max_length=120)  # who asks and what: "user:<uuid>:share"
    key = models.CharField(max_length=80)
    request_hash = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_one_effect_a_key")]

    def __str__(self):
        return f"{self.scope} {self.pk}"


class Notice(models.Model):
    """An e-mail to a person, without one word of health. The row is the queue, as for deliveries."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("en attente")
        SENT = "sent", _("envoyé")
        FAILED = "failed", _("en échec")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices", verbose_name=_("compte"))
    kind = models.CharField(_("nature"), max_length=40)  # names the template: templates/emails/<kind>.txt
    path = models.CharField(_("page"), max_length=200)  # where to look in the portal; opaque ids only
    status = models.CharField(_("état"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("essais"), default=0)
    next_attempt_at = models.DateTimeField(_("prochain essai"))
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("créé le"), auto_now_add=True)
    sent_at = models.DateTimeField(_("envoyé le"), null=True)

    class Meta:
        verbose_name = _("avis")
        verbose_name_plural = _("avis")
        indexes = [models.Index(fields=["next_attempt_at"], name="notice_due", condition=models.Q(status="queued"))]
        constraints = [
            models.CheckConstraint(
                name="notice_sent_has_its_time",
                condition=models.Q(status="sent", sent_at__isnull=False)
                | ~models.Q(status="sent") & models.Q(sent_at__isnull=True),
            )
        ]

    def __str__(self):
        return f"{self.kind} {self.id}"


class SoftwareClient(models.Model):
    """A registered installation of somebody's software, bound to one structure. It proves itself in one way: with its
    own key, with one certificate, or with a certificate of a known authority to one subject (RFC 7523, RFC 8705)."""

    class Kind(models.TextChoices):
        LAP = "lap", _("logiciel de prescription (LAP)")
        LGO = "lgo", _("logiciel d’officine (LGO)")
        INSURER = "insurer", _("organisme d’assurance maladie")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)  # the OAuth client_id
    kind = models.CharField(_("sorte"), max_length=10, choices=Kind.choices)
    name = models.CharField(_("nom"), max_length=120)
    structure_finess = models.CharField("FINESS", max_length=9)
    public_jwk = models.JSONField(_("clé publique"), null=True, blank=True)  # EC P-256, for ES256
    certificate_thumbprint = models.CharField(_("empreinte du certificat"), max_length=43, blank=True)  # x5t#S256
    certificate_subject = models.CharField(_("sujet du certificat"), max_length=300, blank=True)  # RFC 4514
    created_at = models.DateTimeField(auto_now_add=True)
    last_token_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    is_authenticated = True  # where Django asks it of whoever acts in a request

    class Meta:
        verbose_name = _("logiciel")
        verbose_name_plural = _("logiciels")
        ordering = ["kind", "name"]
        constraints = [
            models.CheckConstraint(
                name="software_proves_itself_in_one_way",
                condition=models.Q(public_jwk__isnull=False, certificate_thumbprint="", certificate_subject="")
                | models.Q(public_jwk__isnull=True, certificate_subject="") & ~models.Q(certificate_thumbprint="")
                | models.Q(public_jwk__isnull=True, certificate_thumbprint="") & ~models.Q(certificate_subject=""),
            )
        ]

    def __str__(self):
        return f"{self.name} ({self.get_kind_display()})"

    @property
    def auth_method(self) -> str:
        """As OAuth names it (token_endpoint_auth_method)."""
        if self.public_jwk:
            return "private_key_jwt"
        return "self_signed_tls_client_auth" if self.certificate_thumbprint else "tls_client_auth"


class AccessToken(models.Model):
    """A short bearer token of a software client. Only its hash is kept."""

    client = models.ForeignKey(SoftwareClient, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    certificate_thumbprint = models.CharField(max_length=43, blank=True)  # it serves only with that one (RFC 8705 §3)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self):
        return str(self.pk)


class UsedAssertion(models.Model):
    """The `jti` of each client assertion, so that none serves twice (RFC 7523 §3)."""

    client = models.ForeignKey(SoftwareClient, on_delete=models.CASCADE, related_name="used_assertions")
    jti = models.CharField(max_length=100)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "jti"], name="assertion_once")]

    def __str__(self):
        return str(self.pk)
