"""Cleaning of words that people typed, for showing them and for comparing them."""

import re
import unicodedata

from prescriptions.posology.model import Unsayable

# Zero-width, direction marks and control characters: nothing a person wrote on purpose.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LABEL = re.compile(r"[*_ ]*prescription textuelle ?:[*_ ]*", re.IGNORECASE)
_RESIDUE = re.compile(r"[{}]|\b(?:None|null|undefined|NaN)\b")


def shown(text: str) -> str:
    """A person's own text, as is, less what cannot be seen and the label « Prescription textuelle : »."""
    seen = _INVISIBLE.sub("", unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n"))
    lines = [" ".join(line.split()) for line in seen.split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    while label := _LABEL.match(text):
        text = text[label.end() :].strip()
    return text


def words(value: object) -> str:
    """Free text inside the structure, on one line. Unsayable when it is not text or is a program's leftover."""
    if not isinstance(value, str):
        raise Unsayable("a text that is not text")
    text = " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", value)).split())
    if not text or _RESIDUE.search(text):
        raise Unsayable("a text that is empty or not for people")
    return text


def bare(text: str) -> str:
    """Lower case, no accents, straight apostrophes, single spaces: for comparing only."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).lower())
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return " ".join(plain.replace("’", "'").replace("\u03bc", "u").split())
