"""Anybody's program asks what a code is worth, and learns nothing of the patient or the treatment."""

import pytest
from django.utils import timezone

from prescriptions.api import verify
from prescriptions.code import qr, verification
from tests import factories

pytestmark = pytest.mark.django_db


def ask(client, text, **more):
    return client.post("/api/verify/", {"text": text}, content_type="application/json", **more)


def test_a_valid_code_and_nothing_clinical(client, prescription):
    answer = ask(client, qr.text_of(prescription))
    told = answer.json()
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    assert set(told) == set(verify.VerdictAnswer().fields)
    assert (told["code"], told["valid"], told["offline"], told["online"]) == ("valid", True, True, True)
    for secret in ("AMOXICILLINE", "Moreau", "Rousseau", str(prescription.pk), prescription.number):
        assert secret not in answer.content.decode()


def test_the_other_verdicts(client, prescription, market):
    text = qr.text_of(prescription)
    altered = text[:-4] + ("0" if text[-4] != "0" else "1") + text[-3:]
    assert ask(client, altered).json()["code"] == "altered"
    assert ask(client, "bonjour").json()["code"] == "not_ours"
    assert ask(client, prescription.number).json()["code"] == "number_known"
    assert ask(client, "01ABCDEFGHJKMNPQRS").json()["code"] == "unknown_number"
    factories.dispensing(prescription, market)
    assert ask(client, text).json()["code"] == "exhausted"
    prescription.cancelled_at, prescription.cancelled_reason = timezone.now(), "erreur"
    prescription.save()
    told = ask(client, text).json()
    assert told["code"] == "cancelled" and not told["valid"]


def test_every_verdict_is_described(client):
    from prescriptions.code.verification import _words

    assert set(verify.CODES) == set(_words()) - {"in_force"}


def test_the_language_of_the_sentence_is_asked_for(client):
    said = {ask(client, "bonjour", headers={"Accept-Language": asked}).json()["code"] for asked in ("fr", "en")}
    assert said == {"not_ours"}


def test_too_often_is_said_with_the_time_to_wait(client, within_a_minute):
    for _ in range(verification.CHECKS):
        assert ask(client, "bonjour").status_code == 200
    answer = ask(client, "bonjour")
    assert answer.status_code == 429 and answer.json()["code"] == "throttled" and answer["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ("{}", 422, "required", "text"),
        ('{"text": 12}', 422, "invalid", "text"),
        ('{"text": ""}', 422, "blank", "text"),
        ('{"text": null}', 422, "null", "text"),
        ('{"text": "a\\u0000"}', 422, "null_characters_not_allowed", "text"),
        ('{"text": "%s"}' % ("A" * 5000), 422, "max_length", "text"),
        ('{"text": "a", "ins": "1"}', 422, "unknown-field", ""),
        ("text", 400, "parse_error", None),
        ('{"text": "%s"}' % ("A" * 600_000), 413, "too-large", None),
    ],
    ids=range(9),
)
def test_bad_input(client, body, status, code, field):
    answer = client.post("/api/verify/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (status, code, field)


def test_the_page_and_the_program_count_together(client, within_a_minute):
    for _ in range(verification.CHECKS):
        client.post("/verifier/", {"text": "bonjour"})
    assert ask(client, "bonjour").status_code == 429
