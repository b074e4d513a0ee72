"""The printed prescription: what is on it, read back from the file; what judges say of the file."""

import io
import json
import re
from dataclasses import dataclass
from functools import cache
from itertools import product

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from django.utils import translation

from prescriptions import words
from prescriptions.code import qr
from prescriptions.files import pdf
from tests import factories
from tests.prescriptions import papers, verapdf

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
DRAWN = {"people": pdf.printable, "message": pdf.for_message}


def text_in(content: bytes) -> str:
    pages = pypdfium2.PdfDocument(content)
    text = " ".join(page.get_textpage().get_text_range() for page in pages)
    return flat(text.replace("\ufffe", "-"))


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def codes_in(content: bytes, dpi=150) -> list[bytes]:
    pages = [page.render(scale=dpi / 72).to_pil() for page in pypdfium2.PdfDocument(content)]
    return [code.bytes for page in pages for code in zxingcpp.read_barcodes(page)]


@dataclass(frozen=True)
class Printed:
    content: bytes
    code: bytes
    words: list[str]


@cache
def printed(name: str, draw) -> Printed:
    """One of the papers, drawn once for all who look at it, and what it must say."""
    prescription = papers.ALL[name]()
    said = [words.say_line(line) for line in prescription.lines.all()]
    told = [part for line in said for part in (line.name, *line.steps, *line.components)]
    number = words.number_in_groups(prescription.number)
    return Printed(draw(prescription), qr.text_of(prescription).encode(), [number, *map(flat, told)])


# --- Judges -----------------------------------------------------------------------------------------------------------


def test_verapdf_finds_both_files_conform(alice, bob, tmp_path):
    judged = []
    for name, (kind, draw) in product(papers.ALL, DRAWN.items()):
        file = tmp_path / f"{name}-{kind}.pdf"
        file.write_bytes(printed(name, draw).content)
        judged += [("3a", file), ("ua1", file)] if kind == "people" else [("1a", file)]
    photo = factories.photo_prescription()
    file = tmp_path / "photo-people.pdf"
    file.write_bytes(pdf.of_photos(photo, list(photo.documents.all())))
    judged += [("3a", file), ("ua1", file)]
    found = {
        f"{flavour} {file.stem}": said for (flavour, file), said in zip(judged, verapdf.verdicts(*judged), strict=True)
    }
    assert found == dict.fromkeys(found, "ok")


def test_the_judge_does_refuse(tmp_path):
    plain = tmp_path / "plain.pdf"
    with pikepdf.new() as file:
        file.add_blank_page()
        file.save(plain)
    assert all(said != "ok" for said in verapdf.verdicts(("3a", plain), ("ua1", plain), ("1a", plain)))


# --- Read back --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", papers.ALL)
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_the_code_and_the_words_come_back_as_they_were(alice, bob, name, draw):
    paper = printed(name, draw)
    assert codes_in(paper.content) == [paper.code]
    text = text_in(paper.content)
    assert [part for part in paper.words if part not in text] == []


def test_every_mention_of_the_law_is_there(bob):
    """CSP R5132-3."""
    text = text_in(pdf.printable(papers.six_lines()))
    for mention in [
        "Dr Emma Rousseau",
        "Médecine générale",
        f"RPPS {factories.emma().prescriber.rpps}",
        "Cabinet médical des Tilleuls",
        f"FINESS {factories.emma().prescriber.structure_finess}",
        "12 rue des Tilleuls",
        "69003 Lyon, France",
        "01 99 00 12 34",
        "emma@ordolien.test",
        "Signée électroniquement",
        "Lyon, le ",
        "Bob Nguyen",
        "Bob Minh Nguyen",
        "Sexe masculin",
        "2 juin 1955 (71 ans)",
        "72,5 kg, 178 cm",
        "À renouveler : 2 fois",
        "Non substituable (MTE)",
        "Non remboursable (NR)",
        "Quantité : 2 paires",
        "code LPP 1215702",
        "Fin de l’ordonnance : six lignes",
        "Le patient s’oppose à ce que les prescripteurs consultent",
        "L. 4071-1",
        "TEST-LAP-1",
        "Page 1 sur 2",
    ]:
        assert mention in text, mention


