"""The database writes in capitals: DOLIPRANE 2,4 POUR CENT, RANITIDINE (CHLORHYDRATE DE). Said as people write."""

import re

CAPITALS = "A-ZÀ-ÖØ-ÞŒ"
WORD = re.compile(rf"(?<![\w.])[{CAPITALS}]{{2,}}(?!\w)(?!\.\w)")
ORDINARY = {
    *("DE", "DU", "DES", "LA", "LE", "LES", "ET", "EN", "AU", "AUX", "OU", "SANS", "AVEC", "POUR", "CENT", "MILLE"),
    *("ADULTES", "ADULTE", "ENFANTS", "ENFANT", "NOURRISSONS", "NOURRISSON", "MENTHE", "CITRON", "ORANGE", "FRAISE"),
    *("MIEL", "TOUX", "GORGE", "MAUX", "SOLUTION", "EAU", "ACIDE", "SUCRE"),
}
# Short capitals that are read letter by letter although they have a vowel; those without one are kept anyway (LP, BGR).
ACRONYMS = {"EG", "UI", "IM", "IV", "AP", "SI", "AI"}
ROMAN = re.compile(r"[IVX]+")
LOWERED = re.compile(rf"(?<![\w])(?:[{CAPITALS}]{{2,}}|[DLÀ])(?![\w])")

# SODIUM (CHLORURE DE) → chlorure de sodium; LIVÈCHE (RACINE DE) (POUDRE DE) → poudre de racine de livèche.
SALT = r"(?:[^()]*(?:\bDE|\bDU|\bDES|\bD['’])|ACIDE)"
TURNED = re.compile(rf"(?P<base>[^()]+?)(?P<salts>(?: \({SALT}\))+)(?P<rest>[^()]*)")


def plain_name(name: str) -> str:
    """« AMLODIPINE BIOGARAN 5 mg, gélule » → « Amlodipine Biogaran 5 mg, gélule »"""
    said = WORD.sub(lambda found: _as_written(found.group(), is_first=found.start() == 0), name)
    said = re.sub(r"(\d) pour cent\b", r"\1 %", said)
    return re.sub(r"(\d) (?=(?:[mk]?g|m?l|mL|%|UI|microgrammes?)\b|%)", "\\1\u00a0", said)


def _as_written(word: str, *, is_first: bool) -> str:
    if word in ORDINARY:
        return word.capitalize() if is_first else word.lower()
    is_acronym = len(word) <= 3 and (word in ACRONYMS or not set(word) & set("AEIOUY") or ROMAN.fullmatch(word))
    return word if is_acronym else word.capitalize()


def plain_form(form: str) -> str:
    """« comprimé effervescent(e) » → « comprimé effervescent »"""
    return form.replace("(e)", "")


def plain_substance(name: str) -> str:
    """« RANITIDINE (CHLORHYDRATE DE) » → « Chlorhydrate de ranitidine »"""
    found = TURNED.fullmatch(name)
    if found:
        before = "".join(_joined(salt) for salt in reversed(re.findall(r"\(([^()]*)\)", found["salts"])))
        name = f"{before}{found['base']}{found['rest']}"
    said = LOWERED.sub(lambda word: word.group() if ROMAN.fullmatch(word.group()) else word.group().lower(), name)
    said = said.replace("'", "’")
    return said[:1].upper() + said[1:]


def _joined(salt: str) -> str:
    return salt if salt.endswith(("'", "’")) else f"{salt} "


def plain_pack(label: str) -> str:
    """« 1 flacon(s) de 60 ml » → « 1 flacon de 60 ml »: each (s) follows the last number said before it."""
    said, number = [], 2.0  # "plaquette(s) de 30 comprimé(s)": nobody counted the blisters
    for part in re.split(r"(\d+(?:,\d+)?|\((?:s|x|aux)\))", label):
        if re.fullmatch(r"\d+(?:,\d+)?", part):
            number = float(part.replace(",", "."))
        if part in {"(s)", "(x)"}:
            part = part[1] if number >= 2 else ""
        said.append("" if part == "(aux)" else part)
    label = "".join(said)
    return label[:1].upper() + label[1:]
