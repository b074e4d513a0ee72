"""The files of the public medicines database, read as they are: each with its own encoding, line ends and slips."""

import gzip
import tracemalloc
from datetime import date
from decimal import Decimal

import pytest

from prescriptions import bdpm
from prescriptions.bdpm import facts, files
from tests.prescriptions import bdpm_files as source


def read(tmp_path, *args, **kwargs) -> bdpm.Extraction:
    return bdpm.read_folder(source.write(tmp_path / "bdpm", *args, **kwargs))


def refused(tmp_path, *args, **kwargs) -> bdpm.BadFile:
    with pytest.raises(bdpm.BadFile) as bad:
        read(tmp_path, *args, **kwargs)
    return bad.value


def test_a_medicine_is_gathered_from_all_files(tmp_path):
    found = read(tmp_path)
    narcotic = found.medicines[source.NARCOTIC]
    assert (narcotic.name, narcotic.routes) == ("MORPHEDON L.P. 2,4 POUR CENT, solution buvable", ["orale"])
    assert narcotic.conditions[:2] == ["stupéfiants", "prescription limitée à 4 semaines"]
    assert narcotic.is_watched and narcotic.is_marketed and not found.medicines[source.OTHER].is_marketed
    assert narcotic.holder == "LABORATOIRE D’ESSAI"
    assert [part["nature"] for part in found.medicines[source.GENERIC].substances] == ["SA", "FT"]
    assert found.groups["7", source.ORIGINAL].label == "IMAGINOL 5 mg - FICTAVAL 5 mg, gélule"


def test_presentations_have_their_price_and_their_rate(tmp_path):
    packs = read(tmp_path).presentations
    assert packs[source.GENERIC_90].price == Decimal("1004.50") and packs[source.GENERIC_90].rates == ["65 %"]
    assert packs[source.GENERIC_30].rates == ["65 %"]
    assert packs[source.NARCOTIC_14].price is None and packs[source.NARCOTIC_14].rates == []


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("24,34", "24.34"),
        ("1,003,48", "1003.48"),
        ("12,345,678,90", "12345678.90"),
        ("1 003,48", "1003.48"),
        ("7", "7.0"),
        ("0,00", "0.00"),
        ("", None),
        ("gratuit", None),
        ("1,2,345", None),
        ("-3,00", None),
    ],
)
def test_the_last_comma_of_a_price_is_the_decimal_one(text, price):
    assert facts.price(text) == (Decimal(price) if price else None)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_each_file_tells_its_own_encoding(tmp_path, encoding, line_end):
    names = dict.fromkeys(source.LAYOUT, encoding)
    found = read(tmp_path, encodings=names, line_ends=dict.fromkeys(source.LAYOUT, line_end))
    assert found.medicines[source.NARCOTIC].conditions[0] == "stupéfiants"
    assert found.medicines[source.NARCOTIC].conditions[-1] == "à conserver d’une façon très particulière"
    assert {s.encoding for s in found.sources.values()} <= {"utf-8", "cp1252"}


def test_compressed_files_are_the_same_files(tmp_path):
    plain = read(tmp_path)
    packed = bdpm.read_folder(source.write(tmp_path / "gz", compressed=True))
    assert packed.medicines == plain.medicines
    hashes = [[s.sha256 for s in found.sources.values()] for found in (plain, packed)]
    assert hashes[0] == hashes[1]


def test_the_latest_day_is_one_that_several_presentations_share(tmp_path):
    """The files have no date; one of them names a day of a year that has not come."""
    tables = source.rows()
    tables["CIS_CIP_bdpm"][0][5] = "23/02/2033"
    assert read(tmp_path, tables).facts_until == date(2022, 4, 30)


def test_the_shortages_are_read_where_there_are_some(tmp_path):
    tables = source.rows() | {"CIS_CIP_Dispo_Spec": [source.shortage(), source.shortage(page="https://ailleurs.test/")]}
    first, second = read(tmp_path, tables).medicines[source.GENERIC].shortages
    assert (first["kind"], first["since"], first["updated"], first["back"]) == (1, "2022-05-02", "2022-06-03", "")
    assert first["page"] == "https://ansm.sante.fr/disponibilites/imaginol"
    assert second["page"] == "", "only a link to the agency is kept"


