"""Units of dose and of time, as codes and as people write them.

Sources: UCUM (unitsofmeasure.org), EDQM Standard Terms (unit of presentation). An EDQM code is listed only when
a French example shows what it stands for; for any other one the unit's own words are used.
"""

import re
from decimal import Decimal

from prescriptions.posology.model import Unit, Unsayable
from prescriptions.posology.plain import bare

UCUM = "http://unitsofmeasure.org"
EDQM = "http://standardterms.edqm.eu"
_IRREGULAR = {
    "suppository": "suppositories",
    "pessary": "pessaries",
    "piece of gum": "pieces of gum",
    "pump press": "pump presses",
}


def _measure(key: str, sign: str, dimension: str, factor: str, en: str = "") -> Unit:
    return Unit(key, (sign, sign), (en or sign, en or sign), base=(dimension, Decimal(factor)))


def _thing(fr: str, en: str, *, feminine=False, worn=False, halves=False, plural: str = "") -> Unit:
    plural_fr = plural or " ".join(word + "s" for word in fr.split(" "))
    plural_en = _IRREGULAR.get(en) or en + ("es" if en.endswith("ch") else "s")
    return Unit(fr, (fr, plural_fr), (en, plural_en), feminine, worn, halves)


_MEASURES = [
    (_measure("kg", "kg", "mass", "1000000"), "kilogramme"),
    (_measure("g", "g", "mass", "1000"), "gr|gramme|gram"),
    (_measure("mg", "mg", "mass", "1"), "milligramme|milligram"),
    (_measure("ug", "µg", "mass", "0.001"), "mcg|microgramme|microgram"),
    (_measure("ng", "ng", "mass", "0.000001"), "nanogramme|nanogram"),
    (_measure("L", "L", "volume", "1000"), "litre|liter"),
    (_measure("cL", "cL", "volume", "10"), "centilitre"),
    (_measure("mL", "mL", "volume", "1"), "millilitre|milliliter|cc"),
    (_measure("UI", "UI", "units", "1", "IU"), "iu|[iu]"),
    (_measure("MUI", "MUI", "units", "1000000", "million IU"), "mui"),
    (_measure("mmol", "mmol", "moles", "1"), "millimole"),
    (_measure("mEq", "mEq", "charge", "1"), "meq"),
]
_THINGS = [
    (_thing("comprimé", "tablet", halves=True), "cp|cpr|tablet|tab|tbl"),
    (_thing("gélule", "capsule", feminine=True), "gelule ou capsule molle|capsule ou gelule"),
    (_thing("capsule", "capsule", feminine=True), "cap"),
    (_thing("sachet", "sachet", halves=True), ""),
    (_thing("goutte", "drop", feminine=True), "drop|[drp]|gtt"),
    (_thing("bouffée", "puff", feminine=True), "puff"),
    (_thing("pulvérisation", "spray", feminine=True), "spray"),
    (_thing("inhalation", "inhalation", feminine=True), ""),
    (_thing("application", "application", feminine=True), "appln|appl"),
    (_thing("patch", "patch", worn=True), ""),
    (_thing("dispositif transdermique", "transdermal patch", worn=True), "transdermal patch"),
    (_thing("emplâtre", "plaster", worn=True), "plaster"),
    (_thing("pansement", "dressing", worn=True), "dressing"),
    (_thing("unité", "unit", feminine=True), "unit"),
    (_thing("injection", "injection", feminine=True), ""),
    (_thing("ampoule", "ampoule", feminine=True, halves=True), "amp|ampule"),
    (_thing("seringue", "syringe", feminine=True), "syringe|seringue preremplie"),
    (_thing("stylo", "pen"), "pen"),
    (_thing("flacon", "vial"), "vial"),
    (_thing("poche", "bag", feminine=True), "bag"),
    (_thing("dose", "dose", feminine=True), ""),
    (_thing("récipient unidose", "single-dose container"), ""),
    (_thing("unidose", "single-dose container", feminine=True), ""),
    (_thing("cuillère-mesure", "measuring spoon", feminine=True, plural="cuillères-mesure"), ""),
    (_thing("cuillère à café", "teaspoon", feminine=True, plural="cuillères à café"), "cac"),
    (_thing("cuillère à soupe", "tablespoon", feminine=True, plural="cuillères à soupe"), "cas"),
    (_thing("suppositoire", "suppository", halves=True), "suppository|supp"),
    (_thing("ovule", "pessary"), ""),
    (_thing("pastille", "lozenge", feminine=True), "lozenge"),
    (_thing("lyophilisat", "oral lyophilisate"), ""),
    (_thing("gomme", "piece of gum", feminine=True), ""),
    (_thing("pression", "pump press", feminine=True), ""),
    (_thing("pipette", "pipette", feminine=True), ""),
    (_thing("lavement", "enema"), "enema"),
]
_BODY = {
    "mg/kg": ("mg par kg de poids", "mg per kg of body weight"),
    "ug/kg": ("µg par kg de poids", "µg per kg of body weight"),
    "g/kg": ("g par kg de poids", "g per kg of body weight"),
    "mL/kg": ("mL par kg de poids", "mL per kg of body weight"),
    "[iU]/kg": ("UI par kg de poids", "IU per kg of body weight"),
    "mg/m2": ("mg par m² de surface corporelle", "mg per m² of body surface"),
    "g/m2": ("g par m² de surface corporelle", "g per m² of body surface"),
}


