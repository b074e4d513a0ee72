"""A person objects to prescribers reading what is dispensed to them: a fact of the person, whatever the prescription.

Recorded by their health insurance (CSP R4071-3), from a day on, until it is lifted; it holds for
prescriptions that were written before and for those that will be. What is said to one prescriber, as a prescription is
written, is `Prescription.opposed`.
"""

from django.db import models
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.ids import uuid7


class Objection(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey("prescriptions.Patient", on_delete=models.PROTECT, related_name="objections")
    effective_from = models.DateField()  # the first day on which prescribers read nothing
    recorded_at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("opposition")
        verbose_name_plural = _("oppositions")
        constraints = [
            models.UniqueConstraint(fields=["patient"], condition=Q(lifted_at=None), name="objection_one_a_person")
        ]

    def __str__(self):
        return str(self.id)


def by_person(patient: str) -> Exists:
    """Whether the person that the path `patient` leads to objects today."""
    held = Objection.objects.filter(patient=OuterRef(patient), effective_from__lte=timezone.localdate(), lifted_at=None)
    return Exists(held)


def in_force() -> ExpressionWrapper:
    """To annotate prescriptions with: the person objects, or objected for this one."""
    return ExpressionWrapper(Q(opposed=True) | Q(by_person("patient")), output_field=BooleanField())
