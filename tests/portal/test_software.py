"""A prescribing software proves who it is, and is forgotten at once when it is revoked."""

import json
import time

import jwt
import pytest

from portal import software
from portal.models import AccessToken, AuditEvent, SoftwareClient
from tests.software import assertion


@pytest.fixture
def lap(db):
    return software.register_client(kind="lap", name="LogiDoc 4", structure_finess="990000017", by="system:test")


def ask(web, signed, **changes):
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": software.ASSERTION_TYPE,
        "client_assertion": signed,
    }
    return web.post("/api/token/", form | changes)


def multipart_free(web):
    """The token address takes forms as OAuth sends them."""
    return lambda signed, **changes: web.post(
        "/api/token/",
        "&".join(
            f"{k}={v}"
            for k, v in (
                {
                    "grant_type": "client_credentials",
                    "client_assertion_type": software.ASSERTION_TYPE.replace(":", "%3A"),
                    "client_assertion": signed,
                }
                | changes
            ).items()
        ),
        content_type="application/x-www-form-urlencoded",
    )


def test_a_good_assertion_gets_a_short_token_with_the_scopes_of_its_kind(lap, client):
    installation, pem = lap
    answer = multipart_free(client)(assertion(installation, pem))
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "Bearer" and body["expires_in"] == 600
    assert set(body["scope"].split()) == set(software.SCOPES["lap"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert not AccessToken.objects.filter(token_hash=body["access_token"]).exists(), "only the hash is kept"
    assert software.bearer_of(body["access_token"]).client == installation


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.test/token"},
        {"exp": int(time.time()) - 120},
        {"exp": int(time.time()) + 3600},
        {"exp": 10**30},
        {"jti": None},
        {"jti": "x"},
        {"sub": "somebody-else"},
        {"iss": "00000000-0000-7000-8000-000000000000"},
        {"iss": "not-an-id"},
    ],
)
def test_an_assertion_that_says_anything_else_is_refused_with_one_and_the_same_answer(lap, client, changes):
    installation, pem = lap
    answer = multipart_free(client)(assertion(installation, pem, **changes))
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert not AccessToken.objects.exists()


def test_another_key_the_none_algorithm_and_a_shared_secret_are_refused(lap, client):
    installation, _ = lap
    _, other_pem = software.register_client(kind="lap", name="Other", structure_finess="990000017", by="system:test")
    claims = jwt.decode(assertion(installation, other_pem), options={"verify_signature": False})
    forged = [
        assertion(installation, other_pem),
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, installation.public_jwk["x"].ljust(64), algorithm="HS256"),
        "x" * 5000,
        "a.b.c",
    ]
    for signed in forged:
        assert multipart_free(client)(signed).status_code == 401


def test_an_assertion_serves_once(lap, client):
    installation, pem = lap
    signed = assertion(installation, pem)
    assert multipart_free(client)(signed).status_code == 200
    assert multipart_free(client)(signed).status_code == 401


def test_a_scope_of_another_kind_is_refused(lap, client):
    installation, pem = lap
    answer = multipart_free(client)(assertion(installation, pem), scope="dispensings.write")
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_scope"


def test_other_grants_and_missing_words_are_named(lap, client):
    installation, pem = lap
    answer = multipart_free(client)(assertion(installation, pem), grant_type="password")
    assert answer.status_code == 400 and answer.json()["error"] == "unsupported_grant_type"
    assert multipart_free(client)("").status_code == 401
    assert ask(client, assertion(installation, pem)).status_code == 415, "form-encoded, as RFC 6749 asks"


def test_revoked_it_is_out_at_once(lap, client):
    installation, pem = lap
    token = multipart_free(client)(assertion(installation, pem)).json()["access_token"]
    software.revoke_client(client=installation, by="system:test")
    assert software.bearer_of(token) is None
    assert multipart_free(client)(assertion(installation, pem)).status_code == 401
    assert AuditEvent.objects.filter(kind="software.revoked").exists()


def test_create_client_writes_the_key_for_one_reader(db, tmp_path, capsys):
    from django.core.management import call_command

    call_command("create_client", kind="lgo", name="Officine 9", structure="990000017", out=tmp_path)
    installation = SoftwareClient.objects.get()
    file = tmp_path / f"{installation.pk}.json"
    assert str(installation.pk) in capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o600
    facts = json.loads(file.read_text())
    signed = assertion(installation, facts["private_key_pem"])
    assert software.issue_token(
        grant_type="client_credentials", assertion_type=software.ASSERTION_TYPE, assertion=signed, scope=""
    ).scopes == list(software.SCOPES["lgo"])
