"""A patient's pictures or PDF of a paper prescription, made safe to keep and to send.

Pictures are decoded and encoded again as JPEG: upright, without metadata (place, camera), no wider than a page needs.
A PDF is refused when it is encrypted or can act by itself. A refusal is Refused: its sentence says what to do.
"""

import hashlib
import io
from contextlib import contextmanager
from dataclasses import dataclass

import pikepdf
from django.utils.translation import gettext as _
from PIL import Image, ImageFilter, ImageOps, ImageStat, UnidentifiedImageError

from portal.reasons import Reason, Refused

MAX_FILES = 5
MAX_BYTES = 10 * 1024 * 1024  # of one file
MAX_PIXELS = 40_000_000
MIN_SIDES = (500, 700)  # below this, handwriting is not readable
LONG_SIDE = 2400  # A4 at 200 dots an inch
QUALITY = 85
MAX_PAGES = 20
# Variance of the Laplacian at 1,000 pixels, measured on pages of text: sharp 470, soft but readable 15, lost below 1.
SHARP_ENOUGH = 1.5
LOOKED_AT = 1000

LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)
# What lets a PDF run something, open something or hide a file (ISO 32000-1, 12.6 and 7.11.4).
ACTING_KEYS = {"/JS", "/JavaScript", "/AA", "/EmbeddedFiles", "/EF", "/RichMediaContent", "/XFA"}
ACTING_ACTIONS = {
    "/JavaScript",
    "/Launch",
    "/SubmitForm",
    "/ImportData",
    "/GoToE",
    "/GoToR",
    "/Rendition",
    "/RichMedia",
}
PDF, JPEG = "application/pdf", "image/jpeg"


@dataclass(frozen=True)
class Page:
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def clean(upload) -> Page:
    """One uploaded file (an open binary file with a `size`)."""
    if upload.size > MAX_BYTES:
        raise _refused("too-heavy", _("Ce fichier dépasse 10 Mo. Prenez la photo en qualité moyenne."))
    upload.seek(0)
    content = upload.read()
    return _clean_pdf(content) if is_pdf(content) else _clean_picture(content)


def is_pdf(content: bytes) -> bool:
    """By what it is, not by what it is called."""
    return content[:1024].lstrip().startswith(b"%PDF-")


def why_not_together(pages: list[Page]) -> Reason | None:
    if len(pages) > MAX_FILES:
        return Reason("too-many-files", _("Cinq photos au plus. Choisissez les pages utiles."))
    if len(pages) > 1 and any(page.content_type == PDF for page in pages):
        return Reason("pdf-alone", _("Un PDF s’ajoute seul. Envoyez les photos dans un autre ajout."))
    return None


# --- Pictures -------------------------------------------------------------------------------------------------------
def _clean_picture(content: bytes) -> Page:
    picture = ImageOps.exif_transpose(_decoded(content))
    if min(picture.size) < MIN_SIDES[0] or max(picture.size) < MIN_SIDES[1]:
        raise _refused("too-small", _("Cette photo est trop petite pour être lue. Prenez-la de plus près."))
    page = _flat(picture)
    page.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    if _sharpness(page) < SHARP_ENOUGH:
        raise _refused(
            "blurred", _("Cette photo est floue ou vide. Posez l’ordonnance à plat, à la lumière, et reprenez-la.")
        )
    return _as_jpeg(page)


def redrawn(content: bytes) -> Page:
    """Any picture, readable or not: drawn again, so that only its pixels are left."""
    if len(content) > MAX_BYTES:
        raise _refused("too-heavy", _("Cette image dépasse 10 Mo."))
    page = _flat(ImageOps.exif_transpose(_decoded(content)))
    page.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    return _as_jpeg(page)


def _as_jpeg(page: Image.Image) -> Page:
    out = io.BytesIO()
    page.save(out, "JPEG", quality=QUALITY, optimize=True)
    return Page(JPEG, out.getvalue())


