"""What a report changes: the times of the delivery it speaks of, the share's state, what the patient reads.

It acts only when it carries what only the recipient and its operator know, and comes from them. It never deletes and
never sends again by itself. What is not believed changes nothing and waits for the back office.
"""

import re

from sharing import actions, delivery, outbox
from sharing.actions import Door
from sharing.incoming.reading import Mail
from sharing.incoming.reports import Report
from sharing.models import Delivery, InboundMail, Share
from sharing.states import ShareStatus

Status = InboundMail.Status
DAEMON = re.compile(r"(?:mailer-daemon|postmaster|microsoftexchange[0-9a-f]{32})@")


def take(report: Report, mail: Mail) -> tuple | None:
    """The mail's status, reason and share. None: too early, what it speaks of may be leaving at this moment."""
    told = report.delivery()
    if told is None:
        return Status.UNMATCHED, "report-unknown"
    share = Share.objects.select_for_update().get(pk=told.share_id)
    if not _is_believed(report, mail, told, share):
        return Status.UNMATCHED, "report-other-sender", share
    if report.what == "failed" and outbox.is_leaving(told):
        return None
    act = _ACTS.get(report.what)
    if act is not None:
        act(told, share, report)
    return Status.PROCESSED, f"report-{report.what}"[:60], share


def is_from_the_pharmacy(mail: Mail, share: Share) -> bool:
    return {mail.sender, mail.return_path or mail.sender} <= _mailboxes_of(share)


def _mailboxes_of(share: Share) -> set[str]:
    known = {box.address.lower() for box in share.pharmacy.mailboxes.all()}
    return known | {address.lower() for address in share.deliveries.values_list("envelope_to", flat=True)}


def _is_believed(report: Report, mail: Mail, told: Delivery, share: Share) -> bool:
    """A delivery report comes from an operator (no mailbox, no return path), a receipt from the pharmacy."""
    if report.recipients and not set(report.recipients) & _mailboxes_of(share):
        return False
    if report.is_dsn:
        return not mail.return_path and DAEMON.match(mail.sender) is not None
    return is_from_the_pharmacy(mail, share)


def _delivered(told: Delivery, share: Share, report: Report) -> None:
    outbox.reported_delivered(told)


def _delayed(told: Delivery, share: Share, report: Report) -> None:
    outbox.reported_delayed(told, report.code)


def _failed(told: Delivery, share: Share, report: Report) -> None:
    if outbox.bounced(told, report.code):
        delivery.tell(told, share)


def _processed(told: Delivery, share: Share, report: Report) -> None:
    outbox.reported_processed(told)


def _not_processed(told: Delivery, share: Share, report: Report) -> None:
    """In the mailbox, but the pharmacy's software could not take it: the patient may have to call."""
    is_news = outbox.reported_unprocessed(told, report.code, report.words)
    if is_news and told.kind == Delivery.Kind.SHARE and share.status == ShareStatus.SHARED:
        actions.note_not_processed(share=share, by=f"pharmacy:{share.pharmacy_id}")


def _displayed(told: Delivery, share: Share, report: Report) -> None:
    outbox.reported_read(told)
    if told.kind == Delivery.Kind.SHARE and share.status == ShareStatus.SHARED:
        actions.open_share(share=share, by=f"pharmacy:{share.pharmacy_id}", door=Door.MAIL)


_ACTS = {
    "delivered": _delivered,
    "delayed": _delayed,
    "failed": _failed,
    "processed": _processed,
    "error": _not_processed,
    "displayed": _displayed,
}
