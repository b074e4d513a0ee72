"""A pharmacy's name inside a French sentence: « à la Pharmacie du Marché », « La Pharmacie du Marché vous a écrit »."""

import re

from django.utils.translation import get_language

from sharing.models import Pharmacy

_FEMININE = re.compile(r"(grande |petite |nouvelle )?pharmacie\b", re.IGNORECASE)


def the(pharmacy: Pharmacy) -> str:
    """With its article where one is said; other names (« Pharma Centre ») and other languages stand alone."""
    if get_language() == "fr" and _FEMININE.match(pharmacy.name):
        return f"la {pharmacy.name}"
    return pharmacy.name


def first_the(pharmacy: Pharmacy) -> str:
    """The same, at the start of a sentence."""
    said = the(pharmacy)
    return said[:1].upper() + said[1:]
