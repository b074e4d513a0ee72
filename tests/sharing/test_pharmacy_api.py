"""The pharmacy's own software does by API everything that the desk does: list, read, take, answer, write."""

from urllib.parse import unquote, urlencode

import pytest
from django.urls import get_resolver

from portal.models import AuditEvent
from prescriptions.models import BlockedProfessional, Prescription
from sharing import actions
from sharing.states import ShareStatus as S
from tests import factories
from tests.software import Program

TASKS = "/api/fhir/Task"


@pytest.fixture
def market(db):
    return factories.market_pharmacy()


@pytest.fixture
def lgo(market, client):
    return Program(client, kind="lgo", finess=market.finess)


@pytest.fixture
def share(market, prescription, alice):
    return actions.share_prescription(prescription=prescription, pharmacy=market, message="Je passe à 18 h.", by=alice)


def set_to(lgo, share, status: str, **more):
    headers = more.pop("headers", {})
    return lgo.put(f"{TASKS}/{share.pk}", {"resourceType": "Task", "status": status} | more, **headers)


def say(lgo, share, text: str, **headers):
    body = {
        "resourceType": "Communication",
        "basedOn": [{"reference": f"Task/{share.pk}"}],
        "payload": [{"contentString": text}],
    }
    return lgo.post("/api/fhir/Communication", body, **headers)


def code_of(answer) -> str:
    return answer.json()["issue"][0]["details"]["coding"][0]["code"]


def test_the_list_names_nobody_and_opens_nothing(lgo, share):
    page = lgo.get(TASKS, {"status": "requested"})
    assert page.status_code == 200
    (entry,) = page.json()["entry"]
    assert entry["resource"]["status"] == "requested"
    assert "contained" not in entry["resource"] and share.patient.ins not in page.content.decode()
    share.refresh_from_db()
    assert share.status == S.SHARED


def test_reading_one_opens_it_and_gives_the_whole_prescription(lgo, share):
    answer = lgo.get(f"{TASKS}/{share.pk}")
    task = answer.json()
    kinds = [resource["resourceType"] for resource in task["contained"]]
    assert task["status"] == "received" and kinds[0] == "Patient" and "MedicationRequest" in kinds
    assert task["note"][0]["text"] == "Je passe à 18 h."
    assert answer["ETag"] and answer["Cache-Control"] == "no-store"
    assert AuditEvent.objects.filter(kind="share.opened", actor=f"softwareclient:{lgo.installation.pk}").exists()


def test_what_is_not_known_of_a_received_document_is_left_out(lgo, market, alice_patient):
    lines = [factories.amoxicillin(), factories.amoxicillin(kind="device"), factories.nursing()]
    document = factories.prescription(alice_patient, lines, provenance="document")
    answer = lgo.get(f"{TASKS}/{factories.share(document, market).pk}")
    requests = [resource for resource in answer.json()["contained"] if resource["resourceType"] != "Patient"]
    assert [resource["resourceType"] for resource in requests] == [
        "MedicationRequest",
        "DeviceRequest",
        "ServiceRequest",
    ]
    assert not [name for each in requests for name in each if name in {"requester", "groupIdentifier", "requisition"}]


def test_taken_prepared_partly_ready_ready_and_collected(lgo, share):
    assert set_to(lgo, share, "accepted").json()["status"] == "accepted"
    assert set_to(lgo, share, "in-progress").json()["status"] == "in-progress"
    partly = set_to(
        lgo,
        share,
        "in-progress",
        businessStatus={"coding": [{"code": "partially_ready"}]},
        statusReason={"text": "Une boîte"},
    )
    assert partly.json()["businessStatus"]["coding"][0]["code"] == "partially_ready"
    assert set_to(lgo, share, "ready", note=[{"text": "C’est prêt."}]).json()["status"] == "ready"
    assert set_to(lgo, share, "completed").json()["status"] == "completed"
    share.refresh_from_db()
    assert share.status == S.COLLECTED
    assert [words.body for words in share.messages.all()] == ["C’est prêt."]


