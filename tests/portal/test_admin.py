"""The back office looks, says what is in trouble and tries again; it edits nothing and reads no health data."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal import software
from portal.back_office import ReadOnly
from portal.models import AuditEvent, Notice, SoftwareClient, User
from sharing import actions
from sharing.models import Delivery, InboundMail, Route
from sharing.states import DeliveryStatus
from tests import factories

pytestmark = pytest.mark.django_db
SECRETS = ("Moreau", "MOREAU", "Alice", "1988", "2880375056123", "Merci beaucoup", "AMOXI", "alice@ordolien")


@pytest.fixture
def office(client, dan):
    """Dan, who is staff and nothing more."""
    User.objects.filter(pk=dan.pk).update(is_superuser=False)
    client.force_login(dan)
    return client


@pytest.fixture
def share(alice, kept_prescription, market):
    return actions.share_prescription(
        prescription=kept_prescription, pharmacy=market, message="Merci beaucoup", by=alice
    )


@pytest.fixture
def stuck(share):
    """A delivery that the operator refused for now."""
    delivery = share.deliveries.get()
    delivery.status, delivery.attempts = DeliveryStatus.RETRY, 3
    delivery.last_stage, delivery.last_code = "rcpt", "451 4.7.1"
    delivery.next_attempt_at = timezone.now() + timedelta(minutes=20)
    delivery.save()
    return delivery


def listed(model, **query):
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist", query=query)


def one(row):
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])


def text(page) -> str:
    return page.content.decode()


# --- Who enters -----------------------------------------------------------------------------------------------------
def test_there_is_one_door_the_sites_own(client):
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0] == "/compte/login/?next=/admin/"
    assert client.post("/admin/login/", {"username": "dan@ordolien.test", "password": "x"}).url.startswith(
        "/compte/login/"
    )


def test_who_is_not_staff_finds_nothing(client, alice, chloe, emma):
    for person in (alice, chloe, emma):
        client.force_login(person)
        for path in ("/admin/", "/admin/login/", "/admin/sharing/delivery/", "/admin/nothing/", "/admin/jsi18n/"):
            assert client.get(path).status_code == 404, path


def test_password_and_way_out_are_the_sites(office):
    assert office.post("/admin/logout/").url == "/compte/logout/"
    assert office.get("/admin/password_change/").url == "/compte/password/change/"


# --- Nothing is edited, nothing is told -----------------------------------------------------------------------------
def test_everything_registered_is_read_only():
    assert {model._meta.label for model in admin.site._registry} >= {"sharing.Delivery", "portal.AuditEvent"}
    assert all(isinstance(page, ReadOnly) for page in admin.site._registry.values())
    brought_along = {"account", "mfa", "usersessions", "auth"}
    assert not brought_along & {model._meta.app_label for model in admin.site._registry}


@pytest.fixture
def everything(stuck, alice, chloe):
    """One row at least of everything the office sees."""
    actions.record_reply(
        share=stuck.share, answer=actions.Answer(text="AMOXICILLINE en rupture"), door="desk", by=chloe
    )
    InboundMail.objects.create(
        message_id="<r1@pharma.test>", sha256="0" * 64, content=b"Merci beaucoup", received_at=timezone.now()
    )
    Route.objects.create(name="mssante", opened_at=timezone.now(), reason="tls")
    return [page.model for page in admin.site._registry.values()]


def test_every_page_opens_and_tells_no_name_no_ins_no_word(office, everything):
    for model in everything:
        pages = [office.get(listed(model, **({"remises": "toutes"} if model is Delivery else {})))]
        pages += [office.get(one(row)) for row in model._default_manager.all()[:3]]
        for page in pages:
            assert page.status_code == 200, model
            assert "Dan Petit" in text(page)
            said = text(page).replace("Dan Petit", "")
            assert not [secret for secret in SECRETS if secret in said], model


def test_nobody_edits_not_even_a_superuser(client, dan, everything):
    client.force_login(dan)
    assert dan.is_superuser
    for model in everything:
        row = model._default_manager.first()
        if row is None:
            continue
        before = model._default_manager.count()
        add = one(row).replace(f"{row.pk}/change/", "add/").replace(str(row.pk), "")
        assert client.post(one(row), {"status": "sent", "is_active": ""}).status_code == 403, model
        assert client.post(one(row).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403, model
        assert client.get(one(row).replace("/change/", "/history/")).status_code == 404, model
        assert client.get(add).status_code in {403, 404, 302}, model
        action = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
        client.post(listed(model), action)
        assert model._default_manager.count() >= before


def test_searches_find_by_pseudonym_and_survive_anything(office, share, stuck):
    type(share).objects.update(receipt="0K3P9QXM2T")
    for asked in ("0k3p9-qxm2t", "OK3P9 QXM2T", str(share.pk), str(share.patient_id)):
        assert "0K3P9-QXM2T" in text(office.get(listed(type(share), q=asked))), asked
    assert str(stuck.pk) in text(office.get(listed(Delivery, q=str(share.pk))))
    for model in (type(share), Delivery, AuditEvent, User, Notice, type(share.prescription), type(share.pharmacy)):
        for asked in ("x", "%", "'", "00000000-0000-0000-0000-000000000000", "é" * 300, "alice@ordolien.test"):
            page = office.get(listed(model, q=asked))
            assert page.status_code == 200 and "alice@ordolien.test</" not in text(page), (model, asked)


def test_looking_into_the_trail_leaves_a_trace(office, dan, share):
    page = office.get(listed(AuditEvent, q=str(share.patient_id)))
    assert "share.created" in text(page)
    assert AuditEvent.objects.get(kind="audit.searched").patient == share.patient_id
    office.get(listed(AuditEvent, kind="share.created"))
    assert AuditEvent.objects.filter(kind="audit.searched", actor=f"user:{dan.pk}").count() == 1


def guesses(page):
    """What the address could ask of each column, and of those one step away."""
    filters = {
        f if isinstance(f, str) else f[0] if isinstance(f, tuple) else f.parameter_name for f in page.list_filter
    }
    for column in page.model._meta.concrete_fields:
        if column.name not in {*filters, page.date_hierarchy}:
            yield from (column.name, f"{column.attname}__exact", f"{column.name}__isnull", f"{column.name}__startswith")
        if column.is_relation:
            yield f"{column.name}__pk"


@pytest.mark.any_database
@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_a_page_is_filtered_by_its_own_filters_and_by_nothing_else(office, model):
    page = admin.site._registry[model]
    refused = {asked: office.get(listed(model, **{asked: "1"})).status_code for asked in guesses(page)}
    assert refused and set(refused.values()) == {400}, refused
    shown = office.get(listed(model)).context["cl"]
    offered = [choice["query_string"] for spec in shown.filter_specs for choice in spec.choices(shown)]
    if day := page.date_hierarchy:
        offered += [f"?{day}__year=2026", f"?{day}__year=2026&{day}__month=11&{day}__day=3"]
    for query in offered:
        assert office.get(listed(model) + query).status_code == 200, query


def test_the_trails_page_never_reads_the_whole_trail(office, share):
    with CaptureQueriesContext(connection) as asked:
        page = office.get(listed(AuditEvent))
    offered = [choice["display"] for choice in page.context["cl"].filter_specs[0].choices(page.context["cl"])]
    assert sorted(offered[1:]) == sorted(set(AuditEvent.objects.values_list("kind", flat=True)))
    assert "share.created" in offered
    assert not [each["sql"] for each in asked if 'DISTINCT "portal_auditevent"."kind"' in each["sql"]]
    indexed = [index.fields for index in AuditEvent._meta.indexes]
    assert [name.lstrip("-") for name in admin.site._registry[AuditEvent].ordering] in indexed


# --- Software -------------------------------------------------------------------------------------------------------
def test_software_is_listed_and_revoked_at_once(office, client, dan):
    installation, _ = software.register_client(kind="lgo", name="LogiPharma 9", structure_finess="1", by="system:test")
    assert "LogiPharma 9" in text(office.get(listed(SoftwareClient)))
    form = {"action": "revoke", "_selected_action": [str(installation.pk)]}
    assert "1 logiciel révoqué." in text(office.post(listed(SoftwareClient), form, follow=True))
    installation.refresh_from_db()
    assert installation.revoked_at
    assert AuditEvent.objects.get(kind="software.revoked").actor == f"user:{dan.pk}"


# --- Deliveries in trouble ------------------------------------------------------------------------------------------
def test_what_is_in_trouble_comes_first(office, stuck, bob, bob_patient, market):
    fine = actions.share_prescription(prescription=factories.prescription(bob_patient), pharmacy=market, by=bob)
    page = office.get(listed(Delivery))
    assert [row.pk for row in page.context["cl"].result_list] == [stuck.pk]
    assert "451 4.7.1" in text(page) and "rcpt" in text(page)
    everything = office.get(listed(Delivery, remises="toutes")).context["cl"].result_list
    assert {row.pk for row in everything} == {stuck.pk, fine.deliveries.get().pk}


def try_again(office, *deliveries):
    form = {"action": "try_again", "_selected_action": [str(one.pk) for one in deliveries]}
    return office.post(listed(Delivery, remises="toutes"), form, follow=True)


def test_trying_again_puts_the_same_message_back_at_once(office, dan, stuck):
    before = (stuck.message_id, bytes(stuck.content))
    page = try_again(office, stuck)
    stuck.refresh_from_db()
    assert "1 remise repart." in text(page)
    assert stuck.status == DeliveryStatus.QUEUED and stuck.next_attempt_at <= timezone.now()
    assert (stuck.message_id, bytes(stuck.content)) == before
    assert AuditEvent.objects.get(kind="delivery.tried-again").actor == f"user:{dan.pk}"


def test_trying_again_what_cannot_be_says_why(office, stuck, alice):
    sent = stuck.share
    actions.revoke_share(share=sent, by=alice)
    page = try_again(office, stuck)
    stuck.refresh_from_db()
    assert stuck.status == DeliveryStatus.CANCELLED
    assert str(stuck.pk) in text(page) and "repart" not in text(page)


def test_the_page_of_one_in_trouble_has_its_button(office, stuck):
    assert 'value="try_again"' in text(office.get(one(stuck)))
    try_again(office, stuck)
    assert 'value="try_again"' not in text(office.get(one(stuck)))


def test_the_front_page_says_how_things_are(office, everything):
    Notice.objects.update(status=Notice.Status.FAILED)
    InboundMail.objects.update(status=InboundMail.Status.UNMATCHED)
    figures = {figure.label: (figure.value, figure.state) for figure in office.get("/admin/").context["figures"]}
    assert figures["remises en difficulté"] == ("1", "stop")
    assert figures["courriers sans destinataire"] == ("1", "wait")
    assert figures["avis qui n’ont pas pu partir"][1] == "stop"
    assert any("coupe-circuit" in label and state == "stop" for label, (_, state) in figures.items())


# --- A member of staff is made by command ---------------------------------------------------------------------------
def test_an_account_for_the_staff_starts_with_no_password_and_a_way_to_choose_one(client, capsys):
    call_command("create_staff", "Nina@Ordolien.test")
    said = capsys.readouterr().out
    nina = User.objects.get(email="nina@ordolien.test")
    assert nina.is_staff and not nina.is_superuser and not nina.has_usable_password()
    link = next(word for word in said.split() if "/compte/password/reset/key/" in word)
    page = client.get("/" + link.split("/", 3)[3], follow=True)
    client.post(page.redirect_chain[-1][0], {"password1": "une phrase de passe", "password2": "une phrase de passe"})
    client.post("/compte/login/", {"login": nina.email, "password": "une phrase de passe"})
    assert client.get("/admin/").url == "/compte/2fa/"
    assert AuditEvent.objects.get(kind="account.made_staff").subject == f"user:{nina.pk}"
    call_command("create_staff", "nina@ordolien.test")
    assert User.objects.filter(is_staff=True).count() == 1
    with pytest.raises(CommandError, match="not an e-mail address"):
        call_command("create_staff", "nina")
