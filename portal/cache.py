"""The cache in Redis. While Redis does not answer each process counts for itself: the limits of sign-in and of
verification are looser then, never gone, and nobody is kept out.
"""

import functools
import logging
import time

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 1  # somebody waits for a page
LOOK_AGAIN_SECONDS = 5

_away = {"until": 0.0}  # of this process


def _or_here(name: str):
    ask = getattr(RedisCache, name)

    @functools.wraps(ask)
    def answer(self, *args, **kwargs):
        if time.monotonic() >= _away["until"]:
            try:
                return ask(self, *args, **kwargs)
            except RedisError as error:
                _away["until"] = time.monotonic() + LOOK_AGAIN_SECONDS
                log.warning("Redis does not answer (%s): each process counts for itself", type(error).__name__)
        return getattr(caches["process"], name)(*args, **kwargs)

    return answer


class RedisOrProcess(RedisCache):
    def __init__(self, server, params):
        super().__init__(server, params)
        patience = {"socket_connect_timeout": PATIENCE_SECONDS, "socket_timeout": PATIENCE_SECONDS}
        once_more = Retry(NoBackoff(), 1)  # a line that Redis closed meanwhile
        self._options = patience | {"retry": once_more} | self._options

    add, get, set, touch, delete = (_or_here(name) for name in ("add", "get", "set", "touch", "delete"))
    get_many, set_many, delete_many = (_or_here(name) for name in ("get_many", "set_many", "delete_many"))
    has_key, incr, clear = (_or_here(name) for name in ("has_key", "incr", "clear"))
