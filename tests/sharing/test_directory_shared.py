"""The samples of the national directories come out as their truth says: every pharmacy, position and mailbox."""

import csv
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from sharing import directory
from sharing.directory.search import distance_km
from sharing.models import DirectoryCopy, Mailbox, Pharmacy

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).resolve().parents[3] / "shared" / "testdata" / "directory"
FINESS = FOLDER / "etalab-cs1100507-stock-20260512-0339.csv"
MAILBOXES = FOLDER / "Extraction_Correspondance_MSSante_202605121013.txt"
SUFFIXED = FOLDER / "Extraction_Correspondance_MSSante_suffixed-header_sample.txt"


def truth() -> dict[str, dict[str, str]]:
    with (FOLDER / "truth.tsv").open(newline="") as file:
        return {row["finess"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def test_everything_comes_out_as_the_truth_says(capsys):
    call_command("import_pharmacies", finess=FINESS, mailboxes=MAILBOXES)
    said = capsys.readouterr()
    assert "In use: 2000 pharmacies, 603 with a mailbox" in said.out and not said.err
    expected = truth()
    found = {pharmacy.finess: pharmacy for pharmacy in Pharmacy.objects.prefetch_related("mailboxes")}
    assert found.keys() == expected.keys()
    assert [wrong for finess, row in expected.items() if (wrong := differences(found[finess], row))] == []
    copy = DirectoryCopy.objects.get()
    assert copy.counts["of_a_legal_entity"] == copy.counts["of_unknown_establishments"] == 5
    assert copy.counts["of_other_establishments"] == 60 and copy.counts["mailboxes_shared"] == 3

    with pytest.raises(CommandError, match="60 rows of mailboxes where the copy in use has 1114"):
        call_command("import_pharmacies", finess=FINESS, mailboxes=SUFFIXED)
    assert Mailbox.objects.count() == sum(len(row["mailboxes"].split()) for row in expected.values())


def test_the_other_header_is_read_as_well():
    call_command("import_pharmacies", finess=FINESS, mailboxes=SUFFIXED)
    whole = {finess: set(row["mailboxes"].split()) for finess, row in truth().items()}
    boxes = list(Mailbox.objects.values_list("pharmacy__finess", "address"))
    assert len(boxes) > 30
    assert all(address in whole[finess] for finess, address in boxes)


def differences(pharmacy: Pharmacy, row: dict[str, str]) -> str:
    """What is not as it should be, in words; "" when all is."""
    boxes = [box.address for box in pharmacy.mailboxes.all()]
    if sorted(boxes) != sorted(row["mailboxes"].split()):
        return f"{pharmacy.finess}: mailboxes {boxes}"
    if boxes and boxes[0].split("@")[0].endswith(".preparatoire"):
        return f"{pharmacy.finess}: the back room first"
    said = (pharmacy.department, pharmacy.postcode, directory.words_of(pharmacy.town))
    if said != (row["department"], row["postcode"], directory.words_of(row["town"])):
        return f"{pharmacy.finess}: {said}"
    return _place(pharmacy, row)


def _place(pharmacy: Pharmacy, row: dict[str, str]) -> str:
    if row["in_geolocalisation"] == "0":
        return "" if pharmacy.latitude is None else f"{pharmacy.finess}: a position from nowhere"
    if pharmacy.latitude is None:
        return f"{pharmacy.finess}: no position"
    apart = distance_km((pharmacy.latitude, pharmacy.longitude), (float(row["lat_wgs84"]), float(row["lon_wgs84"])))
    return "" if apart < 0.001 else f"{pharmacy.finess}: {apart * 1000:.1f} m away"
