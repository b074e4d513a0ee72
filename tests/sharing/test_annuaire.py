"""The Annuaire Santé API fills the same copy by the same door; whatever it does wrong, the copy in use stays."""

import json
from contextlib import contextmanager
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from sharing import directory
from sharing.directory.annuaire import Annuaire, AnnuaireTrouble
from sharing.models import DirectoryCopy, Mailbox, Pharmacy
from tests.fakes.annuaire import KEY, AnnuaireServer, contact, mailbox, organization
from tests.sharing import directory_files as files

NUMBERS = [files.number(order) for order in range(8)]


def eight(**changes: dict) -> list[dict]:
    """`changes`: {"n3": organization} in the place of one of them."""
    own = [organization(n, mailbox(f"p{n}@x.mssante.fr")) for n in NUMBERS]
    return [changes.get(f"n{order}", one) for order, one in enumerate(own)]


@contextmanager
def asking(organizations=None, behave=lambda turn: None, **options):
    """A server, a client of it, and the seconds it was told to wait."""
    waits = []
    with AnnuaireServer(eight() if organizations is None else organizations, behave) as server:
        yield server, Annuaire(server.base, options.pop("key", KEY), wait=waits.append, **options), waits


def trouble(behave, **options) -> AnnuaireTrouble:
    with asking(behave=behave, **options) as (_, annuaire, _waits), pytest.raises(AnnuaireTrouble) as error:
        list(annuaire.pharmacies())
    return error.value


@pytest.fixture
def take(settings, capsys):
    settings.ANNUAIRE_API_KEY = KEY

    def run(organizations, **options) -> str:
        with AnnuaireServer(organizations) as server:
            call_command("import_pharmacies", annuaire=server.base, **options)
            return capsys.readouterr().out

    return run


# --- The client -------------------------------------------------------------------------------------------------------
def test_every_page_is_followed_to_the_last():
    with asking() as (server, annuaire, waits):
        pages = list(annuaire.pharmacies(with_mailbox=True, since=date(2026, 11, 1)))
    assert [len(found) for found, _total in pages] == [3, 3, 2] and pages[0][1] == 8
    first = server.asked[0]
    assert [part.rpartition("|")[2] for part in first["type"][0].split(",")] == ["SA33", "SA38", "SA39", "SA65"]
    assert first["mailbox-mss:contains"] == ["@"] and first["_lastUpdated"] == ["ge2026-11-01"]
    assert waits == []


@pytest.mark.parametrize(
    ("what", "code"), [(500, "down"), (503, "down"), (429, "busy"), ("drop", "no-answer"), ("hang", "no-answer")]
)
def test_what_may_pass_is_tried_again_then_told(what, code):
    with asking(behave=lambda turn: what if turn == 2 else None, timeout=0.3) as (server, annuaire, waits):
        assert sum(len(found) for found, _total in annuaire.pharmacies()) == 8
    assert len(waits) == 1 and server.turns == 4
    error = trouble(lambda turn: what, timeout=0.1)
    assert error.code == code and not error.is_permanent


def test_a_busy_server_says_how_long_to_wait():
    answers = {1: (429, {"Retry-After": "7"}), 2: (429, {"Retry-After": "86400"})}
    with asking(behave=answers.get) as (_, annuaire, waits):
        list(annuaire.pharmacies())
    assert waits == [7, 60]


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (400, "refused"),
        (404, "refused"),
        (403, "key-refused"),
        ((302, {"Location": "http://127.0.0.1:9/"}), "elsewhere"),
        (b"<html>maintenance</html>", "not-fhir"),
        (b"[]", "not-fhir"),
        (b'{"resourceType": "OperationOutcome"}', "not-fhir"),
        (b"\xff\xfe\x00", "not-fhir"),
        (b"[" * 100_000, "not-fhir"),
    ],
)
def test_what_will_not_pass_is_told_at_once(what, code):
    error = trouble(lambda turn: what)
    assert (error.code, error.is_permanent) == (code, True)


@pytest.mark.parametrize(
    "address", ["https://elsewhere.test/page", "http://127.0.0.1:1/fhir/v2/_page", "file:///etc/passwd"]
)
def test_the_key_never_goes_to_another_address(address):
    bundle = {"resourceType": "Bundle", "link": [{"relation": "next", "url": address}]}
    assert trouble(lambda turn: json.dumps(bundle).encode()).code == "elsewhere"


def test_pages_that_turn_in_a_circle_end():
    def circle(turn):
        return json.dumps({"resourceType": "Bundle", "link": [{"relation": "next", "url": "?from=3"}]}).encode()

    assert trouble(circle).code == "endless"


