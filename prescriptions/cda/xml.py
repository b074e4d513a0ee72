"""Elements written as literals, in the order of the standard: E.section(E.title("…"), code, None, [entry, entry])."""

import re
from functools import partial

from lxml import etree

HL7 = "urn:hl7-org:v3"
PHARM = "urn:ihe:pharm:medication"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {None: HL7, "pharm": PHARM, "xsi": XSI}
XSI_TYPE = f"{{{XSI}}}type"

# What XML 1.0 cannot hold (§2.2). It says nothing, and one would make the whole document unreadable.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Maker:
    """`E.title("…")`. Content: text, an element, a list of them, or None, which adds nothing."""

    def __init__(self, namespace: str, namespaces: dict[str | None, str]):
        self._namespace, self._namespaces = namespace, namespaces

    def __getattr__(self, tag: str):
        return partial(_element, f"{{{self._namespace}}}{tag}", self._namespaces)


E = Maker(HL7, NAMESPACES)
P = Maker(PHARM, NAMESPACES)  # what IHE Pharmacy adds to a manufacturedMaterial


def _element(name: str, namespaces: dict, /, *content, xsi_type: str | None = None, **attributes) -> etree._Element:
    element = etree.Element(name, nsmap=namespaces)
    if xsi_type:
        element.set(XSI_TYPE, xsi_type)
    for attribute, value in attributes.items():
        if value is not None:
            element.set(attribute, clean(str(value)))
    _add(element, content)
    return element


def _add(element: etree._Element, content) -> None:
    if isinstance(content, str):
        _add_text(element, clean(content))
    elif isinstance(content, list | tuple):
        for item in content:
            _add(element, item)
    elif content is not None:
        element.append(content)


def _add_text(element: etree._Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def clean(text: str) -> str:
    return FORBIDDEN.sub("", text)


def templates(*roots: str) -> list[etree._Element]:
    """A root, or root and extension with a space between."""
    found = [root.partition(" ") for root in roots]
    return [E.templateId(root=root, extension=extension or None) for root, _, extension in found]


def to_bytes(document: etree._Element) -> bytes:
    return etree.tostring(document, encoding="UTF-8", xml_declaration=True, pretty_print=True)