# --- The slips that the real files hold -------------------------------------------------------------------------------


def test_tabs_typed_in_a_text_leave_empty_columns_that_are_dropped(tmp_path):
    tables = source.rows()
    substance = [source.NARCOTIC, "granules", "02500", "MERCURIUS", "", "", "", "4CH", "une gomme", "SA", "14", ""]
    tables["CIS_COMPO_bdpm"].append(substance)
    tables["CIS_GENER_bdpm"][0][2:2] = [""]
    found = read(tmp_path, tables)
    told = found.medicines[source.NARCOTIC].substances[-1]
    assert (told["name"], told["dose"], told["per"], told["link"]) == ("MERCURIUS", "4CH", "une gomme", 14)
    assert found.groups["7", source.ORIGINAL].role == 0
    assert not found.sources["CIS_GENER_bdpm"].left_out


def test_a_tab_that_parts_a_name_in_two_does_not_shift_the_columns(tmp_path):
    tables = source.rows()
    tables["CIS_bdpm"].append(source.medicine("69900009", "COUPÉ\t5 mg, gélule"))
    found = read(tmp_path, tables)
    assert "69900009" not in found.medicines
    assert [line for line, _why in found.sources["CIS_bdpm"].left_out] == [5]


def test_stray_returns_quotes_and_spaces_are_no_rows_of_their_own(tmp_path):
    text = source.as_text(source.rows()["CIS_CPD_bdpm"])
    text = text.replace("liste II", 'liste\r II "telle\u00a0 quelle"') + "\r\n\r\r\n  \r\n"
    found = read(tmp_path, CIS_CPD_bdpm=text.encode("cp1252"))
    assert found.medicines[source.ORIGINAL].conditions == ['liste II "telle quelle"']
    assert len(found.sources["CIS_CPD_bdpm"].rows) == 7


def test_the_last_row_counts_without_its_line_end(tmp_path):
    text = source.as_text(source.rows()["CIS_CPD_bdpm"]).removesuffix("\r\n")
    assert len(read(tmp_path, CIS_CPD_bdpm=text.encode("cp1252")).sources["CIS_CPD_bdpm"].rows) == 7


def test_what_is_said_of_medicines_long_gone_is_let_go(tmp_path):
    found = read(tmp_path)
    assert "60000000" not in {cis for _group, cis in found.groups}
    assert len(found.groups) == 3 and not found.sources["CIS_GENER_bdpm"].left_out


# --- Hostile and broken files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in source.LAYOUT if name != "CIS_CIP_Dispo_Spec"])
def test_each_file_is_needed(tmp_path, name):
    tables = source.rows()
    del tables[name]
    assert str(refused(tmp_path, tables)) == f"{name}.txt: is missing (plain or .gz)"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds no row"),
        (b"\n\n  \n", "holds no row"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not a text"),
        (b"\x81\x8d\x8f\xff\xfe", "neither UTF-8 nor Windows-1252"),
        (b"<!doctype html>\n<html><title>503</title></html>\n", "holds no row"),
        (b"69900001;liste I\n" * 9, "holds no row"),
        (b"69900001\n" * 9, "holds no row"),
        (b"cis\tcondition\n" + b"6990000X\tliste I\n" * 9, "holds no row"),
        (b"a\n" * 200_000, "holds no row"),
    ],
    ids=["empty", "blank", "picture", "bytes", "page", "csv", "one-column", "not-a-code", "endless"],
)
def test_what_is_not_the_file_is_refused(tmp_path, content, why):
    bad = refused(tmp_path, CIS_CPD_bdpm=content)
    assert bad.name == "CIS_CPD_bdpm.txt" and why in bad.why


def test_the_columns_of_another_file_are_refused(tmp_path):
    tables = source.rows()
    tables["CIS_bdpm"], tables["CIS_CIP_bdpm"] = tables["CIS_CIP_bdpm"], tables["CIS_bdpm"]
    assert refused(tmp_path, tables).name == "CIS_bdpm.txt"


def test_a_file_cut_in_the_middle_of_a_row_is_refused(tmp_path):
    whole = source.as_text(source.many(50)["CIS_CIP_bdpm"], "\n").encode()
    bad = refused(tmp_path, source.many(50), CIS_CIP_bdpm=whole[:-40])
    assert bad.why == "stops in the middle of line 55: it was cut on its way"