def test_ready_said_too_early_is_taken_back(lgo, share):
    assert set_to(lgo, share, "ready").json()["status"] == "ready"
    assert set_to(lgo, share, "in-progress").json()["status"] == "in-progress"


def test_refused_with_its_reason_or_not_at_all(lgo, share):
    silent = set_to(lgo, share, "rejected")
    assert silent.status_code == 422 and code_of(silent) == "refusal-missing"
    said = set_to(lgo, share, "rejected", statusReason={"coding": [{"code": "stock"}]})
    assert said.json()["status"] == "rejected"
    share.refresh_from_db()
    assert share.status == S.REFUSED and share.refusal == "stock"


def test_a_move_that_is_not_in_the_table_is_a_conflict(lgo, share):
    set_to(lgo, share, "completed")
    late = set_to(lgo, share, "in-progress")
    assert late.status_code == 409 and code_of(late) == "wrong-state"
    assert set_to(lgo, share, "draft").status_code == 422


DAY = "Task.restriction.period.end"
PARTLY = {"businessStatus": {"coding": [{"code": "partially_ready"}]}}


def until(day: str) -> dict:
    return {"restriction": {"period": {"end": day}}}


@pytest.mark.parametrize(
    ("status", "more", "code", "place"),
    [
        ("completed", {}, "original-unseen", "Task.output"),
        ("rejected", {"statusReason": {"coding": [{"code": "other"}]}}, "refusal-unsaid", "Task.note"),
        ("in-progress", PARTLY, "missing-unsaid", "Task.statusReason.text"),
        ("in-progress", PARTLY | {"statusReason": {"text": "a" * 301}}, "missing-too-long", "Task.statusReason.text"),
        ("in-progress", PARTLY | {"statusReason": {"text": "a"}} | until("2026-01-02"), "day-past", DAY),
        ("ready", until("2026-01-02"), "day-past", DAY),
        ("ready", until("2099-01-02"), "day-too-far", DAY),
    ],
)
def test_what_the_desk_must_say_the_software_must_too(lgo, market, alice_patient, status, more, code, place):
    photo = factories.share(factories.photo_prescription(alice_patient), market)
    answer = set_to(lgo, photo, status, **more)
    assert (answer.status_code, code_of(answer)) == (422, code)
    assert answer.json()["issue"][0]["expression"] == [place]
    photo.refresh_from_db()
    assert photo.status == S.SHARED


def test_a_photo_is_completed_once_the_original_was_seen(lgo, market, alice_patient):
    photo = factories.share(factories.photo_prescription(alice_patient), market)
    seen = [{"type": {"coding": [{"code": "original-seen"}]}, "valueBoolean": True}]
    assert set_to(lgo, photo, "completed", output=seen).json()["status"] == "completed"


def test_once_the_pharmacy_had_the_last_word_it_says_states_and_adds_no_word(lgo, share):
    actions.close_thread(share=share, by=lgo.installation)
    with_words = set_to(lgo, share, "ready", note=[{"text": "C’est prêt."}])
    assert (with_words.status_code, code_of(with_words)) == (409, "thread-closed")
    assert set_to(lgo, share, "ready").json()["status"] == "ready" and not share.messages.exists()


@pytest.mark.parametrize("status", ["accepted", "ready"])
def test_if_match_guards_against_a_colleague_and_not_against_oneself(lgo, share, status):
    guards = {"If-Match": lgo.get(f"{TASKS}/{share.pk}")["ETag"], "Idempotency-Key": "k"}
    for _ in range(2):  # the line was cut before the first answer came back
        assert set_to(lgo, share, status, headers=guards).json()["status"] == status
    assert AuditEvent.objects.filter(kind__in=["share.taken", "share.ready"]).count() == 1
    late = set_to(lgo, share, status, headers=guards | {"Idempotency-Key": "a colleague's"})
    assert late.status_code == 412 and code_of(late) == "version-conflict"


