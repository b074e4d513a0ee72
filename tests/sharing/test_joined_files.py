"""What a pharmacy joins to its answer: shown to the patient once it is harmless, named when it is not, never lost."""

import io

import pikepdf
import pytest
from PIL import Image

from sharing.incoming import joined, mails, scanning
from sharing.models import ThreadFile
from tests import factories
from tests.fakes.clamd import EICAR, Clamd
from tests.sharing.test_inbound import answer, said, take

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def pdf(*, acting: bool = False, inside: bytes = b"") -> bytes:
    made, out = pikepdf.new(), io.BytesIO()
    made.add_blank_page()
    if acting:
        made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    if inside:
        made.Root.Note = pikepdf.Stream(made, inside)
    made.save(out, compress_streams=False)
    return out.getvalue()


def with_file(share, content: bytes, name="fiche.pdf", kind="application/pdf", text="Voici la fiche."):
    mail = answer(share, text)
    mail.add_attachment(content, *kind.split("/"), filename=name)
    return mail


def files(share) -> list[tuple]:
    rows = ThreadFile.objects.filter(message__share=share)
    return [(row.name, row.content_type, row.state, row.reason) for row in rows]


def test_a_pdf_is_shown_to_the_patient_and_to_nobody_else(share, alice, bob, client):
    take(with_file(share, content := pdf()))
    assert files(share) == [("fiche.pdf", "application/pdf", "shown", "not-configured")]
    path = f"/partages/{share.pk}/fichiers/{ThreadFile.objects.get().pk}/"
    client.force_login(alice)
    assert f'href="{path}"' in client.get(f"/partages/{share.pk}/").content.decode()
    given = client.get(path)
    assert (given.status_code, given["Content-Type"], given.getvalue()) == (200, "application/pdf", content)
    client.force_login(bob)
    assert client.get(path).status_code == 404


def test_a_picture_is_drawn_again(share):
    picture = factories.picture(300, 200) + b"something behind it"
    take(with_file(share, picture, "photo.png", "image/png"))
    [row] = ThreadFile.objects.all()
    assert (row.name, row.content_type, row.state) == ("photo.jpg", "image/jpeg", "shown")
    assert Image.open(io.BytesIO(row.content)).size == (300, 200)
    assert b"something behind it" not in row.content


def test_a_file_alone_is_an_answer(share):
    assert take(with_file(share, pdf(), text="")).reason == "answer"
    assert said(share) == [""]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (pdf(acting=True), "ordonnance.pdf", "acting-pdf"),
        (b"%PDF-1.7 nothing more", "ordonnance.pdf", "broken"),
        (b"MZ\x90\x00" * 50, "facture.pdf", "not-a-picture"),
        (b"<html><script>alert(1)</script>", "page.html", "not-a-picture"),
        (b"PK\x03\x04" + b"\0" * 60, "archive.zip", "not-a-picture"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\0\0\0\x01\0\0\x08\x02\0\0\0", "bombe.png", "not-a-picture"),
    ],
)
def test_what_could_do_harm_is_named_and_not_shown(share, alice, client, content, name, reason):
    row = take(with_file(share, content, name, "application/octet-stream"))
    assert (row.reason, said(share)) == ("answer", ["Voici la fiche."])
    [(shown_name, kind, state, why)] = files(share)
    assert (shown_name, kind, state) == (name, "", "refused")
    assert why in {reason, "too-large"}
    file = ThreadFile.objects.get()
    client.force_login(alice)
    assert "ne peut pas être montré ici" in client.get(f"/partages/{share.pk}/").content.decode()
    assert client.get(f"/partages/{share.pk}/fichiers/{file.pk}/").status_code == 404
    assert file.content == b""


def test_five_files_are_enough(share):
    mail = answer(share)
    for number in range(9):
        mail.add_attachment(pdf(), "application", "pdf", filename=f"{number}.pdf")
    take(mail)
    assert sorted(state for _name, _kind, state, _why in files(share)) == ["refused"] + ["shown"] * 5


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\fiche.pdf", "fiche.pdf"),
        ("fiche\u202efdp.exe", "fichefdp.pdf"),
        ("x" * 300 + ".pdf", "x" * 80 + ".pdf"),
        ("", "fichier.pdf"),
        ("<script>.pdf", "script.pdf"),
    ],
)
def test_a_files_name_is_a_name(share, name, shown):
    take(with_file(share, pdf(), name))
    assert files(share)[0][0] == shown


def test_the_pictures_inside_a_page_are_not_files(share):
    mail = answer(share, "")
    mail.set_content("<p>Bonjour<img src='cid:logo'></p>", subtype="html")
    mail.add_related(factories.picture(40, 40), "image", "png", cid="<logo>")
    take(mail)
    assert (said(share), files(share)) == (["Bonjour"], [])


# --- The scanner ----------------------------------------------------------------------------------------------------
def test_a_virus_is_not_shown(share, settings):
    with Clamd() as scanner:
        settings.SCANNER = scanner.url
        take(with_file(share, pdf(inside=EICAR)))
        take(with_file(share, pdf()))
    assert [(state, why) for _name, _kind, state, why in files(share)] == [("refused", "infected"), ("shown", "clean")]
    assert len(scanner.scanned) == 2


@pytest.mark.parametrize("says", [None, b"INSTREAM size limit exceeded. ERROR", b"nonsense"])
def test_while_the_scanner_is_away_files_wait_and_words_do_not(share, settings, alice, client, says, caplog):
    with Clamd(says or b"") as scanner:
        settings.SCANNER = scanner.url if says else "unix:///nowhere/clamd.ctl"
        take(with_file(share, pdf()))
    assert (said(share), files(share)[0][2]) == (["Voici la fiche."], "waiting")
    assert "the virus scanner does not answer" in caplog.text
    client.force_login(alice)
    assert "en cours de vérification" in client.get(f"/partages/{share.pk}/").content.decode()
    with Clamd() as scanner:
        settings.SCANNER = scanner.url
        mails.process_stored()
    assert files(share)[0][2] == "shown"


def test_no_scanner_is_said(settings):
    assert not scanning.is_configured()
    assert scanning.scan(b"x") == scanning.Verdict.NOT_CONFIGURED


def test_what_is_looked_at_is_bounded(share):
    mail = answer(share)
    for number in range(60):
        mail.add_attachment(b"", "application", "pdf", filename=f"{number}.pdf")
    assert take(mail).reason == "too-many-parts"
    assert len(joined.files_of(mail)) == joined.FILES_MAX + 1