def test_an_archive_cut_on_its_way_is_refused(tmp_path):
    folder = source.write(tmp_path / "bdpm", compressed=True)
    path = folder / "CIS_bdpm.txt.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(bdpm.BadFile, match="cannot be read to its end"):
        bdpm.read_folder(folder)


def test_an_archive_that_swells_is_refused_before_it_fills_the_memory(tmp_path):
    folder = source.write(tmp_path / "bdpm", compressed=True)
    with gzip.open(folder / "CIS_bdpm.txt.gz", "wb", compresslevel=1) as bomb:
        for _ in range(files.MAX_BYTES // 2**20 + 60):
            bomb.write(b" " * 2**20)
    tracemalloc.start()
    with pytest.raises(bdpm.BadFile, match="larger than 64 MB"):
        bdpm.read_folder(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * files.MAX_BYTES


def test_a_list_of_medicines_that_lost_its_end_is_seen_from_the_others(tmp_path):
    tables = source.many(100)
    tables["CIS_bdpm"] = tables["CIS_bdpm"][:50]
    bad = refused(tmp_path, tables)
    assert bad.name == "CIS_CIP_bdpm.txt" and "CIS_bdpm was cut" in bad.why


def test_a_few_odd_rows_are_left_out_and_told(tmp_path):
    tables = source.many(100)
    tables["CIS_CIP_bdpm"][3][6] = "340"
    tables["CIS_CPD_bdpm"][2] = [source.NARCOTIC]
    found = read(tmp_path, tables)
    assert found.sources["CIS_CIP_bdpm"].left_out == [(4, "column 7 is not what it should be")]
    assert found.sources["CIS_CPD_bdpm"].left_out == [(3, "1 columns and not 2")]
    assert "stupéfiants" not in found.medicines[source.NARCOTIC].conditions


def test_many_odd_rows_refuse_the_file(tmp_path):
    tables = source.many(100)
    for row in tables["CIS_CIP_bdpm"][:6]:
        row[6] = "340"
    assert "6 rows of 105 are not as they should be. Line 1: column 7" in refused(tmp_path, tables).why


def test_a_cip13_said_of_two_medicines_names_neither(tmp_path):
    tables = source.rows()
    tables["CIS_CIP_bdpm"].append(source.pack(source.ORIGINAL, source.GENERIC_30, "30 gélule(s)"))
    found = read(tmp_path, tables)
    assert source.GENERIC_30 not in found.presentations
    assert [line for line, _why in found.sources["CIS_CIP_bdpm"].left_out] == [2, 6]


def test_a_cip13_said_twice_of_the_same_medicine_is_one(tmp_path):
    tables = source.rows()
    tables["CIS_CIP_bdpm"].append(tables["CIS_CIP_bdpm"][1])
    assert len(read(tmp_path, tables).presentations) == 5


def test_a_cip13_with_a_wrong_key_is_left_out(tmp_path):
    tables = source.rows()
    wrong = source.GENERIC_30[:-1] + str((int(source.GENERIC_30[-1]) + 1) % 10)
    tables["CIS_CIP_bdpm"][1][6] = wrong
    found = read(tmp_path, tables)
    assert wrong not in found.presentations
    assert found.sources["CIS_CIP_bdpm"].left_out == [(2, "the key of this CIP13 is wrong")]


def test_the_first_of_two_rows_of_a_medicine_is_kept(tmp_path):
    tables = source.rows()
    tables["CIS_bdpm"].append(source.medicine(source.ORIGINAL, "AUTRE CHOSE"))
    found = read(tmp_path, tables)
    assert found.medicines[source.ORIGINAL].name == "FICTAVAL 5 mg, gélule"
    assert found.sources["CIS_bdpm"].left_out == [(5, "this CIS was met before")]


def test_a_column_without_end_is_left_out(tmp_path):
    tables = source.rows()
    tables["CIS_CPD_bdpm"].append([source.GENERIC, "x" * 10_000])
    found = read(tmp_path, tables)
    assert found.sources["CIS_CPD_bdpm"].left_out == [(8, "a column of more than 8000 characters")]
