"""Words of prescriptions, without accents, as `plain.bare` leaves them: what they mean alike, what weighs nothing."""

MONTHS = {
    **{"janvier": 1, "fevrier": 2, "mars": 3, "avril": 4, "mai": 5, "juin": 6, "juillet": 7, "aout": 8},
    **{"septembre": 9, "octobre": 10, "novembre": 11, "decembre": 12},
}
EACH = {  # said without a number
    r"(?:tous les|chaque) jours?|journalier\w*|quotidien\w*": "par jour",
    r"(?:toutes les|chaque) semaines?|hebdomadaire\w*": "par semaine",
    r"(?:tous les|chaque) mois|mensuel\w*": "par mois",
    r"(?:toutes les|chaque) heures?": "toutes les 1 heures",
}
PERIODS = {
    **{"jour": "d", "semaine": "wk", "mois": "mo", "heure": "h", "an": "a"},
}
NUMBERS = {
    **{"deux": "2", "trois": "3", "quatre": "4", "cinq": "5", "six": "6", "sept": "7", "huit": "8", "neuf": "9"},
    **{"dix": "10", "onze": "11", "douze": "12", "quinze": "15", "vingt": "20", "trente": "30"},
}
MEALS = {  # first match wins
    r"petits?[- ]dejeuners?": "breakfast",
    r"dejeuners?|repas de midi|repas du midi": "lunch",
    r"diners?|repas du soir|souper": "dinner",
    r"repas": "meals",
}
DAY_PARTS = {
    r"matin(?:ee|s)?\b": "morning",
    r"apres[- ]midi": "afternoon",
    r"midi": "noon",
    r"soir(?:ee|s)?\b": "evening",
    r"nuits?\b": "night",
    r"coucher": "bedtime",
    r"lever\b|reveil": "waking",
}
IMPLIED = {"breakfast": "morning", "lunch": "noon", "dinner": "evening"}
WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
SAME_WORDS = {
    **dict.fromkeys(("max", "maxi", "maximum", "maximal", "maximale", "depasser", "plu"), "max"),
    **dict.fromkeys(("min", "mini", "minimum", "minimal", "moin", "delai", "respecter", "intervalle"), "min"),
    **dict.fromkeys(("os", "orale", "oral", "po"), "orale"),
    **dict.fromkeys(("demande", "besoin"), "besoin"),
    **dict.fromkeys(("sc", "cutanee", "cutane"), "cutanee"),
    **dict.fromkeys(("im", "intramusculaire"), "intramusculaire"),
    **dict.fromkeys(("iv", "intraveineuse", "ivl"), "intraveineuse"),
}
# Their absence from a sentence takes nothing away: articles, the verb "to take", and what only introduces a number
# or a moment which is itself compared. "si", "ou", "entre", "sans", "ne", "pas", "puis", "avant", "après" weigh.
_NO_WEIGHT = """
    a au aux d de des du en et il l la le les un une on s se qu que qui sur dans par per pour pendant pdt durant
    avec lors cour chaque tou tout toute fois prendre prenez prise administrer administration dose posologie soit x
    moment partir jusqu jusque voie traitement medicament poser appliquer appliquez avaler laisser garder raison sou
    inclu peau
"""
WORDS_OF_NO_WEIGHT = frozenset(_NO_WEIGHT.split())
