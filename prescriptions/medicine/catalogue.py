"""The medicines of France as the public database has them (BDPM, published by the ANSM). Nothing here is personal.

Each import is an edition of its own, whole beside the others; one of them is the current one. Whoever reads takes the
current edition's id once and stays in it: the one before is kept until the next import, so a reader never finds half.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.ids import uuid7


class Edition(models.Model):
    """One import of the files. `published_on` is what the operator said; `facts_until` is what the files themselves
    show: the latest day on which several presentations were declared."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    started_at = models.DateTimeField()
    became_current_at = models.DateTimeField(null=True, blank=True)  # None: not loaded whole
    is_current = models.BooleanField(default=False)
    published_on = models.DateField(null=True, blank=True)
    facts_until = models.DateField(null=True, blank=True)
    sources = models.JSONField(default=list)  # [{"file", "sha256", "bytes", "encoding", "rows", "left_out"}]

    class Meta:
        verbose_name = _("édition de la base des médicaments")
        verbose_name_plural = _("éditions de la base des médicaments")
        constraints = [
            models.UniqueConstraint(fields=["is_current"], condition=Q(is_current=True), name="edition_one_current"),
            models.CheckConstraint(
                name="edition_current_was_loaded", condition=Q(is_current=False) | Q(became_current_at__isnull=False)
            ),
        ]

    def __str__(self):
        return str(self.id)


class OfEdition(models.Model):
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, db_index=False)
    cis = models.CharField("CIS", max_length=8)

    class Meta:
        abstract = True


class CataloguedMedicine(OfEdition):
    """CIS_bdpm, with what CIS_COMPO, CIS_CPD and CIS_CIP_Dispo_Spec say of it, in their words and order."""

    name = models.TextField()
    form = models.TextField(blank=True)
    routes = models.JSONField(default=list)  # texts
    status = models.TextField(blank=True)  # of its authorisation: "Autorisation active"…
    procedure = models.TextField(blank=True)
    is_marketed = models.BooleanField()
    holder = models.TextField(blank=True)
    is_watched = models.BooleanField()  # surveillance renforcée, the black triangle
    substances = models.JSONField(default=list)  # bdpm.facts.Substance as a dict
    conditions = models.JSONField(default=list)  # texts
    shortages = models.JSONField(default=list)  # bdpm.facts.Shortage as a dict

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "cis"], name="medicine_once_an_edition")]

    def __str__(self):
        return self.cis


class CataloguedPresentation(OfEdition):
    """CIS_CIP_bdpm: what is sold. Prices in euros; none when it is not reimbursed."""

    cip13 = models.CharField("CIP13", max_length=13)
    cip7 = models.CharField("CIP7", max_length=7)
    label = models.TextField()
    is_active = models.BooleanField()
    state = models.TextField(blank=True)  # of marketing, as the file says it
    rates = models.JSONField(default=list)  # "65 %"
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)  # fee of dispensing included
    in_some_cases = models.BooleanField(default=False)  # reimbursed for some indications, which the file words

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "cip13"], name="presentation_once_an_edition")]
        indexes = [
            models.Index(fields=["edition", "cis"], name="presentation_of_medicine"),
            models.Index(fields=["edition", "cip7"], name="presentation_by_cip7"),
        ]

    def __str__(self):
        return self.cip13


class GenericMember(OfEdition):
    """CIS_GENER_bdpm: a medicine's place in a group of generics."""

    class Role(models.IntegerChoices):  # there is no 3
        ORIGINAL = 0, _("médicament d’origine")
        GENERIC = 1, _("générique")
        COMPLEMENTARY = 2, _("générique par complémentarité posologique")
        SUBSTITUTABLE = 4, _("générique substituable")

    group = models.CharField(max_length=10)
    label = models.TextField()
    role = models.PositiveSmallIntegerField(choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "cis", "group"], name="generic_once_a_group")]
        indexes = [models.Index(fields=["edition", "group"], name="generic_of_group")]

    def __str__(self):
        return f"{self.group}/{self.cis}"
