"""Moments as people say them: « aujourd’hui à 14 h 02 », « samedi 28 novembre ». Paris time, the active language."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

NBSP = "\xa0"


def day(when: date, *, weekday: bool = True) -> str:
    """« samedi 28 novembre », with the year when it is not this one; the first of a month is « 1er » in French."""
    parts = [date_format(when, "l")] if weekday else []
    number = "1er" if when.day == 1 and get_language() == "fr" else str(when.day)
    parts.append(number + NBSP + date_format(when, "F"))
    if when.year != timezone.localdate().year:
        parts.append(str(when.year))
    return " ".join(parts)


def day_near(when: date) -> str:
    """The same, or « aujourd’hui », « demain », « hier »."""
    words = {0: _("aujourd’hui"), 1: _("demain"), -1: _("hier")}
    return words.get((when - timezone.localdate()).days) or day(when)


def moment(at: datetime) -> str:
    """« aujourd’hui à 14 h 02 », « samedi 28 novembre à 9 h 15 »."""
    local = timezone.localtime(at)
    return _("%(day)s à %(time)s") % {"day": day_near(local.date()), "time": hour(at)}


def hour(at: datetime) -> str:
    return date_format(timezone.localtime(at), "TIME_FORMAT")


def days_left(until: date) -> int:
    return (until - timezone.localdate()).days
