"""What a registered pharmacy software may reach: its pharmacy's shares, as the desk does."""

from portal.models import SoftwareClient
from sharing.desk import worklist
from sharing.models import Pharmacy, ShareQuerySet


def pharmacy_of(software: SoftwareClient) -> Pharmacy | None:
    """The pharmacy the installation is bound to, by FINESS; None when the directory no longer has it."""
    return Pharmacy.objects.filter(finess=software.structure_finess, is_open=True).first()


def shares_of(pharmacy: Pharmacy) -> ShareQuerySet:
    """With `is_readable`: what was taken back is only known to have existed."""
    return worklist.shares_of(pharmacy).with_content()
