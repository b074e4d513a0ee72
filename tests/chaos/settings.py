"""The site's own settings; every wait of the delivery is divided by CHAOS_HURRY, so that an exercise of minutes shows
what takes hours. 1 changes nothing."""

from portal import env
from portal import settings as real
from portal.settings import *  # noqa: F403

HURRY = env.number("CHAOS_HURRY", 1)
DELIVERY_BACKOFF_SECONDS = [seconds / HURRY for seconds in real.DELIVERY_BACKOFF_SECONDS]
DELIVERY_PAUSE_SECONDS = [seconds / HURRY for seconds in real.DELIVERY_PAUSE_SECONDS]
DELIVERY_LEASE_SECONDS = max(real.DELIVERY_LEASE_SECONDS / HURRY, 6)
DELIVERY_STOP_SECONDS = real.DELIVERY_STOP_SECONDS / HURRY
DELIVERY_RENEW_SECONDS = DELIVERY_LEASE_SECONDS / 6
SESSION_IDLE_SECONDS = (
    real.SESSION_ABSOLUTE_SECONDS
)  # everybody has signed in before it begins; the last one waits long
