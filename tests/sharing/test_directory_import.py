"""manage.py import_pharmacies: the national directories become the local copy, all of it or nothing."""

import gzip
import zipfile
from datetime import date
from io import BytesIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.models import AuditEvent
from sharing import actions, directory, outbox
from sharing.models import Delivery, DirectoryCopy, Mailbox, Pharmacy, Share
from sharing.states import DeliveryStatus
from tests import factories
from tests.sharing import directory_files as files
from tests.sharing.directory_files import establishment, mailbox, position

pytestmark = pytest.mark.django_db
TEN = [files.number(order) for order in range(10)]
HALLES = TEN[0]
SIRET = "99988605400017"


def ten(**changes: dict) -> list[str]:
    """Ten pharmacies with their positions. `changes`: {"n3": facts} for one of them, {"n3": None} leaves it out."""
    kept = {f"n{order}": {} for order in range(10)} | changes
    told = {TEN[int(key[1:])]: facts for key, facts in kept.items() if facts is not None}
    return [establishment(n, **facts) for n, facts in told.items()] + [position(n) for n in told]


def boxes(*others: str) -> list[str]:
    return [*(mailbox(n, f"pharmacie-{n}@demo-pharmacie.mssante.fr") for n in TEN), *others]


@pytest.fixture
def take(tmp_path, capsys):
    """Imports these records and rows; gives what was said (out and err together)."""

    def run(records=None, rows=None, *, name="Extraction_MSSante_202605121013.txt", encoding="utf-8", **options) -> str:
        first, second = tmp_path / "etalab-stock.csv", tmp_path / name
        first.write_bytes(records if isinstance(records, bytes) else files.stock(*(records or ten())).encode(encoding))
        second.write_bytes(rows if isinstance(rows, bytes) else files.extraction(*(rows or boxes())).encode(encoding))
        call_command("import_pharmacies", finess=first, mailboxes=second, **options)
        said = capsys.readouterr()
        return said.out + said.err

    return run


def in_use() -> dict[str, tuple]:
    rows = Pharmacy.objects.prefetch_related("mailboxes").order_by("finess")
    return {
        one.finess: (
            one.name,
            one.address,
            one.latitude,
            one.is_open,
            tuple(box.address for box in one.mailboxes.all()),
        )
        for one in rows
    }


def refused(take, *args, **kwargs) -> str:
    """Nothing at all changed."""
    before, copies = in_use(), DirectoryCopy.objects.count()
    with pytest.raises(CommandError) as error:
        take(*args, **kwargs)
    assert in_use() == before and DirectoryCopy.objects.count() == copies
    return str(error.value)


def addresses(finess: str) -> list[str]:
    return [box.address for box in Mailbox.objects.filter(pharmacy__finess=finess)]


# --- What comes in --------------------------------------------------------------------------------------------------
def test_a_pharmacy_comes_with_all_that_the_files_say(take):
    facts = {
        "long": "GRANDE PHARMACIE DE L'ÉTOILE",
        "number": "29",
        "after": "B",
        "kind": "AV",
        "street": "DE LA GARE",
        "place": "CC LES ARCADES",
        "line": "69002 LYON CEDEX 02",
    }
    said = take(ten(n0=facts))
    assert "10  new" in said and "In use: 10 pharmacies, 10 with a mailbox" in said
    pharmacy = Pharmacy.objects.get(finess=HALLES)
    assert (pharmacy.name, pharmacy.address) == (
        "Grande Pharmacie de l’Étoile",
        "29 bis avenue de la Gare, CC les Arcades",
    )
    assert (pharmacy.postcode, pharmacy.town, pharmacy.department) == ("69002", "Lyon", HALLES[:2])
    assert (round(pharmacy.latitude, 3), round(pharmacy.longitude, 3)) == (45.764, 4.836)
    assert (pharmacy.is_open, pharmacy.is_national, pharmacy.source_date) == (True, True, date(2026, 5, 12))
    assert [one.finess for one in directory.search("etoile lyon")] == [HALLES]
    switched = AuditEvent.objects.get(kind="directory.switched")
    assert switched.actor == "system:import_pharmacies" and switched.detail["new"] == 10


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: packed(content)], ids=["gzip", "zip"])
def test_compressed_files_are_read(take, pack):
    take(pack(files.stock(*ten()).encode()), pack(files.extraction(*boxes()).encode()))
    assert len(in_use()) == 10 and addresses(HALLES)


