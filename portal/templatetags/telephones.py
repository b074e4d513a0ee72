from django import template

from portal import telephones

register = template.Library()
register.filter("telephone", telephones.written)
