"""A bundle is read into drafts, whole; what cannot be taken is refused with the name of the field."""

from datetime import date
from decimal import Decimal

import pytest

from prescriptions.fhir import FhirError, parse, read_bundle
from tests import factories
from tests.prescriptions import bundles
from tests.prescriptions.bundles import bundle, medicine


def read_one(*resources):
    (deposit,) = read_bundle(bundle(*resources))
    return deposit


def refused(*resources) -> FhirError:
    with pytest.raises(FhirError) as told:
        read_bundle(bundle(*resources))
    assert told.value.sentence.endswith((".", ").", "CIF.", "a.")), "a sentence"
    return told.value


# --- What is taken --------------------------------------------------------------------------------------------------
def test_a_medicine_with_everything_its_prescriber_said():
    deposit = read_one(
        medicine(
            groupIdentifier={"system": bundles.NUMBER, "value": "01s2 tbpz 2jcn zzyg hz"},
            category=[{"coding": [{"code": "MED-1096"}, {"code": "MED-574"}]}],
            note=[
                {"text": "Prescription textuelle: 1 gélule le matin\u200b"},
                {"text": "Boire beaucoup d’eau."},
                {"extension": [{"url": "x", "valueCode": "LIPRESCCOMM"}], "text": "Patient allergique au lactose"},
                {"extension": [{"url": "x", "valueCode": "PRESCCOM"}], "text": "Revoir dans un mois"},
            ],
            dispenseRequest={
                "quantity": {"value": 2, "unit": "boîte"},
                "numberOfRepeatsAllowed": 2,
                "expectedSupplyDuration": {"value": 1, "code": "mo"},
                "validityPeriod": {"start": "2026-11-20", "end": "2027-02-20"},
            },
            substitution={"allowedBoolean": False, "reason": {"coding": [{"code": "MTE"}]}},
        )
    )
    line = deposit.draft.lines[0]
    assert deposit.draft.number == "01S2TBPZ2JCNZZYGHZ"
    assert deposit.draft.authored_on == date(2026, 11, 20)
    assert deposit.draft.valid_until == date(2027, 2, 20)
    assert deposit.draft.flags == ["MED-1096"] and line.flags == ["ALD"]
    assert deposit.draft.comment == "Revoir dans un mois"
    assert (line.name, line.codes) == ("PARACETAMOL 500 mg gélule", {"mv": "MV00000557"})
    assert line.dosage_text == "1 gélule le matin"
    assert line.instructions == "Boire beaucoup d’eau."
    assert line.dispenser_note == "Patient allergique au lactose"
    assert (line.quantity, line.quantity_unit, line.renewals, line.duration_days) == (Decimal(2), "boîte", 2, 30)
    assert line.no_substitution == "MTE"
    assert line.dosage == medicine()["dosageInstruction"], "untouched"


def test_nothing_of_the_deposit_is_lost():
    data = bundle(medicine(), {"resourceType": "AllergyIntolerance", "id": "kept", "clinicalStatus": {}})
    assert read_bundle(data)[0].draft.source == data


@pytest.mark.parametrize("where", ["contained", "sibling", "relative"])
def test_the_medicine_is_found_wherever_it_stands(where):
    medication = {
        "resourceType": "Medication",
        "id": "m1",
        "code": {"text": "Ramipril 5 mg"},
        "form": {"text": "comprimé"},
    }
    reference = {"contained": "#m1", "sibling": "#m1", "relative": "Medication/m1"}[where]
    request = medicine(medicationReference={"reference": reference})
    del request["medicationCodeableConcept"]
    others = [medication]
    if where == "contained":
        request["contained"], others = [medication], []
    line = read_one(request, *others).draft.lines[0]
    assert (line.name, line.form) == ("Ramipril 5 mg", "comprimé")


def test_a_reference_that_leads_nowhere_keeps_the_name_it_gives():
    request = medicine(medicationReference={"reference": "Medication/elsewhere", "display": "Ramipril 5 mg"})
    del request["medicationCodeableConcept"]
    assert read_one(request).draft.lines[0].name == "Ramipril 5 mg"