def test_the_list_is_filtered_by_what_each_task_says(lgo, share):
    def listed(status):
        return [entry["resource"]["status"] for entry in lgo.get(TASKS, {"status": status}).json()["entry"]]

    assert (listed("requested"), listed("accepted"), listed("")) == (["requested"], [], ["requested"])
    set_to(lgo, share, "accepted")
    assert (listed("requested,received"), listed("accepted"), listed("")) == ([], ["accepted"], ["accepted"])
    set_to(lgo, share, "in-progress")
    assert (listed("accepted"), listed("in-progress,ready")) == ([], ["in-progress"])


def test_words_go_both_ways(lgo, share, alice):
    actions.post_message(share=share, text="Avez-vous le générique ?", by=alice)
    assert say(lgo, share, "Oui, il est là.").status_code == 201
    page = lgo.get("/api/fhir/Communication", {"based-on": f"Task/{share.pk}"}).json()
    said = {entry["resource"]["payload"][0]["contentString"] for entry in page["entry"]}
    assert said == {"Avez-vous le générique ?", "Oui, il est là."}
    assert AuditEvent.objects.get(kind="share.opened").actor == f"softwareclient:{lgo.installation.pk}"
    keyed = [say(lgo, share, "Oui, il est là.", **{"Idempotency-Key": "k"}).json()["id"]]
    actions.post_message(share=share, text="Merci.", by=alice)
    keyed.append(say(lgo, share, "Oui, il est là.", **{"Idempotency-Key": "k"}).json()["id"])
    assert len(set(keyed)) == 1
    empty = say(lgo, share, " ")
    assert empty.status_code == 422 and code_of(empty) == "message-empty"


def test_another_pharmacy_sees_nothing_and_a_share_taken_back_is_bare(lgo, share, alice, client):
    stranger = Program(client, kind="lgo", finess=factories.pharmacy(name="Pharmacie du Pont").finess)
    assert stranger.get(TASKS).json()["entry"] == []
    assert stranger.get(f"{TASKS}/{share.pk}").status_code == 404
    assert set_to(stranger, share, "ready").status_code == 404
    actions.revoke_share(share=share, by=alice)
    bare = lgo.get(f"{TASKS}/{share.pk}").json()
    assert bare["status"] == "cancelled" and "contained" not in bare and "note" not in bare


@pytest.mark.parametrize("how", ["masked", "blocked"])
def test_what_the_patient_masks_or_whom_they_block_is_answered_no_more(lgo, share, market, alice, how):
    actions.post_message(share=share, text="Avez-vous le générique ?", by=alice)
    if how == "masked":
        Prescription.objects.update(masked_at=share.created_at)
    else:
        BlockedProfessional.objects.create(patient=share.patient, identifier=market.finess)
    for answer in (set_to(lgo, share, "accepted"), set_to(lgo, share, "ready"), say(lgo, share, "Bonjour")):
        assert answer.status_code == 409 and code_of(answer) == "not-readable"
    assert lgo.get("/api/fhir/Communication", {"based-on": f"Task/{share.pk}"}).json()["entry"] == []
    share.refresh_from_db()
    assert share.status == S.SHARED and share.taken_at is None and share.messages.count() == 1


def test_pages_follow_one_another_without_a_gap(lgo, market, alice):
    made = set()
    for _ in range(5):
        one = actions.share_prescription(
            prescription=factories.prescription(patient=factories.alice_patient()), pharmacy=market, by=alice
        )
        made.add(str(one.pk))
    seen, params = [], {"_count": "2"}
    while params:
        page = lgo.get(TASKS, params).json()
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        params = dict(pair.split("=", 1) for pair in following[0].split("?")[1].split("&")) if following else None
        if params:
            params = {name: unquote(value) for name, value in params.items()}
    assert len(seen) == len(set(seen)) == 5 and set(seen) == made


@pytest.mark.parametrize("params", [{"_count": "0"}, {"_count": "x"}, {"_after": "rubbish"}, {"status": "banana"}])
def test_wrong_parameters_are_named(lgo, params):
    answer = lgo.get(TASKS, params)
    assert answer.status_code == 422 and code_of(answer) == "parameter-invalid"


@pytest.mark.parametrize("reference", ["", "Task/1", "Task/" + "x" * 36, "Patient/" + "0" * 36])
def test_words_about_no_share_are_refused_by_name(lgo, reference):
    answer = lgo.get("/api/fhir/Communication", {"based-on": reference})
    assert answer.status_code == 422 and code_of(answer) == "parameter-invalid"
    assert answer.json()["issue"][0]["expression"] == ["based-on"]


