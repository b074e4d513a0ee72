"""The human-readable block of a section: tables of text, each piece with the ID that a coded entry points at."""

from lxml import etree

from prescriptions.cda.xml import E

Cell = etree._Element | str | list | None


def content(identifier: str, text: str) -> etree._Element | None:
    """None when there is nothing to say."""
    return E.content(lines_of(text), ID=identifier) if text else None


def lines_of(text: str) -> list:
    """A line break is an element here."""
    first, *others = text.split("\n")
    return [first, [[E.br(), line] for line in others]]


def table(headings: list[str], cells: list[Cell], *rows: etree._Element | None) -> etree._Element:
    """One row under its headings, then `rows` that go across."""
    return E.table(
        E.thead(E.tr([E.th(heading) for heading in headings])),
        E.tbody(E.tr([E.td(cell if cell is not None else "-") for cell in cells]), list(rows)),
        border="0",
    )


def across(heading: str, cell: Cell, columns: int) -> etree._Element | None:
    return E.tr(E.td(heading, colspan="2"), E.td(cell, colspan=str(columns - 2))) if cell is not None else None


def reference(identifier: str) -> etree._Element:
    return E.reference(value=f"#{identifier}")


def original(identifier: str) -> etree._Element:
    return E.originalText(reference(identifier))


def yes_or_no(value: bool) -> str:
    return "Oui" if value else "Non"
