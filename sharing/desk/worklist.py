"""The pharmacy's worklist: what is new first, then who comes when. A page costs a fixed number of queries.

What the pharmacy may no longer read is a bare row: that it existed, its receipt, and how it ended. No name is opened
for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import BooleanField, Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import moments
from prescriptions.code import verification
from prescriptions.models import BlockedProfessional, PrescriptionLine
from sharing.models import Pharmacy, Share, ThreadMessage, as_receipt
from sharing.space.timeline import Pill
from sharing.states import ACTIVE, ENDED, READABLE_BY_PHARMACY
from sharing.states import ShareStatus as S

PAGE = 50
WAITING_LONG = timedelta(hours=2)
TAKEN_BACK_STAYS = timedelta(hours=24)  # in the work to do, so that whoever prepared it puts it back on the shelf

TO_DO, READY, DONE = "a-traiter", "pretes", "terminees"
FILTERS = {TO_DO: gettext_lazy("À traiter"), READY: gettext_lazy("Prêtes"), DONE: gettext_lazy("Terminées")}

# status: (state, icon, word)
LOOKS = {
    S.SHARED: ("info", "mail", gettext_lazy("Nouvelle")),
    S.OPENED: ("unknown", "mail-open", gettext_lazy("Ouverte")),
    S.PREPARING: ("wait", "package-open", gettext_lazy("En préparation")),
    S.PARTIALLY_READY: ("wait", "package", gettext_lazy("Partielle")),
    S.READY: ("ready", "bag", gettext_lazy("Prête")),
    S.COLLECTED: ("ready", "package-check", gettext_lazy("Remise")),
    S.REFUSED: ("stop", "package-x", gettext_lazy("Refusée")),
    S.REVOKED: ("unknown", "undo", gettext_lazy("Retirée par le patient")),
    S.EXPIRED: ("unknown", "hourglass", gettext_lazy("Expirée")),
}


@dataclass(frozen=True)
class Row:
    share: Share
    url: str
    is_current: bool
    is_new: bool
    is_bare: bool
    who: str
    when: str
    lines: int | None
    badge: str  # authentic, photo, document or ""
    taken_by: str
    has_words: bool  # the patient wrote last
    waits_long: bool
    look: Pill


@dataclass(frozen=True)
class Chip:
    code: str
    label: str
    count: int
    url: str
    is_current: bool


@dataclass(frozen=True)
class Worklist:
    rows: list[Row]
    chips: list[Chip]
    current: Chip
    next_url: str
    since: str  # ISO 8601: what comes later is news


def look_of(share: Share) -> Pill:
    """`share` comes from `shares_of`."""
    if share.status in READABLE_BY_PHARMACY and not share.is_readable:
        return Pill("unknown", "eye-off", _("Plus consultable"))
    state, icon, word = LOOKS[share.status]
    return Pill(state, icon, str(word))


def shares_of(pharmacy: Pharmacy) -> QuerySet[Share]:
    """Everything that reached this pharmacy. `is_readable`: it may read it still, which the patient decides: not what
    was taken back, nor masked since, nor anything once the patient has blocked the pharmacy."""
    blocked = BlockedProfessional.objects.filter(patient=OuterRef("patient"), identifier=pharmacy.finess)
    may_read = Q(status__in=READABLE_BY_PHARMACY, prescription__masked_at=None) & ~Exists(blocked)
    return pharmacy.shares.on_desk().annotate(
        is_readable=Case(When(may_read, then=Value(True)), default=Value(False), output_field=BooleanField())
    )


def worklist(pharmacy: Pharmacy, *, chosen: str = "", page: int = 1, current: Share | None = None, just_opened=False):
    """`current`: the share open beside the list; `just_opened`: it was new a moment ago, and keeps its place."""
    chosen, since = chosen if chosen in FILTERS else TO_DO, timezone.now().isoformat()
    kept_new = current.pk if current and just_opened else None
    start = (max(page, 1) - 1) * PAGE
    shares = list(_in_order(_with_facts(_chosen(pharmacy, chosen)), chosen, kept_new)[start : start + PAGE + 1])
    chips = _chips(pharmacy, chosen)
    return Worklist(
        rows=[row_of(share, current, chosen) for share in shares[:PAGE]],
        chips=chips,
        current=next(chip for chip in chips if chip.is_current),
        next_url=url_of(chosen, page=max(page, 1) + 1) if len(shares) > PAGE else "",
        since=since,
    )


def url_of(chosen: str, **more) -> str:
    asked = ({"etat": chosen} if chosen in {READY, DONE} else {}) | more
    return reverse("desk") + (f"?{urlencode(asked)}" if asked else "")


# --- Which shares, in which order -----------------------------------------------------------------------------------
def _filters() -> dict[str, Q]:
    recently = timezone.now() - TAKEN_BACK_STAYS
    taken_back = Q(status=S.REVOKED, status_at__gte=recently)
    return {
        TO_DO: Q(status__in=[S.SHARED, S.OPENED, S.PREPARING, S.PARTIALLY_READY]) | taken_back,
        READY: Q(status=S.READY),
        DONE: Q(status__in=ENDED),
    }


def _chosen(pharmacy: Pharmacy, chosen: str) -> QuerySet[Share]:
    return shares_of(pharmacy).filter(_filters()[chosen])


def _with_facts(shares: QuerySet[Share]) -> QuerySet[Share]:
    """All that a row reads. Sealed texts stay where they are; of a patient only what names them is read."""
    lines = PrescriptionLine.objects.filter(prescription=OuterRef("prescription")).order_by()
    words = ThreadMessage.objects.filter(share=OuterRef("pk")).order_by("-created_at", "-id")
    return (
        shares.select_related("prescription__patient", "taken_by")
        .defer("message", "missing", "prescription__source")
        .annotate(
            line_count=Subquery(lines.values("prescription").annotate(n=Count("pk")).values("n")),
            last_side=Subquery(words.values("side")[:1]),
        )
    )


def _in_order(shares: QuerySet[Share], chosen: str, kept_new) -> QuerySet[Share]:
    if chosen != TO_DO:
        return shares.order_by("-status_at", "-id")
    rank = Case(
        When(Q(status=S.SHARED) | Q(pk=kept_new), then=Value(0)),
        When(status=S.REVOKED, then=Value(2)),
        default=Value(1),
    )
    return shares.order_by(rank, F("wished_at").asc(nulls_last=True), "created_at", "id")


def _chips(pharmacy: Pharmacy, chosen: str) -> list[Chip]:
    counts = pharmacy.shares.on_desk().aggregate(
        **{code.replace("-", "_"): Count("pk", filter=asked) for code, asked in _filters().items()}
    )
    return [
        Chip(code, str(label), counts[code.replace("-", "_")], url_of(code), code == chosen)
        for code, label in FILTERS.items()
    ]


# --- A row ----------------------------------------------------------------------------------------------------------
def row_of(share: Share, current: Share | None = None, chosen: str = TO_DO) -> Row:
    is_bare = not share.is_readable
    url = reverse("desk-share", args=[share.pk])
    return Row(
        share=share,
        url=url if chosen == TO_DO else f"{url}?{urlencode({'etat': chosen})}",
        is_current=current is not None and share.pk == current.pk,
        is_new=share.status == S.SHARED,
        is_bare=is_bare,
        who="" if is_bare else _who(share),
        when=_when(share),
        lines=None if is_bare else share.line_count,
        badge="" if is_bare else badge_of(share),
        taken_by=share.taken_by.display_name if share.taken_by and not is_bare else "",
        has_words=not is_bare and share.last_side == ThreadMessage.Side.PATIENT,
        waits_long=share.status == S.SHARED and timezone.now() - share.created_at > WAITING_LONG,
        look=look_of(share),
    )


def _who(share: Share) -> str:
    """Initials and year of birth until somebody has opened it: a counter has onlookers."""
    patient = share.prescription.patient
    if share.status == S.SHARED:
        return f"{patient.initials} · {patient.birth_year}"
    return f"{patient.family_name.upper()} {patient.given_name}"


def _when(share: Share) -> str:
    """A list is read at a glance: no day for today, no hour further than tomorrow."""
    if share.status in ENDED or not share.is_readable:
        return _short(share.status_at, today=_("à %(time)s"))
    if share.wished_at:
        return _short(share.wished_at, today=_("pour %(time)s"), other=_("pour %(day)s"))
    return _short(share.created_at, today=_("reçue à %(time)s"), other=_("reçue %(day)s"))


def _short(at: datetime, *, today: str, other: str = "%(day)s") -> str:
    day = timezone.localtime(at).date()
    days = (day - timezone.localdate()).days
    if days == 0:
        return today % {"time": moments.hour(at)}
    return other % {"day": moments.moment(at) if abs(days) == 1 else moments.short_day(day)}


def badge_of(share: Share) -> str:
    return {"registry": "authentic", "upload": "photo", "document": "document"}[share.prescription.provenance]


# --- What came since ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class News:
    shares: int
    words: int
    taken_back: int

    def __bool__(self) -> bool:
        return bool(self.shares or self.words or self.taken_back)


def news(pharmacy: Pharmacy, since: datetime) -> News:
    """What a page shown at `since` does not show yet."""
    shares = pharmacy.shares.on_desk()
    words = ThreadMessage.objects.filter(share=OuterRef("pk"), side=ThreadMessage.Side.PATIENT, created_at__gt=since)
    counts = shares.aggregate(
        shares=Count("pk", filter=Q(created_at__gt=since, status=S.SHARED)),
        words=Count("pk", filter=Exists(words) & Q(status__in=ACTIVE)),
        taken_back=Count("pk", filter=Q(status=S.REVOKED, status_at__gt=since)),
    )
    return News(**counts)


# --- Scanned or typed -----------------------------------------------------------------------------------------------
def find(pharmacy: Pharmacy, asked: str) -> tuple[Share | None, verification.Verdict | None]:
    """The share of a receipt number, of a prescription's number or of its code, among this pharmacy's and no others;
    and, unless it was a receipt, what the registry says of what was asked (an altered code must not pass unseen).

    Of a prescription sent here twice, the one still going on, else the last. A share taken back is found by its receipt
    only.
    """
    shares = shares_of(pharmacy)
    by_receipt = shares.filter(receipt=as_receipt(asked)).first()
    if by_receipt is not None:
        return by_receipt, None
    verdict = verification.check(asked)
    of_it = shares.filter(prescription=verdict.prescription_id, is_readable=True)
    ended_last = Case(When(status__in=ENDED, then=Value(1)), default=Value(0))
    return of_it.order_by(ended_last, "-created_at").first() if verdict.prescription_id else None, verdict