def test_no_matricule_is_printed(bob):
    content = pdf.printable(papers.six_lines())
    assert factories.bob_patient().ins[:10] not in text_in(content).replace(" ", "")


def test_a_locum_names_whom_they_replace(alice):
    other = factories.prescriber(given_name="Jean", family_name="Petit")
    prescription = factories.prescription(replaced_prescriber=other)
    assert f"En remplacement de Dr Jean Petit, RPPS {other.rpps}" in text_in(pdf.printable(prescription))


def test_a_bizone_prescription_keeps_its_two_zones_apart(alice):
    text = text_in(pdf.printable(papers.bizone()))
    order = [
        "affection de longue durée reconnue",
        "LEVOTHYROX",
        "sans rapport avec l’affection de longue durée",
        "DOLIPRANE",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "En rapport avec une ALD" not in text  # the zone says it


def test_a_secured_prescription_has_its_quantities_in_letters(alice):
    text = text_in(pdf.printable(papers.secured()))
    assert "SKENAN LP dix milligrammes" in text
    assert "une gélule matin et soir pendant vingt-huit jours" in text
    assert "quantité : cinquante-six gélules" in text
    assert "Pharmacie désignée par le patient : Pharmacie du Marché, Lyon" in text


def test_what_people_typed_is_text_and_never_markup(alice):
    assert "Second <mélange> & suite" in text_in(pdf.printable(papers.infusion()))


def test_it_is_in_french_whoever_prints_it(alice):
    with translation.override("en"):
        assert "Sexe féminin" in text_in(pdf.printable(papers.one_line()))


def test_a_stamp_crosses_the_page(alice):
    assert "ANNULÉE" in text_in(pdf.printable(papers.one_line(), stamp="ANNULÉE"))


def test_the_deposit_as_received_is_inside_the_patients_file_only(alice):
    prescription = papers.one_line()
    with pikepdf.open(io.BytesIO(pdf.printable(prescription))) as file:
        assert list(file.attachments) == ["ordonnance-fhir.json"]
        assert json.loads(file.attachments["ordonnance-fhir.json"].get_file().read_bytes()) == prescription.source
    with pikepdf.open(io.BytesIO(pdf.for_message(prescription))) as file:
        assert list(file.attachments) == []
    with pikepdf.open(io.BytesIO(pdf.printable(papers.one_line(source=None)))) as file:
        assert list(file.attachments) == []


def test_it_can_be_read_aloud(alice):
    prescription = papers.one_line()
    with pikepdf.open(io.BytesIO(pdf.printable(prescription))) as file:
        assert str(file.Root.Lang) == "fr"
        assert bool(file.Root.MarkInfo.Marked)
        assert str(file.docinfo.Title).startswith("Ordonnance du ")
        figures = [
            thing for thing in file.objects if isinstance(thing, pikepdf.Dictionary) and thing.get("/S") == "/Figure"
        ]
        assert [str(figure.Alt) for figure in figures] == [
            f"Code QR signé de l’ordonnance numéro {words.number_in_groups(prescription.number)}"
        ]


def test_a_message_is_the_older_format(alice):
    assert pdf.for_message(papers.one_line()).startswith(b"%PDF-1.4")


# --- Nothing is fetched -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        '<img src="http://127.0.0.1/x.png">',
        '<img src="file:///etc/hostname">',
        '<link rel="attachment" href="file:///etc/hostname">',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        '<p style="background: url(ftp://example.org/x)">a</p>',
    ],
    ids=["picture", "local file", "attached file", "style", "background"],
)
def test_a_document_that_asks_for_something_outside_fails(html):
    with pytest.raises(pdf.RefusedFetch):
        pdf._draw(f"<!doctype html><html lang=fr><title>x</title>{html}", pdf_variant="pdf/a-3a")


def test_a_relative_address_fails_too_rather_than_leave_a_hole():
    with pytest.raises(pdf.RefusedFetch):
        pdf._draw('<!doctype html><title>x</title><img src="logo.png">', pdf_variant="pdf/a-3a")