def test_a_photo_and_a_receipt_are_within_reach_as_at_the_desk(lgo, market, alice_patient):
    sent = factories.share(factories.photo_prescription(alice_patient), market)
    factories.share(factories.prescription(alice_patient), market)
    (entry,) = lgo.get(TASKS, {"identifier": sent.receipt_shown}).json()["entry"]
    (file,) = lgo.get(f"{TASKS}/{entry['resource']['id']}").json()["input"]
    picture = lgo.get(file["valueAttachment"]["url"], Accept="image/*")
    assert picture.status_code == 200 and picture["Content-Type"] == file["valueAttachment"]["contentType"]
    assert AuditEvent.objects.filter(kind="share.document_read").exists()
    for place in ("0", "2", "x", ""):
        assert lgo.get(f"{TASKS}/{sent.pk}/$document", {"n": place}).status_code == 404
    sent.prescription.masked_at = sent.created_at
    sent.prescription.save()
    assert lgo.get(f"{TASKS}/{sent.pk}/$document").status_code == 404


INTERACTIONS = {
    "read": ("get", "{}/00000000-0000-7000-8000-000000000000"),
    "update": ("put", "{}/00000000-0000-7000-8000-000000000000"),
    "create": ("post", "{}"),
    "search-type": ("get", "{}"),
}


def test_the_capability_statement_says_what_answers_and_nothing_less(client, db):
    """Each interaction has an address that asks for a token; and each address under /api/fhir/ is said."""
    statement = client.get("/api/fhir/metadata").json()["rest"][0]
    said = set()
    for resource in statement["resource"]:
        for interaction in resource["interaction"]:
            verb, address = INTERACTIONS[interaction["code"]]
            answer = getattr(client, verb)(f"/api/fhir/{address.format(resource['type'])}")
            assert answer.status_code == 401, (resource["type"], interaction)
            said.add(resource["type"])
        said |= {f"${operation['name']}" for operation in resource["operation"]}
    served = [str(url.pattern) for url in get_resolver("sharing.api.urls").url_patterns]
    served += [str(url.pattern) for url in get_resolver("prescriptions.api.urls").url_patterns]
    parts = {part for path in served if path.startswith("fhir/") for part in path.split("/")[1:]}
    known = {part for part in parts if part and "<" not in part} - {"metadata", "_search"}
    assert known == said


@pytest.mark.postgres
@pytest.mark.parametrize("asked", ["\0", "0K3P9\0QXM2T", "01S2TBPZ2JCNZZYGHZ\0"])
def test_a_nul_finds_nothing_and_breaks_nothing(lgo, market, alice, alice_patient, client, asked):
    form = {"content_type": "application/x-www-form-urlencoded"}
    for kind, name in (
        ("MedicationRequest", "group-identifier"),
        ("MedicationRequest", "qr"),
        ("MedicationDispense", "group-identifier"),
    ):
        assert lgo.post(f"/api/fhir/{kind}/_search", urlencode({name: asked}), **form).status_code < 500, (kind, name)
    assert lgo.get(TASKS, {"identifier": asked}).json()["entry"] == []
    client.force_login(factories.chloe(market))
    assert client.post("/pharmacie/", {"q": asked}).status_code == 200
    client.force_login(alice)
    mine = factories.prescription(alice_patient)
    assert client.get(f"/ordonnances/{mine.pk}/partager/", {"q": asked}).status_code == 200
    assert client.post("/ordonnances/", {"q": asked}).status_code == 200


def test_prescribing_software_has_no_business_here(client, share):
    lap = Program(client, kind="lap", finess=factories.with_luhn("69990001"))
    assert lap.get(TASKS).status_code == 403


def test_metadata_is_open_and_says_what_is_served(client, db):
    statement = client.get("/api/fhir/metadata").json()
    assert statement["resourceType"] == "CapabilityStatement" and statement["fhirVersion"] == "4.0.1"
