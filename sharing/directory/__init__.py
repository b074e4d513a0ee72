"""The pharmacies: a local copy of the national directories (`importing`), the search of it, each patient's own.

Pages ask this copy only: it answers while the directories are down.
"""

from sharing.directory.filling import load
from sharing.directory.freshness import Freshness, freshness
from sharing.directory.listed import Listed
from sharing.directory.search import distance_km, own_pharmacies, pharmacies_shown_to_relatives, search
from sharing.directory.words import normalise, search_text, words_of

__all__ = [
    "Freshness",
    "Listed",
    "distance_km",
    "freshness",
    "load",
    "normalise",
    "own_pharmacies",
    "pharmacies_shown_to_relatives",
    "search",
    "search_text",
    "words_of",
]