def test_windows_bom_line_ends_and_quotes_are_read(take):
    name = 'PHARMACIE "LE CŒUR" DE SAINT-ÉLOI'
    stock = files.stock(*ten(n0={"name": name})).replace("\n", "\r\n").encode("cp1252")
    said = take(stock, ("\ufeff" + files.extraction(*boxes()).replace("\n", "\r\n")).encode())
    assert Pharmacy.objects.get(finess=HALLES).name == 'Pharmacie "le Cœur" de Saint-Éloi'
    assert Mailbox.objects.count() == 10 and "windows_1252 11" in said


def test_a_file_saved_by_a_spreadsheet_is_read(take):
    """Every field in quotes, even one that holds the delimiter; the zero in front of a FINESS number lost."""
    ain = factories.with_luhn("01000229")
    fields = mailbox(ain[1:], "ain@demo-pharmacie.mssante.fr", name="PHARMACIE").split("|")
    fields[18] = 'PHARMACIE ""DE"" L|AIN'
    take([establishment(ain), position(ain)], ["|".join(f'"{field}"' for field in fields)])
    assert addresses(ain) == ["ain@demo-pharmacie.mssante.fr"]


def test_lines_that_cannot_be_read_are_counted_and_told_with_their_number(take):
    rows = boxes(
        mailbox(HALLES, "not an address"),
        mailbox(HALLES, "a@b.fr\0"),
        "ORG|too|short",
        mailbox(HALLES, f"{'x' * 70_000}@b.fr"),
        *[mailbox("690000000", f"other-{n}@x.mssante.fr", kind="PER") for n in range(80)],
    )
    records = [*ten(), "something;else", "geolocalisation;1;x;y;EPSG:2154;2026", establishment("12345678X")]
    records += [establishment(files.number(n), category="355") for n in range(100, 160)]
    said = take(records, rows)
    for line, why in [(12, "an address that is none"), (13, "null character"), (14, "3 fields"), (15, "longer than")]:
        assert f"line {line}, left out: " in said and why in said
    assert "etalab-stock.csv, line 22, left out: neither an establishment nor a position" in said
    assert "line 23, left out: coordinates" in said and "line 24, left out: no FINESS number" in said
    assert len(addresses(HALLES)) == 1 and len(in_use()) == 10


def test_repeated_lines_are_one_and_told_with_their_number(take):
    said = take([*ten(), establishment(HALLES, "PHARMACIE NOUVELLE")], [*boxes(), boxes()[4], boxes()[7]])
    assert "etalab-stock.csv, repeated at lines 22" in said and "repeated at lines 12, 13" in said
    assert Mailbox.objects.count() == 10 and Pharmacy.objects.get(finess=HALLES).name == "Pharmacie Nouvelle"


# --- Joined ---------------------------------------------------------------------------------------------------------
def test_joined_on_the_establishment_or_its_siret_never_on_the_legal_entity(take):
    legal = factories.with_luhn("69099998")
    records = ten(n0={"siret": SIRET}, n1={"legal": legal}, n2={"siret": "1" * 14}, n3={"siret": "1" * 14})
    take(
        records,
        [
            mailbox(SIRET, "siret@x.mssante.fr", of="SIRET"),
            mailbox(f"3{SIRET}", "three@x.mssante.fr"),
            mailbox(f"1{TEN[4]}", "one@x.mssante.fr"),
            mailbox(legal, "legal@x.mssante.fr"),
            mailbox("1" * 14, "two-establishments@x.mssante.fr", of="SIRET"),
            mailbox("", "nobody@x.mssante.fr"),
            mailbox(TEN[5], "PERSON@x.mssante.fr", kind="PER"),
            mailbox(TEN[5], "program@x.mssante.fr", kind="APP"),
            mailbox(TEN[6], "Capitals@X.mssante.fr"),
        ],
    )
    assert dict(Mailbox.objects.values_list("address", "pharmacy__finess")) == {
        "siret@x.mssante.fr": HALLES,
        "three@x.mssante.fr": HALLES,
        "one@x.mssante.fr": TEN[4],
        "capitals@x.mssante.fr": TEN[6],
    }
    counts = DirectoryCopy.objects.get().counts
    assert (counts["of_a_legal_entity"], counts["of_no_structure"], counts["without_mailbox"]) == (1, 1, 7)


