"""How names and towns are compared: without accents, legal forms and little words, abbreviations written out.

`Pharmacy.search_text` holds the words of name, town and postcode as `words_of` makes them, each after a space: a word
of the query is found where a word of the pharmacy begins with it.
"""

import re
import unicodedata

LONGEST_QUERY = 200  # characters; what is typed beyond says nothing more
LONGEST_WORD = 40

# One writing for what people and directories write in several ways.
SAME = {
    "phie": "pharmacie",
    "phcie": "pharmacie",
    "phcies": "pharmacie",
    "phies": "pharmacie",
    "pharm": "pharmacie",
    "pharma": "pharmacie",
    "pharmacies": "pharmacie",
    "st": "saint",
    "ste": "saint",
    "sainte": "saint",
    "sts": "saint",
    "stes": "saint",
    "saints": "saint",
    "saintes": "saint",
    "nd": "notre dame",
    "gde": "grande",
    "gd": "grand",
    "chx": "croix",
    "gal": "general",
    "mal": "marechal",
    "dr": "docteur",
    "bd": "boulevard",
    "av": "avenue",
    "ctre": "centre",
    "cial": "commercial",
    "comm": "commercial",
    "premier": "1e",
    "premiere": "1e",
    "deuxieme": "2e",
    "second": "2e",
    "seconde": "2e",
    "troisieme": "3e",
    "quatrieme": "4e",
    "cinquieme": "5e",
}
ORDINAL = re.compile(r"(\d{1,2})(?:er|ere|re|nd|nde|e|eme|ieme)")
# They tell no pharmacy from another.
NOISE = frozenset(
    """
    pharmacie officine selarl selas sarl selurl eurl snc sel sas sasu sa
    de du des d le la les l et a au aux en sur sous arrondissement cedex
    """.split()  # noqa: SIM905 - read as words, not as a column of quotes
)


def normalise(text: str) -> str:
    """Lower case without accents, apostrophes, legal forms and little words; abbreviations written out."""
    return " ".join(words_of(text))


def words_of(text: str) -> list[str]:
    return [word for word in all_words_of(text) if word not in NOISE]


def all_words_of(text: str) -> list[str]:
    """The little words too."""
    plain = text.lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain.replace("œ", "oe").replace("æ", "ae"))
        plain = "".join(character for character in plain if not unicodedata.combining(character))
    written_out = (_written_out(word) for word in re.findall(r"[a-z0-9]+", plain))
    return [word for words in written_out for word in words.split()]


def _written_out(word: str) -> str:
    ordinal = ORDINAL.fullmatch(word)
    return f"{int(ordinal[1])}e" if ordinal else SAME.get(word, word)


def search_text(*, name: str, town: str, postcode: str, sign: str = "") -> str:
    """What `Pharmacy.search_text` holds. In Paris, Lyon and Marseille the arrondissement too: "paris 11e"."""
    words = [*words_of(name), *words_of(town), postcode.lower(), *words_of(sign)]
    if re.match(r"75\d|6900|130[01]\d", postcode):
        words.append(f"{int(postcode[-2:])}e")
    return f" {' '.join(dict.fromkeys(word[:LONGEST_WORD] for word in words))}"[:400]
