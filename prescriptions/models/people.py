"""Patients, who may act for them, prescribers."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.crypto import EncryptedTextField, blind_index
from portal.ids import uuid7


class Patient(models.Model):
    """A person with a qualified national health identity (INS: matricule, OID and traits)."""

    class Sex(models.TextChoices):
        FEMALE = "F", _("féminin")
        MALE = "M", _("masculin")
        UNKNOWN = "U", _("inconnu")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ins = EncryptedTextField(_("matricule INS"))  # 15 characters, key included
    ins_oid = models.CharField(max_length=40)  # 1.2.250.1.213.1.4.8 NIR, .9 NIA, .10 test, .11 demo
    ins_index = models.CharField(max_length=64, unique=True, editable=False)
    birth_name = EncryptedTextField(_("nom de naissance"))
    used_name = EncryptedTextField(_("nom utilisé"), blank=True, default="")
    given_names = EncryptedTextField(_("prénoms de naissance"))  # separated by spaces, the first one first
    used_given_name = EncryptedTextField(_("prénom utilisé"), blank=True, default="")
    birth_date = EncryptedTextField(_("date de naissance"))  # ISO 8601 YYYY-MM-DD
    birth_place = EncryptedTextField(_("lieu de naissance"), blank=True, default="")  # INSEE code, 5 characters
    sex = EncryptedTextField(_("sexe"), default=Sex.UNKNOWN)  # one of Sex
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")

    def __str__(self):
        return str(self.id)  # names never reach a log or an admin list by accident

    def save(self, **kwargs):
        self.ins_index = self.index_of(self.ins, self.ins_oid)
        super().save(**kwargs)

    @staticmethod
    def index_of(ins: str, oid: str) -> str:
        return blind_index("patient", oid, ins.replace(" ", "").upper())

    @property
    def given_name(self) -> str:
        return self.used_given_name or self.given_names.split(" ")[0]

    @property
    def family_name(self) -> str:
        return self.used_name or self.birth_name

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def initials(self) -> str:
        return f"{self.given_name[:1]}. {self.family_name[:1]}."

    @property
    def birth_year(self) -> str:
        return self.birth_date[:4]

    @property
    def mss_address(self) -> str:
        """The citizen's secure address. It *is* the NIR: never in a log, a URL or a metric."""
        return f"{self.ins}@{settings.MSSANTE_PATIENT_DOMAIN}"


class PatientAccess(models.Model):
    """Who may enter a patient's space: oneself, a parent, a carer. Scoped, dated, revocable."""

    class Kind(models.TextChoices):
        SELF = "self", _("moi-même")
        PARENT = "parent", _("parent")
        CARER = "carer", _("aidant")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="patient_accesses")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="accesses")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "patient"],
                condition=Q(revoked_at=None),
                name="access_one_a_person_and_patient",
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(kind="self", revoked_at=None), name="access_one_self_a_user"
            ),
        ]

    def __str__(self):
        return str(self.id)

    def is_open(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class BlockedProfessional(models.Model):
    """A professional or a structure the patient shuts out: RPPS (11 digits) or FINESS (9)."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="blocked_professionals")
    identifier = models.CharField(max_length=14)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient", "identifier"], name="blocked_once")]

    def __str__(self):
        return str(self.pk)


class Prescriber(models.Model):
    """Who prescribed, as printed (CSP R5132-3): names, quality, identifier, professional address, contacts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="prescriber"
    )
    rpps = models.CharField("RPPS", max_length=11, unique=True)
    title = models.CharField(_("titre"), max_length=20, default="Dr")
    given_name = models.CharField(_("prénom"), max_length=100)
    family_name = models.CharField(_("nom"), max_length=100)
    # TRE_G15: 10 médecin, 40 chirurgien-dentiste…
    profession_code = models.CharField(_("code de profession"), max_length=4, default="10")
    speciality_code = models.CharField(_("code de spécialité"), max_length=10, blank=True)  # TRE_R38, e.g. SM54
    speciality = models.CharField(_("spécialité"), max_length=120)
    structure_name = models.CharField(_("structure"), max_length=160)
    structure_finess = models.CharField("FINESS", max_length=9)
    address = models.CharField(_("adresse"), max_length=200)
    postcode = models.CharField(_("code postal"), max_length=5)
    town = models.CharField(_("commune"), max_length=100)
    phone = models.CharField(_("téléphone"), max_length=20)  # +33 …
    email = models.EmailField(_("adresse e-mail"))

    class Meta:
        verbose_name = _("prescripteur")
        verbose_name_plural = _("prescripteurs")

    def __str__(self):
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.title} {self.given_name} {self.family_name}".strip()