def _names(unit: Unit, aliases: str) -> set[str]:
    """Every spelling, singular and plural, as `bare` leaves it."""
    names = {bare(name) for name in (*unit.fr, *aliases.split("|")) if name}
    return names | {name + "s" for name in names} | {name.replace(" ", "s ") + "s" for name in names}


UNITS: dict[str, Unit] = {}
for _unit, _aliases in [*_MEASURES, *_THINGS]:
    for _name in sorted(_names(_unit, _aliases)):
        UNITS.setdefault(_name, _unit)

_UCUM = {
    **{code: code for code in ("kg", "g", "mg", "ug", "ng", "mmol", "meq")},
    **{"L": "l", "l": "l", "cL": "cl", "mL": "ml", "ml": "ml", "[iU]": "ui", "[IU]": "ui"},
    **{"[drp]": "goutte", "{tbl}": "comprime", "{tablet}": "comprime", "{Tablet}": "comprime"},
    **{"{cap}": "capsule", "{capsule}": "capsule", "{puff}": "bouffee", "{spray}": "pulverisation"},
    **{"{drop}": "goutte", "{patch}": "patch", "{sachet}": "sachet", "{application}": "application"},
    **{"{appl}": "application", "{suppository}": "suppositoire", "{dose}": "dose", "{inhalation}": "inhalation"},
    **{"{injection}": "injection", "{ampule}": "ampoule", "{ampoule}": "ampoule", "{vial}": "flacon"},
}
_EDQM = {  # code: the units its French wordings stand for, the usual one first
    "15054000": ("comprimé",),
    "15012000": ("gélule", "capsule"),
    "15036000": ("patch", "dispositif transdermique"),
    "15042000": ("emplâtre",),
    "15052000": ("seringue",),
    "15009000": ("flacon",),
    "15005000": ("poche",),
}
_WORDS = re.compile(r"[^\W\d_](?:[^\W_]|[ '’(),.°®-]){0,79}")


def unit_of(words: str | None, code: str | None, system: str | None, hint: str | None = None) -> Unit:
    """The unit of a Quantity, by its words and its code, which must agree. `hint` serves when it has neither."""
    if system == UCUM and code:
        return _by_ucum(code, words, hint)
    if system == EDQM and code in _EDQM:
        return _by_edqm(code, words)
    if words or (code and not system):
        return _by_words(words or code)
    if code:
        raise Unsayable("a unit that is only a code")
    return _by_hint(hint)


def _by_ucum(code: str, words: str | None, hint: str | None) -> Unit:
    if code in _BODY:
        return _agreed(body_unit(code), code, words)
    if _UCUM.get(code):
        return _agreed(UNITS[_UCUM[code]], code, words)
    if code == "1" or re.fullmatch(r"\{[^{}]*\}", code):
        return _by_words(words) if words and words != code else _by_hint(hint)
    raise Unsayable("an unknown UCUM unit")


def _agreed(unit: Unit, code: str, words: str | None) -> Unit:
    if not words or words == code or bare(words) == bare(unit.fr[0]):
        return unit
    if (named := _known(words)) and named.key == unit.key:
        return unit
    if code in _BODY and bare(words).replace("2", "").replace(" ", "") == bare(code).replace("2", ""):
        return unit
    if code.startswith("{") and not named:
        return _by_words(words)
    raise Unsayable("a unit whose code and words differ")


def _by_edqm(code: str, words: str | None) -> Unit:
    allowed = _EDQM[code]
    if not words:
        return UNITS[bare(allowed[0])]
    if (named := _known(words)) and named.key in allowed:
        return named
    head = _known(words.split(" ")[0])
    if named or not head or head.key not in allowed:
        raise Unsayable("a unit whose code and words differ")
    return _by_words(words)


def _by_words(words: str) -> Unit:
    if known := _known(words):
        return known
    if not _WORDS.fullmatch(words):
        raise Unsayable("a unit that is not words")
    said = words if words[1:2].isupper() else words[0].lower() + words[1:]
    return Unit(None, (said, ""), (said, ""))


def _known(words: str) -> Unit | None:
    return UNITS.get(bare(words))


def _by_hint(hint: str | None) -> Unit:
    """The form of a medicine counts its doses only when it is a thing one counts: a tablet, not a syrup."""
    known = _known(hint or "") or _known((hint or "").split(" ")[0])
    if not known or known.base:
        raise Unsayable("a dose without a unit")
    return known


def body_unit(code: str) -> Unit:
    """A dose for a weight or a body surface: said beside an ordered dose, never instead of one."""
    fr, en = _BODY[code]
    return Unit(code, (fr, fr), (en, en))


TIME_WORDS = {
    **dict.fromkeys(("s", "sec", "seconde", "secondes", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mn", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "heure", "heures", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "j", "jour", "jours", "day", "days"), "d"),
    **dict.fromkeys(("wk", "sem", "semaine", "semaines", "week", "weeks"), "wk"),
    **dict.fromkeys(("mo", "mois", "month", "months"), "mo"),
    **dict.fromkeys(("a", "an", "ans", "annee", "annees", "year", "years"), "a"),
}
TIME_CODES = ("s", "min", "h", "d", "wk", "mo", "a")
