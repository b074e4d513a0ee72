"""The pharmacies: a local copy of the national directories (`importing`), the search of it, each patient's own.

Pages ask this copy only: it answers while the directories are down.
"""

from sharing.directory.filling import Listed, load
from sharing.directory.search import distance_km, own_pharmacies, search
from sharing.directory.words import normalise, search_text, words_of

__all__ = ["Listed", "distance_km", "load", "normalise", "own_pharmacies", "search", "search_text", "words_of"]
