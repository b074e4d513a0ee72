"""How much of a thing, in words."""

import re
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _


def say_quantity(quantity: Decimal | None, unit: str) -> str:
    """« 2 boîtes ». A unit of one plain word takes its plural; an abbreviation or a phrase is left as it came."""
    if quantity is None:
        return ""
    unit = unit or _("boîte")
    if abs(quantity) >= 2 and re.fullmatch(r"[a-zà-ÿ]{4,}[^sxz\W]", unit):
        unit += "s"
    return f"{number_format(quantity.normalize())}\u00a0{unit}"
