"""What the mail did with a share's first message, in the words of its timeline."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sharing.models import Delivery

STEP_WORDS = {
    "sent": gettext_lazy("Envoyée à la messagerie de la pharmacie"),
    "delayed": gettext_lazy("Retardée par la messagerie"),
    "delivered": gettext_lazy("Reçue par la messagerie"),
    "processed": gettext_lazy("Reçue par le logiciel de la pharmacie"),
    "unprocessed": gettext_lazy("Le logiciel de la pharmacie n’a pas pu l’ouvrir"),
}


def facts(delivery: Delivery | None) -> Iterator[tuple[str, datetime]]:
    if delivery is None:
        return
    for code in STEP_WORDS:
        at = getattr(delivery, f"{code}_at")
        if at:
            yield code, at


def is_delayed(delivery: Delivery) -> bool:
    """The operator took it, and says that the pharmacy's does not answer."""
    return delivery.delayed_at is not None and delivery.delivered_at is None


def is_left_unopened(delivery: Delivery) -> bool:
    """It is in the mailbox, and the pharmacy's software could not take it."""
    return delivery.unprocessed_at is not None and delivery.processed_at is None


def software_said(delivery: Delivery) -> str:
    """The pharmacy's software in its own words, which help whoever calls the pharmacy."""
    words, code = delivery.unprocessed_words or "", delivery.unprocessed_code
    if words and code:
        return _("Il a répondu : « %(words)s » (code %(code)s).") % {"words": words, "code": code}
    if words:
        return _("Il a répondu : « %(words)s ».") % {"words": words}
    return _("Il a répondu par le code %(code)s.") % {"code": code} if code else ""
