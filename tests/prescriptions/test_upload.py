"""A photo of a paper prescription: taken safely, labelled for what it is, refused with a sentence."""

import io
import zlib
from datetime import timedelta

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageFilter, PngImagePlugin

from portal.reasons import Refused
from prescriptions.files import photos
from prescriptions.models import Document, Prescription
from tests import factories

URL = "/ordonnances/ajouter/"


def upload(content: bytes, name: str = "page.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def code_of(content: bytes) -> str:
    with pytest.raises(Refused) as told:
        photos.clean(upload(content))
    return told.value.reason.code


def encoded(picture: Image.Image, kind="JPEG", **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def page(**size) -> Image.Image:
    return Image.open(io.BytesIO(factories.picture(**size)))


def pdf(alter=lambda pdf: None, **options) -> bytes:
    made = pikepdf.new()
    made.add_blank_page()
    alter(made)
    out = io.BytesIO()
    made.save(out, **options)
    return out.getvalue()


# --- Pictures -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_comes_out_as_a_plain_jpeg(kind):
    taken = photos.clean(upload(factories.picture(kind=kind)))
    assert taken.content_type == "image/jpeg"
    assert Image.open(io.BytesIO(taken.content)).size == (1200, 1600)


def test_place_camera_and_comments_stay_behind_and_the_page_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned: upright is width and height exchanged
    exif[0x010F] = "CameraOfAlice"
    exif.get_ifd(0x8825)[1] = "N"
    content = encoded(page(), exif=exif, comment=b"PrivateWord", icc_profile=b"x" * 200)
    assert b"CameraOfAlice" in content and b"PrivateWord" in content
    taken = photos.clean(upload(content)).content
    picture = Image.open(io.BytesIO(taken))
    assert picture.size == (1600, 1200)
    assert not picture.getexif() and "comment" not in picture.info and "icc_profile" not in picture.info
    assert b"CameraOfAlice" not in taken and b"PrivateWord" not in taken


def test_text_hidden_in_a_png_stays_behind():
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "PrivateWord")
    assert b"PrivateWord" not in photos.clean(upload(encoded(page(), "PNG", pnginfo=words))).content


def test_a_large_photo_is_reduced_to_what_a_page_needs():
    taken = photos.clean(upload(factories.picture(4000, 3000, kind="JPEG")))
    assert max(Image.open(io.BytesIO(taken.content)).size) == photos.LONG_SIDE


def test_a_see_through_picture_is_laid_on_white():
    clear = page().convert("RGBA")
    clear.putalpha(Image.new("L", clear.size, 255))
    clear.paste((0, 0, 0, 0), (0, 0, 50, 50))
    assert Image.open(io.BytesIO(photos.clean(upload(encoded(clear, "PNG"))).content)).getpixel((10, 10)) > (240,) * 3


def test_pictures_that_cannot_be_read():
    blurred = page().filter(ImageFilter.GaussianBlur(40))
    assert code_of(encoded(blurred)) == "blurred"
    assert code_of(encoded(Image.new("RGB", (1200, 1600), "white"))) == "blurred"
    assert code_of(factories.picture(300, 400)) == "too-small"
    assert code_of(factories.picture(kind="JPEG")[:9000]) == "broken"
    assert code_of(b"Alice Moreau") == "not-a-picture"
    assert code_of(encoded(page(), "GIF")) == "not-a-picture"
    assert code_of(b"x" * (10 * 1024 * 1024 + 1)) == "too-heavy"


def test_a_slightly_soft_photo_is_still_taken():
    """A phone at arm's length: soft, noisy, readable."""
    soft = page(width=2000, height=2600).filter(ImageFilter.GaussianBlur(2))
    assert photos.clean(upload(encoded(soft, quality=60))).content


def test_a_bomb_is_refused_before_its_pixels_are_decoded():
    """41 million pixels in a few kilobytes; and a header that announces a billion."""
    assert code_of(encoded(Image.new("1", (8200, 5000)), "PNG")) == "too-large"
    header = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    header[16:24] = (40_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    assert code_of(bytes(header)) == "too-large"


# --- PDF ------------------------------------------------------------------------------------------------------------
def test_a_plain_pdf_is_kept_without_its_author():
    def sign(made):
        made.docinfo["/Author"] = "Alice Moreau"
        made.Root.OpenAction = pikepdf.Array([made.pages[0].obj, pikepdf.Name.Fit])

    taken = photos.clean(upload(pdf(sign)))
    assert taken.content_type == "application/pdf"
    with pikepdf.open(io.BytesIO(taken.content)) as kept:
        assert len(kept.pages) == 1 and "/Author" not in kept.docinfo


def script(made):
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def launch(made):
    action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("calc.exe"))
    made.pages[0].Annots = pikepdf.Array([pikepdf.Dictionary(Type=pikepdf.Name.Annot, A=action)])


def on_page_open(made):
    made.pages[0].AA = pikepdf.Dictionary(O=pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("http://x")))


