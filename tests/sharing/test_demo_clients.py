"""The demo has one software of each kind, and all that a program needs to use it."""

import json

import pytest
from django.conf import settings

from portal import software
from portal.models import SoftwareClient
from sharing.demo import clients
from sharing.demo.cast import Cast
from tests import factories
from tests.software import assertion

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(emma, market):
    for file in clients.folder().glob("*.json"):
        file.unlink()
    return Cast(prescribers={"emma": emma.prescriber}, market=market)


def told(kind: str) -> dict:
    return json.loads((settings.VAR_DIR / "demo" / "clients" / f"{kind}.json").read_text())


def test_each_file_gets_a_token_with_the_scopes_of_its_kind(people, emma, market):
    clients.register(people)
    for kind in ("lap", "lgo", "insurer"):
        facts = told(kind)
        installation = SoftwareClient.objects.get(pk=facts["client_id"], kind=kind)
        issued = software.issue_token(
            grant_type="client_credentials",
            assertion_type=software.ASSERTION_TYPE,
            assertion=assertion(installation, facts["private_key_pem"]),
            scope="",
        )
        assert issued.scopes == list(software.SCOPES[kind])
    assert told("lap")["structure_finess"] == emma.prescriber.structure_finess
    assert told("lgo")["structure_finess"] == market.finess
    assert told("insurer")["structure_finess"] == factories.with_luhn("69990099")


def test_again_it_changes_nothing_but_the_addresses(people, settings):
    clients.register(people)
    before = told("lgo")
    settings.SITE_URL = "http://127.0.0.1:8123"
    clients.register(people)
    assert told("lgo") == before | {
        "token_url": "http://127.0.0.1:8123/api/token/",
        "fhir_url": "http://127.0.0.1:8123/api/fhir/",
    }
    assert SoftwareClient.objects.count() == 3


@pytest.mark.parametrize("how", ["lost", "revoked", "of another database"])
def test_a_file_that_no_longer_serves_is_made_anew(people, how):
    clients.register(people)
    before = told("lap")["client_id"]
    if how == "lost":
        (clients.folder() / "lap.json").unlink()
    elif how == "revoked":
        software.revoke_client(client=SoftwareClient.objects.get(pk=before), by="system:test")
    else:
        SoftwareClient.objects.all().delete()
    clients.register(people)
    assert told("lap")["client_id"] != before
