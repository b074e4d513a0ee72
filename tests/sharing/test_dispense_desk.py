"""Chloé delivers at her counter: found by what the patient shows, recorded line by line, undone within the day."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.models import AuditEvent
from prescriptions.code import qr
from prescriptions.models import BlockedProfessional, Dispensing
from sharing import sweep
from sharing.desk import counter, gs1
from sharing.states import ShareStatus as S
from tests import factories

pytestmark = pytest.mark.django_db
CIP = "3400930000014"


@pytest.fixture
def desk(client, chloe):
    client.force_login(chloe)
    return client


@pytest.fixture
def two_lines(alice):
    lasting = factories.levothyrox(quantity=2, quantity_unit="boîtes", no_substitution="")
    return factories.prescription(lines=[lasting, factories.amoxicillin(), factories.nursing()])


def show(desk, asked: str):
    """The patient shows it, Chloé scans or types it."""
    return desk.post("/pharmacie/", {"q": asked})


def page_of(prescription) -> str:
    return reverse("desk-dispense", args=[prescription.pk])


def line(place: int = 1, **fields) -> dict:
    facts = {"outcome": "whole", "quantity": "2", "cip13": CIP} | fields
    return {f"l{place}-{name}": value for name, value in facts.items()}


def sheet(*lines: dict, **head) -> dict:
    return {"key": "page-1"} | head | {name: value for one in lines for name, value in one.items()}


def deliver(desk, prescription, *lines: dict, **head):
    return desk.post(page_of(prescription), sheet(*lines, **head))


def words_of(page) -> str:
    return page.content.decode().replace("\xa0", " ").replace("&#x27;", "’")


def opened() -> int:
    return AuditEvent.objects.filter(kind="prescription.opened_at_counter").count()


# --- At the counter ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", [qr.text_of, lambda prescription: prescription.number.lower()], ids=["code", "number"])
def test_what_the_patient_shows_opens_and_the_patient_reads_it(desk, alice, market, two_lines, how):
    assert desk.get(page_of(two_lines)).status_code == 404
    assert show(desk, how(two_lines)).url == page_of(two_lines)
    page = words_of(desk.get(page_of(two_lines)))
    assert "MOREAU Alice" in page and "LEVOTHYROX" in page and "Hors pharmacie : Pansement" in page
    assert opened() == 1
    desk.force_login(alice)
    history = words_of(desk.get(f"/ordonnances/{two_lines.pk}/"))
    assert "Ouverture au comptoir, par son code ou son numéro" in history and market.name in history


@pytest.mark.parametrize("why", ["masked", "blocked", "unknown", "receipt"])
def test_what_is_not_found_at_the_counter_is_said_the_same(desk, market, two_lines, why):
    asked = two_lines.number
    if why == "masked":
        two_lines.masked_at = timezone.now()
        two_lines.save()
    elif why == "blocked":
        BlockedProfessional.objects.create(patient=two_lines.patient, identifier=market.finess)
    elif why == "unknown":
        asked = "01TEST999999999999"
    else:
        asked = factories.share(two_lines, factories.pharmacy()).receipt
    page = show(desk, asked)
    assert page.status_code == 200 and "MOREAU" not in words_of(page)
    assert "Relisez le numéro" in words_of(page) and not opened()
    assert desk.get(page_of(two_lines)).status_code == 404


def test_an_altered_code_opens_nothing(desk, two_lines):
    code = qr.text_of(two_lines)
    changed = two_lines.lines.first()
    changed.name = "AUTRE CHOSE"
    changed.save()
    assert "ne pas délivrer" in words_of(show(desk, code)) and not opened()


def test_opened_here_is_not_opened_elsewhere_nor_after_masking(desk, client, chloe, two_lines):
    show(desk, two_lines.number)
    other = factories.pharmacy()
    factories.member(chloe, other, "Chloé Lefèvre")
    desk.post("/pharmacie/changer/", {"pharmacy": str(other.pk)})
    assert desk.get(page_of(two_lines)).status_code == 404
    desk.post("/pharmacie/changer/", {"pharmacy": str(factories.market_pharmacy().pk)})
    assert desk.get(page_of(two_lines)).status_code == 200
    two_lines.masked_at = timezone.now()
    two_lines.save()
    assert desk.get(page_of(two_lines)).status_code == 404


def test_masked_while_it_is_delivered_it_is_counted_and_can_be_undone(desk, two_lines):
    show(desk, two_lines.number)
    desk.get(page_of(two_lines))  # the sheet is on the screen
    two_lines.masked_at = timezone.now()
    two_lines.save()
    done = deliver(desk, two_lines, line(), line(2))
    assert done.status_code == 302 and "Délivrance enregistrée" in words_of(desk.get(done.url))
    undo = reverse("desk-undo", args=[two_lines.pk, Dispensing.objects.get().pk])
    assert desk.post(undo, {"reason": "Erreur de boîte"}).url == reverse("desk")
    assert Dispensing.objects.get().undone_at and desk.get(page_of(two_lines)).status_code == 404


def test_what_was_shared_opens_from_its_page_and_not_once_taken_back(desk, two_lines):
    share = factories.share(two_lines, status=S.OPENED)
    assert page_of(two_lines) in desk.get(reverse("desk-share", args=[share.pk])).content.decode()
    assert desk.get(page_of(two_lines)).status_code == 200
    lines = AuditEvent.objects.filter(subject=f"share:{share.pk}").order_by("position")
    assert [line.kind for line in lines] == ["share.read", "share.read"]  # the share's page, then the sheet
    share.status = S.REVOKED
    share.save()
    assert desk.get(page_of(two_lines)).status_code == 404


def test_a_photo_is_not_delivered_here(desk):
    photo = factories.photo_prescription()
    share = factories.share(photo, status=S.OPENED)
    assert page_of(photo) not in desk.get(reverse("desk-share", args=[share.pk])).content.decode()
    assert desk.get(page_of(photo)).status_code == 404


# --- Delivering -------------------------------------------------------------------------------------------------------
def test_delivered_line_by_line_and_the_share_is_collected(desk, alice, two_lines):
    share = factories.share(two_lines, status=S.READY)
    later = (timezone.localdate() + timedelta(days=500)).isoformat()
    first = line(
        lot="B77", expires_on=later, substitution="G", substitution_reason="Accepté", delivered_name="L-THYROXINE"
    )
    second = line(2, outcome="nothing", not_dispensed_reason="En a déjà chez elle")
    answer = deliver(desk, two_lines, first, second, billing_reference="FSE-12")
    made = Dispensing.objects.get()
    assert answer.url == reverse("desk-dispensed", args=[two_lines.pk, made.pk])
    assert (made.dispenser, made.billing_reference) == ("Chloé Lefèvre", "FSE-12")
    told = made.lines.get(line__position=1)
    assert (told.lot, told.substitution, told.delivered_name, told.completeness) == ("B77", "G", "L-THYROXINE", "FFC")
    done = words_of(desk.get(answer.url))
    assert "Délivrance enregistrée" in done and "non délivré : En a déjà chez elle" in done
    share.refresh_from_db()
    assert share.status == S.COLLECTED
    desk.force_login(alice)
    patient = words_of(desk.get(f"/ordonnances/{two_lines.pk}/"))
    assert "remplacé par le générique L-THYROXINE" in patient and "B77" not in patient


def test_a_part_leaves_the_share_going_on(desk, two_lines):
    share = factories.share(two_lines, status=S.READY)
    assert deliver(desk, two_lines, line(outcome="part", quantity="1"), line(2, outcome="later")).status_code == 302
    share.refresh_from_db()
    assert share.status == S.READY and Dispensing.objects.get().lines.get().completeness == "FFP"


def test_what_is_delivered_ends_neither_another_share_here_nor_the_same_one_elsewhere(desk, market, two_lines):
    other = factories.share(factories.prescription(), market, status=S.READY)
    elsewhere = factories.share(two_lines, factories.pharmacy(), status=S.READY)
    show(desk, two_lines.number)
    deliver(desk, two_lines, line(), line(2))
    assert Dispensing.objects.get().prescription == two_lines
    for share in (other, elsewhere):
        share.refresh_from_db()
        assert share.status == S.READY


def test_a_line_nobody_reported_is_unknown_to_the_patient(desk, alice, two_lines):
    show(desk, two_lines.number)
    deliver(desk, two_lines, line(), line(2, outcome="later"))
    desk.force_login(alice)
    assert "Personne n’a signalé de délivrance pour : AMOXICILLINE" in words_of(
        desk.get(f"/ordonnances/{two_lines.pk}/")
    )


def test_the_datamatrix_of_the_box_fills_the_fields(desk, two_lines):
    show(desk, two_lines.number)
    scanned = f"010{CIP}17290228210000123456789\x1d10LOT42"
    deliver(desk, two_lines, line(cip13=scanned), line(2, outcome="later"))
    told = Dispensing.objects.get().lines.get()
    assert (told.cip13, told.lot, told.expires_on) == (CIP, "LOT42", date(2029, 2, 28))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"quantity": ""}, "Indiquez le nombre de boîtes."),
        ({"quantity": "0"}, "supérieure ou égale à 1"),
        ({"cip13": "3400930000015"}, "Le dernier chiffre de ce code CIP13"),
        ({"outcome": "nothing"}, "Dites pourquoi"),
        ({"change": "Comprimés de 50"}, "l’un ne va pas sans l’autre"),
        ({"expires_on": "2020-01-31"}, "Cette boîte est périmée"),
        ({"expires_on": "bientôt"}, "Indiquez un jour"),
        ({"outcome": "autre"}, "Sélectionnez un choix valide"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_what_was_typed_is_kept(desk, two_lines, fields, sentence):
    show(desk, two_lines.number)
    page = deliver(desk, two_lines, line(lot="GARDE", **fields), line(2, outcome="later"))
    assert page.status_code == 422 and sentence in words_of(page) and "GARDE" in words_of(page)
    assert not Dispensing.objects.exists()


def test_a_mistake_in_what_is_not_handed_over_holds_nothing_back(desk, two_lines):
    show(desk, two_lines.number)
    second = line(2, outcome="nothing", cip13="34009", quantity="x", not_dispensed_reason="Rupture")
    assert deliver(desk, two_lines, line(), second).status_code == 302


def test_nothing_chosen_is_nothing_recorded(desk, two_lines):
    show(desk, two_lines.number)
    page = deliver(desk, two_lines, line(outcome="later"), line(2, outcome="later"))
    assert page.status_code == 409 and "Indiquez au moins une ligne" in words_of(page)


def test_a_soft_rule_asks_for_a_reason_and_then_lets_go_on(desk, two_lines):
    factories.dispensing(two_lines, dispensed_at=timezone.now() - timedelta(days=2), quantity=2)
    show(desk, two_lines.number)
    assert "Renouvellement demandé tôt" in words_of(desk.get(page_of(two_lines)))
    page = deliver(desk, two_lines, line())
    assert page.status_code == 422 and "Notez votre raison" in words_of(page)
    assert deliver(desk, two_lines, line(override_reason="Part en voyage")).status_code == 302
    told = Dispensing.objects.latest("created_at").lines.get()
    assert (told.overridden, told.override_reason, told.completeness) == ("too-soon", "Part en voyage", "RFC")


def test_a_hard_rule_refuses_and_says_why(desk, alice):
    lasting = factories.levothyrox(quantity=1, quantity_unit="boîte")  # not to be substituted
    prescription = factories.prescription(lines=[lasting])
    show(desk, prescription.number)
    page = deliver(desk, prescription, line(quantity="1", substitution="G"))
    assert page.status_code == 409 and "non substituable" in words_of(page)
    assert not Dispensing.objects.exists()


def test_pressed_twice_it_is_one_dispensing(desk, two_lines):
    show(desk, two_lines.number)
    first, again = (deliver(desk, two_lines, line(), line(2, outcome="later")) for _time in range(2))
    assert first.url == again.url and Dispensing.objects.count() == 1


def test_delivered_elsewhere_meanwhile_is_said(desk, alice):
    prescription = factories.prescription()
    show(desk, prescription.number)
    factories.dispensing(prescription, factories.pharmacy())
    page = deliver(desk, prescription, line(quantity="1"))
    assert page.status_code == 409 and "déjà été délivré" in words_of(page)


def test_what_has_ended_has_no_form(desk, alice):
    ended = factories.prescription(valid_until=timezone.localdate() - timedelta(days=1))
    show(desk, ended.number)
    page = words_of(desk.get(page_of(ended)))
    assert "n’est plus valable" in page and "Enregistrer la délivrance" not in page


# --- Undoing ----------------------------------------------------------------------------------------------------------
def test_undone_the_same_day_and_what_is_left_comes_back(desk, alice):
    prescription = factories.prescription()
    show(desk, prescription.number)
    done = deliver(desk, prescription, line(quantity="1")).url
    assert "Revoir ou annuler" in words_of(desk.get(page_of(prescription)))
    undo = reverse("desk-undo", args=[prescription.pk, Dispensing.objects.get().pk])
    assert undo in desk.get(done).content.decode()
    assert desk.post(undo, {"reason": ""}).status_code == 422
    assert desk.post(undo, {"reason": "Erreur de patient"}).url == page_of(prescription)
    assert "Enregistrer la délivrance" in words_of(desk.get(page_of(prescription)))
    assert desk.post(undo, {"reason": "Encore"}).status_code == 409
    assert "Délivrance annulée" in words_of(desk.get(done))


def test_another_pharmacys_dispensing_is_not_there(desk, two_lines):
    theirs = factories.dispensing(two_lines, factories.pharmacy(), completeness="FFP")
    show(desk, two_lines.number)
    assert desk.get(reverse("desk-dispensed", args=[two_lines.pk, theirs.pk])).status_code == 404
    assert desk.post(reverse("desk-undo", args=[two_lines.pk, theirs.pk]), {"reason": "x"}).status_code == 404


# --- Told by software -------------------------------------------------------------------------------------------------
def test_what_software_delivered_is_collected_by_the_sweep(alice, market, two_lines):
    share = factories.share(two_lines, status=S.READY, created_at=timezone.now() - timedelta(hours=1))
    elsewhere = factories.share(factories.prescription(), factories.pharmacy(), status=S.READY)
    factories.dispensing(two_lines, completeness="FFP")
    assert counter.collect_delivered() == 0
    factories.dispensing(two_lines)
    sweep.run_once()
    share.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (share.status, elsewhere.status) == (S.COLLECTED, S.READY)


# --- The box ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scanned", "box"),
    [
        (CIP, gs1.Box(CIP)),
        ("34009 300000 14", gs1.Box(CIP)),
        (f"010{CIP}1729053110A1\x1d21123456789012", gs1.Box(CIP, "A1", date(2029, 5, 31))),
        (f"]d2010{CIP}1729020010A1", gs1.Box(CIP, "A1", date(2029, 2, 28))),
        (f"(01)0{CIP}(17)290531(10)A1", gs1.Box(CIP, "A1", date(2029, 5, 31))),
        (f"010{CIP}1729053110A121123456789012", gs1.Box(CIP, "", date(2029, 5, 31))),
        (f"010{CIP}17299931", gs1.Box(CIP)),
        (f"010{CIP}99autre", gs1.Box(CIP)),
        ("bonjour", gs1.Box("BONJOUR")),
        ("", gs1.Box()),
    ],
)
def test_what_a_scanner_types(scanned, box):
    assert gs1.read(scanned) == box