def attach(made):
    made.attachments["hidden.exe"] = b"MZ"


def named_script(made):
    tree = pikepdf.Dictionary(Names=pikepdf.Array([pikepdf.String("x"), pikepdf.Dictionary(S=pikepdf.Name.JavaScript)]))
    made.Root.Names = pikepdf.Dictionary(JavaScript=made.make_indirect(tree))


@pytest.mark.parametrize("alter", [script, launch, on_page_open, attach, named_script])
def test_a_pdf_that_acts_is_refused(alter):
    assert code_of(pdf(alter)) == "acting-pdf"


@pytest.mark.parametrize("user", ["", "secret"])
def test_an_encrypted_pdf_is_refused_even_without_a_password_to_open_it(user):
    assert code_of(pdf(encryption=pikepdf.Encryption(owner="owner", user=user))) == "encrypted"


def test_a_pdf_that_is_broken_or_a_book():
    assert code_of(b"%PDF-1.7\nnothing") == "broken"
    assert code_of(pdf(lambda made: [made.add_blank_page() for _ in range(20)])) == "too-long"


# --- The page -------------------------------------------------------------------------------------------------------
@pytest.fixture
def as_alice(client, alice):
    client.force_login(alice)
    return client


def test_alice_adds_two_pages(as_alice, alice_patient):
    shown = as_alice.get(URL)
    assert "apportez l’original" in shown.text
    key = shown.context["form"]["key"].value()
    files = [upload(factories.picture()), upload(factories.picture(kind="WEBP"), "b.webp")]
    sent = {"files": files, "title": "Dentiste", "authored_on": "2026-01-05", "key": key}
    answer = as_alice.post(URL, sent, follow=True)
    added = alice_patient.prescriptions.get()
    assert answer.redirect_chain == [(reverse("prescription", args=[added.pk]), 302)]
    assert (added.provenance, added.comment, str(added.authored_on)) == ("upload", "Dentiste", "2026-01-05")
    assert added.number is None and added.prescriber is None
    assert [d.content_type for d in added.documents.filter(kind="photo")] == ["image/jpeg", "image/jpeg"]
    assert "apportez l’original" in answer.text


def test_sent_twice_it_is_added_once(as_alice, alice_patient):
    for _attempt in range(2):
        as_alice.post(URL, {"files": upload(factories.picture()), "key": "one-time"})
    assert alice_patient.prescriptions.count() == 1


def test_nothing_but_the_photo_is_needed(as_alice, alice_patient):
    as_alice.post(URL, {"files": upload(factories.picture())})
    assert alice_patient.prescriptions.get().authored_on == timezone.localdate()


def test_added_in_leos_space_it_is_leos(as_alice, leo, alice):
    session = as_alice.session
    session["patient"] = str(leo.pk)
    session.save()
    as_alice.post(URL, {"files": upload(factories.picture())})
    assert leo.prescriptions.count() == 1 and not factories.patient_of(alice).prescriptions.exists()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "Choisissez une photo ou un PDF"),
        ({"files": [b"words"]}, "ni une photo"),
        ({"files": [b""]}, "vide"),
        ({"files": [b"%PDF-1.7 no"]}, "abîmé"),
        ({"files": [factories.picture(), b"words"]}, "Fichier 2\xa0: "),
        ({"files": [factories.picture()] * 6}, "5 photos au plus"),
        ({"files": [factories.picture(), pdf()]}, "Un PDF s’ajoute seul"),
        ({"authored_on": "31 février"}, "Écrivez la date comme"),
        ({"authored_on": str(timezone.localdate() + timedelta(days=2))}, "dans l’avenir"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_mistake_is_said_beside_the_field_and_on_top(as_alice, sent, sentence):
    if files := sent.get("files"):
        sent = sent | {"files": [upload(content) for content in files]}
    answer = as_alice.post(URL, sent)
    assert answer.status_code == 422
    assert answer.text.count(sentence) == 2, "in the summary and at its field"
    assert not Prescription.objects.exists() and not Document.objects.exists()


def test_thirty_megabytes_are_refused_before_they_are_read(as_alice):
    answer = as_alice.post(URL, {"files": upload(b"\xff\xd8" + b"x" * 30 * 1024 * 1024)})
    assert answer.status_code == 413 and "trop lourd" in answer.text
    assert not Prescription.objects.exists()


def test_it_is_for_patients(client, chloe):
    assert client.get(URL).status_code == 302
    client.force_login(chloe)
    assert client.get(URL).status_code == 404
