"""manage.py import_bdpm: all the files or none, switched at once; whatever fails, the edition in use stays in use."""

import hashlib
import threading
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from portal.models import AuditEvent
from prescriptions import bdpm
from prescriptions.medicine import cataloguing, lookup
from prescriptions.medicine.catalogue import CataloguedMedicine, CataloguedPresentation, Edition, GenericMember
from tests.prescriptions import bdpm_files as source

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(tmp_path, capsys):
    """Imports these tables as another download would; gives what was said."""
    counter = iter(range(100))

    def run(tables=None, *, force=False, date=None, **kwargs) -> str:
        folder = source.write(tmp_path / f"bdpm-{next(counter)}", tables, **kwargs)
        options = ["--force"] * force + (["--date", date] if date else [])
        call_command("import_bdpm", str(folder), *options)
        return capsys.readouterr().out

    return run


def renamed(name: str) -> dict:
    tables = source.rows()
    tables["CIS_bdpm"][0][1] = name
    return tables


def name_in_use() -> str:
    return lookup.find({"cis": source.ORIGINAL}).name


def test_files_become_the_edition_in_use(take):
    said = take(date="2022-06-15")
    edition = cataloguing.current_edition()
    assert edition.published_on == date(2022, 6, 15) and edition.facts_until == date(2022, 4, 30)
    assert "In use: 4 medicines, 5 presentations, 1 groups of generics" in said
    assert CataloguedMedicine.objects.count() == 4 and CataloguedPresentation.objects.count() == 5
    assert GenericMember.objects.count() == 3


def test_where_it_came_from_is_kept_with_its_hash(take, tmp_path):
    take()
    content = (tmp_path / "bdpm-0" / "CIS_CPD_bdpm.txt").read_bytes()
    kept = {told["file"]: told for told in cataloguing.current_edition().sources}
    assert kept["CIS_CPD_bdpm.txt"] == {
        "file": "CIS_CPD_bdpm.txt",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "encoding": "cp1252",
        "rows": 7,
        "left_out": 0,
    }
    assert kept["CIS_CIP_bdpm.txt"]["encoding"] == "utf-8" and len(kept) == 5
    switched = AuditEvent.objects.get(kind="catalogue.switched")
    assert switched.actor == "system:import_bdpm" and switched.detail == {"medicines": 4, "presentations": 5}


def test_the_same_files_again_change_nothing(take):
    take()
    first = cataloguing.current_edition()
    assert "These files are the ones in use" in take(compressed=True)
    assert cataloguing.current_edition() == first and Edition.objects.count() == 1
    take(force=True)
    assert cataloguing.current_edition() != first


def test_a_date_given_later_is_taken(take):
    take()
    take(date="2022-06-15")
    assert cataloguing.current_edition().published_on == date(2022, 6, 15)
    assert "These files" in take(date="2022-06-15") and "These files" in take()


def test_a_new_edition_takes_the_place_of_the_one_before(take):
    take()
    take(renamed("FICTAVAL NOUVEAU"))
    assert name_in_use() == "FICTAVAL NOUVEAU"
    assert Edition.objects.filter(is_current=True).count() == 1


def test_odd_rows_are_told_one_by_one(take, tmp_path, capsys):
    tables = source.rows()
    tables["CIS_CPD_bdpm"][1] = [source.GENERIC]
    call_command("import_bdpm", str(source.write(tmp_path / "odd", tables)))
    assert "CIS_CPD_bdpm.txt, line 2, left out: 1 columns and not 2" in capsys.readouterr().err


def test_no_folder_no_files(tmp_path, take):
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("import_bdpm", str(tmp_path / "nowhere"))
    with pytest.raises(CommandError, match="CIS_bdpm.txt: is missing.*\nNothing was imported") as refused:
        take({})
    assert refused.value.returncode == 1


# --- The last good copy -----------------------------------------------------------------------------------------------


def test_a_bad_file_leaves_the_edition_in_use(take):
    take()
    before = cataloguing.current_edition()
    with pytest.raises(CommandError, match="CIS_COMPO_bdpm.txt: is not a text\nNothing changed: the edition of"):
        take(renamed("MAUVAIS"), CIS_COMPO_bdpm=b"\0\0\0")
    assert cataloguing.current_edition() == before and name_in_use() == "FICTAVAL 5 mg, gélule"
    assert Edition.objects.count() == 1


