"""An element of a CDA document that knows where it stands, so that a refusal can name the place."""

import re
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from lxml import etree

from prescriptions.cda.xml import HL7, NAMESPACES, PHARM, XSI_TYPE
from prescriptions.fhir.node import clean

FIGURE = re.compile(r"\+?(\d{1,9}(?:\.\d{1,6})?)")
PREFIXES = {HL7: "", PHARM: "pharm:"}


class CdaError(ValueError):
    """`path`: the element, as `ClinicalDocument/recordTarget/patientRole/id[2]`; `sentence`: what is wrong, what to do.

    `code` is stable, for programs. None of them repeats a value of the document, which is health data.
    """

    def __init__(self, path: str, sentence: str, code: str = "invalid"):
        super().__init__(f"{path} : {sentence}" if path else sentence)
        self.path, self.sentence, self.code = path, sentence, code


class Node:
    """Paths are written as in the document: `node.one("effectiveTime/low")`, `node.all("pharm:ingredient")`."""

    __slots__ = ("element",)

    def __init__(self, element: etree._Element):
        self.element = element

    @property
    def path(self) -> str:
        steps, element = [], self.element
        while element is not None:
            steps.append(_step(element))
            element = element.getparent()
        return "/".join(reversed(steps))

    def refuse(self, sentence: str, code: str = "invalid") -> CdaError:
        return CdaError(self.path, sentence, code)

    def all(self, path: str) -> list["Node"]:
        return [Node(element) for element in self.element.iterfind(path, NAMESPACES)]

    def one(self, path: str) -> "Node | None":
        """The first one; None when there is none or it says by a nullFlavor that it is not known."""
        element = self.element.find(path, NAMESPACES)
        return None if element is None or element.get("nullFlavor") else Node(element)

    def get(self, name: str) -> str:
        return clean(self.element.get(name, ""))

    def at(self, path: str, name: str) -> str:
        """An attribute of the first element at this path; "" when either is missing."""
        found = self.one(path)
        return found.get(name) if found else ""

    def text(self, path: str = "") -> str:
        found = self.one(path) if path else self
        return words_of(found.element) if found else ""

    @property
    def type(self) -> str:
        return self.element.get(XSI_TYPE, "").rpartition(":")[2]

    def has_template(self, root: str) -> bool:
        return any(template.get("root") == root for template in self.all("templateId"))

    def number(self, name: str = "value") -> Decimal | None:
        text = self.get(name)
        if not text:
            return None
        found = FIGURE.fullmatch(text)
        if found is None:
            raise self.refuse(_("un nombre est attendu ici."))
        return Decimal(found.group(1))

    def day(self, name: str = "value") -> date | None:
        """The day of a HL7 timestamp, in the writer's own time zone. A year or a month alone names no day."""
        text = self.get(name)
        if not text:
            return None
        try:
            return datetime.strptime(text[:8], "%Y%m%d").date()
        except ValueError:
            raise self.refuse(_("une date complète est attendue ici (AAAAMMJJ).")) from None


def _step(element: etree._Element) -> str:
    """The tag, numbered when there are several of it."""
    name = _short(element)
    parent = element.getparent()
    same = [] if parent is None else [child for child in parent.iterchildren(element.tag)]
    return f"{name}[{same.index(element) + 1}]" if len(same) > 1 else name


def _short(element: etree._Element) -> str:
    name = etree.QName(element)
    return PREFIXES.get(name.namespace, "") + name.localname


def words_of(element: etree._Element) -> str:
    """Its text as a person reads it: a line break where the narrative has one, spaces run together elsewhere."""
    pieces = []
    for event, each in etree.iterwalk(element, events=("start", "end")):
        if not isinstance(each.tag, str):
            continue  # comments and processing instructions say nothing
        if event == "start":
            pieces.append("\n" if _short(each) in {"br", "paragraph"} and pieces else "")
            pieces.append(_flat(each.text))
        elif each is not element:
            pieces.append(_flat(each.tail))
    return clean("".join(pieces))


def _flat(text: str | None) -> str:
    return re.sub(r"\s*\n\s*", " ", text or "")
