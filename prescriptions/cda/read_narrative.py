"""What the human-readable block of the document says at the places that the coded entries point at."""

import re

from lxml import etree

from prescriptions.cda.node import Node, words_of
from prescriptions.cda.xml import HL7

NOTHING = {"", "-", "–", "—"}
TABLE, TR, TH, TD = (f"{{{HL7}}}{name}" for name in ("table", "tr", "th", "td"))


class Narrative:
    """`text("med-001")` is what stands there; "" when nothing does, or a dash."""

    def __init__(self, document: Node):
        self._places: dict[str, etree._Element] = {}
        self._said: dict[str, str] = {}
        for element in document.element.iter(f"{{{HL7}}}*"):
            if identifier := element.get("ID"):
                self._places.setdefault(identifier, element)

    def text(self, identifier: str) -> str:
        if identifier not in self._said:
            place = self._places.get(identifier)
            said = words_of(place) if place is not None else ""
            self._said[identifier] = "" if said in NOTHING else said
        return self._said[identifier]

    def style(self, identifier: str) -> str:
        place = self._places.get(identifier)
        return place.get("styleCode", "") if place is not None else ""

    def identifiers(self, pattern: str) -> list[str]:
        return [identifier for identifier in self._places if re.fullmatch(pattern, identifier)]

    def original(self, coded: Node | None) -> str:
        """The words behind a code: originalText, or what it points at."""
        words = coded.one("originalText") if coded else None
        if words is None:
            return ""
        return self.text(reference_of(words)) or words.text()

    def cell(self, identifier: str, heading: str) -> str:
        """In the row of this place, the cell under the heading that matches."""
        place = self._places.get(identifier)
        row, table = _above(place, TR), _above(place, TABLE)
        if row is None or table is None:
            return ""
        headings = [words_of(each).lower() for each in table.iter(TH)]
        cells = [each for each in row.iterchildren(TD)]
        found = [cell for head, cell in zip(headings, cells, strict=False) if re.search(heading, head)]
        said = words_of(found[0]) if found else ""
        return "" if said in NOTHING else said


def _above(place: etree._Element | None, tag: str) -> etree._Element | None:
    if place is None or place.tag == tag:
        return place
    return next(place.iterancestors(tag), None)


def reference_of(node: Node | None) -> str:
    """The place that a text points at. Some writers forget the # in front."""
    return node.at("reference", "value").removeprefix("#") if node else ""
