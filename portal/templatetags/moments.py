from django import template

from portal import moments

register = template.Library()
register.filter("full_date", moments.full_date)
register.filter("full_moment", moments.full_moment)
register.filter("short_day", moments.short_day)
register.filter("day", moments.day)
