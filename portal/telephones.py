"""A telephone number as people in France read it. Stored numbers stay as they came."""

import re

_FRENCH = re.compile(r"(?:(?:\+|00)330?|0)([1-9][0-9]{8})")


def written(number: str) -> str:
    """« 01 99 00 55 66 » for a French number, whatever way it came; another as it came."""
    french = _FRENCH.fullmatch(re.sub(r"[^0-9+]", "", number))
    return "\xa0".join(re.findall("..", f"0{french[1]}")) if french else number
