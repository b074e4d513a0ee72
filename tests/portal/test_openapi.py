"""The API's own description: valid, true for whatever may be sent, and shown on a page whose examples work."""

import json
import re
import subprocess
import sys

import pytest
import schemathesis
from django.core.cache import cache
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import reverse
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from portal import api_docs, api_examples
from portal.models import SoftwareClient
from portal.wsgi import application
from prescriptions.models import Prescription
from tests import factories, project
from tests.software import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def insurer(client):
    return Program(client, kind="insurer", finess=factories.with_luhn("69990099"), name="Caisse 69")


def test_the_schema_is_valid_and_says_all(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml"))


def test_what_is_described_is_the_rest_part(client):
    described = client.get("/api/schema/", headers={"Accept": "application/json"}).json()
    assert described["openapi"] == "3.1.0"
    assert list(described["paths"]) == [
        "/api/token/",
        "/api/verify/",
        "/api/insurer/check/",
        "/api/insurer/duplicates/",
        "/api/insurer/opposition/",
    ]
    check = described["paths"]["/api/insurer/check/"]["post"]
    assert check["security"] == [{"software": ["registry.check"]}]
    assert {"200", "401", "403", "413", "422"} <= set(check["responses"])
    assert "Retry-After" in described["paths"]["/api/verify/"]["post"]["responses"]["429"]["headers"]


def test_the_root_lists_addresses_that_answer(client):
    def addresses(told):
        return [a for value in told.values() for a in (addresses(value) if isinstance(value, dict) else [value])]

    for address in addresses(client.get("/api/").json()):
        if address.startswith("/"):
            assert client.get(address).status_code != 404, address


# --- Everything that may be sent -------------------------------------------------------------------------------------


# What no schema can say: keys, an order of dates, a cursor that is ours, characters that are none.
BEYOND_A_SCHEMA = {
    "null_characters_not_allowed",
    "surrogate_characters_not_allowed",
    "ins-key",
    "ins-shape",
    "number-unknown",
    "since-not-here",
    "since-too-far",
    "cursor-invalid",
    "ends-before-start",
    "window-too-long",
}
described = schemathesis.openapi.from_wsgi("/api/schema/", application)


@pytest.fixture
def _one_connection():
    """Requests stay in the test’s transaction. Asked for last: Django’s own client connects these again."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def token(insurer, prescription, market, _one_connection):
    """Of an insurer, in a registry that holds something."""
    prescription.number = "01S2TBPZ2JCNZZYGHZ"
    prescription.save()
    factories.dispensing(prescription, market, billing_reference="FSE-1")
    factories.prescription(authored_on=prescription.authored_on)
    return insurer.token


@described.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_is_answered_as_described(case, token):
    cache.clear()
    answer = case.call(headers={"Authorization": f"Bearer {token}"})
    case.validate_response(answer, excluded_checks=[positive_data_acceptance])
    if case.meta.generation.mode.is_positive and answer.status_code == 422:
        assert answer.json()["code"] in BEYOND_A_SCHEMA


# --- The page ---------------------------------------------------------------------------------------------------------


def test_the_page_shows_each_operation_at_its_anchor(client):
    page = client.get(reverse("api-docs"))
    text = page.content.decode()
    for operation in ("token", "verify", "insurer-check", "insurer-duplicates", "insurer-opposition", "fhir", "errors"):
        assert f'id="{operation}"' in text and f'href="#{operation}"' in text, operation
    assert "<script" not in re.sub(r"<script src=[^>]*></script>", "", text)
    assert "client_assertion" in text and "MedicationDispense" in text and "over-delivered" in text


def test_every_fragment_that_the_capability_statement_names_is_there(client):
    text = client.get(reverse("api-docs")).content.decode()
    statement = json.dumps(client.get(reverse("fhir-metadata")).json())
    for anchor in re.findall(r"/api/docs/#([\w-]+)", statement):
        assert f'id="{anchor}"' in text, anchor


def test_every_scope_has_its_words():
    assert set(api_docs.SCOPE_WORDS) == {scope for scopes in api_docs.software.SCOPES.values() for scope in scopes}


def test_codes_that_are_listed_exist():
    """Those of Django REST framework are known by its name for them; ours are written somewhere."""
    sources = "".join(file.read_text() for file in project.app_code() if file.name != "api_docs.py")
    ours = [code for _, codes in api_docs.STATUSES.values() for code in codes if "-" in code]
    assert ours and [code for code in ours if f'"{code}"' not in sources] == []


# --- The examples -----------------------------------------------------------------------------------------------------


def test_the_examples_of_a_prescription_s_life_work_as_they_are(client, alice, market):
    bundle = api_examples.of_kinds()["lap"][0].body
    finess = re.search(r'"https://finess.esante.gouv.fr",\s+"value": "(\d+)"', bundle).group(1)
    deposited = Program(client, kind="lap", finess=finess).post("/api/fhir/", bundle)
    assert deposited.status_code == 201, deposited.content[:500]
    document = (api_examples.FOLDER / "examples" / "document.json").read_text()
    sent = Program(client, kind="lap", finess=finess).post("/api/fhir/DocumentReference", document)
    assert sent.status_code == 201, sent.content[:500]
    line = Prescription.objects.get(provenance="registry").lines.get()
    dispense = (api_examples.FOLDER / "examples" / "dispense.json").read_text().replace("LINE", str(line.pk))
    pharmacy = Program(client, kind="lgo", finess=market.finess)
    told = pharmacy.post("/api/fhir/MedicationDispense", dispense)
    assert told.status_code == 201, told.content[:500]
    share = factories.share(line.prescription, market, status="opened", by=alice)
    answer = pharmacy.put(f"/api/fhir/Task/{share.pk}", (api_examples.FOLDER / "examples" / "task.json").read_text())
    assert answer.status_code == 200, answer.content[:500]
    share.refresh_from_db()
    assert share.status == "ready"


@pytest.mark.django_db(transaction=True)
def test_the_program_of_the_page_gets_its_token_and_its_answer(live_server, settings, tmp_path):
    settings.SITE_URL = live_server.url
    call_command("create_client", kind="insurer", name="Caisse", structure="699900999", out=tmp_path)
    file = tmp_path / f"{SoftwareClient.objects.get().pk}.json"
    body = (api_examples.FOLDER / "examples" / "check.json").read_text()
    program = [sys.executable, str(api_examples.FOLDER / "api_client.py"), str(file), "/api/insurer/check/", body]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert [p["found"] for p in json.loads(done.stdout)["prescriptions"]] == [False, False]
