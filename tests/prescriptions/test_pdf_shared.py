"""Every real bundle is printed: what is on paper is what is on the screen, and the judge accepts a sample."""

import pytest

from prescriptions import words
from prescriptions.code import qr
from prescriptions.files import pdf
from prescriptions.intake.importing import import_file
from tests import factories
from tests.conftest import SHARED_MATERIAL
from tests.prescriptions import verapdf
from tests.prescriptions.test_pdf import codes_in, flat, text_in

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
BUNDLES = sorted((SHARED_MATERIAL / "fhir-has").glob("*.json"))


@pytest.fixture
def people(alice, emma):
    return {"patient": factories.alice_patient(), "prescriber": emma.prescriber}


@pytest.mark.parametrize("file", BUNDLES, ids=lambda file: file.stem)
def test_each_bundle_is_printed_with_its_lines_and_its_code(file, people):
    for prescription in import_file(file, **people).prescriptions:
        content = pdf.printable(prescription)
        text = text_in(content).replace(" ", "")
        for line in prescription.lines.all():
            said = words.say_line(line)
            for part in [said.name, *said.steps, *said.components]:
                assert flat(part).replace(" ", "") in text, part
        assert codes_in(content) == [qr.text_of(prescription).encode()]


def test_verapdf_accepts_infusions_and_mixtures(people, tmp_path):
    judged = []
    for file in [file for file in BUNDLES if "erf" in file.stem]:
        for prescription in import_file(file, **people).prescriptions:
            printed = tmp_path / f"{file.stem}.pdf"
            printed.write_bytes(pdf.printable(prescription))
            judged += [("3a", printed), ("ua1", printed)]
    assert judged
    assert set(verapdf.verdicts(*judged)) == {"ok"}
