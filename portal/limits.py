"""So many times in so long, by address. One atomic counter in the cache for each window of time (Redis or one process).

The address is the connection's, or the one that our own proxy saw (middleware.know_who_asks): the rest of
X-Forwarded-For is written by whoever asks.
"""

import time

from django.core.cache import cache

from portal.crypto import blind_index


def is_too_often(request, name: str, *, times: int, seconds: int) -> bool:
    """Counts this request. True from the one after `times` in the current window."""
    window = int(time.time()) // seconds
    key = f"limit:{name}:{window}:{blind_index('address', request.META.get('REMOTE_ADDR', ''))}"
    cache.add(key, 0, timeout=2 * seconds)
    try:
        return cache.incr(key) > times
    except ValueError:  # the cache dropped it in between: a new count begins
        return False
