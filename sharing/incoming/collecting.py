"""Fetches what came for us, then understands it: once (`collect`), or standing beside the mailbox (`follow`)."""

import logging
from threading import Event

from sharing import heartbeats, mssante
from sharing.incoming import mails
from sharing.models import InboxPlace
from sharing.mssante import Place

log = logging.getLogger(__name__)
INBOX = "inbox"
AGAIN_SECONDS = 10  # when the mailbox could not be read
STOP_SECONDS = 2  # whoever ends waits no longer for a mute server: what it has is read after the next start


def collect() -> int:
    """How many were fetched. What is stored is understood even when nothing could be fetched."""
    try:
        return fetch()
    except mssante.CannotFetch as error:
        _say(error)
        return 0
    finally:
        mails.process_stored()


def fetch() -> int:
    """One pass. Raises CannotFetch."""
    with mssante.open_inbox() as inbox:
        return _take(inbox)


def follow(stopping: Event) -> None:
    """Until then: at once where the server says that something came (IDLE), every few seconds elsewhere."""
    while not stopping.is_set():
        try:
            _stand_beside(stopping)
        except mssante.CannotFetch as error:
            _say(error)
            mails.process_stored()
            stopping.wait(AGAIN_SECONDS)


def _stand_beside(stopping: Event) -> None:
    with mssante.open_inbox() as inbox:
        while not stopping.is_set():
            fetched = _take(inbox)
            mails.process_stored()
            if not fetched:
                inbox.wait(stopping)


def _take(inbox) -> int:
    place = InboxPlace.objects.filter(name=INBOX).first()
    since = Place(place.uidvalidity, place.uid) if place else Place()
    fetched = inbox.fetch_new(mails.keep, since, _note)
    heartbeats.beat(heartbeats.MAILBOX)
    return fetched


def _note(place: Place) -> None:
    facts = {"uidvalidity": place.uidvalidity, "uid": place.uid}
    InboxPlace.objects.update_or_create(name=INBOX, defaults=facts)


def _say(error: mssante.CannotFetch) -> None:
    level = logging.ERROR if error.permanent else logging.WARNING
    log.log(level, "the mailbox was not read: %s%s", error, ". Somebody has to look." if error.permanent else "")
