"""Moments as people say them: « aujourd’hui à 14 h 02 », « samedi 28 novembre ». Paris time, the active language.

Django's own formats cannot write « 1er février »: a date in words comes from here, and in templates from the filters
of templatetags/moments.py.
"""

from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

NBSP = "\xa0"


def full_date(when: date) -> str:
    """« 1er février 2026 »."""
    when = _in_paris(when)
    return f"{_day_and_month(when)} {when.year}"


def full_moment(at: datetime) -> str:
    """« 1er février 2026, 14 h 02 »."""
    return f"{full_date(at)}, {hour(at)}"


def short_day(when: date) -> str:
    """« 28 novembre », with the year when it is not this one."""
    when = _in_paris(when)
    return _day_and_month(when) if when.year == timezone.localdate().year else full_date(when)


def day(when: date) -> str:
    """« samedi 28 novembre », with the year when it is not this one."""
    return f"{date_format(_in_paris(when), 'l')} {short_day(when)}"


def day_near(when: date) -> str:
    """The same, or « aujourd’hui », « demain », « hier »."""
    words = {0: _("aujourd’hui"), 1: _("demain"), -1: _("hier")}
    return words.get((when - timezone.localdate()).days) or day(when)


def moment(at: datetime) -> str:
    """« aujourd’hui à 14 h 02 », « samedi 28 novembre à 9 h 15 »."""
    local = timezone.localtime(at)
    return _("%(day)s à %(time)s") % {"day": day_near(local.date()), "time": hour(at)}


def month(when: date) -> str:
    """« février 2026 »."""
    return date_format(when, "YEAR_MONTH_FORMAT")


def hour(at: datetime) -> str:
    return date_format(timezone.localtime(at), "TIME_FORMAT")


def _day_and_month(when: date) -> str:
    number = "1er" if when.day == 1 and get_language() == "fr" else str(when.day)
    return number + NBSP + date_format(when, "F")


def _in_paris(when: date | datetime) -> date:
    return timezone.localdate(when) if isinstance(when, datetime) else when
