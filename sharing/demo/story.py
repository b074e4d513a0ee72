"""What happened, oldest first (story.json): each act by the action that the site itself calls, once.

An act: `id`, `when` (see dates), `do` (a function of ACTS) and what that function takes.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from portal import idempotency, maildir
from portal.models import Notice
from prescriptions import actions as prescribing
from prescriptions import fhir
from prescriptions.dispensing import Handed
from prescriptions.models import Prescription
from sharing import actions as sharing
from sharing.demo import clock, dates, picture
from sharing.demo.arrival import arrive
from sharing.demo.cast import Cast
from sharing.models import Delivery, Share, ShareEvent
from sharing.outbox.entry import note
from sharing.states import DeliveryStatus

DATA = Path(__file__).parent / "data"
BY = "system:demo"
DESK = ShareEvent.Door.DESK
HANDED_OVER_AFTER = timedelta(minutes=1)


def acts() -> list[dict]:
    return json.loads((DATA / "story.json").read_text())


def tell(cast: Cast, now: datetime) -> Iterator[str]:
    """Yields each act's id once it is done, or known to have been done before."""
    for act in acts():
        moment = dates.moment(act["when"], now)
        with clock.at(moment), transaction.atomic():
            answer = idempotency.once(
                scope="demo:story", key=act["id"], request_facts={}, effect=lambda act=act: _do(cast, act, now)
            )
        if "prescription" in answer:
            cast.prescriptions[act["prescription"]] = Prescription.objects.get(pk=answer["prescription"])
        yield act["id"]
    _forget_old_notices(now)


def _do(cast: Cast, act: dict, now: datetime) -> dict:
    made = ACTS[act["do"]](cast, dates.resolved({k: v for k, v in act.items() if k != "when"}, now), now)
    return {"prescription": str(made.pk)} if isinstance(made, Prescription) else {}


# --- Prescriptions --------------------------------------------------------------------------------------------------
def _file(cast: Cast, act: dict, now: datetime) -> Prescription:
    """The bundle's people are of the cast, found by INS and RPPS."""
    bundle = json.loads((DATA / "prescriptions" / f"{act['prescription']}.json").read_text())
    (deposit,) = fhir.read_bundle(dates.resolved(bundle, now))
    return prescribing.file_prescription(
        patient=next(p for p in cast.patients.values() if p.ins == deposit.patient.ins),
        prescriber=next(p for p in cast.prescribers.values() if p.rpps == deposit.prescriber.rpps),
        draft=deposit.draft,
        provenance=Prescription.Provenance.REGISTRY,
        by=BY,
    )


def _cancel(cast: Cast, act: dict, now: datetime) -> None:
    prescription = cast.prescriptions[act["prescription"]]
    prescribing.cancel_prescription(prescription=prescription, reason=act["reason"], by=cast.users[act["by"]])


def _dispense(cast: Cast, act: dict, now: datetime) -> None:
    prescription = cast.prescriptions[act["prescription"]]
    lines = {str(line.position): line for line in prescription.lines.all()}
    prescribing.record_dispensing(
        prescription=prescription,
        pharmacy_finess=cast.market.finess,
        pharmacy_name=cast.market.name,
        lines=[
            Handed(line=lines[place], cip13=lines[place].codes.get("cip13", ""), **facts)
            for place, facts in act["lines"].items()
        ],
        dispensed_at=timezone.now(),
        billing_reference=f"DEMO-{act['id']}"[:60],
        by=cast.users["chloe"],
    )


def _add_photo(cast: Cast, act: dict, now: datetime) -> Prescription:
    page = picture.prescription_page(timezone.localdate(dates.moment({"daysAgo": 7}, now)))
    return prescribing.add_photos(
        patient=cast.patients[act["patient"]],
        files=[page],
        title=act["title"],
        authored_on=timezone.localdate(dates.moment({"daysAgo": 7}, now)),
        by=cast.users[act["by"]],
    )


def _receive(cast: Cast, act: dict, now: datetime) -> Prescription:
    return arrive(cast.patients[act["patient"]], act["prescription"], now)


# --- Shares ---------------------------------------------------------------------------------------------------------
def _share(cast: Cast, act: dict, now: datetime) -> None:
    """It reached the mailbox a minute later: the demo is built before anything listens."""
    share = sharing.share_prescription(
        prescription=cast.prescriptions[act["prescription"]],
        pharmacy=cast.other if act.get("pharmacy") == "other" else cast.market,
        message=act.get("message", ""),
        by=cast.users[act["by"]],
    )
    _hand_over(share.deliveries.get(), share.created_at + HANDED_OVER_AFTER)


def _open(cast: Cast, act: dict, now: datetime) -> None:
    sharing.open_share(share=_latest_share(cast, act), by=cast.users["chloe"])


def _hand_over(delivery: Delivery, moment: datetime) -> None:
    """As the local operator does."""
    maildir.file_message(settings.MSSANTE_MAILBOXES, delivery.envelope_to, delivery.content)
    Delivery.objects.filter(pk=delivery.pk).update(
        status=DeliveryStatus.SENT,
        attempts=1,
        last_stage="done",
        last_code="250",
        created_at=moment - HANDED_OVER_AFTER,
        sent_at=moment,
        delivered_at=moment,
    )
    note(delivery, "sent", by=BY, attempts=1)


def _take(cast: Cast, act: dict, now: datetime) -> None:
    sharing.take_share(share=_latest_share(cast, act), member=cast.chloe, by=cast.users["chloe"])


def _answer(cast: Cast, act: dict, now: datetime) -> None:
    until = act.get("ready_until")
    answer = sharing.Answer(
        status=act.get("status"),
        text=act.get("text", ""),
        refusal=act.get("refusal", ""),
        ready_until=datetime.fromisoformat(until).date() if until else None,
    )
    sharing.record_reply(share=_latest_share(cast, act), answer=answer, door=DESK, by=cast.users["chloe"])


def _latest_share(cast: Cast, act: dict) -> Share:
    return cast.prescriptions[act["prescription"]].shares.order_by("-created_at")[0]


def _forget_old_notices(now: datetime) -> None:
    """What the pharmacy said days ago was told days ago."""
    old = Notice.objects.filter(status=Notice.Status.QUEUED, created_at__lt=now - timedelta(hours=12))
    old.update(status=Notice.Status.SENT, sent_at=F("created_at"))


ACTS: dict[str, Callable] = {
    "file": _file,
    "cancel": _cancel,
    "dispense": _dispense,
    "photo": _add_photo,
    "receive": _receive,
    "share": _share,
    "open": _open,
    "take": _take,
    "answer": _answer,
}