def test_a_lost_reference_takes_the_only_medicine_there_is_and_says_so():
    request = medicine(medicationReference={"reference": "#edication"})
    del request["medicationCodeableConcept"]
    one = {"resourceType": "Medication", "id": "medication", "code": {"text": "Ramipril 5 mg"}}
    deposit = read_one(request, one)
    assert deposit.draft.lines[0].name == "Ramipril 5 mg"
    assert "entry[0].resource.medicationReference" in deposit.warnings[0]
    error = refused(request, one, one | {"id": "another", "code": {"text": "Digoxine"}})
    assert error.path == "entry[0].resource.medicationReference", "two could be meant: none is chosen"


def test_a_bare_substance_gets_its_strength_and_form():
    medication = {
        "resourceType": "Medication",
        "id": "m",
        "code": {"coding": [{"display": "pantoprazole"}]},
        "form": {"coding": [{"display": "comprimé"}]},
        "ingredient": [
            {
                "itemCodeableConcept": {"text": "pantoprazole"},
                "strength": {"numerator": {"value": 40, "unit": "mg"}, "denominator": {"value": 1}},
            }
        ],
    }
    request = medicine(medicationReference={"reference": "#m"})
    del request["medicationCodeableConcept"]
    assert read_one(request, medication).draft.lines[0].name == "pantoprazole 40 mg, comprimé"


def test_an_infusion_shows_its_components_and_what_carries_them():
    def part(id, name, amount, unit):
        return {
            "resourceType": "Medication",
            "id": id,
            "code": {"text": name},
            "amount": {"numerator": {"value": amount, "unit": unit}, "denominator": {"value": 1}},
        }

    carrier = "https://interop.esante.gouv.fr/ig/fhir/eprescription/StructureDefinition/fr-is-vehicle"
    mixture = {
        "resourceType": "Medication",
        "id": "mix",
        "ingredient": [
            {"itemReference": {"reference": "#g"}, "extension": [{"url": carrier, "valueBoolean": True}]},
            {"itemReference": {"reference": "#k"}},
        ],
    }
    request = medicine(medicationReference={"reference": "#mix"})
    del request["medicationCodeableConcept"]
    resources = [part("g", "GLUCOSE 5 %", 500, "mL"), part("k", "POTASSIUM CHLORURE", 1.5, "g"), mixture, request]
    line = read_one(*resources).draft.lines[0]
    assert line.name == "GLUCOSE 5 % 500 mL + POTASSIUM CHLORURE 1,5 g"
    assert line.components == [
        {"name": "GLUCOSE 5 %", "strength": "500 mL", "diluent": True},
        {"name": "POTASSIUM CHLORURE", "strength": "1,5 g", "diluent": False},
    ]


def test_a_device_and_three_acts():
    device = {
        "resourceType": "DeviceRequest",
        "id": "d",
        "status": "active",
        "intent": "order",
        "codeCodeableConcept": {
            "coding": [{"system": "urn:oid:1.2.250.1.215.200.2.1", "code": "1215702", "display": "Attelle de genou"}]
        },
        "parameter": [
            {"code": {"text": "Quantité"}, "valueQuantity": {"value": 1, "unit": "unité"}},
            {"code": {"text": "renouvellements"}, "valueQuantity": {"value": 2}},
        ],
        "subject": {"reference": "Patient/1"},
        "requester": {"reference": "Practitioner/1"},
        "authoredOn": "2026-11-20",
        "note": [{"text": "À porter la journée"}],
    }

    def act(code, name, **fields):
        return {
            "resourceType": "ServiceRequest",
            "id": name,
            "status": "active",
            "intent": "order",
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": code}]}],
            "code": {"text": name},
            "subject": {"reference": "Patient/1"},
            "requester": {"reference": "Practitioner/1"},
            "authoredOn": "2026-11-20",
        } | fields

    acts = [
        act(
            "9632001", "Pansement simple", occurrenceTiming={"repeat": {"frequency": 1, "period": 2, "periodUnit": "d"}}
        ),
        act("91251008", "Rééducation du genou", quantityQuantity={"value": 15, "unit": "séances"}),
        act("108252007", "NFS, plaquettes", patientInstruction="À jeun"),
    ]
    lines = read_one(device, *acts).draft.lines
    assert [line.kind for line in lines] == ["device", "nursing", "physiotherapy", "biology"]
    assert (lines[0].codes, lines[0].renewals, lines[0].quantity_unit) == ({"lpp": "1215702"}, 2, "unité")
    assert lines[1].dosage == [{"timing": {"repeat": {"frequency": 1, "period": 2, "periodUnit": "d"}}}]
    assert (lines[2].quantity, lines[3].instructions) == (Decimal(15), "À jeun")


