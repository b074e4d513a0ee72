"""Quantities in full letters, as a secured prescription must have them (CSP R5132-5, R5132-29). French only: it is law.

`in_letters("1 gélule matin et soir pendant 28 jours")` → « une gélule matin et soir pendant vingt-huit jours ».
Abbreviated units after a number are written out too.
"""

import re
from decimal import Decimal

UNITS = [
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
]
TENS = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante", 80: "quatre-vingt"}
FEMININE = re.compile(
    r"\s*(?:\w+ )?(ampoule|application|boîte|boite|bouffée|capsule|cuillère|cuiller|dose|fois|gélule|goutte|heure|"
    r"inhalation|injection|mesure|minute|pastille|perfusion|plaquette|poche|prise|pulvérisation|seconde|semaine|"
    r"seringue|tablette|unité|année)",
    re.I,
)
ABBREVIATIONS = {
    "mg": "milligramme",
    "µg": "microgramme",
    "μg": "microgramme",
    "mcg": "microgramme",
    "g": "gramme",
    "kg": "kilogramme",
    "ml": "millilitre",
    "cl": "centilitre",
    "l": "litre",
    "h": "heure",
    "min": "minute",
    "j": "jour",
    "ui": "unité internationale",
    "cp": "comprimé",
    "%": "pour cent",
}
FRACTIONS = {"1/2": "un demi", "½": "un demi", "1/4": "un quart", "¼": "un quart", "3/4": "trois quarts"}
NUMBER = re.compile(
    r"(?<![\w,./])(?P<number>\d+(?:[ \u00a0\u202f]\d{3})*(?:[,.]\d+)?)(?:(?P<gap>[ \u00a0\u202f]?)"
    r"(?P<unit>mg|µg|μg|mcg|kg|g|m[lL]|c[lL]|[lL]|h|min|j|UI|ui|cp|%)(?![\w]))?(?![\w/])"
)


def in_letters(text: str) -> str:
    for figures, letters in FRACTIONS.items():
        text = re.sub(rf"(?<![\w,./]){figures}(?![\w/])", letters, text)
    return NUMBER.sub(lambda match: _write_out(match, text[match.end() :]), text)


def _write_out(match: re.Match, after: str) -> str:
    number = Decimal(re.sub(r"[ \u00a0\u202f]", "", match["number"]).replace(",", "."))
    unit = ABBREVIATIONS.get((match["unit"] or "").lower(), "")
    said = number_in_letters(number, feminine=bool(FEMININE.match(unit or after)))
    return f"{said} {_plural(unit) if number >= 2 and match['unit'] != '%' else unit}".rstrip()


def _plural(unit: str) -> str:
    return " ".join(f"{word}s" for word in unit.split())


def number_in_letters(number: Decimal | int, *, feminine: bool = False) -> str:
    """Below a million, three decimals at most; what is beyond stays in figures."""
    number = Decimal(number)
    whole, fraction = divmod(number, 1)
    if number < 0 or whole >= 1_000_000 or fraction != round(fraction, 3):
        return format(number, "f").replace(".", ",")
    said = _whole(int(whole))
    if not fraction:
        return re.sub(r"\bun$", "une", said) if feminine else said
    digits = format(fraction.normalize(), "f")[2:]
    zeros = " ".join(["zéro"] * (len(digits) - len(digits.lstrip("0"))))
    return " ".join(filter(None, [said, "virgule", zeros, _whole(int(digits))]))


def _whole(number: int) -> str:
    if number < 100:
        return _below_hundred(number)
    size, name = (1000, "mille") if number >= 1000 else (100, "cent")
    many, rest = divmod(number, size)
    head = name if many == 1 else f"{_before_noun(many)} {name}"
    if name == "cent" and many > 1 and not rest:
        head += "s"
    return f"{head} {_whole(rest)}" if rest else head


def _before_noun(many: int) -> str:
    """« quatre-vingt mille », « deux cent mille »: no plural before mille."""
    return re.sub(r"(vingt|cent)s$", r"\1", _whole(many))


def _below_hundred(number: int) -> str:
    if number < 20:
        return UNITS[number]
    ten = number // 20 * 20 if number >= 60 else number // 10 * 10
    rest = number - ten
    if not rest:
        return TENS[ten] + ("s" if ten == 80 else "")
    link = " et " if rest in {1, 11} and ten != 80 else "-"
    return TENS[ten] + link + UNITS[rest]
