"""The search of pharmacies, and the patient's own. Neutral order: nothing can be bought.

Every word of the query must be found. A word that no pharmacy has is read as the closest ones that exist.
"""

import math
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from django.db.models import Max, Q, QuerySet

from prescriptions.models import Dispensing, Patient, Prescription
from sharing.directory.words import LONGEST_QUERY, LONGEST_WORD, all_words_of, words_of
from sharing.models import DirectoryCopy, PatientPharmacy, Pharmacy, Share

MAX_LIMIT = 100
MAX_WORDS = 8
RINGS_KM = (2, 10, 50, 150)  # near somebody: the smallest that holds enough
KM_A_DEGREE = 111.2


# --- Search ---------------------------------------------------------------------------------------------------------
def search(query: str, *, near: tuple[float, float] | None = None, limit: int = 20) -> list[Pharmacy]:
    """Open pharmacies, with their mailboxes. `near` is (latitude, longitude) in WGS 84 degrees.

    Order: by distance when `near` is given (each then has `distance_km`), else by name and town. A word that no
    pharmacy has is read as the closest ones that exist. Nothing to look for: nothing found.
    """
    limit, query = min(limit, MAX_LIMIT), query[:LONGEST_QUERY]
    words = [word[:LONGEST_WORD] for word in words_of(query) if not _says_pharmacy(word)][:MAX_WORDS]
    is_empty_of_sense = not words and not all_words_of(query)  # "pharmacie" alone is a wish to see them all
    if is_empty_of_sense and (near is None or query.strip()):
        return []
    if near is not None:
        return _nearest(_matching(words), near, limit)
    found = _matching(words).order_by("name", "town", "finess")
    return list(found.prefetch_related("mailboxes")[:limit])


def _says_pharmacy(word: str) -> bool:
    """« pharmcie », « phamracie », « phar » on its way: a little word."""
    if len(word) > 1 and "pharmacie".startswith(word):
        return True
    return len(word) > 5 and word[:2] in {"ph", "pa", "fa", "hp"} and _mistakes(word, "pharmacie", 2) <= 2


def _matching(words: list[str]) -> QuerySet[Pharmacy]:
    everywhere = Pharmacy.objects.filter(is_open=True)
    found = _having(everywhere, [_as_typed(word) for word in words])
    if not words or found.exists():
        return found
    known = _known_words(_state())
    return _having(everywhere, [_nearest_words(word, known) for word in words])


def _as_typed(word: str) -> list[str]:
    """« 3 » is the third arrondissement or a word of its own, not the start of a postcode."""
    return [f"{word}e", f"{word} "] if len(word) == 1 and word.isdigit() else [word]


def _having(pharmacies: QuerySet[Pharmacy], choices: list[list[str]]) -> QuerySet[Pharmacy]:
    """Those that have, for each list, a word that begins as one of the list."""
    for words in choices:
        wanted = Q(pk=None)
        for word in words:
            wanted |= Q(search_text__contains=f" {word}")
        pharmacies = pharmacies.filter(wanted)
    return pharmacies


# --- Typing mistakes ------------------------------------------------------------------------------------------------
def _state() -> tuple:
    """Another as soon as a pharmacy is added or a copy of the directories is taken."""
    last = Pharmacy.objects.order_by("-pk").values_list("pk", flat=True).first()
    copy = DirectoryCopy.objects.order_by("-pk").values_list("pk", flat=True).first()
    return Pharmacy.objects.count(), last, copy


@lru_cache(maxsize=1)
def _known_words(_state: tuple) -> frozenset[str]:
    """All words of all pharmacies: some ten thousand for the country, read once a process and a state."""
    texts = Pharmacy.objects.filter(is_open=True).values_list("search_text", flat=True)
    return frozenset(word for text in texts.iterator() for word in text.split() if not word.isdigit())


def _nearest_words(word: str, known: frozenset[str]) -> list[str]:
    """The word itself when it begins one that exists, else those nearest to it. Numbers, short words: not guessed."""
    if len(word) < 4 or word.isdigit() or any(other.startswith(word) for other in known):
        return _as_typed(word)
    allowed = 1 if len(word) < 7 else 2
    letters = set(word)
    close = (other for other in known if abs(len(other) - len(word)) <= allowed)
    measured = {other: _mistakes(word, other, allowed) for other in close if len(letters ^ set(other)) <= 2 * allowed}
    best = min(measured.values(), default=allowed + 1)
    return sorted(other for other, count in measured.items() if count == best <= allowed) or [word]