def test_several_mailboxes_have_a_rank_and_repeated_ones_are_one(take):
    take(
        ten(),
        [
            mailbox(HALLES, "garde@x.mssante.fr", service="Service de garde"),
            mailbox(HALLES, "shared@x.mssante.fr"),
            mailbox(TEN[1], "shared@x.mssante.fr"),
            mailbox(HALLES, "paper@x.mssante.fr", paperless="N"),
            mailbox(HALLES, "other@x.mssante.fr", service="Matériel médical"),
            mailbox(HALLES, "comptoir@x.mssante.fr", service="Comptoir"),
            mailbox(HALLES, "main@x.mssante.fr", service="Préparatoire"),
            mailbox(HALLES, "MAIN@x.mssante.fr"),
        ],
    )
    assert addresses(HALLES) == [
        f"{name}@x.mssante.fr" for name in ("main", "shared", "paper", "comptoir", "other", "garde")
    ]
    assert Pharmacy.objects.get(finess=HALLES).mailbox.address == "main@x.mssante.fr"
    assert addresses(TEN[1]) == ["shared@x.mssante.fr"]


def test_what_is_above_the_door_is_searched_too(take):
    take(ten(n0={"name": "SELARL DUPONT"}), [mailbox(HALLES, "a@x.mssante.fr", sign="PHARMACIE DU CHAT BOTTE")])
    assert [one.finess for one in directory.search("chat botté")] == [HALLES]


# --- From one copy to the next ----------------------------------------------------------------------------------------
def test_the_same_files_again_change_nothing(take):
    take()
    before = in_use()
    said = take()
    assert in_use() == before
    assert all(
        f"     0  {what}" in said for what in ("new", "gone", "open again", "moved", "renamed", "mailboxes changed")
    )


def test_differences_are_told_and_a_pharmacy_people_used_is_closed_not_deleted(take, tmp_path, alice_patient):
    take()
    used = Pharmacy.objects.get(finess=TEN[3])
    share = factories.share(factories.prescription(alice_patient), pharmacy=used)
    factories.own_pharmacy(alice_patient, used, is_favourite=True)
    new = files.number(77)
    records = [
        *ten(n3=None, n4={"street": "DU PORT"}, n5={"name": "PHARMACIE NEUVE"}),
        establishment(new),
        position(new),
    ]
    rows = [*boxes()[:6], *boxes()[7:], mailbox(TEN[7], "other@x.mssante.fr"), mailbox(new, "new@x.mssante.fr")]
    said = take(records, rows, report=tmp_path / "report.tsv")
    for expected in (
        f"1  new: {new}",
        f"1  gone, closed here: {TEN[3]}",
        f"1  moved: {TEN[4]}",
        f"1  renamed: {TEN[5]}",
    ):
        assert expected in said
    assert f"2  mailboxes changed: {', '.join(sorted([TEN[6], TEN[7]]))}" in said
    told = (tmp_path / "report.tsv").read_text()
    assert f"gone\t{TEN[3]}\tPharmacie du Marche\t69003\tLyon" in told and f"without_mailbox\t{TEN[6]}" in told
    used.refresh_from_db()
    share.refresh_from_db()
    assert not used.is_open and share.pharmacy == used and addresses(TEN[3])
    (own,) = directory.own_pharmacies(alice_patient)
    assert own.pharmacy == used
    assert f"1  open again: {TEN[3]}" in take()
    assert Pharmacy.objects.get(finess=TEN[3]).is_open


def test_a_position_is_not_forgotten_when_a_file_leaves_it_out(take):
    take()
    before = Pharmacy.objects.get(finess=HALLES).latitude
    take([record for record in ten() if not record.startswith(f"geolocalisation;{HALLES}")])
    assert Pharmacy.objects.get(finess=HALLES).latitude == before


def test_pharmacies_of_no_directory_are_left_alone(take, market):
    take()
    take()
    market.refresh_from_db()
    assert market.is_open and market.mailbox and market.source_date == date(2026, 11, 1)


