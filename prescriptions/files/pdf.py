"""HTML into PDF (WeasyPrint): the patient's file is PDF/A-3a and PDF/UA-1 at once, the message's is PDF/A-1a.

Nothing is fetched: pictures and fonts are `data:`, and any other address fails the whole document rather than leave a
hole (WeasyPrint's own fetcher would read local files). Fonts and styles are read once a process; Pango is not made for
threads, so one document is drawn at a time in each process.
"""

import base64
import io
import json
import threading
from functools import lru_cache
from importlib import resources

import pydyf
from django.conf import settings
from django.template.loader import render_to_string
from PIL import ImageFile
from weasyprint import CSS, HTML, Attachment
from weasyprint.css import ColorProfile
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from prescriptions.files.sheet import photo_sheet, report_sheet, sheet
from prescriptions.models import Document, Prescription

FHIR_NAME = "ordonnance-fhir.json"
# Family, weight, file of static/fonts. WeasyPrint ignores unicode-range: the rarer letters are a second family.
FONTS = (
    ("Atkinson Hyperlegible", 400, "atkinson-hyperlegible-latin-400-normal"),
    ("Atkinson Hyperlegible", 700, "atkinson-hyperlegible-latin-700-normal"),
    ("Atkinson Hyperlegible Ext", 400, "atkinson-hyperlegible-latin-ext-400-normal"),
    ("Atkinson Hyperlegible Ext", 700, "atkinson-hyperlegible-latin-ext-700-normal"),
    ("Atkinson Hyperlegible Mono", 400, "atkinson-hyperlegible-mono-latin-500-normal"),
)
COLOURS = "srgb-read-once"
NOWHERE = "refused://relative/"  # a relative address must be refused as well, not left out
# PDF/UA-1 says itself so; PDF/A asks that the property be described (ISO 14289-1 §5, ISO 19005-3 §6.6.2.3).
PDFUA_XMP = b"""
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA Universal Accessibility Schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
"""

_one_at_a_time = threading.Lock()

# WeasyPrint turns this on for the whole process: half a photo, uploaded, would then pass for a whole one.
ImageFile.LOAD_TRUNCATED_IMAGES = False


class RefusedFetch(Exception):
    """The document asked for something outside itself."""


class _OnlyData(URLFetcher):
    def __init__(self):
        super().__init__(allowed_protocols={"data"}, allow_redirects=False)

    def fetch(self, url, headers=None):
        if not url.startswith("data:"):
            raise FatalURLFetchingError(url.partition(":")[0])
        return super().fetch(url, headers)


# --- The documents ----------------------------------------------------------------------------------------------------


def printable(prescription: Prescription, *, stamp: str = "") -> bytes:
    """What the patient downloads: PDF/A-3a and PDF/UA-1, with the deposit as it was received inside."""
    html = render_to_string("pdf/prescription.html", sheet(prescription, stamp=stamp))
    return _for_people(html, _source_of(prescription))


def for_message(prescription: Prescription) -> bytes:
    """What leaves by MSSanté: PDF/A-1a (PDF/A-1: ECO.2.1.5), which carries no attachment."""
    return _draw(render_to_string("pdf/prescription.html", sheet(prescription)), pdf_variant="pdf/a-1a")


def of_photos(prescription: Prescription, photos: list[Document]) -> bytes:
    """The patient's photos, one a page, under the warning that goes with them."""
    return _for_people(render_to_string("pdf/photos.html", photo_sheet(prescription, photos)))


def of_report(prescription: Prescription) -> bytes:
    """A report of dispensing that came as a document only."""
    return _for_people(render_to_string("pdf/report.html", report_sheet(prescription)))


def _source_of(prescription: Prescription) -> list[Attachment]:
    if (prescription.source or {}).get("resourceType") != "Bundle":  # a CDA document is kept whole, beside
        return []
    text = json.dumps(prescription.source, ensure_ascii=False, indent=1)
    description = "Ordonnance structurée (FHIR), telle que le prescripteur l’a déposée"
    return [Attachment(string=text, name=FHIR_NAME, description=description, relationship="Source")]


# --- The drawing ------------------------------------------------------------------------------------------------------


def _for_people(html: str, attachments: list[Attachment] | None = None) -> bytes:
    return _draw(html, pdf_variant="pdf/a-3a", attachments=attachments or [], finisher=_say_it_is_accessible)


def _draw(html: str, **options) -> bytes:
    with _one_at_a_time:
        fonts, style = _fonts_and_style()
        document = HTML(string=html, url_fetcher=_OnlyData(), base_url=NOWHERE)
        try:
            return document.write_pdf(
                font_config=fonts,
                stylesheets=[style],
                color_profiles={COLOURS: _srgb()},
                output_intent=COLOURS,
                **options,
            )
        except FatalURLFetchingError as error:
            raise RefusedFetch(str(error)) from None


def _say_it_is_accessible(document, pdf: pydyf.PDF) -> None:
    for thing in pdf.objects:
        if isinstance(thing, pydyf.Stream) and thing.extra.get("Type") == "/Metadata":
            thing.stream = [part.replace(b"</rdf:RDF>", PDFUA_XMP + b"</rdf:RDF>") for part in thing.stream]


@lru_cache(maxsize=1)
def _srgb() -> ColorProfile:
    """WeasyPrint's own profile, read once: by itself it opens the file for each document and leaves it open."""
    content = (resources.files("weasyprint.pdf") / "sRGB2014.icc").read_bytes()
    return ColorProfile(io.BytesIO(content), "sRGB2014.icc", "relative-colorimetric", (["r"], ["g"], ["b"]))


@lru_cache(maxsize=1)
def _fonts_and_style() -> tuple[FontConfiguration, CSS]:
    fonts = FontConfiguration()
    style = (settings.BASE_DIR / "templates/pdf/sheet.css").read_text()
    faces = "".join(_font_face(*font) for font in FONTS)
    return fonts, CSS(string=faces + style, font_config=fonts, url_fetcher=_OnlyData())


def _font_face(family: str, weight: int, file: str) -> str:
    content = base64.b64encode((settings.BASE_DIR / f"static/fonts/{file}.woff2").read_bytes()).decode()
    return (
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; '
        f'src: url("data:font/woff2;base64,{content}") format("woff2"); }}\n'
    )
