"""The words between a patient and a pharmacy, as bubbles: the one sent with the prescription first."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from sharing import policies
from sharing.models import Delivery, Share, ThreadFile, ThreadMessage
from sharing.states import DeliveryStatus


@dataclass(frozen=True)
class File:
    """Something that came with the words. `url` is empty while it may not be opened, and `note` says why."""

    name: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class Bubble:
    """`note`: what became of it on its way, when there is something to say."""

    is_mine: bool  # of the patient's side
    who: str
    body: str
    at: datetime
    note: str = ""
    files: tuple[File, ...] = ()


def with_words(shares):
    """Everything that `bubbles_of` reads but the deliveries. The files themselves are large, and not needed."""
    files = Prefetch("messages__files", queryset=ThreadFile.objects.defer("content"))
    return shares.prefetch_related("messages__author", files)


def bubbles_of(share: Share, *, reader) -> list[Bubble]:
    """Read with `deliveries` and through `with_words`. `reader` reads « Vous » on their own words."""
    first = [Bubble(True, _name(share.shared_by, reader), share.message, share.created_at)] if share.message else []
    deliveries = {delivery.words_id: delivery for delivery in share.deliveries.all()}
    return first + [_bubble(message, share, deliveries.get(message.pk), reader) for message in share.messages.all()]


def unanswered(share: Share) -> ThreadMessage | None:
    """The pharmacy's last words, when they call for an answer: nobody answered, one may, and they did not come with a
    state (« Prête », and a remark), which says it all."""
    last = next(iter(reversed(share.messages.all())), None)
    if last is None or last.side != ThreadMessage.Side.PHARMACY or policies.why_not_write(share):
        return None
    return None if last.came_with else last


def _bubble(message: ThreadMessage, share: Share, delivery: Delivery | None, reader) -> Bubble:
    is_mine = message.side == ThreadMessage.Side.PATIENT
    who = _name(message.author, reader) if is_mine else share.pharmacy.name
    files = tuple(_file(file, share) for file in message.files.all())
    return Bubble(is_mine, who, message.body, message.created_at, _note(message, delivery), files)


def _file(file: ThreadFile, share: Share) -> File:
    if file.state == ThreadFile.State.SHOWN:
        return File(file.name, reverse("share-file", args=[share.pk, file.pk]))
    if file.state == ThreadFile.State.WAITING:
        return File(file.name, "", _("en cours de vérification"))
    if file.state == ThreadFile.State.RECORDED:
        return File(file.name, "", _("compte rendu de délivrance, enregistré dans l’espace du patient"))
    return File(file.name, "", _("ce fichier ne peut pas être montré ici ; demandez-le à la pharmacie"))


def file_of(share: Share, file_id) -> ThreadFile | None:
    """One that may be opened."""
    return ThreadFile.objects.filter(message__share=share, pk=file_id, state=ThreadFile.State.SHOWN).first()


def _note(message: ThreadMessage, delivery: Delivery | None) -> str:
    if message.after_end:
        return _("arrivé après la fin de l’envoi")
    if delivery is None:
        return ""
    if delivery.status in (DeliveryStatus.FAILED, DeliveryStatus.CANCELLED):
        return _("non remis à la messagerie de la pharmacie, qui peut le lire à son comptoir Ordolien")
    return _("remis") if delivery.sent_at else _("en route")


def _name(author, reader) -> str:
    if author is None:
        return _("Un proche")
    return _("Vous") if author.pk == reader.pk else author.get_full_name()
