from django import template

from sharing import naming

register = template.Library()
register.filter("the", naming.the)