def test_requests_of_two_groups_are_two_prescriptions():
    first, second = read_bundle(bundle(bundles.numbered("01AAAAAAAAAA"), bundles.numbered("01BBBBBBBBBB", id="line-2")))
    assert (first.draft.number, second.draft.number) == ("01AAAAAAAAAA", "01BBBBBBBBBB")


def test_links_between_lines_are_said_on_both():
    group = {
        "resourceType": "RequestGroup",
        "action": [
            {
                "id": "a",
                "description": "Sans intolérance digestive",
                "relatedAction": [
                    {"actionId": "b", "relationship": "concurrent", "extension": [{"url": "x", "valueCode": "ALT"}]}
                ],
                "resource": {"reference": "#line-1"},
            },
            {"id": "b", "resource": {"reference": "#line-2"}},
        ],
    }
    lines = read_one(medicine("METFORMINE 1000 mg"), medicine("GLICLAZIDE 30 mg", id="line-2"), group).draft.lines
    assert lines[0].instructions.startswith("Sans intolérance digestive\nAu choix avec : GLICLAZIDE 30 mg.")
    assert lines[1].instructions == "Au choix avec : METFORMINE 1000 mg. L’un ou l’autre, pas les deux."


def test_the_people_are_read_when_they_are_there():
    ins, rpps = factories.ins_with_key("2880375056123"), factories.with_luhn("9900000101")
    people = [bundles.alice_as_fhir(ins), *bundles.emma_as_fhir(rpps)]
    request = medicine(subject={"reference": "Patient/alice"}, requester={"reference": "PractitionerRole/role"})
    deposit = read_one(request, *people)
    assert (deposit.patient.ins, deposit.patient.birth_name, deposit.patient.sex) == (ins, "MOREAU", "F")
    assert (deposit.prescriber.rpps, deposit.prescriber.full_name) == (rpps, "Dr Emma Rousseau")
    assert deposit.prescriber.speciality == "Médecine générale"
    assert (deposit.prescriber.town, deposit.prescriber.phone) == ("Lyon", "+33 1 99 00 12 34")


def test_an_ins_whose_key_is_wrong_is_no_identity():
    person = bundles.alice_as_fhir("289062913400149")
    assert read_one(medicine(subject={"reference": "#alice"}), person).patient is None


def test_weight_and_height_in_any_of_their_units():
    def measure(loinc, value, code):
        quantity = {"value": value, "code": code}
        return {"resourceType": "Observation", "code": {"coding": [{"code": loinc}]}, "valueQuantity": quantity}

    draft = read_one(medicine(), measure("29463-7", 14500, "g"), measure("8302-2", 0.98, "m")).draft
    assert (draft.weight_kg, draft.height_cm) == (Decimal("14.50"), Decimal("98.0"))


def test_confidential_means_restricted():
    assert read_one(medicine(meta={"security": [{"code": "R"}]})).draft.restricted
    assert not read_one(medicine()).draft.restricted


