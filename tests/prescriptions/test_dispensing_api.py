"""Pharmacy software over HTTP: finds by code, records line by line, undoes; prescribers and patients read it."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from portal.models import AuditEvent
from prescriptions.code import qr
from prescriptions.models import BlockedProfessional, Dispensing
from tests import factories
from tests.prescriptions.test_dispensing import at_once
from tests.software import ANSM, NUMBER, Program

BASE = "/api/fhir/"
DISPENSE = "/api/fhir/MedicationDispense"
FIND = "/api/fhir/MedicationRequest/_search"
CIP = "3400930000014"


@pytest.fixture
def lgo(market, client):
    return Program(client, kind="lgo", finess=market.finess, name="LogiPharma 9")


@pytest.fixture
def other(client):
    return Program(client, kind="lgo", finess=factories.pharmacy().finess)


@pytest.fixture
def lap(client, emma):
    return Program(client, kind="lap", finess=emma.prescriber.structure_finess)


@pytest.fixture
def two_lines(alice):
    lasting = factories.levothyrox(quantity=2, quantity_unit="boîtes", no_substitution="")
    return factories.prescription(lines=[lasting, factories.amoxicillin()])


def dispense(line, **changes) -> dict:
    """As a pharmacy's software says it: two boxes, all that was due."""
    return {
        "resourceType": "MedicationDispense",
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": f"{ANSM}Presentation", "code": CIP}], "text": "LEVOTHYROX"},
        "authorizingPrescription": [{"reference": f"MedicationRequest/{line.pk}"}],
        "quantity": {"value": 2, "unit": "boîte"},
        "whenHandedOver": timezone.now().isoformat(),
    } | changes


def bundle(*resources: dict) -> dict:
    request = {"method": "POST", "url": "MedicationDispense"}
    entries = [{"resource": resource, "request": request} for resource in resources]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def code_of(answer) -> str:
    return answer.json()["issue"][0]["details"]["coding"][0]["code"]


def find(program, field: str, value: str):
    return program.post(FIND, urlencode({field: value}), content_type="application/x-www-form-urlencoded")


# --- Finding ----------------------------------------------------------------------------------------------------------
def test_found_by_its_code_with_what_is_left_and_the_patient_reads_it(lgo, two_lines):
    answer = find(lgo, "qr", qr.text_of(two_lines))
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    resources = [entry["resource"] for entry in answer.json()["entry"]]
    assert [r["resourceType"] for r in resources] == ["MedicationRequest"] * 2 + ["Patient", "Practitioner"]
    left = {e["url"].rpartition("/")[2]: e for e in resources[0]["extension"]}
    assert left["deliveries-left"]["valueUnsignedInt"] == 3 and left["boxes-left"]["valueDecimal"] == 6
    event = AuditEvent.objects.get(kind="prescription.opened_at_counter")
    assert event.patient == two_lines.patient_id and event.actor == f"softwareclient:{lgo.installation.pk}"


def test_found_by_its_number(lgo, two_lines):
    assert len(find(lgo, "group-identifier", f"{NUMBER}|{two_lines.number}").json()["entry"]) == 4


@pytest.mark.parametrize("why", ["unknown", "masked", "blocked", "photo"])
def test_what_a_pharmacy_does_not_find(lgo, market, two_lines, why):
    number = two_lines.number
    if why == "unknown":
        number = "01TEST999999999999"
    elif why == "masked":
        two_lines.masked_at = timezone.now()
        two_lines.save()
    elif why == "blocked":
        BlockedProfessional.objects.create(patient=two_lines.patient, identifier=market.finess)
    else:
        two_lines = factories.photo_prescription()
        number = str(two_lines.pk)
    answer = find(lgo, "group-identifier", number)
    assert answer.status_code == 200 and answer.json()["entry"] == []
    assert not AuditEvent.objects.filter(kind="prescription.opened_at_counter").exists()


def test_an_altered_code_is_told_so(lgo, two_lines):
    text = qr.text_of(two_lines)
    altered = text[:-6] + ("A" if text[-6] != "A" else "B") + text[-5:]
    answer = find(lgo, "qr", altered)
    assert answer.status_code == 422 and code_of(answer) in {"altered", "not-ours"}


def test_nothing_asked(lgo):
    assert code_of(find(lgo, "autre", "x")) == "parameter-missing"


def test_prescribing_software_does_not_find_by_code_nor_dispense(lap, two_lines):
    assert code_of(find(lap, "qr", qr.text_of(two_lines))) == "parameter-missing"
    assert lap.post(BASE, bundle(dispense(two_lines.lines.first()))).status_code == 403
    assert lap.post(DISPENSE, dispense(two_lines.lines.first())).status_code == 403


