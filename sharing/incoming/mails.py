"""What comes back: the pharmacy's answers, delivery reports, reading receipts. Stored first, understood after.

A mail belongs to the share whose token its In-Reply-To or References carry, and only if it comes from the pharmacy the
share was sent to. Never by its subject. One that answers nothing may bring a document (`arrivals`). What is unknown
waits for the back office.
"""

import hashlib
import logging
import re
from email.parser import BytesHeaderParser

from django.db import transaction
from django.db.models import F

from portal.clock import db_now
from prescriptions.locks import lock_all_of
from sharing import actions, policies
from sharing.actions import Answer, Door
from sharing.incoming import arrivals, joined, reading, receipts, reports
from sharing.incoming.joined import Joined
from sharing.models import InboundMail, Share
from sharing.states import ShareStatus

log = logging.getLogger(__name__)
Status = InboundMail.Status
ATTEMPTS_MAX = 3
AT_ONCE = 50
HEADERS_MAX = 64 * 1024
_TOKEN = re.compile(r"<([0-9a-f]{32})\.[0-9a-f]{16}@")
BY = "system:inbound"


# --- Stored first ---------------------------------------------------------------------------------------------------
def keep(content: bytes, *, is_whole: bool = True) -> InboundMail:
    """The same mail fetched twice is one row. `is_whole` False: it was too large, only its beginning is here."""
    digest = hashlib.sha256(content).hexdigest()
    message_id = _message_id(content) or f"<none.{digest}>"
    status, reason = (Status.STORED, "") if is_whole else (Status.REFUSED, "too-large")
    facts = {"content": content, "received_at": db_now(), "status": status, "reason": reason}
    mail, _is_new = InboundMail.objects.get_or_create(message_id=message_id, sha256=digest, defaults=facts)
    return mail


def _message_id(content: bytes) -> str:
    headers = BytesHeaderParser().parsebytes(content[:HEADERS_MAX])
    found = reading.MESSAGE_ID.search(str(headers.get("Message-ID", "")))
    return found[0] if found else ""


# --- Understood after -----------------------------------------------------------------------------------------------
def process_stored() -> None:
    """A mail that kills its process is counted before it is read, comes after the others, and is put aside after three
    times."""
    waiting = InboundMail.objects.filter(status=Status.STORED).order_by("attempts", "received_at")
    for pk in list(waiting.values_list("pk", flat=True)[:AT_ONCE]):
        InboundMail.objects.filter(pk=pk).update(attempts=F("attempts") + 1)
        process(pk)
    joined.scan_waiting()


@transaction.atomic
def process(pk) -> None:
    mail = InboundMail.objects.select_for_update(skip_locked=True).filter(pk=pk, status=Status.STORED).first()
    if mail is None:
        return  # another process has it
    if mail.attempts > ATTEMPTS_MAX:
        settle(mail, Status.REFUSED, "kills-its-reader")
        return
    try:
        read = reading.read(mail.content)
    except reading.Unreadable as error:
        settle(mail, Status.REFUSED, str(error))
        return
    report = reports.report_in(read)
    taken = receipts.take(report, read) if report else _take_mail(read)
    if taken is None:
        InboundMail.objects.filter(pk=mail.pk).update(attempts=F("attempts") - 1)  # nothing was tried
    else:
        settle(mail, *taken)


def settle(mail: InboundMail, status: str, reason: str = "", share: Share | None = None) -> None:
    InboundMail.objects.filter(pk=mail.pk).update(status=status, reason=reason, share=share, processed_at=db_now())
    log.info("mail %s: %s %s", mail.pk, status, reason)


# --- Answers --------------------------------------------------------------------------------------------------------
def _take_mail(read: reading.Mail) -> tuple:
    share = _share_of(read.references)
    if share is None:
        return arrivals.take(read)
    if not receipts.is_from_the_pharmacy(read, share):
        return Status.UNMATCHED, "other-sender", share
    return take_answer(share, read)


def take_answer(share: Share, read: reading.Mail) -> tuple:
    """Words, files, the last word, what was delivered: of a mail known to be this share's pharmacy's."""
    files, dispensed = tuple(joined.files_of(read.message)), arrivals.reports_in(read)
    if not (read.text or files or dispensed):
        return Status.UNMATCHED, "no-words", share
    by = f"pharmacy:{share.pharmacy_id}"
    if dispensed:
        lock_all_of(share.patient)
    if share.status == ShareStatus.SHARED and not read.is_automatic:
        actions.open_share(share=share, by=by, door=Door.MAIL)  # whoever answers has read
    taken = arrivals.take_reports(dispensed, patient=share.patient, finess=share.pharmacy.finess)
    files = _with_recorded(files, {content for content, refused in taken.items() if not refused})
    refused = next(filter(None, taken.values()), "")
    actions.record_reply(share=share, answer=Answer(text=_within_limit(read.text), files=files), door=Door.MAIL, by=by)
    if read.is_last_word:
        actions.close_thread(share=share, by=by)
    return (Status.UNMATCHED, f"partly-{refused}"[:60], share) if refused else (Status.PROCESSED, "answer", share)


def _with_recorded(files: tuple[Joined, ...], recorded: set[bytes]) -> tuple[Joined, ...]:
    """The same, where a file that is or holds nothing but recorded reports says so."""
    reports = [set(arrivals.reports_of(file.came)) for file in files]
    return tuple(
        joined.recorded(file) if of_it and of_it <= recorded else file
        for file, of_it in zip(files, reports, strict=True)
    )


def _share_of(references: list[str]) -> Share | None:
    """By our own Message-ID, which carries the token; else by a mail of the pharmacy already in the conversation."""
    for reference in references:
        found = _TOKEN.match(reference)
        share = Share.objects.filter(token=found[1]).first() if found else None
        if share is not None:
            return share
    earlier = InboundMail.objects.filter(message_id__in=references, status=Status.PROCESSED, share__isnull=False)
    known = earlier.select_related("share").first()
    return known.share if known else None


def _within_limit(text: str) -> str:
    """The mail is kept whole; the thread shows its beginning."""
    return text if len(text) <= policies.MESSAGE_MAX else f"{text[: policies.MESSAGE_MAX - 4]} […]"