# --- What is refused ------------------------------------------------------------------------------------------------
LINE = "entry[0].resource"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"status": "draft"}, f"{LINE}.status"),
        ({"status": "entered-in-error"}, f"{LINE}.status"),
        ({"intent": "proposal"}, f"{LINE}.intent"),
        ({"doNotPerform": True}, f"{LINE}.doNotPerform"),
        ({"authoredOn": "2026-11"}, f"{LINE}.authoredOn"),
        ({"authoredOn": "2026-11-20T10:00:00"}, f"{LINE}.authoredOn"),
        ({"authoredOn": None}, f"{LINE}.authoredOn"),
        ({"authoredOn": 20261120}, f"{LINE}.authoredOn"),
        ({"medicationCodeableConcept": {}}, f"{LINE}.medication[x]"),
        ({"medicationCodeableConcept": {"text": "x" * 501}}, f"{LINE}.medicationCodeableConcept"),
        ({"medicationCodeableConcept": "Doliprane"}, f"{LINE}.medicationCodeableConcept"),
        ({"dosageInstruction": []}, f"{LINE}.dosageInstruction"),
        ({"dosageInstruction": {"text": "1"}}, f"{LINE}.dosageInstruction"),
        ({"dosageInstruction": ["1 le matin"]}, f"{LINE}.dosageInstruction[0]"),
        ({"dosageInstruction": [{"modifierExtension": [{"url": "x"}]}]}, f"{LINE}.dosageInstruction[0]"),
        ({"modifierExtension": [{"url": "x"}]}, LINE),
        ({"implicitRules": "http://example.org"}, LINE),
        ({"dispenseRequest": {"numberOfRepeatsAllowed": -1}}, f"{LINE}.dispenseRequest.numberOfRepeatsAllowed"),
        ({"dispenseRequest": {"numberOfRepeatsAllowed": 1.5}}, f"{LINE}.dispenseRequest.numberOfRepeatsAllowed"),
        ({"dispenseRequest": {"quantity": {"value": "deux"}}}, f"{LINE}.dispenseRequest.quantity.value"),
        ({"dispenseRequest": {"quantity": {"value": 0}}}, f"{LINE}.dispenseRequest.quantity"),
        (
            {"dispenseRequest": {"expectedSupplyDuration": {"value": 3, "unit": "lunes"}}},
            f"{LINE}.dispenseRequest.expectedSupplyDuration",
        ),
        ({"substitution": {"allowedBoolean": False}}, f"{LINE}.substitution.reason"),
        ({"substitution": {"allowedBoolean": "non"}}, f"{LINE}.substitution.allowedBoolean"),
        ({"groupIdentifier": {"system": bundles.NUMBER, "value": "court"}}, f"{LINE}.groupIdentifier.value"),
        ({"note": "à jeun"}, f"{LINE}.note"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named(change, path):
    assert refused(medicine(**change)).path == path


def test_two_patients_two_dates_two_prescribers():
    other = {"id": "line-2"}
    assert (
        refused(medicine(), medicine(**other, subject={"reference": "Patient/2"})).path == "entry[1].resource.subject"
    )
    assert refused(medicine(), medicine(**other, authoredOn="2026-11-21")).path == "entry[1].resource.authoredOn"
    assert refused(medicine(), medicine(**other, requester={"reference": "x"})).path == "entry[1].resource.requester"


def test_glasses_are_not_dropped_in_silence():
    assert refused(medicine(), {"resourceType": "VisionPrescription"}).path == "entry[1].resource"


def test_an_unreadable_weight_is_not_dropped_in_silence():
    weight = {
        "resourceType": "Observation",
        "code": {"coding": [{"code": "29463-7"}]},
        "valueQuantity": {"value": 30, "code": "[lb_av]"},
    }
    assert refused(medicine(), weight).path == "entry[1].resource.valueQuantity"


@pytest.mark.parametrize(
    "data",
    [
        [],
        "Bundle",
        {"resourceType": "MedicationRequest"},
        {"resourceType": "Bundle", "type": "poem", "entry": []},
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle", "type": "collection", "entry": "none"},
        {"resourceType": "Bundle", "type": "collection", "entry": [None, 3]},
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": [1]}]},
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Patient"}}]},
    ],
)
def test_what_is_not_a_bundle_of_prescriptions(data):
    with pytest.raises(FhirError):
        read_bundle(data)


def test_too_many_lines():
    assert refused(*[medicine(id=f"line-{n}") for n in range(201)]).path == "entry"


# --- Bytes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ce n'est pas du JSON",
        b"\xff\xfe\x00",
        b"<Bundle/>",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'"' + b"x" * (5 * 1024 * 1024) + b'"',
    ],
    ids=lambda content: repr(content[:20]),
)
def test_bytes_that_are_not_a_bounded_json_object(content):
    with pytest.raises(FhirError) as told:
        read_bundle(parse(content))
    assert len(str(told.value)) < 200, "a sentence, not the file"


def test_a_byte_order_mark_is_no_trouble():
    assert parse(b'\xef\xbb\xbf{"resourceType": "Bundle"}') == {"resourceType": "Bundle"}


def test_an_error_says_where_and_never_what():
    error = refused(medicine(authoredOn="le 3 pour Mme Moreau"))
    assert "Moreau" not in str(error) and str(error).startswith("entry[0].resource.authoredOn : ")
