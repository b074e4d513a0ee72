"""What the mail did with a share's first message, in the words of its timeline."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sharing.models import Delivery
from sharing.mssante import Stage
from sharing.mssante.outcome import ABOUT_SIZE

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


def why_not_delivered(delivery: Delivery | None) -> str:
    if delivery is not None and _is_too_large(delivery):
        return _(
            "Cet envoi est trop lourd pour la messagerie de la pharmacie. Envoyez une photo moins lourde, "
            "ou montrez l’original à la pharmacie."
        )
    return _("La messagerie de la pharmacie l’a refusée. Choisissez une autre pharmacie ou montrez le QR.")


def _is_too_large(delivery: Delivery) -> bool:
    """RFC 3463: 5.2.3, 5.3.4. A bare 552 to RCPT is a mailbox that is full; elsewhere, the size (RFC 1870)."""
    code = delivery.last_code.removeprefix("552").strip()
    return code in ABOUT_SIZE or (delivery.last_code == "552" and delivery.last_stage != Stage.RCPT)


def software_said(delivery: Delivery) -> str:
    """The pharmacy's software in its own words, which help whoever calls the pharmacy."""
    words, code = delivery.unprocessed_words or "", delivery.unprocessed_code
    if words and code:
        return _("Il a répondu : « %(words)s » (code %(code)s).") % {"words": words, "code": code}
    if words:
        return _("Il a répondu : « %(words)s ».") % {"words": words}
    return _("Il a répondu par le code %(code)s.") % {"code": code} if code else ""
