"""Dates that are told from the day the demo is built, so that its pages always live.

In the JSON files: {"daysAgo": 3} or {"daysAhead": 6} is a date, {"daysAgo": 3, "at": "10:33"} a time of that day in
Paris, {"minutesAgo": 40} a time from now.
"""

from datetime import datetime, time, timedelta

from django.utils import timezone

TELLING = ({"daysAgo"}, {"daysAhead"}, {"daysAgo", "at"}, {"daysAhead", "at"}, {"minutesAgo"})


def moment(told: dict, now: datetime) -> datetime:
    """The instant that `told` means; a day without an hour is its noon."""
    if "minutesAgo" in told:
        return now - timedelta(minutes=told["minutesAgo"])
    day = timezone.localdate(now) + timedelta(days=told.get("daysAhead", 0) - told.get("daysAgo", 0))
    return timezone.make_aware(datetime.combine(day, time.fromisoformat(told.get("at", "12:00"))))


def resolved(value, now: datetime):
    """The same JSON with every told date written in ISO 8601."""
    if isinstance(value, dict):
        if set(value) in TELLING:
            return _written(value, now)
        return {key: resolved(item, now) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, now) for item in value]
    return value


def _written(told: dict, now: datetime) -> str:
    at = timezone.localtime(moment(told, now))
    return at.date().isoformat() if set(told) in ({"daysAgo"}, {"daysAhead"}) else at.isoformat(timespec="seconds")
