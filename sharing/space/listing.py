"""The patient's prescriptions as cards: a title, a status line, an action. A page costs a fixed number of queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import moments
from portal.paging import Page, page_from
from portal.unaccented import unaccented
from prescriptions import words
from prescriptions.models import Prescription
from prescriptions.standing import Standing
from sharing import naming, policies
from sharing.models import Share
from sharing.space import timeline
from sharing.states import ShareStatus as S

PAGE = 20
FOUND_AT_MOST = 100
CHUNK_WHEN_FILTERED = 100
FINISHED = {"dispensed", "expired", "too_late", "cancelled", "replaced", "report"}
TO_RENEW = {"renewable", "expiring", "partly_dispensed"}
CHIPS = {
    "": gettext_lazy("Toutes"),
    "en-cours": gettext_lazy("En cours"),
    "a-renouveler": gettext_lazy("À renouveler"),
    "terminees": gettext_lazy("Terminées"),
}


@dataclass(frozen=True)
class Card:
    """`line`: where it was sent, else where it stands; `besides`: where it stands, when it was sent somewhere.
    `action`: the one verb, empty when reading is all there is."""

    prescription: Prescription
    title: str
    by: str
    day: str
    month: str
    standing: Standing
    is_shared: bool
    pill: timeline.Pill
    line: str
    besides: str
    action: str
    action_url: str

    @property
    def url(self) -> str:
        return reverse("prescription", args=[self.prescription.pk])


def page_of(prescriptions, *, chip: str = "", after: Prescription | None = None) -> Page[Card]:
    """The page that follows `after`, the newest prescriptions first."""
    rows = with_all_for_cards(prescriptions)
    if after is not None:
        rows = rows.older_than(after)
    return page_from(cards_of(rows, chip), PAGE)


def search(prescriptions, q: str, *, chip: str = "") -> Page[Card]:
    """All that matches, on one page: the next one would need the words again, and they are health data."""
    rows = with_all_for_cards(prescriptions.filter(pk__in=_found(prescriptions, q)))
    return Page(list(islice(cards_of(rows, chip), FOUND_AT_MOST)))


def current_cards(prescriptions) -> list[Card]:
    return list(cards_of(with_all_for_cards(prescriptions), "en-cours"))


def cards_of(rows, chip: str = "") -> Iterator[Card]:
    """Where a prescription stands is counted from its dispensings, so a chip chooses among cards, not among rows."""
    if chip in {"en-cours", "a-renouveler"}:  # what the database can tell alone
        rows = rows.filter(cancelled_at=None).exclude(valid_until__lt=timezone.localdate())
    for prescription in rows.iterator(chunk_size=CHUNK_WHEN_FILTERED if chip else PAGE + 1):
        card = card_of(prescription)
        if is_in(card.standing, chip):
            yield card


def is_in(standing: Standing, chip: str) -> bool:
    return {
        "en-cours": standing.code not in FINISHED,
        "a-renouveler": standing.code in TO_RENEW,
        "terminees": standing.code in FINISHED,
    }.get(chip, True)


def with_all_for_cards(prescriptions):
    """All that `card_of` reads. The deposit as received is large and sealed: it is left where it is."""
    shares = timeline.with_facts(Share.objects.all())
    return (
        prescriptions.select_related("prescriber", "replaced_by")
        .defer("source", "replaced_by__source")
        .prefetch_related("lines", "dispensings__lines", Prefetch("shares", queryset=shares))
    )


def card_of(prescription: Prescription) -> Card:
    standing = words.standing(prescription)
    share = next(iter(prescription.shares.all()), None)  # the newest: an active one always is
    action, action_url = _action(prescription, share)
    return Card(
        prescription=prescription,
        title=words.title_of(prescription),
        by=by_whom(prescription),
        day=moments.short_day(prescription.authored_on),
        month=month_of(prescription),
        standing=standing,
        is_shared=share is not None and share.is_active(),
        pill=_pill(prescription, standing, share),
        line=_where(share) or standing.sentence,
        besides=standing.sentence if _where(share) else "",
        action=action,
        action_url=action_url,
    )


def month_of(prescription: Prescription) -> str:
    return moments.month(prescription.authored_on)


def by_whom(prescription: Prescription) -> str:
    if prescription.prescriber is None:
        return _of_nobody_known(prescription)
    speciality = prescription.prescriber.speciality
    return f"{prescription.prescriber.full_name}, {speciality[:1].lower()}{speciality[1:]}"


def _of_nobody_known(prescription: Prescription) -> str:
    if prescription.provenance == "upload":
        return _("Ajoutée par vous")
    return (prescription.comment if prescription.provenance == "report" else "") or _("Document reçu")


def _is_worth_telling(share: Share | None) -> bool:
    """A share that goes on, or that ended and leaves something to do."""
    return share is not None and (share.is_active() or share.status in (S.REFUSED, S.UNDELIVERABLE))


def _pill(prescription: Prescription, standing: Standing, share: Share | None) -> timeline.Pill:
    if prescription.masked_at:
        return timeline.Pill("unknown", "eye-off", _("Masquée"))
    if standing.code not in FINISHED and _is_worth_telling(share):
        return timeline.pill_of(share, timezone.now())
    if standing.code == "upload":
        return timeline.Pill("info", "camera", _("Pour préparation"))
    return timeline.Pill(standing.state, "", standing.word)


def _where(share: Share | None) -> str:
    if share is None or share.status in (S.REVOKED, S.EXPIRED):
        return ""
    if share.status == S.COLLECTED:
        return _("Retirée à %(pharmacy)s, %(day)s.") % _place(share)
    return _("Envoyée à %(pharmacy)s, %(day)s.") % _place(share)


def _place(share: Share) -> dict:
    at = share.status_at if share.status == S.COLLECTED else share.created_at
    return {"pharmacy": naming.the(share.pharmacy), "day": moments.day_near(timezone.localtime(at).date())}


def _action(prescription: Prescription, share: Share | None) -> tuple[str, str]:
    if share is not None and share.is_active():
        return _("Suivre l’envoi"), reverse("share", args=[share.pk])
    if is_done_with(prescription, share):
        return "", ""
    if policies.why_not_send(prescription) is None:
        return _("Envoyer à une pharmacie"), reverse("share-pharmacy", args=[prescription.pk])
    return "", ""


def is_done_with(prescription: Prescription, share: Share | None) -> bool:
    """Handed over, with nothing to renew: the card does not ask to send it again. Its own page still can."""
    collected = share is not None and share.status == S.COLLECTED
    return collected and not any(line.renewals for line in prescription.lines.all())


# --- Search -----------------------------------------------------------------------------------------------------------


def _found(prescriptions, q: str) -> list:
    """Every word of `q` in a medicine's name, the prescriber or the speciality. One patient's rows are few."""
    wanted = _plain(q).split()
    texts: dict = {}
    fields = ("lines__name", "comment", "prescriber__given_name", "prescriber__family_name", "prescriber__speciality")
    for pk, *parts in prescriptions.order_by().values_list("pk", *fields):
        texts[pk] = f"{texts.get(pk, '')} {_plain(' '.join(filter(None, parts)))}"
    return [pk for pk, text in texts.items() if all(word in text for word in wanted)]


def _plain(text: str) -> str:
    return unaccented(text).lower()
