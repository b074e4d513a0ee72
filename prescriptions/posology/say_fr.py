"""French words of a dosage. Same functions as `say_en`; `compose` puts them together."""

import re
from datetime import time
from decimal import Decimal

from prescriptions.posology.codes import need_words, route_words
from prescriptions.posology.model import Amount, Concept, Instant, Limits, Period, Rate, Span, Timing, Unit, is_spacing

NB = "\u00a0"  # no-break space: in numbers, before units, before : and ; and inside guillemets
AND, THEN, COLON, SEMICOLON = " et ", "puis ", NB + ": ", NB + "; "
NEEDED, DAILY = "si besoin", "par jour"
_BEGINS = re.compile(r"(?:si|s['’]|en|selon|pour|quand|lors|au|à|devant)\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"(?:jusqu|si |s['’]il|en |selon |après |avant |pendant |à |au |aux |tant que |avec |sans |dans |pour |sur )",
    re.IGNORECASE,
)
WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_SPANS = {  # singular, plural, "tous" or "toutes", "chaque …"
    "s": ("seconde", "secondes", "toutes"),
    "min": ("minute", "minutes", "toutes"),
    "h": ("heure", "heures", "toutes"),
    "d": ("jour", "jours", "tous"),
    "wk": ("semaine", "semaines", "toutes"),
    "mo": ("mois", "mois", "tous"),
    "a": ("an", "ans", "tous"),
}
_WHEN = {
    **{"MORN": "le matin", "MORN.early": "tôt le matin", "MORN.late": "en fin de matinée", "NOON": "à midi"},
    **{"AFT": "l’après-midi", "AFT.early": "en début d’après-midi", "AFT.late": "en fin d’après-midi"},
    **{"EVE": "le soir", "EVE.early": "en début de soirée", "EVE.late": "tard le soir", "NIGHT": "la nuit"},
    **{"HS": "au coucher", "WAKE": "au réveil", "PHS": "après l’endormissement"},
    **{"C": "aux repas", "CM": "au petit-déjeuner", "CD": "au repas de midi", "CV": "au repas du soir"},
}
_MEALS = {"": "les repas", "M": "le petit-déjeuner", "D": "le repas de midi", "V": "le repas du soir"}
_ONE_MEAL = {"C": "à chaque repas", "AC": "avant chaque repas", "PC": "après chaque repas"}
_SIDE = {"A": "avant", "P": "après"}
_ANCHORS = {"HS": ("avant", "le coucher"), "WAKE": ("après", "le réveil"), "PHS": ("après", "l’endormissement")}
_FRACTIONS = {Decimal("0.25"): "un quart de", Decimal("0.5"): "", Decimal("0.75"): "trois quarts de"}


def number(value: Decimal | int) -> str:
    whole, _, part = f"{value:f}".partition(".")
    grouped = f"{int(whole):,}".replace(",", NB)
    part = part.rstrip("0")
    return f"{grouped},{part}" if part else grouped


def listing(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + AND + items[-1]


def unit(of: Unit, value: Decimal) -> str:
    return of.fr[0] if value < 2 else of.fr[1]


def amount(said: Amount) -> str:
    if said.low is None:
        return f"jusqu’à {_counted(said.high, said.unit)}"
    if said.high is not None:
        return f"{number(said.low)} à {_counted(said.high, said.unit)}"
    return _counted(said.low, said.unit)


def _counted(value: Decimal, of: Unit) -> str:
    if of.halves and value % 1 and value * 4 % 1 == 0:
        return _cut(value, of)
    words = unit(of, value)
    if not words:  # the prescriber's own unit: its plural is not ours to invent
        return f"{number(value)} × {of.fr[0]}"
    return f"{number(value)}{NB}{words}"


def _cut(value: Decimal, of: Unit) -> str:
    one, whole = of.fr[0], int(value)
    article, half = ("une", "demie") if of.feminine else ("un", "demi")
    if value == Decimal("0.5"):
        return f"{article} demi-{one}"
    if not whole:
        before = "d’" if one[0] in "aeiou" else "de "
        return _FRACTIONS[value].removesuffix("de") + before + one
    if value % 1 == Decimal("0.5"):
        return f"{whole}{NB}{unit(of, value)} et {half}"
    return f"{number(value)}{NB}{unit(of, value)}"


def calculated(said: Amount) -> str:
    return f"(dose calculée{COLON}{amount(said)})"


def span(said: Span) -> str:
    one, many, _ = _SPANS[said.unit]
    words = many if (said.high or said.value) >= 2 else one
    value = f"{said.value} à {said.high}" if said.high else f"{number(said.value)}"
    return f"{value}{NB}{words}"


def per(said: Span) -> str:
    """After a count or a dose: par jour, en 24 heures."""
    return f"par {_SPANS[said.unit][0]}" if said.value == 1 and not said.high else f"en {span(said)}"


def rate(said: Rate) -> str:
    return f"à raison de {flow(said)}"


def flow(said: Rate) -> str:
    return f"{amount(said.amount)} {per(said.per)}"


def _every(said: Span) -> str:
    one, many, all_ = _SPANS[said.unit]
    if said.high:
        return f"{all_} les {span(said)}"
    if said.unit == "d" and said.value == 2:
        return "un jour sur deux"
    return f"{all_} les {many}" if said.value == 1 else f"{all_} les {span(said)}"


def pace(timing: Timing) -> str:
    """How often: 3 fois par jour, toutes les 6 heures, un jour sur deux. Empty when moments say it all."""
    period = timing.period
    if not period:
        return ""
    if timing.once and period == Span(1, "d") and (timing.moments or timing.days):
        return ""
    return _every(period) if timing.once and is_spacing(period) else _times_in(timing, period)


def _times_in(timing: Timing, period: Span) -> str:
    counted = times(timing.frequency, timing.frequency_max)
    if period.value == 1 and not period.high:
        return f"{counted} {per(period)}"
    every = f"tous les {span(period)}" if period == Span(2, "d") else _every(period)
    return f"{counted} {every}"


def times(low: int | None, high: int | None) -> str:
    if high is None:
        return f"{number(low or 1)}{NB}fois"
    if low is None:
        return f"{'au plus' if high == 1 else 'jusqu’à'} {number(high)}{NB}fois"
    return f"{number(low)} à {number(high)}{NB}fois"


def again(period: Span) -> str:
    """As needed: the period is what to wait at least."""
    return f"à renouveler si besoin après {span(period)}" + ("" if period.high else " au moins")


def moments(timing: Timing) -> list[str]:
    """One phrase for each moment of the day."""
    if timing.times:
        return [f"à {clock(each)}" for each in timing.times]
    return [_moment(each, timing) for each in timing.when]


def hours(timing: Timing) -> str:
    """All the moments in one phrase: à 8 h, 14 h et 20 h."""
    if timing.times:
        return "à " + listing([clock(each) for each in timing.times])
    return listing(moments(timing))


def clock(at: time) -> str:
    return f"{at.hour}{NB}h" + (f"{NB}{at.minute:02}" if at.minute else "")


def _moment(code: str, timing: Timing) -> str:
    if timing.offset is not None and (timing.offset or code not in _ANCHORS):
        return _offset(code, timing.offset, timing.period)
    if code in _ONE_MEAL and not timing.period:
        return _ONE_MEAL[code]
    if code in _WHEN:
        return _WHEN[code]
    return f"{_SIDE[code[0]]} {_MEALS[code[2:]]}"


def _offset(code: str, offset: int, period: Span | None) -> str:
    side, anchor = _ANCHORS.get(code) or (_SIDE[code[0]], _MEALS[code[2:]])
    anchor = "chaque repas" if code in _ONE_MEAL and not period else anchor
    if not offset:
        return f"juste {side} {anchor}"
    length = Span(offset, "min") if offset % 60 else Span(offset // 60, "h")
    return f"{span(length)} {side} {anchor}"


def days(of: tuple[int, ...]) -> str:
    if len(of) == 7:
        return "tous les jours"
    if len(of) > 2 and of[-1] - of[0] == len(of) - 1:
        return f"du {WEEKDAYS[of[0]]} au {WEEKDAYS[of[-1]]}"
    return listing([f"le {WEEKDAYS[day]}" for day in of])


def cycle(lasts: Span, period: Span) -> str:
    if lasts.unit == period.unit:
        return f"{number(lasts.value)}{NB}{_SPANS[lasts.unit][1]} sur {number(period.value)}"
    return f"pendant {span(lasts)}, {_every(period)}"


def lasting(lasts: Span, worn: bool) -> str:
    return f"à garder {span(lasts)}" if worn else f"en {span(lasts)} à chaque fois"


def instant(said: Instant, *, year: bool = True) -> str:
    day = f"{'1er' if said.day.day == 1 else said.day.day} {MONTHS[said.day.month - 1]}"
    day = f"{day} {said.day.year}" if year else day
    return f"{day} à {clock(said.at)}" if said.at else day


def events(all_: tuple[Instant, ...]) -> str:
    return listing([f"le {instant(each)}" for each in all_])


def bounds(said: Span | Period) -> str:
    if isinstance(said, Span):
        return f"pendant {span(said)}"
    if said.start and said.end:
        lasting = f"pendant {span(said.lasting)}, " if said.lasting else ""
        start = instant(said.start, year=said.start.day.year != said.end.day.year)
        return f"{lasting}du {start} au {instant(said.end)}" + ("" if said.end.at else " inclus")
    if said.start:
        return f"à partir du {instant(said.start)}"
    return f"jusqu’au {instant(said.end)}" + ("" if said.end.at else " inclus")


def how_long(said: Span | Period) -> str:
    return bounds(said).removeprefix("pendant ")


def count(low: int | None, high: int | None) -> str:
    if low is None:
        return f"{number(high)}{NB}fois au plus"
    return f"{times(low, high)} en tout"


def limits(said: Limits) -> str:
    all_ = []
    if said.intake:
        all_.append(f"{amount(said.intake)} par prise")
    if said.period:
        all_.append(f"{amount(said.period.amount)} {per(said.period.per)}")
    if said.lifetime:
        all_.append(f"{amount(said.lifetime)} au total sur toute la vie")
    return "sans dépasser " + " ni ".join(all_) if all_ else ""


def route(said: Concept) -> str:
    if known := route_words(said):
        return known.fr
    text = said.text
    return "par " + text[0].lower() + text[1:] if text.lower().startswith("voie ") else f"voie{COLON}{text}"


def site(said: Concept) -> str:
    return f"à cet endroit{COLON}{said.text}"


def method(said: Concept) -> str:
    return f"mode d’administration{COLON}{said.text}"


def needed_for(said: Concept) -> str:
    known = need_words(said)
    if said.text is None:
        return known.fr
    lowered = lower_first(said.text)
    return lowered if _BEGINS.match(lowered) else f"si {lowered}"


def lower_first(text: str) -> str:
    """For the middle of a sentence; INR and the like stay."""
    return text if text[1:2].isupper() else text[0].lower() + text[1:]


def own_words(text: str) -> tuple[str, bool]:
    """The prescriber's instruction, and whether it goes on the sentence ("jusqu’à…") or makes one by itself."""
    inside = text.rstrip(" .")
    if _GOES_ON.match(inside) and not re.search(r"[.;:!?]", inside) and len(inside) <= 150:
        return lower_first(inside), True
    return text, False