def test_without_a_key_or_in_clear_nothing_is_asked():
    assert trouble(lambda turn: None, key="").code == "not-configured"
    assert trouble(lambda turn: None, key="wrong").code == "key-refused"
    with pytest.raises(AnnuaireTrouble, match="not-configured"):
        list(Annuaire("http://gateway.test/fhir/v2", KEY).pharmacies())


# --- The import -------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_pharmacies_and_mailboxes_come_from_it(take):
    several = organization(
        NUMBERS[0],
        contact("accueil@pharmacie.test"),
        mailbox("red@x.mssante.fr", red=True),
        mailbox("machine@x.mssante.fr", kind="APP"),
        mailbox("garde@x.mssante.fr", service="Service de garde"),
        mailbox("Second@x.mssante.fr", red=False),
        mailbox("preferred@x.mssante.fr", service="Préparatoire", rank=1),
        name="PHARMACIE DE L'ÉTOILE",
        alias=["LE CHAT BOTTÉ"],
    )
    said = take(
        eight(
            n0=several,
            n1=organization(NUMBERS[1], active=False),
            n2=organization(NUMBERS[2], mailbox("legal@x.mssante.fr"), identifier="FINEJ"),
            n3=organization(NUMBERS[3], sector="SA05"),
            n4={
                "resourceType": "Organization",
                "id": "x",
                "type": "?",
                "telecom": [None, {"extension": 3}],
                "address": 1,
            },
        )
    )
    assert "In use: 4 pharmacies, 4 with a mailbox" in said
    found = Pharmacy.objects.get(finess=NUMBERS[0])
    assert (found.name, found.address, found.town, found.postcode, found.phone) == (
        "Pharmacie de l’Étoile",
        "12 place de la Poste",
        "Lyon",
        "69003",
        "0465711234",
    )
    assert " chat botte" in found.search_text
    assert [box.address for box in found.mailboxes.all()] == [
        "preferred@x.mssante.fr",
        "second@x.mssante.fr",
        "garde@x.mssante.fr",
    ]
    assert DirectoryCopy.objects.get().counts["red_listed"] == 1
    assert set(Pharmacy.objects.values_list("finess", flat=True)) == {NUMBERS[0], *NUMBERS[5:]}


@pytest.mark.django_db
def test_with_a_finess_file_it_gives_the_mailboxes(take, tmp_path):
    stock = tmp_path / "stock.csv"
    records = [files.establishment(n, "PHARMACIE DES HALLES") for n in NUMBERS] + [files.position(n) for n in NUMBERS]
    stock.write_text(files.stock(*records))
    said = take([*eight()[:5], organization(files.number(99), mailbox("unknown@x.mssante.fr"))], finess=stock)
    assert "In use: 8 pharmacies, 5 with a mailbox" in said
    assert set(Pharmacy.objects.values_list("name", flat=True)) == {"Pharmacie des Halles"}
    assert not Pharmacy.objects.filter(latitude=None).exists()
    assert not Mailbox.objects.filter(address="unknown@x.mssante.fr").exists()


@pytest.mark.django_db
def test_changes_touch_only_what_they_speak_of(take):
    take(eight())
    changed = [
        organization(NUMBERS[0], mailbox("new@x.mssante.fr")),
        organization(NUMBERS[1], active=False),
        organization(NUMBERS[2], mailbox(f"p{NUMBERS[2]}@x.mssante.fr", red=True)),
        organization(files.number(50), mailbox("opened@x.mssante.fr")),
    ]
    said = take(changed, changes=True)
    for expected in (f"1  new: {files.number(50)}", f"1  gone, closed here: {NUMBERS[1]}", "2  mailboxes changed"):
        assert expected in said
    assert "In use: 8 pharmacies, 7 with a mailbox" in said
    assert Pharmacy.objects.get(finess=NUMBERS[3]).mailbox and not Pharmacy.objects.get(finess=NUMBERS[1]).is_open
    DirectoryCopy.objects.update(mailboxes_on=date(2026, 1, 1))
    with pytest.raises(CommandError, match="tells changes of 30 days"):
        take(changed, changes=True)


@pytest.mark.django_db
def test_when_it_is_down_the_copy_in_use_stays(take, settings):
    take(eight())
    settings.ANNUAIRE_API_KEY = "expired"
    with pytest.raises(CommandError, match="The Annuaire Santé: key-refused.\nNothing changed"):
        take(eight())
    settings.ANNUAIRE_API_KEY = KEY
    with pytest.raises(CommandError, match="lists no pharmacy"):
        take([])
    with pytest.raises(CommandError, match="has 6 pharmacies where the copy in use has 8"):
        take(eight()[:6])
    assert Pharmacy.objects.filter(is_open=True).count() == 8 and Mailbox.objects.count() == 8
    assert len(directory.search("marche lyon")) == 8
