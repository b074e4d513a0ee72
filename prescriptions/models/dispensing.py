"""What pharmacies delivered. A pharmacy is a FINESS here."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.ids import uuid7
from prescriptions.models.prescription import Prescription, PrescriptionLine


class Dispensing(models.Model):
    """What one pharmacy delivered at one time (CDA eDISP-MED 2024.01)."""

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