# --- Recording --------------------------------------------------------------------------------------------------------
def test_two_lines_in_one_transaction(lgo, two_lines):
    lasting, antibiotic = two_lines.lines.all()
    first = dispense(
        lasting,
        contained=[
            {"resourceType": "Medication", "id": "b", "batch": {"lotNumber": "L77", "expirationDate": "2028-05-31"}}
        ],
        substitution={
            "wasSubstituted": True,
            "type": {"coding": [{"code": "G"}]},
            "reason": [{"text": "En stock"}],
        },
        supportingInformation=[{"identifier": {"value": "FSE-2026-118"}}],
        performer=[
            {
                "actor": {
                    "identifier": {
                        "system": "https://rpps.esante.gouv.fr",
                        "value": factories.with_luhn("9900000001"),
                    },
                    "display": "Chloé Lefèvre",
                }
            }
        ],
        location={"display": "Pharmacie du Marché"},
    )
    second = dispense(
        antibiotic,
        status="declined",
        statusReasonCodeableConcept={"text": "Le patient en a déjà"},
        whenHandedOver=first["whenHandedOver"],
    )
    answer = lgo.post(BASE, bundle(first, second))
    assert answer.status_code == 201, answer.content
    told, declined = [entry["resource"] for entry in answer.json()["entry"]]
    assert told["type"]["coding"][0]["code"] == "FFC" and told["status"] == "completed"
    assert told["contained"][0]["batch"] == {"lotNumber": "L77", "expirationDate": "2028-05-31"}
    assert told["substitution"]["wasSubstituted"] and told["substitution"]["type"]["coding"][0]["code"] == "G"
    assert told["supportingInformation"][0]["identifier"]["value"] == "FSE-2026-118"
    assert (
        declined["status"] == "declined" and declined["statusReasonCodeableConcept"]["text"] == "Le patient en a déjà"
    )
    made = Dispensing.objects.get()
    assert (made.pharmacy_name, made.dispenser, made.billing_reference) == (
        "Pharmacie du Marché",
        "Chloé Lefèvre",
        "FSE-2026-118",
    )


def test_sent_again_it_is_recorded_once(lgo, two_lines):
    body = dispense(two_lines.lines.first())
    first, again = lgo.post(DISPENSE, body), lgo.post(DISPENSE, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] and Dispensing.objects.count() == 1
    keyed = {"Idempotency-Key": "caisse-1"}
    assert lgo.post(DISPENSE, dispense(two_lines.lines.last()), **keyed).status_code == 201
    answer = lgo.post(DISPENSE, dispense(two_lines.lines.first()), **keyed)
    assert (answer.status_code, code_of(answer)) == (422, "idempotency-other-body")


def test_by_the_number_of_a_prescription_of_one_line(lgo, prescription, two_lines):
    named = [{"identifier": {"system": NUMBER, "value": prescription.number}}]
    body = dispense(prescription.lines.get(), authorizingPrescription=named)
    assert lgo.post(DISPENSE, body).status_code == 201
    named[0]["identifier"]["value"] = two_lines.number
    assert code_of(lgo.post(DISPENSE, body)) == "line-ambiguous"


