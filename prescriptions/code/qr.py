"""The QR of a prescription: its signed text, and how it is drawn. What the text holds: signed.py."""

import io
from functools import lru_cache

import qrcode
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import gettext as _
from PIL import Image

from prescriptions import policies
from prescriptions.code import keys, signed
from prescriptions.code.canonical import content_hash
from prescriptions.code.verification import Verdict, check
from prescriptions.files.kept import keep
from prescriptions.models import Document, Prescription

__all__ = ["Verdict", "check", "code_of", "png", "svg", "text_of"]

MAX_VERSION = 11  # 61 modules: 25 mm on paper at 0.4 mm a module, 4 px a module on a small phone
QUIET_ZONE = 4  # modules, on each side

Matrix = tuple[tuple[bool, ...], ...]


# --- The text ---------------------------------------------------------------------------------------------------------


def text_of(prescription: Prescription) -> str:
    """The signed text of a registry prescription. Signed once: what is printed and what is shown are one code."""
    return bytes(code_of(prescription).content).decode()


def code_of(prescription: Prescription) -> Document:
    """The row that keeps the text; its position is the version of the PDFs that show it.

    Another version is signed only when the key of the last one was revoked.
    """
    latest = prescription.documents.filter(kind=Document.Kind.CODE).order_by("-position").first()
    if latest is not None and not _is_revoked(latest):
        return latest
    return keep(
        prescription,
        kind=Document.Kind.CODE,
        position=latest.position + 1 if latest else 0,
        content_type="text/plain",
        make=lambda: _sign(prescription).encode(),
    )


def _is_revoked(code: Document) -> bool:
    """The text is our own, and kept sealed: its signature needs no proof here."""
    return keys.is_revoked(signed.kid_of(bytes(code.content).decode()))


def _sign(prescription: Prescription) -> str:
    key = keys.signing_key()
    claims = signed.Claims(
        number=prescription.number,
        content=content_hash(prescription),
        issued_at=timezone.now(),
        expires_at=policies.ends_at(prescription),
    )
    text = signed.write(claims, private_pem=key.private_pem, kid=bytes.fromhex(key.kid))
    _matrix(text)  # refuses what would be too dense before it is kept
    return text


# --- The drawing ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _matrix(text: str) -> Matrix:
    """Dark is True. Level Q: still read with a quarter of it stained. No quiet zone."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, border=0)
    code.add_data(text)
    code.make(fit=True)
    if code.version > MAX_VERSION:
        raise signed.TooLong(f"version {code.version}")
    return tuple(tuple(row) for row in code.get_matrix())


def svg(text: str) -> str:
    """One path, a run of dark modules at a time; crisp at any size; said to whoever cannot see it."""
    matrix = _matrix(text)
    side = len(matrix) + 2 * QUIET_ZONE
    path = "".join(
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h{length}v1h-{length}z"
        for y, row in enumerate(matrix)
        for x, length in _runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img" aria-labelledby="qr-title" '
        f'shape-rendering="crispEdges"><title id="qr-title">{escape(_("Code QR de l’ordonnance"))}</title>'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{path}"/></svg>'
    )


def _runs(row: tuple[bool, ...]):
    """(start, length) of each run of dark modules."""
    start = None
    for x, dark in enumerate((*row, False)):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            yield start, x - start
            start = None


def png(text: str) -> bytes:
    """One pixel a module, black and white, quiet zone included: draw it with `image-rendering: pixelated`."""
    matrix = _matrix(text)
    side = len(matrix) + 2 * QUIET_ZONE
    modules = bytes(0 if dark else 255 for row in matrix for dark in row)
    picture = Image.new("1", (side, side), 1)
    picture.paste(Image.frombytes("L", (len(matrix), len(matrix)), modules), (QUIET_ZONE, QUIET_ZONE))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
