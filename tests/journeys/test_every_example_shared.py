"""Every public example, handed in over HTTP by software, then read as the patient does: the page beside the source.

What a page must show is read here from the source itself (JSON, the narrative of a CDA document), never from our own
reading of it.
"""

import base64
import json
from pathlib import Path

import pytest
from lxml import etree, html

from prescriptions.models import PatientAccess, Prescription
from tests import factories
from tests.conftest import SHARED_MATERIAL
from tests.prescriptions.test_posology_shared import RENDERED, equivalents, fair, named, plain
from tests.software import Program, bundle

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
BUNDLES = sorted((SHARED_MATERIAL / "fhir-has").glob("*.json"))
DOCUMENTS = sorted((SHARED_MATERIAL / "cda").glob("eP-MED-DM_*.xml"))
REPORT = SHARED_MATERIAL / "cda" / "eDISP-MED_2024.01.xml"
HL7 = {"h": "urn:hl7-org:v3"}
LAP, RPPS = factories.with_luhn("69990001"), factories.with_luhn("9900000042"[:10])
PHARMACY = "750512345"  # that of the report
DAYS = {"mon": "lundi", "tue": "mardi", "wed": "mercredi", "thu": "jeudi", "fri": "vendredi", "sat": "samedi"}


@pytest.fixture
def lap(client):
    return Program(client, kind="lap", finess=LAP)


def page_of(web, prescription: Prescription) -> html.HtmlElement:
    """By the patient, whose first visit it is."""
    user = factories.user("patient@ordolien.test")
    PatientAccess.objects.create(user=user, patient=prescription.patient, kind=PatientAccess.Kind.SELF)
    web.force_login(user)
    answer = web.get(f"/ordonnances/{prescription.pk}/")
    assert answer.status_code == 200
    return html.fromstring(answer.content.decode()).get_element_by_id("main")


def flat(text) -> str:
    text = text if isinstance(text, str) else text.text_content()
    return " ".join(plain(text.replace("’", "'")).split())


# --- FHIR bundles -----------------------------------------------------------------------------------------------------
def as_deposited(source: dict) -> dict:
    """The same lines as they are, with what the registry demands: who it is for, who wrote it, with what software."""
    requests = [e["resource"] for e in source["entry"] if e["resource"]["resourceType"] == "MedicationRequest"]
    whole = bundle(requests[0]["authoredOn"][:10], ins=factories.ins_with_key("2790369383001"), finess=LAP, rpps=RPPS)
    people = [e for e in whole["entry"] if e["resource"]["resourceType"] != "MedicationRequest"]
    for request in requests:
        request |= {"subject": {"reference": "Patient/p"}, "requester": {"reference": "PractitionerRole/role"}}
    others = [e for e in source["entry"] if e["resource"]["resourceType"] not in {"Patient", "Practitioner"}]
    return {"resourceType": "Bundle", "type": "transaction", "entry": [*people, *others]}


def written_in(request: dict) -> list[str]:
    """The prescriber's own texts beside the structure."""
    rendered = [e["valueMarkdown"] for e in request.get("extension", []) if e["url"] == RENDERED]
    return rendered + [n["text"] for n in request.get("note", []) if "Prescription textuelle" in n["text"]]


def names_in(request: dict, resources: dict) -> list[str]:
    """The medicine, or each component of a mixture."""
    concept = request.get("medicationCodeableConcept")
    if concept:
        return [concept.get("text") or concept["coding"][0]["display"]]
    medication = resources.get(request["medicationReference"]["reference"].removeprefix("#"))
    if medication is None:
        return []
    inside = [
        resources.get(i.get("itemReference", {}).get("reference", "").removeprefix("#")) for i in parts(medication)
    ]
    concepts = [each["code"] for each in [medication, *filter(None, inside)] if "code" in each]
    return [concept.get("text") or concept["coding"][0]["display"] for concept in concepts]


def parts(medication: dict) -> list[dict]:
    return medication.get("ingredient", [])


def numbers_in(dosages: list[dict]) -> set[str]:
    """Doses, hours and days of the structure, as `named` gives those of a text."""
    found = set()
    for dosage in dosages:
        repeat = dosage.get("timing", {}).get("repeat", {})
        for rate in dosage.get("doseAndRate", []):
            doses = [rate.get("doseQuantity"), *rate.get("doseRange", {}).values()]
            doses += [rate.get("rateRatio", {}).get("numerator")]
            found |= {str(float(dose["value"])) for dose in doses if dose}
        found |= {str(float(hour[:2])) for hour in repeat.get("timeOfDay", [])}
        found |= {DAYS[day] for day in repeat.get("dayOfWeek", [])}
    return found


