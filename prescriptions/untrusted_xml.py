"""XML from outside, from bytes to its root, bounded: size, number of elements, depth; no DTD, no entity, no network."""

import codecs
import re

from lxml import etree

MAX_BYTES = 10 * 1024 * 1024
MAX_TAGS = 200_000  # the richest public example of a CDA document has 3,000 elements
MAX_ATTRIBUTES = 400_000
MAX_DEPTH = 100
MAX_WORDS = 1_000_000  # characters outside pictures and PDF
# One byte a character below 128: what is looked for in the bytes is then what the parser will see.
ENCODINGS = {"utf-8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"}
DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")


class XmlRefused(ValueError):
    """`code`: too-large, too-many, too-deep, not-xml, encoding, unreadable or dtd."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def root_of(data: bytes) -> etree._Element:
    """Raises XmlRefused."""
    data = data.removeprefix(codecs.BOM_UTF8).lstrip()
    _check_bytes(data)
    try:
        root = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError:
        raise XmlRefused("unreadable") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlRefused("dtd")
    _check_tree(root)
    return root


def _parser() -> etree.XMLParser:
    """A new one each time: a parser keeps what it saw."""
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _check_bytes(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise XmlRefused("too-large")
    if not data.startswith(b"<"):
        raise XmlRefused("not-xml")
    declared = DECLARED.match(data[:200])
    if declared and declared.group(1).decode().lower() not in ENCODINGS:
        raise XmlRefused("encoding")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise XmlRefused("dtd")
    if data.count(b"<") > MAX_TAGS or data.count(b"=") > MAX_ATTRIBUTES:
        raise XmlRefused("too-many")


def _check_tree(root: etree._Element) -> None:
    depth = words = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        words += _length(element) if event == "start" else 0
        if depth > MAX_DEPTH or words > MAX_WORDS:
            raise XmlRefused("too-deep")


def _length(element: etree._Element) -> int:
    own = 0 if element.get("representation") == "B64" else len(element.text or "")
    return own + len(element.tail or "") + sum(map(len, element.values()))
