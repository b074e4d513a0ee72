"""A value of a FHIR document that knows where it stands, so that a refusal can name the place."""

import re
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

# Zero-width characters that word processors leave behind: they say nothing and break searches.
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")


class FhirError(ValueError):
    """`path`: the field, as `entry[2].resource.dosageInstruction[0]`; `sentence`: what is wrong and what to do.

    `code` is stable, for programs. None of them repeats a value of the document, which is health data.
    """

    def __init__(self, path: str, sentence: str, code: str = "invalid"):
        super().__init__(f"{path} : {sentence}" if path else sentence)
        self.path, self.sentence, self.code = path, sentence, code


def clean(text: str) -> str:
    """Without invisible characters and runs of spaces; line breaks are kept."""
    lines = INVISIBLE.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in lines).strip()


class Node:
    """One JSON value and its path. A missing field is an empty Node: false, without fields and without items."""

    __slots__ = ("path", "value")

    def __init__(self, value, path: str = ""):
        self.value = value
        self.path = path

    def __bool__(self) -> bool:
        return self.value not in (None, "", [], {})

    def refuse(self, sentence: str, code: str = "invalid") -> FhirError:
        return FhirError(self.path, sentence, code)

    def get(self, *names: str) -> "Node":
        node = self
        for name in names:
            node = node._field(name)
        return node

    def _field(self, name: str) -> "Node":
        path = f"{self.path}.{name}" if self.path else name
        if self.value is None:
            return Node(None, path)
        if not isinstance(self.value, dict):
            raise self.refuse(_("un objet est attendu ici."))
        return Node(self.value.get(name), path)

    def items(self, *names: str) -> list["Node"]:
        """The items of a list field; none when it is missing."""
        node = self.get(*names)
        if node.value is None:
            return []
        if not isinstance(node.value, list):
            raise node.refuse(_("une liste est attendue ici."))
        return [Node(item, f"{node.path}[{place}]") for place, item in enumerate(node.value)]

    def text(self, *names: str) -> str:
        node = self.get(*names)
        if node.value is None:
            return ""
        if not isinstance(node.value, str):
            raise node.refuse(_("un texte est attendu ici."))
        return clean(node.value)

    def flag(self, *names: str) -> bool | None:
        node = self.get(*names)
        if node.value is not None and not isinstance(node.value, bool):
            raise node.refuse(_("vrai ou faux (true, false) est attendu ici."))
        return node.value

    def number(self, *names: str) -> Decimal | None:
        node = self.get(*names)
        if node.value is None:
            return None
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise node.refuse(_("un nombre est attendu ici."))
        return Decimal(str(node.value))

    def day(self, *names: str) -> date | None:
        """The day in Paris of a FHIR date or dateTime. A month or a year alone is refused: it names no day."""
        text = self.text(*names)
        if not text:
            return None
        moment = _moment(text)
        if moment is None:
            raise self.get(*names).refuse(_("une date complète est attendue ici (AAAA-MM-JJ)."))
        return moment

    def moment(self, *names: str) -> datetime | None:
        """A FHIR dateTime with its time; None when there is only a date, or nothing."""
        try:
            found = parse_datetime(self.text(*names))
        except ValueError:
            found = None
        return found if found and timezone.is_aware(found) else None


def _moment(text: str) -> date | None:
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        found = parse_datetime(text)
    except ValueError:
        return None
    if found is None or not timezone.is_aware(found):
        return None
    return timezone.localdate(found)
