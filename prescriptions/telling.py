"""Who is told that something is new about a prescription: whoever may see it in the patient's space, nobody else."""

from collections.abc import Callable

from prescriptions.models import Prescription


def tell(prescription: Prescription, notice: Callable, *, path: str = "") -> None:
    """`notice`: a function of portal.notices. `path`: where to look; without one, the prescription's own page."""
    patient = prescription.patient
    for access in patient.accesses.filter(revoked_at=None).select_related("user"):
        sees = patient.prescriptions.seen_by(access.user).filter(pk=prescription.pk)
        if access.is_open() and sees.exists():
            notice(to=access.user, path=path or f"/ordonnances/{prescription.pk}/")
