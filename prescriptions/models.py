"""Patients, prescribers, prescriptions, dispensings. Knows nothing of sharing: a pharmacy is a FINESS here."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.crypto import EncryptedBinaryField, EncryptedJSONField, EncryptedTextField, blind_index
from portal.ids import uuid7


class Patient(models.Model):
    """A person with a qualified national health identity (INS: matricule, OID and traits; interop §1.5)."""

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


class PrescriptionQuerySet(models.QuerySet):
    def seen_by(self, user):
        """The one way every patient page goes: what this person may see of this patient.

        Oneself sees everything; a parent or carer sees neither what is restricted (L2212 and the like, domain §1.1)
        nor what the patient masked.
        """
        accesses = user.patient_accesses.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)
        own = accesses.filter(kind=PatientAccess.Kind.SELF).values("patient")
        others = accesses.exclude(kind=PatientAccess.Kind.SELF).values("patient")
        return self.filter(Q(patient__in=own) | Q(patient__in=others, restricted=False, masked_at=None))

    def open_to_professional(self, *identifiers: str):
        """Without what the patient masked or whoever is named here was shut out of."""
        return self.filter(masked_at=None).exclude(patient__blocked_professionals__identifier__in=identifiers)

    def with_content(self):
        people = self.select_related("patient", "prescriber", "replaced_prescriber", "replaced_by")
        return people.prefetch_related("lines", "dispensings__lines")


class Prescription(models.Model):
    """One ordonnance, or a pharmacy's report that carries out none of ours. Provenances are not mixed (domain §1.2)."""

    class Provenance(models.TextChoices):
        REGISTRY = "registry", _("Ordonnance numérique")  # number, signed QR, dispensings
        DOCUMENT = "document", _("Document seul")  # CDA or PDF from a professional, no number
        UPLOAD = "upload", _("Photo")  # the patient's photo or scan: preparation only
        REPORT = "report", _("Compte rendu de délivrance")  # what a pharmacy delivered, of a prescription not here

    class Flag(models.TextChoices):
        """Sub-types of the eP-MED-DM document (domain §1.6)."""

        BIZONE = "MED-1096", _("Ordonnance bizone (ALD)")
        EXCEPTION = "MED-1097", _("Médicaments d’exception")
        SECURED = "MED-1098", _("Ordonnance sécurisée")
        LARGE_EQUIPMENT = "MED-1132", _("Grand appareillage")
        HOME = "MED-1094", _("À exécuter à domicile")
        URGENT = "MED-1095", _("Urgent")
        MILITARY = "MED-1159", _("Affection militaire")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(
        Patient, on_delete=models.PROTECT, related_name="prescriptions", verbose_name=_("patient")
    )
    prescriber = models.ForeignKey(
        Prescriber,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="prescriptions",
        verbose_name=_("prescripteur"),
    )
    replaced_prescriber = models.ForeignKey(  # when a locum signs (remplaçant)
        Prescriber, null=True, blank=True, on_delete=models.PROTECT, related_name="prescriptions_by_locum"
    )
    provenance = models.CharField(_("provenance"), max_length=10, choices=Provenance.choices)
    # EPU number, OID 1.2.250.1.215.500.1.1: opaque, upper case, no spaces (domain §1.3)
    number = models.CharField(_("numéro"), max_length=40, unique=True, null=True, blank=True)
    authored_on = models.DateField(_("date de l’ordonnance"))
    valid_until = models.DateField(_("valable jusqu’au"), null=True, blank=True)  # end of treatment; None: unknown
    # None: no statutory deadline
    first_dispensing_before = models.DateField(_("à présenter avant le"), null=True, blank=True)
    flags = models.JSONField(default=list, blank=True)  # of Flag
    lap_certification = models.CharField(_("certification du logiciel"), max_length=60, blank=True)
    weight_kg = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    height_cm = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    comment = models.TextField(blank=True)
    named_pharmacy = models.CharField(max_length=160, blank=True)  # dispenser named on a secured prescription
    opposed = models.BooleanField(default=False)  # patient objects to prescribers reading the dispensings
    restricted = models.BooleanField(default=False)  # never shown to a parent or carer
    masked_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(_("annulée le"), null=True, blank=True)
    cancelled_reason = models.CharField(max_length=200, blank=True)
    replaces = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by", verbose_name=_("remplace")
    )
    source = EncryptedJSONField(null=True, blank=True)  # the deposit as it was received (FHIR bundle)
    created_at = models.DateTimeField(_("reçue le"), auto_now_add=True)

    objects = PrescriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("ordonnance")
        verbose_name_plural = _("ordonnances")
        ordering = ["-authored_on", "-id"]
        indexes = [models.Index(fields=["patient", "-authored_on", "-id"], name="prescription_of_patient")]
        constraints = [
            models.CheckConstraint(
                name="prescription_number_only_in_registry",
                condition=Q(provenance="registry", number__isnull=False)
                | ~Q(provenance="registry") & Q(number__isnull=True),
            ),
            models.CheckConstraint(
                name="prescription_registry_has_prescriber",
                condition=~Q(provenance="registry") | Q(prescriber__isnull=False),
            ),
            models.CheckConstraint(
                name="prescription_cancelled_has_reason",
                condition=Q(cancelled_at__isnull=True, cancelled_reason="")
                | Q(cancelled_at__isnull=False) & ~Q(cancelled_reason=""),
            ),
        ]

    def __str__(self):
        return str(self.id)

    def is_authentic(self) -> bool:
        return self.provenance == self.Provenance.REGISTRY

    def has_flag(self, flag: str) -> bool:
        return flag in self.flags


