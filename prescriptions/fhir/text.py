"""From bytes to a JSON object, bounded: size, depth, and nothing that a database would choke on."""

import json
import math

from django.utils.translation import gettext as _

from prescriptions.fhir.node import FhirError

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 60


def parse(content: bytes) -> dict:
    """The JSON object in these bytes (UTF-8, with or without a byte order mark)."""
    if len(content) > MAX_BYTES:
        raise FhirError("", _("le fichier dépasse 5 Mo. Envoyez une ordonnance par fichier."), "too-large")
    try:
        data = json.loads(content.decode("utf-8-sig"), parse_constant=_not_a_number, object_pairs_hook=_object)
    except RecursionError:
        raise _too_deep() from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise FhirError(
            "", _("ce n’est pas du JSON en UTF-8. Demandez un export FHIR au logiciel de prescription.")
        ) from None
    check_bounds(data)
    return data


def check_bounds(data) -> None:
    """Depth, and values that JSON allows but no database column does. Iterative: depth cannot exhaust the stack."""
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, dict):
            waiting += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]
        else:
            _check_value(value)


def _check_value(value) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        _not_a_number(value)
    if isinstance(value, str) and ("\x00" in value or not _is_unicode(value)):
        raise FhirError(
            "", _("un texte contient un caractère interdit (nul ou incomplet). Exportez le fichier à nouveau.")
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple]) -> dict:
    names = {name for name, _value in pairs}
    if len(names) != len(pairs):
        raise FhirError("", _("un champ est écrit deux fois au même endroit. Exportez le fichier à nouveau."))
    return dict(pairs)


def _not_a_number(_value):
    raise FhirError("", _("un nombre n’en est pas un (NaN, Infinity). Exportez le fichier à nouveau."))


def _too_deep() -> FhirError:
    return FhirError("", _("le fichier est imbriqué trop profondément pour être une ordonnance."))
