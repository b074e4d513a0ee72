"""From bytes to a JSON object, bounded: size, depth, and nothing that a database would choke on."""

import json
import math

from django.utils.translation import gettext as _

from prescriptions.fhir.node import FhirError

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 60
MAX_ENTRIES = 2000


def parse(content: bytes, *, most: int = MAX_BYTES) -> dict:
    """The JSON object in these bytes (UTF-8, with or without a byte order mark). `most`: so many bytes at most."""
    if len(content) > most:
        sentence = _("le fichier dépasse %(most)s Mo. Envoyez une ordonnance par fichier.")
        raise FhirError("", sentence % {"most": most // 1024**2}, "too-large")
    try:
        data = json.loads(content.decode("utf-8-sig"), parse_constant=_not_a_number, object_pairs_hook=_object)
    except RecursionError:
        raise _too_deep() from None
    except FhirError:
        raise
    except ValueError:  # not UTF-8, not JSON, or a number of more digits than Python converts
        raise FhirError(
            "", _("ce n’est pas du JSON en UTF-8. Demandez un export FHIR au logiciel de prescription.")
        ) from None
    check_bounds(data)
    return data


def check_bounds(data) -> None:
    """Depth, and values that JSON allows but no database column does. Iterative: depth cannot exhaust the stack."""
    _refuse_a_pile(data)  # before its hundreds of thousands of values are looked at one by one
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


def _refuse_a_pile(data) -> None:
    entries = data.get("entry") if isinstance(data, dict) else None
    if isinstance(entries, list) and len(entries) > MAX_ENTRIES:
        raise FhirError("entry", _("plus de 2 000 éléments : ce n’est pas une ordonnance."))


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
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FhirError("", _("un champ est écrit deux fois au même endroit. Exportez le fichier à nouveau."))
    return found


def _not_a_number(_value):
    raise FhirError("", _("un nombre n’en est pas un (NaN, Infinity). Exportez le fichier à nouveau."))


def _too_deep() -> FhirError:
    return FhirError("", _("le fichier est imbriqué trop profondément pour être une ordonnance."))
