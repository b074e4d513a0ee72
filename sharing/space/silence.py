"""How long a pharmacy has said nothing, in hours when it can answer."""

from datetime import datetime, time, timedelta

from django.utils import timezone

# After this long, counted in hours when pharmacies are open, the patient reads what to do about the silence.
SILENCE = timedelta(hours=3)
OPENS, CLOSES = time(9), time(19)
SUNDAY = 6


def is_silent_since(start: datetime, now: datetime) -> bool:
    """Whether pharmacies, as they usually open, have had SILENCE to read what was handed over at `start`."""
    open_for, day = timedelta(), timezone.localtime(start).date()
    while day <= timezone.localtime(now).date() and open_for < SILENCE:
        if day.weekday() != SUNDAY:
            opens = timezone.make_aware(datetime.combine(day, OPENS))
            closes = timezone.make_aware(datetime.combine(day, CLOSES))
            open_for += max(min(now, closes) - max(start, opens), timedelta())
        day += timedelta(days=1)
    return open_for >= SILENCE