def test_a_soft_rule_wants_its_reason(lgo, two_lines):
    lasting = two_lines.lines.first()
    assert lgo.post(DISPENSE, dispense(lasting)).status_code == 201
    soon = dispense(lasting, whenHandedOver=(timezone.now() - timedelta(minutes=1)).isoformat())
    answer = lgo.post(DISPENSE, soon)
    assert (answer.status_code, code_of(answer)) == (409, "too-soon")
    override = "https://ordolien.test/fhir/StructureDefinition/dispense-override"
    answer = lgo.post(DISPENSE, soon | {"extension": [{"url": override, "valueString": "Part un mois à l’étranger"}]})
    assert answer.status_code == 201 and answer.json()["type"]["coding"][0]["code"] == "RFC"
    line = Dispensing.objects.latest("created_at").lines.get()
    assert (line.overridden, line.override_reason) == ("too-soon", "Part un mois à l’étranger")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"status": "in-progress"}, "status-not-taken", "status"),
        ({"quantity": {"value": 0}}, "quantity-invalid", "quantity.value"),
        ({"quantity": {"value": 1.5}}, "quantity-invalid", "quantity.value"),
        ({"quantity": {}}, "quantity-invalid", "quantity.value"),
        ({"whenHandedOver": "2026-11-23"}, "date-missing", "whenHandedOver"),
        ({"status": "declined"}, "reason-missing", "statusReasonCodeableConcept"),
        (
            {"medicationCodeableConcept": {"coding": [{"system": f"{ANSM}Presentation", "code": "3400930000015"}]}},
            "cip13-key",
            "medicationCodeableConcept",
        ),
        (
            {"substitution": {"wasSubstituted": True, "type": {"coding": [{"code": "Z"}]}}},
            "substitution-unknown",
            "substitution.type",
        ),
        (
            {"authorizingPrescription": [{"reference": "MedicationRequest/1"}]},
            "prescription-unknown",
            "authorizingPrescription[0].reference",
        ),
        (
            {"location": {"identifier": {"system": "https://finess.esante.gouv.fr", "value": "999999999"}}},
            "structure-not-yours",
            "location.identifier.value",
        ),
        ({"supportingInformation": [{"identifier": {"value": "x" * 61}}]}, "too-long", "supportingInformation[0]"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(lgo, two_lines, changes, code, field):
    answer = lgo.post(DISPENSE, dispense(two_lines.lines.first()) | changes)
    assert (answer.status_code, code_of(answer)) == (422, code)
    assert answer.json()["issue"][0]["expression"] == [f"MedicationDispense.{field}"]
    assert not Dispensing.objects.exists()


def test_one_bad_line_and_nothing_is_stored(lgo, two_lines, prescription):
    good, other = dispense(two_lines.lines.first()), dispense(prescription.lines.get())
    assert code_of(lgo.post(BASE, bundle(good, other))) == "several-prescriptions"
    assert code_of(lgo.post(BASE, bundle(good, good))) == "line-twice"
    assert code_of(lgo.post(BASE, bundle(*[good] * 101))) == "too-many-lines"
    assert not Dispensing.objects.exists()


def test_a_masked_prescription_is_not_dispensed(lgo, two_lines):
    two_lines.masked_at = timezone.now()
    two_lines.save()
    assert code_of(lgo.post(DISPENSE, dispense(two_lines.lines.first()))) == "prescription-unknown"


def mask(prescription) -> None:
    type(prescription).objects.filter(pk=prescription.pk).update(masked_at=timezone.now())


def test_masked_while_the_boxes_are_handed_over_they_are_counted_and_once(lgo, other, two_lines):
    """Else another pharmacy would deliver them again."""
    find(lgo, "qr", qr.text_of(two_lines))
    mask(two_lines)
    body = dispense(two_lines.lines.first())
    answers = [lgo.post(DISPENSE, body, **{"Idempotency-Key": "k"}) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200] and Dispensing.objects.count() == 1
    assert code_of(other.post(DISPENSE, body)) == "prescription-unknown"


def test_masked_after_it_was_recorded_the_same_again_is_the_same_answer(lgo, two_lines):
    body = dispense(two_lines.lines.first())
    assert lgo.post(DISPENSE, body, **{"Idempotency-Key": "k"}).status_code == 201
    mask(two_lines)
    assert lgo.post(DISPENSE, body, **{"Idempotency-Key": "k"}).status_code == 200
    Dispensing.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert code_of(lgo.post(DISPENSE, body, **{"Idempotency-Key": "k"})) == "prescription-unknown"


# --- Undoing ----------------------------------------------------------------------------------------------------------
def undo(program, id: str, reason: str = "Erreur de patient"):
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": reason}]}
    return program.post(f"{DISPENSE}/{id}/$undo", parameters)


def test_undone_within_the_day_what_it_took_comes_back(lgo, two_lines):
    line = two_lines.lines.first()
    id = lgo.post(DISPENSE, dispense(line)).json()["id"]
    answer = undo(lgo, id)
    (entry,) = answer.json()["entry"]
    assert answer.status_code == 200 and entry["resource"]["status"] == "entered-in-error"
    assert code_of(undo(lgo, id)) == "already-undone"
    again = lgo.post(DISPENSE, dispense(line, quantity={"value": 1}))
    assert again.json()["type"]["coding"][0]["code"] == "FFC"


def test_whose_it_is_not_does_not_find_it_to_undo(lgo, other, lap, two_lines):
    id = lgo.post(DISPENSE, dispense(two_lines.lines.first())).json()["id"]
    assert undo(other, id).status_code == 404
    assert undo(lap, id).status_code == 403
    assert undo(lgo, "rien").status_code == 404
    assert code_of(undo(lgo, id, reason=" ")) == "reason-missing"


# --- Reading ----------------------------------------------------------------------------------------------------------
def test_the_prescriber_reads_what_was_changed_unless_the_patient_objected(lgo, lap, two_lines):
    change = {
        "url": "https://ordolien.test/fhir/StructureDefinition/dispense-change",
        "extension": [
            {"url": "what", "valueString": "Comprimés de 50"},
            {"url": "why", "valueString": "Rupture"},
            {"url": "agreed", "valueDate": "2026-11-20"},
        ],
    }
    lgo.post(DISPENSE, dispense(two_lines.lines.first(), extension=[change]))
    (entry,) = dispensings(lap, two_lines.number).json()["entry"]
    assert entry["resource"]["extension"] == [change]
    assert AuditEvent.objects.filter(kind="prescription.read_by_prescriber", patient=two_lines.patient_id).exists()
    two_lines.opposed = True
    two_lines.save()
    assert lap.get(DISPENSE).json()["entry"] == []


def dispensings(program, number: str):
    form = urlencode({"group-identifier": f"{NUMBER}|{number}"})
    return program.post(f"{DISPENSE}/_search", form, content_type="application/x-www-form-urlencoded")


def test_what_is_refused_of_one_line_names_it(lgo, two_lines):
    lasting, antibiotic = two_lines.lines.all()
    at = timezone.now().isoformat()
    too_many = dispense(lasting, whenHandedOver=at, quantity={"value": 50})
    answer = lgo.post(BASE, bundle(dispense(antibiotic, whenHandedOver=at), too_many))
    assert (answer.status_code, code_of(answer)) == (409, "too-many")
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource"]


def test_by_number_in_the_body_never_in_the_address(lgo, other, lap, two_lines):
    lgo.post(DISPENSE, dispense(two_lines.lines.first()))
    for program, found in ((lgo, 1), (lap, 1), (other, 0)):
        answer = dispensings(program, two_lines.number)
        assert len(answer.json()["entry"]) == found and answer["Cache-Control"] == "no-store"
        in_address = program.get(DISPENSE, {"group-identifier": two_lines.number})
        assert in_address.status_code == 422 and "MedicationDispense/_search" in in_address.content.decode()
    assert code_of(program.post(f"{DISPENSE}/_search", {})) == "parameter-missing"


@pytest.mark.parametrize("why", ["masked", "structure", "prescriber"])
def test_prescribing_software_reads_no_more_than_its_prescriber(lgo, lap, emma, two_lines, why):
    assert lgo.post(DISPENSE, dispense(two_lines.lines.first())).status_code == 201
    assert len(lap.get(DISPENSE).json()["entry"]) == 1
    if why == "masked":
        two_lines.masked_at = timezone.now()
        two_lines.save()
    else:
        shut = emma.prescriber.rpps if why == "prescriber" else emma.prescriber.structure_finess
        BlockedProfessional.objects.create(patient=two_lines.patient, identifier=shut)
    assert lap.get(DISPENSE).json()["entry"] == []


def test_each_reads_its_own(client, lgo, other, lap, two_lines):
    lgo.post(DISPENSE, dispense(two_lines.lines.first()))
    assert len(lgo.get(DISPENSE).json()["entry"]) == 1
    assert other.get(DISPENSE).json()["entry"] == []
    elsewhere = Program(client, kind="lap", finess=factories.with_luhn("69990777"))
    assert elsewhere.get(DISPENSE).json()["entry"] == []


def test_pages_by_key(lgo, alice):
    for _one in range(3):
        lgo.post(DISPENSE, dispense(factories.prescription().lines.get()))
    seen, url, params = [], DISPENSE, {"_count": "2"}
    while url:
        page = lgo.get(url, params).json()
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        url, params = next((link["url"] for link in page["link"] if link["relation"] == "next"), None), None
    assert len(seen) == len(set(seen)) == 3
    assert code_of(lgo.get(DISPENSE, {"_count": "0"})) == "parameter-invalid"


# --- At the same instant ----------------------------------------------------------------------------------------------
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_pharmacies_software_at_once_one_is_recorded_the_other_is_told(alice, lgo, other):
    line = factories.prescription(lines=[factories.levothyrox(renewals=0)]).lines.get()
    answers = at_once(*[lambda program=program: program.post(DISPENSE, dispense(line)) for program in (lgo, other)])
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert [code_of(answer) for answer in answers if answer.status_code == 409] == ["nothing-left"]
    assert Dispensing.objects.count() == 1
