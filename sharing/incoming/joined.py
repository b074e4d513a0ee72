"""Files that a pharmacy joins to its answer: looked at, made harmless, scanned, and only then shown to the patient.

Taken: PDF that neither act nor hide anything, and pictures, drawn again. By what they are, never by what they say they
are. The rest is named in the thread and not shown; the mail is kept whole.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from portal.reasons import Refused
from prescriptions.files import photos
from sharing.incoming import reading, scanning
from sharing.incoming.scanning import Verdict
from sharing.models import ThreadFile

log = logging.getLogger(__name__)
State = ThreadFile.State
FILES_MAX = 5
BYTES_MAX = 20 * 1024 * 1024  # of all of them
NAME_MAX = 80
RECORDED = "recorded"  # a report of dispensing: read, and in the patient's space
AT_ONCE = 20
SIGNATURES = {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
EXTENSIONS = {photos.PDF: ".pdf", photos.JPEG: ".jpg"}


@dataclass(frozen=True)
class Joined:
    """`content` is empty for what is refused, and `reason` says why. `came`: the bytes as they came."""

    name: str
    came: bytes = b""
    content_type: str = ""
    content: bytes = b""
    reason: str = ""


def files_of(message: Message) -> list[Joined]:
    found, total = [], 0
    for part in _attachments(message):
        content = part.get_payload(decode=True) or b""
        total += len(content)
        is_too_much = total > BYTES_MAX or len(found) >= FILES_MAX
        name = reading.file_name(part)[:NAME_MAX] or "fichier"
        found.append(Joined(name, content, reason="too-much") if is_too_much else _looked_at(name, content))
        if len(found) > FILES_MAX:
            break
    return found


def _attachments(message: Message) -> Iterator[Message]:
    """Not the words themselves, nor their signature, nor the pictures that a page of words shows inside it."""
    for part in reading.own_parts(message):
        if part.get_content_type() in SIGNATURES:
            continue
        is_words = part.get_content_type() in {"text/plain", "text/html"} or part.get("Content-ID")
        if part.get_content_disposition() == "attachment" or not is_words:
            yield part


def _looked_at(name: str, content: bytes) -> Joined:
    try:
        page = photos.check_pdf(content) if photos.is_pdf(content) else photos.redrawn(content)
    except Refused as refused:
        return Joined(name, content, reason=refused.reason.code)
    stem = name.rpartition(".")[0] or name
    return Joined(f"{stem}{EXTENSIONS[page.content_type]}", content, page.content_type, page.content)


def recorded(file: Joined) -> Joined:
    """The same, known to be a report of dispensing: it is read elsewhere, not shown here."""
    return Joined(file.name, file.came, reason=RECORDED)


def keep(files: list[Joined], words) -> None:
    """Beside the words they came with. What is not refused waits for the scanner."""
    for file in files:
        row = ThreadFile(
            message=words,
            name=file.name,
            content_type=file.content_type,
            content=file.content,
            state=_state_of(file),
            reason=file.reason,
        )
        row.save(force_insert=True)


def _state_of(file: Joined) -> str:
    if file.reason == RECORDED:
        return State.RECORDED
    return State.REFUSED if file.reason else State.WAITING


def scan_waiting() -> None:
    """Outside any transaction: the scanner is elsewhere. While it is away files wait; the words are already shown."""
    for file in ThreadFile.objects.filter(state=State.WAITING)[:AT_ONCE]:
        verdict = scanning.scan(file.content)
        if verdict == Verdict.AWAY:
            log.warning("the virus scanner does not answer: files wait")
            return
        is_bad = verdict == Verdict.INFECTED
        file.state, file.reason = (State.REFUSED, "infected") if is_bad else (State.SHOWN, verdict.value)
        file.content = b"" if is_bad else file.content
        file.save(update_fields=["state", "reason", "content"])
        log.info("file %s: %s", file.pk, verdict)
