"""What a request body may hold, to the letter: nothing is converted, and a field that does not exist is refused.

A wrong field passed over in silence would be a wrong act: `number` for `numbers` would concern everything.
"""

import json
import re
from datetime import date

from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions, parsers, serializers

MAX_BYTES = 512 * 1024


class TooLarge(exceptions.APIException):
    status_code = 413
    default_detail = gettext_lazy("Le corps de la requête dépasse 512 ko. Envoyez-le en plusieurs fois.")
    default_code = "too-large"


class BoundedJSON(parsers.BaseParser):
    """One UTF-8 JSON value of at most MAX_BYTES, before anything in it is believed."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise TooLarge
        try:
            return json.loads(content.decode(), parse_constant=_not_a_number, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:  # a number of too many digits is a ValueError too
            raise exceptions.ParseError(_("Ce n’est pas du JSON en UTF-8.")) from error


class BoundedForm(parsers.BaseParser):
    """A form of a few short fields, as OAuth sends. Not a FormParser: of those, DRF reads the body whole first."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream, media_type=None, parser_context=None):
        content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise TooLarge
        try:
            return QueryDict(content)
        except TooManyFieldsSent as error:
            raise exceptions.ParseError(_("Le formulaire compte trop de champs.")) from error


def _not_a_number(_text):
    raise exceptions.ParseError(_("Un nombre n’en est pas un (NaN, Infinity)."))


def _object(pairs: list[tuple]) -> dict:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise exceptions.ParseError(_("Un champ est écrit deux fois au même endroit."))
    return found


class Exact(serializers.Serializer):
    """Refuses the fields it does not know."""

    def to_internal_value(self, data):
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            known = ", ".join(self.fields)
            sentence = _("Un champ n’est pas connu ici. Ceux qui le sont : %(names)s.") % {"names": known}
            raise serializers.ValidationError({"non_field_errors": [sentence]}, code="unknown-field")
        return super().to_internal_value(data)


class Text(serializers.CharField):
    def __init__(self, **facts):
        super().__init__(trim_whitespace=False, **facts)

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """true or false, not "yes", 1 or null."""

    def to_internal_value(self, data):
        if not isinstance(data, bool):
            self.fail("invalid", input=type(data).__name__)
        return data


class Day(serializers.DateField):
    def to_internal_value(self, value):
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            self.fail("invalid", format="AAAA-MM-JJ")
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail("invalid", format="AAAA-MM-JJ")