@pytest.mark.parametrize("name", ["CIS_bdpm", "CIS_CIP_bdpm", "CIS_COMPO_bdpm", "CIS_GENER_bdpm", "CIS_CPD_bdpm"])
def test_a_file_that_lost_a_fifth_of_its_rows_is_refused_unless_forced(take, name):
    take(source.many(100))
    shorter = source.many(100)
    if name == "CIS_bdpm":  # the others must lose as much, or they would be of other medicines
        shorter = source.many(70)
    else:
        shorter[name] = shorter[name][:80]
    with pytest.raises(CommandError, match=f"{name}.txt: has .* rows where the copy in use has"):
        take(shorter)
    assert CataloguedMedicine.objects.count() == 104
    take(shorter, force=True)
    assert len(cataloguing.current_edition().sources) == 5


def test_a_file_that_lost_a_little_is_taken(take):
    take(source.many(100))
    take(source.many(90))
    assert _count_in_use() == 94


def _count_in_use() -> int:
    return CataloguedMedicine.objects.filter(edition=cataloguing.current_edition()).count()


def test_shortages_may_all_end(take):
    take(source.rows() | {"CIS_CIP_Dispo_Spec": [source.shortage()] * 9})
    take()
    assert lookup.find({"cis": source.GENERIC}).shortages is None


# --- The switch -------------------------------------------------------------------------------------------------------


class Unplugged(Exception):
    pass


@pytest.fixture
def extraction(tmp_path):
    def read(tables, name="more"):
        return bdpm.read_folder(source.write(tmp_path / name, tables))

    return read


def load(found, **kwargs):
    return cataloguing.load(found, published_on=None, by="system:test", **kwargs)


def test_while_an_edition_is_written_the_other_is_read_whole(take, extraction):
    take()
    seen = []
    load(extraction(renamed("FICTAVAL NOUVEAU")), tell=lambda done, total: seen.append((done, name_in_use())))
    assert [done for done, _name in seen] == [4, 9, 12]
    assert {name for _done, name in seen} == {"FICTAVAL 5 mg, gélule"}
    assert name_in_use() == "FICTAVAL NOUVEAU"


@pytest.mark.parametrize("fails_at", [4, 9, 12])
def test_cut_off_while_writing_nothing_stays_of_it(take, extraction, fails_at):
    take()

    def fail(done, _total):
        if done == fails_at:
            raise Unplugged

    with pytest.raises(Unplugged):
        load(extraction(renamed("FICTAVAL NOUVEAU")), tell=fail)
    assert name_in_use() == "FICTAVAL 5 mg, gélule"
    assert Edition.objects.count() == 1 and CataloguedMedicine.objects.count() == 4


def test_whoever_was_reading_the_edition_before_reads_it_to_its_end(take):
    take()
    edition = cataloguing.current_edition()
    take(renamed("FICTAVAL NOUVEAU"))
    assert CataloguedMedicine.objects.get(edition=edition, cis=source.ORIGINAL).name == "FICTAVAL 5 mg, gélule"
    assert CataloguedPresentation.objects.filter(edition=edition).count() == 5


def test_only_the_edition_before_is_kept(take):
    for number in range(4):
        take(renamed(f"FICTAVAL {number}"))
    names = CataloguedMedicine.objects.filter(cis=source.ORIGINAL).values_list("name", flat=True)
    assert sorted(names) == ["FICTAVAL 2", "FICTAVAL 3"]


def test_what_a_killed_import_left_goes_with_a_later_one(take):
    now = timezone.now()
    killed = Edition.objects.create(started_at=now - timedelta(hours=2))
    under_way = Edition.objects.create(started_at=now - timedelta(minutes=2))
    take()
    assert not Edition.objects.filter(pk=killed.pk).exists()
    assert Edition.objects.filter(pk=under_way.pk).exists()


def test_the_database_holds_one_current_edition_and_a_loaded_one(take):
    take()
    for wrong in ({"became_current_at": timezone.now()}, {}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Edition.objects.create(started_at=timezone.now(), is_current=True, **wrong)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_imports_that_end_together_leave_one_in_use(extraction):
    """Each writes its own edition; they switch one after the other."""
    found = [extraction(renamed(f"FICTAVAL {number}"), f"folder-{number}") for number in range(2)]
    together, failures = threading.Barrier(2, timeout=30), []

    def run(one):
        def wait(done, total):
            if done == total:
                together.wait()

        try:
            load(one, tell=wait)
        except (IntegrityError, threading.BrokenBarrierError) as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[one]) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Edition.objects.filter(is_current=True).count() == 1 and Edition.objects.count() == 2
    assert _count_in_use() == 4