def _mistakes(one: str, other: str, allowed: int) -> int:
    """Letters added, dropped, changed or exchanged between two words; `allowed + 1` when there are more."""
    if abs(len(one) - len(other)) > allowed:
        return allowed + 1
    before, last = None, list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row]
        for column, seen in enumerate(other, start=1):
            best = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != seen))
            if before and column > 1 and letter == other[column - 2] and one[row - 2] == seen:
                best = min(best, before[column - 2] + 1)
            current.append(best)
        before, last = last, current
    return min(last[-1], allowed + 1)


# --- One's own ------------------------------------------------------------------------------------------------------
def own_pharmacies(patient: Patient) -> list[PatientPharmacy]:
    """The favourite first, then the last gone to: sent to, or where something was dispensed. Closed ones come last."""
    kept = patient.own_pharmacies.select_related("pharmacy").prefetch_related("pharmacy__mailboxes")
    return _with_visits(patient, list(kept), _last_visits(patient))


def pharmacies_shown_to_relatives(patient: Patient, seen: QuerySet[Prescription]) -> list[PatientPharmacy]:
    """The same for whoever acts for the patient: the favourite, and where the prescriptions went that they see."""
    favourites = patient.own_pharmacies.filter(is_favourite=True).select_related("pharmacy")
    kept = list(favourites.prefetch_related("pharmacy__mailboxes"))
    for mine in kept:
        mine.last_used_at = None  # of whichever prescription
    sent = Share.objects.filter(prescription__in=seen).order_by().values_list("pharmacy__finess")
    visits = dict(sent.annotate(last=Max("created_at")))
    for finess, at in _last_visits(patient).items():
        visits[finess] = max(at, visits.get(finess, at))
    return _with_visits(patient, kept, visits)


def _with_visits(patient: Patient, kept: list[PatientPharmacy], visits: dict[str, datetime]) -> list[PatientPharmacy]:
    own = {mine.pharmacy.finess: mine for mine in kept}
    for pharmacy in Pharmacy.objects.filter(finess__in=visits.keys() - own.keys()).prefetch_related("mailboxes"):
        own[pharmacy.finess] = PatientPharmacy(patient=patient, pharmacy=pharmacy)
    for finess, mine in own.items():
        mine.last_used_at = max(filter(None, [mine.last_used_at, visits.get(finess)]), default=None)
    return sorted(own.values(), key=_own_first)


def _last_visits(patient: Patient) -> dict[str, datetime]:
    """By FINESS. Not of what is masked or restricted: whoever acts for the patient sees the list too."""
    seen = Dispensing.objects.filter(
        prescription__patient=patient,
        prescription__masked_at=None,
        prescription__restricted=False,
        undone_at=None,
    )
    return dict(seen.order_by().values_list("pharmacy_finess").annotate(last=Max("dispensed_at")))


def _own_first(mine: PatientPharmacy) -> tuple:
    last = mine.last_used_at.timestamp() if mine.last_used_at else 0
    return (not mine.pharmacy.is_open, not mine.is_favourite, -last, mine.pharmacy.name, mine.pharmacy.finess)


# --- Distance -------------------------------------------------------------------------------------------------------
def _nearest(pharmacies: QuerySet[Pharmacy], near: tuple[float, float], limit: int) -> list[Pharmacy]:
    """By distance: a box on the map first, then the true distance of what it holds."""
    found: list[tuple] = []
    for ring in RINGS_KM:
        found = [row for row in _in_box(pharmacies, near, ring) if row[0] <= ring]
        if len(found) >= limit:
            break
    distances = {key: distance for distance, _name, _finess, key in sorted(found)[:limit]}
    rows = Pharmacy.objects.prefetch_related("mailboxes").in_bulk(distances)
    for key, distance in distances.items():
        rows[key].distance_km = distance
    return [rows[key] for key in distances]


def _in_box(pharmacies: QuerySet[Pharmacy], near: tuple[float, float], ring: float) -> Iterator[tuple]:
    """(distance, name, FINESS, key): sorted as they are, ties go by name."""
    latitude, longitude = near
    up = ring / KM_A_DEGREE
    aside = up / max(0.01, math.cos(math.radians(latitude)))
    box = pharmacies.filter(
        latitude__range=(latitude - up, latitude + up), longitude__range=(longitude - aside, longitude + aside)
    )
    for key, name, finess, *place in box.values_list("pk", "name", "finess", "latitude", "longitude"):
        yield distance_km(near, tuple(place)), name, finess, key


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """As the crow flies (haversine, mean radius of the Earth)."""
    (lat1, lon1), (lat2, lon2) = ([math.radians(degrees) for degrees in place] for place in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371.0 * math.asin(min(1.0, math.sqrt(half)))
