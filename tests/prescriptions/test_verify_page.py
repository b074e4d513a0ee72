"""The page where anybody checks a prescription, and the keys anybody may take."""

import io
import subprocess

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from prescriptions.code import keys, qr, signed
from prescriptions.files import documents
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PAGE = "/verifier/"


def picture_of(text: str, kind="PNG", scale=5) -> bytes:
    small = Image.open(io.BytesIO(qr.png(text))).convert("RGB")
    out = io.BytesIO()
    small.resize((small.width * scale, small.height * scale), Image.Resampling.NEAREST).rotate(
        7, fillcolor="white"
    ).save(out, kind)
    return out.getvalue()


def upload(content: bytes, name="code.png", kind="image/png"):
    return {"picture": SimpleUploadedFile(name, content, kind)}


def said(response) -> str:
    return response.content.decode()


def test_a_stranger_finds_one_field_and_no_camera_without_javascript(client):
    page = client.get(reverse("verify"))
    assert page.status_code == 200
    assert reverse("verify") == PAGE
    assert 'name="text"' in said(page)
    assert "data-scan-camera hidden" in said(page)
    assert "no-store" in page["Cache-Control"]


def test_a_scanned_code_gets_one_large_verdict_and_says_nothing_of_anybody(client, prescription):
    page = client.post(PAGE, {"text": qr.text_of(prescription) + "\r\n"})
    assert 'data-verdict="valid"' in said(page)
    assert "Authentique et en cours" in said(page)
    assert "une photocopie porte le même code" in said(page)
    for secret in ["Moreau", "Rousseau", "AMOXICILLINE", "Amoxicilline", prescription.number, str(prescription.pk)]:
        assert secret not in said(page)


def test_each_ending_is_said(client, prescription, market):
    text = qr.text_of(prescription)
    assert 'data-verdict="altered"' in said(
        client.post(PAGE, {"text": text.replace(text[40], "Z" if text[40] != "Z" else "Y")})
    )
    factories.dispensing(prescription, market)
    assert 'data-verdict="exhausted"' in said(client.post(PAGE, {"text": text}))
    prescription.cancelled_at, prescription.cancelled_reason = timezone.now(), "erreur"
    prescription.save()
    assert "ne pas délivrer" in said(client.post(PAGE, {"text": text}))


def test_a_typed_number_is_no_proof(client, prescription):
    page = said(client.post(PAGE, {"text": prescription.number}))
    assert "Numéro connu du registre" in page
    assert "seul le code QR prouve" in page
    assert "Non vérifiée" in page


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_read(client, prescription, kind):
    page = client.post(PAGE, upload(picture_of(qr.text_of(prescription), kind)))
    assert 'data-verdict="valid"' in said(page)


@pytest.mark.parametrize("dpi", [110, 150, 200])
def test_a_page_scanned_whole_is_read(client, prescription, tmp_path, dpi):
    page = tmp_path / "page.pdf"
    page.write_bytes(bytes(documents.printable(prescription).content))
    subprocess.run(["pdftoppm", "-r", str(dpi), "-png", "-singlefile", page, tmp_path / "scan"], check=True)
    assert 'data-verdict="valid"' in said(client.post(PAGE, upload((tmp_path / "scan.png").read_bytes())))


def test_a_drawing_on_nothing_is_read(client, prescription):
    small = Image.open(io.BytesIO(qr.png(qr.text_of(prescription)))).convert("L")
    clear = Image.new("RGBA", small.size, (0, 0, 0, 0))
    clear.putalpha(small.point(lambda value: 255 - value))
    out = io.BytesIO()
    clear.resize((414, 414), Image.Resampling.NEAREST).save(out, "PNG")
    assert 'data-verdict="valid"' in said(client.post(PAGE, upload(out.getvalue())))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (lambda: {}, "Donnez un code, un numéro ou une photo du code."),
        (lambda: {"text": "   "}, "Donnez un code, un numéro ou une photo du code."),
        (lambda: upload(factories.picture()), "Aucun code QR lisible"),
        (lambda: upload(b"GIF89a not really"), "pas une image lisible"),
        (lambda: upload(b"%PDF-1.7"), "pas une image lisible"),
        (lambda: upload(factories.picture(kind="JPEG")[:5000]), "pas une image lisible"),
        (lambda: upload(b"\0" * (10 * 1024 * 1024 + 1)), "dépasse 10 Mo"),
    ],
    ids=["nothing", "spaces", "no code", "no picture", "a PDF", "a cut picture", "too heavy"],
)
def test_what_cannot_be_read_is_said_beside_the_field(client, given, sentence):
    page = client.post(PAGE, given())
    assert page.status_code == 422
    assert sentence in said(page)
    assert "data-verdict" not in said(page)


def test_a_picture_of_a_billion_pixels_is_not_opened(client):
    out = io.BytesIO()
    Image.new("1", (30000, 30000)).save(out, "PNG")
    page = client.post(PAGE, upload(out.getvalue()))
    assert page.status_code == 422
    assert "démesurée" in said(page)


def test_a_text_longer_than_any_code_is_refused(client):
    assert client.post(PAGE, {"text": "A" * 4297}).status_code == 422


def test_thirty_checks_a_minute_an_address_and_no_more(client, db):
    with time_machine.travel("2026-11-23T12:00:00+01:00", tick=False) as clock:
        answers = [client.post(PAGE, {"text": "01S2TBPZ2JCNZZYGHZ"}).status_code for _ in range(31)]
        assert answers == [200] * 30 + [429]
        assert client.post(PAGE, {"text": "x"}, HTTP_X_FORWARDED_FOR="192.0.2.7").status_code == 429
        assert client.post(PAGE, {"text": "x"}, REMOTE_ADDR="192.0.2.7").status_code == 200
        assert client.get(PAGE).status_code == 200
        clock.shift(60)
        assert client.post(PAGE, {"text": "x"}).status_code == 200


def test_the_keys_are_open_cacheable_and_enough(client, prescription):
    text = qr.text_of(prescription)
    answer = client.get("/.well-known/ordolien-keys.json")
    assert answer["Content-Type"] == "application/jwk-set+json"
    assert "public" in answer["Cache-Control"]
    assert signed.read(text, answer.json(), now=timezone.now()).code == "valid"
    keys.revoke(kid=keys.signing_key().kid, by="system:test")
    assert (
        signed.read(text, client.get("/.well-known/ordolien-keys.json").json(), now=timezone.now()).code
        == "revoked_key"
    )