# --- The last good copy ---------------------------------------------------------------------------------------------
def packed(*contents: bytes) -> bytes:
    with zipfile.ZipFile(archive := BytesIO(), "w", zipfile.ZIP_DEFLATED) as zipped:
        for number, content in enumerate(contents):
            zipped.writestr(f"{number}.txt", content)
        zipped.writestr("__MACOSX/._0.txt", "x")
    return archive.getvalue()


def bad_files() -> dict[str, tuple]:
    stock, rows = files.stock(*ten()).encode(), files.extraction(*boxes()).encode()
    return {
        "cut in the establishments": (stock[: len(stock) // 3], rows),
        "cut in the positions": (stock[:-300], rows),
        "cut between two positions": (stock[: stock.rindex(b"geolocalisation;" + TEN[5].encode())], rows),
        "mailboxes cut": (stock, rows[:-60]),
        "cut while compressed": (stock, gzip.compress(rows)[:-40]),
        "not compressed at all": (b"\x1f\x8b" + b"x" * 100, rows),
        "a zip of nothing": (b"PK\x03\x04" + b"x" * 100, rows),
        "a zip packed in an unknown way": (stock, packed(rows).replace(b"\x08\x00", b"\x63\x00")),
        "a zip with two texts": (stock, packed(rows, rows)),
        "empty": (b"", rows),
        "no mailboxes": (stock, b""),
        "a picture": (stock, b"\x89PNG\r\n\x1a\n" + b"\0" * 500),
        "a web page": (b"<!doctype html><html><body>404</body></html>", rows),
        "UTF-16": (stock.decode().encode("utf-16"), rows),
        "one for the other": (rows, stock),
        "another column": (stock, rows.replace(b"Identification Structure", b"Something else")),
        "nothing of ours": (files.stock(*[establishment(n, category="355") for n in TEN]).encode(), rows),
        "a fifth of the pharmacies lost": (files.stock(*ten(n0=None, n1=None)).encode(), rows),
        "a fifth of the mailboxes lost": (stock, files.extraction(*boxes()[2:]).encode()),
        "other pharmacies": (files.stock(*[r.replace(";1", ";5") for r in ten()]).encode(), rows),
    }


@pytest.mark.parametrize("what", bad_files())
def test_a_bad_file_changes_nothing(take, what):
    take()
    said = refused(take, *bad_files()[what])
    assert "Nothing changed: the copy taken on" in said
    assert "mssante.fr" not in said


def test_forced_it_takes_a_smaller_file_but_never_a_cut_one(take):
    take()
    take(ten(n0=None, n1=None, n2=None), boxes()[3:], force=True)
    assert sum(Pharmacy.objects.values_list("is_open", flat=True)) == 7
    assert "is cut" in refused(take, files.stock(*ten()).encode()[:-300], force=True)


def test_a_file_that_is_not_there_and_a_question_that_is_not_one(take, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_pharmacies", finess=tmp_path / "nowhere", mailboxes=tmp_path / "nowhere")
    with pytest.raises(CommandError, match="Give --finess"):
        call_command("import_pharmacies", finess=tmp_path)


# --- How fresh it is ------------------------------------------------------------------------------------------------
def test_the_day_of_each_file_is_kept(take):
    assert directory.freshness().establishments_on is None
    take(name="Extraction_MSSante_202605201013.txt")
    copy = directory.freshness()
    assert (copy.establishments_on, copy.mailboxes_on) == (date(2026, 5, 12), date(2026, 5, 20))
    assert not copy.is_old(date(2026, 6, 1)) and copy.is_old(date(2026, 6, 10))


def test_what_was_sent_can_be_taken_back_when_the_mailbox_is_listed_no_more(take, alice, alice_patient, market):
    take(ten(), [*boxes(), mailbox(HALLES, "second@x.mssante.fr")])
    halles = Pharmacy.objects.get(finess=HALLES)
    share = factories.share(factories.prescription(alice_patient), pharmacy=halles)
    first = outbox.enqueue_share(share)
    Delivery.objects.filter(pk=first.pk).update(status=DeliveryStatus.SENT, sent_at=timezone.now())
    take(ten(), boxes()[1:])
    assert Pharmacy.objects.get(finess=HALLES).mailbox is None
    share = Share.objects.get(pk=share.pk)
    actions.revoke_share(share=share, by=alice)
    assert share.deliveries.get(kind=Delivery.Kind.RECALL).envelope_to == first.envelope_to
