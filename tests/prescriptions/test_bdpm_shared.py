"""The real extraction of June 2022, whole: counts, slips, prices, and every card said."""

import re
import time

import pytest

from prescriptions import bdpm
from prescriptions.medicine import cataloguing, lookup, wording
from prescriptions.medicine.catalogue import CataloguedMedicine, CataloguedPresentation
from tests.conftest import SHARED_MATERIAL

FOLDER = SHARED_MATERIAL / "bdpm"
SECONDS = 20  # of processor: four on a quiet machine, and however slow the clock on a busy one


@pytest.fixture(scope="module")
def extraction():
    return bdpm.read_folder(FOLDER)


def test_every_row_of_every_file_is_taken(extraction):
    assert extraction.counts() == {
        "CIS_bdpm": 15_676,
        "CIS_CIP_bdpm": 20_747,
        "CIS_COMPO_bdpm": 32_340,
        "CIS_GENER_bdpm": 10_009,
        "CIS_CPD_bdpm": 24_767,
    }
    assert {source.encoding for source in extraction.sources.values()} == {"cp1252"}
    assert not any(source.left_out for source in extraction.sources.values())


def test_what_the_files_hold_together(extraction):
    found = extraction
    assert len(found.medicines) == 15_676
    assert len(found.presentations) == 20_739, "eight are of medicines that are gone"
    assert len({pack.cis for pack in found.presentations.values()}) == 14_320
    assert sum(bool(medicine.substances) for medicine in found.medicines.values()) == 15_674
    assert sum(bool(medicine.conditions) for medicine in found.medicines.values()) == 12_044
    assert len({row[0] for _line, row in found.sources["CIS_GENER_bdpm"].rows}) == 1_487
    assert found.facts_until.isoformat() == "2022-04-30", "one presentation is declared for 2023"


def test_the_rows_with_tabs_too_many_are_put_right(extraction):
    pills = extraction.medicines["68285029"].substances
    assert [(part["name"], part["per"], part["nature"]) for part in pills if part["link"] in {14, 15, 16}] == [
        ("MERCURIUS DULCIS POUR PRÉPARATIONS HOMÉOPATHIQUES", "une gomme", "SA")
    ] * 3
    group = [row for _line, row in extraction.sources["CIS_GENER_bdpm"].rows if row[0] == "1809"]
    assert [(row[2], row[3]) for row in group if row[2] in {"67215259", "69616681"}] == [
        ("67215259", "0"),
        ("69616681", "1"),
    ]


def test_prices_and_typography(extraction):
    packs = extraction.presentations.values()
    assert all(re.fullmatch(r"(15|30|65|100) %", rate) for pack in packs for rate in pack.rates)
    assert sum(pack.price is None for pack in packs) > 6_000
    dear = next(row for _line, row in extraction.sources["CIS_CIP_bdpm"].rows if row[9].count(",") == 2)
    assert extraction.presentations[dear[6]].price > 1_000
    texts = [text for medicine in extraction.medicines.values() for text in (medicine.name, *medicine.conditions)]
    assert any("’" in text for text in texts) and not any(re.search(r"[\x80-\x9f\ufffd]", text) for text in texts)


@pytest.mark.any_database
@pytest.mark.django_db
def test_all_of_it_is_imported_and_every_card_can_be_said(extraction):
    started = time.process_time()
    cataloguing.load(extraction, published_on=None, by="system:test")
    assert time.process_time() - started < SECONDS
    assert CataloguedMedicine.objects.count() == 15_676 and CataloguedPresentation.objects.count() == 20_739
    for cis in sorted(extraction.medicines)[::60]:
        said = wording.say(lookup.find({"cis": cis}))
        assert said.name and said.source
        assert not any("(s)" in pack.label for pack in said.packs)
    _a_generic_is_found_by_its_box()


def _a_generic_is_found_by_its_box():
    found = lookup.find({"cip13": "3400937253765"})
    assert found.name == "RAMIPRIL BIOGARAN 5 mg, comprimé sécable" and found.conditions == ["liste I"]
    [group] = found.generics
    assert [original.name for original in group.originals] == ["TRIATEC 5 mg, comprimé sécable"]
    assert len(group.others) == 13
    assert lookup.conditions_of({"cis": "62417470"}) == [
        "prescription limitée à 4 semaines",
        "prescription en toutes lettres sur ordonnance sécurisée",
        "stupéfiants",
    ]
    asked = {("cip13", "3400937253765"), ("cip13", "3400932320974")}
    assert lookup.unknown_among(asked) == {("cip13", "3400932320974")}
