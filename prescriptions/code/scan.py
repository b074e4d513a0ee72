"""The QR in a picture: bounded, opened by Pillow, read by zxing-cpp. Nothing of it is kept."""

import io

import zxingcpp
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from portal.reasons import Reason, Refused
from prescriptions.code import signed

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
LONG_SIDE = 2400  # a code of 69 modules across a tenth of the page still has 3 pixels a module
THRESHOLDS = (200, 185, 170)
QR = zxingcpp.BarcodeFormat.QRCode
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP"]


def text_in_picture(upload) -> str:
    """The text of our code if there is one, else of the first code there is. `upload`: an open file with a `size`."""
    if upload.size > MAX_BYTES:
        raise _refused("too-heavy", _("Cette image dépasse 10 Mo. Prenez-la en qualité moyenne."))
    upload.seek(0)
    picture = _grey(upload.read())
    found = zxingcpp.read_barcodes(picture, formats=QR) or _read_enlarged(picture)
    texts = [code.bytes.decode("latin-1") for code in found]  # not .text, which rewrites control characters
    if not texts:
        raise _refused("no-code", _("Aucun code QR lisible sur cette image. Cadrez le code seul, net et bien éclairé."))
    return next((text for text in texts if signed.is_signed_code(text)), texts[0])


def _read_enlarged(picture: Image.Image) -> list[zxingcpp.Barcode]:
    """A whole page scanned at 110 to 200 dpi: modules of two or three grey pixels, that no one threshold parts."""
    larger = picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.LANCZOS)
    for threshold in THRESHOLDS:
        black_or_white = larger.point([255 * (grey > threshold) for grey in range(256)])
        found = zxingcpp.read_barcodes(black_or_white, formats=QR, binarizer=zxingcpp.Binarizer.FixedThreshold)
        if found:
            return found
    return []


def _grey(content: bytes) -> Image.Image:
    """The size is read from the header and bounded before a pixel is decoded."""
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            raise _too_large()
        picture.draft("L", (LONG_SIDE, LONG_SIDE))
        picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise _refused("not-a-picture", _("Ce fichier n’est pas une image lisible (JPEG, PNG ou WebP).")) from None
    picture.thumbnail((LONG_SIDE, LONG_SIDE))
    return _on_white(picture)


def _on_white(picture: Image.Image) -> Image.Image:
    """A code drawn on nothing would be black on black."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        see_through = picture.convert("RGBA")
        page = Image.new("RGBA", picture.size, "white")
        page.alpha_composite(see_through)
        picture = page
    return picture.convert("L")


def _too_large() -> Refused:
    return _refused("too-large", _("Cette image est démesurée. Prenez une photo ordinaire du code."))


def _refused(code: str, sentence: str) -> Refused:
    return Refused(Reason(code, sentence))
