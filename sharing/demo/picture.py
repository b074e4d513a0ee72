"""A plausible photo of a paper prescription, drawn: a sheet on a table, a little askew. Everyone on it is invented."""

import io
import random
from datetime import date

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from portal import moments
from prescriptions.files import photos

SHEET = (1240, 1754)  # A4 at 150 dots an inch
TABLE = (1560, 2080)
FONT = settings.BASE_DIR / "static" / "fonts" / "atkinson-hyperlegible-latin-400-normal.woff2"
PAPER, INK, PEN = (250, 248, 242), (45, 48, 60), (28, 44, 120)
LINES = (
    (110, 96, 44, INK, "Docteur Marc Vasseur"),
    (110, 152, 28, INK, "Chirurgien-dentiste"),
    (110, 192, 26, INK, "7 quai des Tanneurs, 69005 Lyon"),
    (110, 228, 26, INK, "Tél. 04 65 71 43 07"),
    (700, 330, 30, PEN, "Lyon, le {day}"),
    (700, 380, 30, PEN, "Mme Alice Moreau"),
    (150, 560, 36, PEN, "Ibuprofène 400 mg"),
    (200, 612, 32, PEN, "1 comprimé matin, midi et soir pendant 3 jours"),
    (150, 720, 36, PEN, "Paracétamol 1 g"),
    (200, 772, 32, PEN, "1 comprimé si douleur, 3 par jour au plus"),
    (150, 880, 36, PEN, "Eludrilperio 0,20 %, bain de bouche"),
    (200, 932, 32, PEN, "2 fois par jour après le brossage, pendant 7 jours"),
    (760, 1240, 30, INK, "Signature"),
)


def prescription_page(day: date) -> photos.Page:
    """As if it had been taken with a phone and added by hand: cleaned like any upload."""
    out = io.BytesIO()
    _photo(_sheet(day)).save(out, "JPEG", quality=88)
    return photos.clean(SimpleUploadedFile("photo.jpg", out.getvalue()))


def _sheet(day: date) -> Image.Image:
    sheet = Image.new("RGB", SHEET, PAPER)
    pen = ImageDraw.Draw(sheet)
    for left, top, size, colour, words in LINES:
        told = words.format(day=moments.full_date(day).replace("\xa0", " "))
        pen.text((left, top), told, fill=colour, font=ImageFont.truetype(FONT, size))
    pen.line([(110, 290), (1130, 290)], fill=INK, width=2)
    _sign(pen)
    return sheet


def _sign(pen: ImageDraw.ImageDraw) -> None:
    chance = random.Random(7)  # noqa: S311 - a scribble, the same every time
    points = [(760 + step * 22, 1330 + chance.randint(-46, 46)) for step in range(15)]
    pen.line(points, fill=PEN, width=4, joint="curve")


def _photo(sheet: Image.Image) -> Image.Image:
    table = Image.new("RGB", TABLE, (136, 104, 78))
    turned = sheet.convert("RGBA").rotate(1.6, expand=True, resample=Image.Resampling.BICUBIC)
    table.paste(turned, (150, 150), turned)
    shade = Image.linear_gradient("L").resize(TABLE).point(lambda level: 235 + level // 13)
    lit = Image.composite(table, Image.new("RGB", TABLE, (30, 24, 20)), shade)
    return lit.filter(ImageFilter.GaussianBlur(0.7))
