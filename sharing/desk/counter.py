"""The patient at the counter: what a pharmacy may deliver, because it was sent there or because it was shown there."""

from dataclasses import replace

from django.db.models import Exists, OuterRef
from django.http import Http404

from portal.reasons import do_each
from prescriptions import actions as registry
from prescriptions import reach
from prescriptions.code import verification
from prescriptions.dispensing import whole_ones
from prescriptions.models import Prescription
from sharing import actions
from sharing.desk import worklist
from sharing.models import Pharmacy, Share, ShareEvent

SHOWN = "counter"  # in the session: what was opened here by its code or number, "<pharmacy>:<prescription>"
SHOWN_AT_MOST = 40  # in one session
AT_ONCE = 40  # collected in one round of the sweep


def prescription_or_404(request, id) -> Prescription:
    """Shared with this pharmacy and still readable, or shown at this counter in this session. Masked: neither."""
    found = reach.to_dispense(request.pharmacy.finess).with_content().filter(pk=id).first()
    if found is None or not (_is_shared(request.pharmacy, found) or _was_shown(request, found)):
        raise Http404
    return found


def prescription_to_record_or_404(request, id) -> Prescription:
    """The same, or what was opened here within the day: masked meanwhile, what leaves the counter is still counted."""
    found = reach.to_record(request.pharmacy.finess, pk=id)
    if found is None or not (_is_shared(request.pharmacy, found) or _was_shown(request, found)):
        raise Http404
    return found


def _is_shared(pharmacy: Pharmacy, prescription: Prescription) -> bool:
    return worklist.shares_of(pharmacy).filter(prescription=prescription, is_readable=True).exists()


def _key(pharmacy: Pharmacy, prescription: Prescription) -> str:
    return f"{pharmacy.pk}:{prescription.pk}"


def _was_shown(request, prescription: Prescription) -> bool:
    return _key(request.pharmacy, prescription) in request.session.get(SHOWN, [])


def open_shown(request, verdict: verification.Verdict | None) -> Prescription | None:
    """The prescription of a code or number that was asked for at the desk. Its page may be asked for from now on."""
    if verdict is None or verdict.prescription_id is None or verdict.code == "altered":
        return None
    found = reach.to_dispense(request.pharmacy.finess).filter(pk=verdict.prescription_id).first()
    if found is None:
        return None
    known = [key for key in request.session.get(SHOWN, []) if key != _key(request.pharmacy, found)]
    request.session[SHOWN] = [*known, _key(request.pharmacy, found)][-SHOWN_AT_MOST:]
    return found


def note_reading(request, prescription: Prescription) -> None:
    """Audited each time its page is shown, and the patient reads it: the share is opened, or what was shown here."""
    share = share_here(request.pharmacy, prescription)
    if share is not None:
        actions.open_share(share=share, by=request.user)
    else:
        registry.open_at_counter(prescription=prescription, pharmacy_finess=request.pharmacy.finess, by=request.user)


def as_unknown(verdict: verification.Verdict | None) -> verification.Verdict | None:
    """What a pharmacy may not find is said as what does not exist; an altered code is still said to be altered."""
    if verdict is None or verdict.prescription_id is None or verdict.code == "altered":
        return verdict
    return replace(verdict, offline=False, online=False, prescription_id=None)


# --- The share, once delivered ----------------------------------------------------------------------------------------


def share_here(pharmacy: Pharmacy, prescription: Prescription) -> Share | None:
    """The last one sent to this pharmacy, when it may still read it: the way back from the page."""
    of_it = worklist.shares_of(pharmacy).filter(prescription=prescription, is_readable=True)
    return of_it.order_by("-created_at").first()


def collect_delivered(*, by: str = "system:sweep") -> int:
    """Shares whose pharmacy said, through its own software, that it delivered the prescription."""
    door = ShareEvent.Door.API
    return do_each(lambda share: actions.note_collected(share=share, door=door, by=by), _delivered_unsaid()[:AT_ONCE])


def _delivered_unsaid():
    here = whole_ones().filter(
        prescription=OuterRef("prescription"),
        pharmacy_finess=OuterRef("pharmacy__finess"),
        created_at__gt=OuterRef("created_at"),
        undone_at=None,
    )
    return Share.objects.active().filter(Exists(here)).select_related("prescription", "pharmacy")