class PrescriptionLine(models.Model):
    """One thing prescribed. Codes and dosage as the prescriber's software gave them; words come from words.py."""

    class Kind(models.TextChoices):
        MEDICINE = "medicine", _("Médicament")
        DEVICE = "device", _("Dispositif médical")
        NURSING = "nursing", _("Soins infirmiers")
        PHYSIOTHERAPY = "physiotherapy", _("Kinésithérapie")
        BIOLOGY = "biology", _("Analyses de biologie")
        OTHER = "other", _("Autre")

    class Flag(models.TextChoices):
        ALD = "ALD", _("En rapport avec une affection de longue durée")
        WORK = "AT/MP", _("Accident du travail ou maladie professionnelle")
        PREVENTION = "PREV", _("Prévention")
        NOT_REIMBURSED = "NR", _("Non remboursable")
        OFF_LABEL = "HORS-AMM", _("Hors autorisation de mise sur le marché")

    class NoSubstitution(models.TextChoices):
        """CSS L162-16, arrêté of 12 November 2019 (domain §1.11)."""

        MTE = "MTE", _("marge thérapeutique étroite")
        EFG = "EFG", _("enfant de moins de 6 ans, pas de forme adaptée")
        CIF = "CIF", _("contre-indication à un excipient")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prescription = models.ForeignKey(Prescription, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=15, choices=Kind.choices)
    name = models.CharField(_("désignation"), max_length=500)
    form = models.CharField(_("forme"), max_length=120, blank=True)  # comprimé, gélule…: names the unit of a dose
    codes = models.JSONField(default=dict, blank=True)  # {"cis", "cip13", "ucd", "mv", "sms", "lpp", "nabm"}: text
    components = models.JSONField(default=list, blank=True)  # [{"name", "strength", "diluent": bool}] of a mixture
    dosage = models.JSONField(default=list, blank=True)  # FHIR R4 Dosage elements, untouched
    dosage_text = models.TextField(_("posologie"), blank=True)  # the prescriber's own words
    instructions = models.TextField(_("consignes"), blank=True)  # to the patient
    dispenser_note = models.TextField(_("consigne au pharmacien"), blank=True)
    starts_on = models.DateField(null=True, blank=True)
    duration_days = models.PositiveSmallIntegerField(null=True, blank=True)
    quantity = models.DecimalField(max_digits=9, decimal_places=2, null=True, blank=True)
    quantity_unit = models.CharField(max_length=60, blank=True)
    renewals = models.PositiveSmallIntegerField(_("renouvellements"), default=0)
    no_substitution = models.CharField(max_length=3, choices=NoSubstitution.choices, blank=True)
    flags = models.JSONField(default=list, blank=True)  # of Flag

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["prescription", "position"], name="line_one_a_position"),
            models.CheckConstraint(name="line_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self):
        return str(self.id)

    def is_for_pharmacy(self) -> bool:
        return self.kind in {self.Kind.MEDICINE, self.Kind.DEVICE}


class Document(models.Model):
    """A file of a prescription, as made or received. Never altered."""

    class Kind(models.TextChoices):
        PRINTABLE = "printable", _("ordonnance imprimable")  # PDF/UA + PDF/A-3, the patient's download
        MESSAGE = "message", _("ordonnance pour messagerie")  # PDF/A-1, what MSSanté asks for
        RECEIVED = "received", _("document reçu")  # CDA or PDF of a professional
        PHOTO = "photo", _("photo")  # re-encoded, without metadata
        CDA = "cda", _("ordonnance pour logiciels")  # eP-MED-DM, of the registry
        CODE = "code", _("code signé")  # the text of the QR; its position is the version of the files that show it

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prescription = models.ForeignKey(Prescription, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    position = models.PositiveSmallIntegerField(default=0)
    content_type = models.CharField(max_length=60)
    content = EncryptedBinaryField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["kind", "position"]
        constraints = [
            models.UniqueConstraint(fields=["prescription", "kind", "position"], name="document_one_of_a_kind")
        ]

    def __str__(self):
        return str(self.id)


class Dispensing(models.Model):
    """What one pharmacy delivered at one time (eDISP-MED, domain §1.8)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="dispensings")
    pharmacy_finess = models.CharField("FINESS", max_length=9)
    pharmacy_name = models.CharField(max_length=160)
    dispenser = models.CharField(max_length=160, blank=True)  # the professional, or the software that said it
    dispenser_rpps = models.CharField("RPPS", max_length=11, blank=True)
    dispensed_at = models.DateTimeField()
    # the invoice sent in parallel: what the insurer finds instead of a scanned copy
    billing_reference = models.CharField(max_length=60, blank=True, db_index=True)
    not_after = models.DateTimeField(null=True, blank=True)  # the instant the prescription ended, as it was recorded
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("délivrance")
        verbose_name_plural = _("délivrances")
        ordering = ["dispensed_at", "id"]
        indexes = [models.Index(fields=["pharmacy_finess", "-created_at", "-id"], name="dispensing_of_pharmacy")]
        constraints = [
            models.CheckConstraint(
                name="dispensing_reason_only_when_undone", condition=Q(undone_reason="") | Q(undone_at__isnull=False)
            ),
            models.CheckConstraint(
                name="dispensing_before_the_end",
                condition=Q(not_after__isnull=True) | Q(dispensed_at__lt=F("not_after")),
            ),
        ]

    def __str__(self):
        return str(self.id)


class DispensingLine(models.Model):
    """What became of one prescribed line. Two pharmacies never complete the same delivery (`completes` is unique), nor
    hand over the same boxes (`boxes_before` is)."""

    class Completeness(models.TextChoices):
        """JDV_CompletudeDispensation_CISIS."""

        FIRST_COMPLETE = "FFC", _("première délivrance complète")
        FIRST_PARTIAL = "FFP", _("première délivrance partielle")
        REFILL_PARTIAL = "RFP", _("renouvellement partiel")
        REFILL_COMPLETE = "RFC", _("renouvellement complet")

    class Substitution(models.TextChoices):
        """HL7 v3 ActSubstanceAdminSubstitutionCode, as eDISP-MED says it; what CSP L5125-23 allows."""

        GENERIC = "G", _("générique")
        EQUIVALENT = "E", _("équivalent (hybride ou biosimilaire)")
        THERAPEUTIC = "TE", _("alternative en cas de rupture")

    dispensing = models.ForeignKey(Dispensing, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(PrescriptionLine, on_delete=models.PROTECT, related_name="dispensings")
    completeness = models.CharField(max_length=3, choices=Completeness.choices, blank=True)
    # which delivery this finishes: 1 the first, 2 the first renewal…; none when partial, not delivered or undone
    completes = models.PositiveSmallIntegerField(null=True, blank=True)
    deliveries = models.PositiveSmallIntegerField(null=True, blank=True)  # there are in all: 1 and the renewals
    # how many boxes of the line were handed over before these; none when nothing was, or undone
    boxes_before = models.PositiveIntegerField(null=True, blank=True)
    boxes_due = models.PositiveIntegerField(null=True, blank=True)  # in all; none when it is not prescribed in boxes
    cip13 = models.CharField("CIP13", max_length=13, blank=True)
    delivered_name = models.CharField(max_length=500, blank=True)
    quantity = models.PositiveSmallIntegerField(default=0)  # boxes
    lot = models.CharField(max_length=40, blank=True)
    expires_on = models.DateField(null=True, blank=True)  # of the box
    substitution = models.CharField(max_length=2, choices=Substitution.choices, blank=True)
    substitution_reason = models.CharField(max_length=200, blank=True)
    change = models.CharField(max_length=300, blank=True)  # what the pharmacist changed, in their words
    change_reason = models.CharField(max_length=200, blank=True)
    prescriber_agreed_on = models.DateField(null=True, blank=True)
    overridden = models.CharField(max_length=200, blank=True)  # codes of the soft rules gone past, by spaces
    override_reason = models.CharField(max_length=300, blank=True)
    not_dispensed_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dispensing", "line"], name="dispensing_line_once"),
            models.UniqueConstraint(fields=["line", "completes"], name="dispensing_each_delivery_completed_once"),
            models.UniqueConstraint(fields=["line", "boxes_before"], name="dispensing_each_box_once"),
            models.CheckConstraint(
                name="dispensing_never_more_boxes_than_due",
                condition=Q(boxes_before__isnull=True)
                | Q(boxes_due__isnull=True)
                | Q(boxes_due__gte=F("boxes_before") + F("quantity")),
            ),
            models.CheckConstraint(
                name="dispensing_line_delivered_or_why_not",
                condition=Q(quantity__gt=0, not_dispensed_reason="") & ~Q(completeness="")
                | Q(quantity=0, completeness="") & ~Q(not_dispensed_reason=""),
            ),
            models.CheckConstraint(
                name="dispensing_completes_what_is_due",
                condition=Q(completes__isnull=True)
                | Q(completes=1, completeness="FFC", deliveries__gte=1)
                | Q(completes__gt=1, completeness="RFC", deliveries__gte=F("completes")),
            ),
            models.CheckConstraint(
                name="dispensing_substitution_of_what_was_delivered",
                condition=Q(substitution="", substitution_reason="") | ~Q(substitution="") & Q(quantity__gt=0),
            ),
            models.CheckConstraint(
                name="dispensing_change_has_its_reason",
                condition=Q(change="", change_reason="", prescriber_agreed_on__isnull=True)
                | ~Q(change="") & ~Q(change_reason=""),
            ),
            models.CheckConstraint(
                name="dispensing_override_has_its_reason",
                condition=Q(overridden="", override_reason="") | ~Q(overridden="") & ~Q(override_reason=""),
            ),
        ]

    def __str__(self):
        return str(self.pk)

    @property
    def substituted(self) -> bool:
        return bool(self.substitution)


class SigningKey(models.Model):
    """ES256 keys of the QR. Rotation overlaps: several verify, one signs (interop §5.4)."""

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


# The medicines of France and objections stand in modules of their own; Django looks for models here.
from prescriptions.catalogue import CataloguedMedicine, CataloguedPresentation, Edition, GenericMember  # noqa: E402,F401
from prescriptions.objection import Objection  # noqa: E402,F401