def _decoded(content: bytes) -> Image.Image:
    """Sizes are read from the header and bounded before a pixel is decoded."""
    try:
        picture = Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"])
        if picture.width * picture.height > MAX_PIXELS:
            raise _too_large()
        picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except UnidentifiedImageError:
        raise _refused(
            "not-a-picture", _("Ce fichier n’est ni une photo (JPEG, PNG, WebP) ni un PDF. Choisissez-en un autre.")
        ) from None
    except (OSError, SyntaxError, ValueError):
        raise _refused("broken", _("Cette photo est abîmée ou incomplète. Choisissez-la à nouveau.")) from None
    return picture


def _too_large() -> Refused:
    return _refused("too-large", _("Cette image est démesurée. Prenez une photo ordinaire de l’ordonnance."))


def _flat(picture: Image.Image) -> Image.Image:
    """On white, in a new image: what was attached to the old one (metadata, comments, profiles) stays behind."""
    page = Image.new("RGB", picture.size, "white")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        see_through = picture.convert("RGBA")
        page.paste(see_through, mask=see_through.getchannel("A"))
    else:
        page.paste(picture.convert("RGB"))
    return page


def _sharpness(page: Image.Image) -> float:
    small = page.convert("L")
    small.thumbnail((LOOKED_AT, LOOKED_AT))
    edges = small.filter(LAPLACIAN)
    inside = edges.crop((1, 1, edges.width - 1, edges.height - 1))  # the filter leaves the outermost pixels as they are
    return ImageStat.Stat(inside).var[0]


# --- PDF ------------------------------------------------------------------------------------------------------------
def _clean_pdf(content: bytes) -> Page:
    with _opened(content) as pdf:
        _refuse_unsafe(pdf)
        _forget_author(pdf)
        out = io.BytesIO()
        pdf.save(out)
    return Page(PDF, out.getvalue())


def check_pdf(content: bytes) -> Page:
    """A PDF that a professional sent: refused for the same reasons, kept as it came."""
    if len(content) > MAX_BYTES:
        raise _refused("too-heavy", _("Ce PDF dépasse 10 Mo."))
    with _opened(content) as pdf:
        _refuse_unsafe(pdf)
    return Page(PDF, content)


@contextmanager
def _opened(content: bytes):
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            yield pdf
    except pikepdf.PasswordError:
        raise _encrypted() from None
    except pikepdf.PdfError:
        raise _refused("broken", _("Ce PDF est abîmé. Enregistrez-le à nouveau ou prenez une photo.")) from None


def _refuse_unsafe(pdf: pikepdf.Pdf) -> None:
    if pdf.is_encrypted:
        raise _encrypted()
    if not 0 < len(pdf.pages) <= MAX_PAGES:
        raise _refused("too-long", _("Ce PDF n’a pas entre 1 et 20 pages. N’ajoutez que l’ordonnance."))
    if any(_acts(item) for item in pdf.objects) or _acts(pdf.trailer):
        raise _refused(
            "acting-pdf",
            _("Ce PDF contient un programme ou un fichier caché. Imprimez-le en PDF ou prenez une photo."),
        )


def _encrypted() -> Refused:
    return _refused("encrypted", _("Ce PDF est protégé par un mot de passe. Retirez-le ou prenez une photo."))


def _acts(item: pikepdf.Object) -> bool:
    """Looks into direct values too; what is indirect comes by itself in the list of objects."""
    waiting = [(item, True)]
    while waiting:
        value, whole = waiting.pop()
        if not whole and isinstance(value, pikepdf.Object) and value.is_indirect:
            continue
        if isinstance(value, pikepdf.Array):
            waiting += [(part, False) for part in value]
        elif isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
            if _is_acting(value):
                return True
            waiting += [(part, False) for _name, part in value.items()]
    return False


def _is_acting(value) -> bool:
    """An /OpenAction that only says which page to show first is left alone."""
    keys = set(value.keys())
    opening = value.get("/OpenAction")
    if isinstance(opening, pikepdf.Dictionary) and opening.get("/S") != "/GoTo":
        return True
    action = value.get("/S")
    return bool(keys & ACTING_KEYS) or isinstance(action, pikepdf.Name) and str(action) in ACTING_ACTIONS


def _forget_author(pdf: pikepdf.Pdf) -> None:
    for place, key in ((pdf.trailer, "/Info"), (pdf.Root, "/Metadata")):
        if key in place:
            del place[key]


def _refused(code: str, sentence: str) -> Refused:
    return Refused(Reason(code, sentence))