@pytest.mark.parametrize("file", BUNDLES, ids=lambda file: file.stem)
def test_a_bundle_is_deposited_and_shown_line_by_line(file: Path, lap):
    source = json.loads(file.read_text())
    resources = {e["resource"]["id"]: e["resource"] for e in source["entry"]}
    requests = [r for r in resources.values() if r["resourceType"] == "MedicationRequest"]
    answer = lap.post("/api/fhir/", as_deposited(json.loads(file.read_text())), Prefer="return=minimal")
    assert answer.status_code == 201, answer.content
    lines = page_of(lap.web, Prescription.objects.get()).find_class("rx-line")
    assert len(lines) == len(requests)
    for line, request in zip(lines, requests, strict=True):
        check_line(line, request, resources)


def check_line(line, request: dict, resources: dict) -> None:
    shown, dosages = flat(line), request["dosageInstruction"]
    for name in names_in(request, resources):
        assert flat(name) in shown
    (dose,) = line.find_class("rx-dose")
    texts = written_in(request)
    assert "ne savons pas" not in flat(dose) and "non precisee" not in flat(dose)
    if "«" in dose.text_content() and "·" not in dose.text_content():
        assert any(flat(dose).strip("« »") in flat(text) for text in texts), "a text is shown as it was written"
        return
    missing = numbers_in(dosages) - named(dose.text_content())
    for text in texts:
        missing |= (
            fair(text) - named(dose.text_content()) - named(text.rpartition(": ")[0]) - named(line.text_content())
        )
    assert not missing - equivalents(dose.text_content()), dose.text_content()


# --- CDA documents ----------------------------------------------------------------------------------------------------
def told_in(file: Path) -> dict[str, str]:
    """{identifier: words} of the narrative, which is what its author signed."""
    document = etree.parse(file)
    found = document.iterfind(".//h:section/h:text//*[@ID]", HL7)
    return {each.get("ID"): " ".join(" ".join(each.itertext()).split()) for each in found}


def handed_in(content: bytes, code: str = "57833-6") -> dict:
    identity = etree.fromstring(content).find("h:recordTarget/h:patientRole/h:id", HL7)
    people = bundle("2026-11-20", ins=identity.get("extension"), finess=LAP, rpps=RPPS)["entry"][:4]
    people[0]["resource"]["identifier"][0]["system"] = f"urn:oid:{identity.get('root')}"
    attachment = {"contentType": "text/xml", "data": base64.b64encode(content).decode()}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "contained": [entry["resource"] for entry in people],
        "type": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "#p"},
        "author": [{"reference": "#role"}],
        "content": [{"attachment": attachment}],
    }


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_a_cda_document_is_filed_and_shown_line_by_line(file: Path, lap):
    answer = lap.post("/api/fhir/DocumentReference", handed_in(file.read_bytes()))
    assert answer.status_code == 201, answer.content
    page = page_of(lap.web, Prescription.objects.get())
    shown, told = flat(page), told_in(file)
    assert "document seul" in shown and "numero de l'ordonnance" not in shown
    for said in ("a executer a domicile", "urgent", "affection militaire", "pharmacie sampaix", "romain piou"):
        assert said in shown
    lines = [flat(line) for line in page.find_class("rx-line")]
    for name, words in told.items():
        place = {"med-001": 0, "med-002": 1, "DM-001": 2}.get(name[:7].rstrip("-"))
        if place is not None and words not in {"-", "Non"}:
            check_words(name, words, lines[place])
    assert "renouvelable 3 fois" in lines[0] and "2 boites" in lines[0] and "6 jours" in lines[0]
    assert "60 jours" in lines[2]


def check_words(name: str, words: str, line: str) -> None:
    if "substitution" in name:
        assert "non substituable" in line
    elif "rate" in name:
        return  # what the doses make in a day: the doses and how often are shown
    elif "-" not in name[4:]:
        label = flat(words).partition(" [lpp")[0]
        assert all(piece.strip() in line for piece in label.split("- ")), label
    else:
        assert flat(words).rstrip(".") in line


def test_the_report_of_dispensing_is_shown_as_the_pharmacy_wrote_it(client):
    lgo = Program(client, kind="lgo", finess=PHARMACY)
    answer = lgo.post("/api/fhir/DocumentReference", handed_in(REPORT.read_bytes(), "60593-1"))
    assert answer.status_code == 201, answer.content
    page, told = flat(page_of(client, Prescription.objects.get())), told_in(REPORT)
    assert "compte rendu de delivrance" in page and "pharmacie du village" in page and "25 decembre 2024" in page
    for name in ("med-001-delivre", "med-001-notes-dispensateur", "med-002-notes-dispensateur"):
        assert flat(told[name]) in page
    for said in ("2 boites", "12345", "31 decembre 2032", "30g de diprosone"):
        assert said in page
    assert "envoyer a une pharmacie" not in page
