"""A prescription, its lines, its files."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.crypto import EncryptedBinaryField, EncryptedJSONField
from portal.ids import uuid7
from prescriptions.models.people import Patient, PatientAccess, Prescriber


class PrescriptionQuerySet(models.QuerySet):
    def seen_by(self, user):
        """The one way every patient page goes: what this person may see of this patient.

        Oneself sees everything; a parent or carer sees neither what is restricted (CSP L2212 and the like)
        nor what the patient masked.
        """
        accesses = user.patient_accesses.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)
        own = accesses.filter(kind=PatientAccess.Kind.SELF).values("patient")
        others = accesses.exclude(kind=PatientAccess.Kind.SELF).values("patient")
        return self.filter(Q(patient__in=own) | Q(patient__in=others, restricted=False, masked_at=None))

    def open_to_professional(self, *identifiers: str):
        """Without what the patient masked or whoever is named here was shut out of."""
        return self.filter(masked_at=None).exclude(patient__blocked_professionals__identifier__in=identifiers)

    def older_than(self, prescription):
        """What follows it when the newest come first: a page ends at a prescription, not at a number of rows."""
        day = prescription.authored_on
        return self.filter(Q(authored_on__lt=day) | Q(authored_on=day, pk__lt=prescription.pk))

    def with_content(self):
        people = self.select_related("patient", "prescriber", "replaced_prescriber", "replaced_by")
        return people.prefetch_related("lines", "dispensings__lines")


class Prescription(models.Model):
    """One ordonnance, or a pharmacy's report that carries out none of ours. Provenances are never mixed."""

    class Provenance(models.TextChoices):
        REGISTRY = "registry", _("Ordonnance numérique")  # number, signed QR, dispensings
        DOCUMENT = "document", _("Document seul")  # CDA or PDF from a professional, no number
        UPLOAD = "upload", _("Photo")  # the patient's photo or scan: preparation only
        REPORT = "report", _("Compte rendu de délivrance")  # what a pharmacy delivered, of a prescription not here

    class Flag(models.TextChoices):
        """Sub-types of the CDA document eP-MED-DM 2024.01."""

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
    # EPU number, OID 1.2.250.1.215.500.1.1: opaque, upper case, no spaces
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
    # the dispenser that the patient names and the prescriber writes down (CSS L162-4-2)
    named_pharmacy = models.CharField(max_length=160, blank=True)
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
        """CSS L162-16, arrêté of 12 November 2019."""

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
        REPORT = "report", _("compte rendu de délivrance")  # as it came, of what is recorded as dispensings
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
    handed_in_by = models.CharField("FINESS", max_length=9, blank=True)  # the structure that did, by its software
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["kind", "position"]
        constraints = [
            models.UniqueConstraint(fields=["prescription", "kind", "position"], name="document_one_of_a_kind")
        ]

    def __str__(self):
        return str(self.id)
