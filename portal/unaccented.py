import unicodedata


def unaccented(text: str) -> str:
    """In ASCII: « Zoé » is « Zoe »; what has no ASCII letter under its accents is left out."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
