"""Alice opens her own document and code; Bob finds nothing there."""

import uuid

import pytest
from django.urls import reverse

from portal.models import AuditEvent
from prescriptions.code import qr
from tests import factories
from tests.prescriptions.test_pdf import codes_in

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
VIEWS = ["prescription-pdf", "prescription-qr"]


@pytest.fixture
def alice_client(client, alice):
    client.force_login(alice)
    return client


def test_alice_opens_her_document_and_it_is_traced(alice_client, alice, prescription):
    answer = alice_client.get(f"/ordonnances/{prescription.pk}/pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == f'inline; filename="ordonnance-{prescription.authored_on}.pdf"'
    assert "no-store" in answer["Cache-Control"]
    assert codes_in(answer.content) == [qr.text_of(prescription).encode()]
    trace = AuditEvent.objects.get(kind="prescription.pdf")
    assert (trace.actor, trace.patient) == (f"user:{alice.pk}", prescription.patient_id)
    assert alice_client.get(f"/ordonnances/{prescription.pk}/pdf").content == answer.content


def test_alice_shows_her_code(alice_client, prescription):
    answer = alice_client.get(f"/ordonnances/{prescription.pk}/qr.svg")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
    assert answer.content.decode() == qr.svg(qr.text_of(prescription))
    assert "no-store" in answer["Cache-Control"]


def test_a_photo_has_a_document_and_no_code(alice_client):
    photo = factories.photo_prescription()
    assert alice_client.get(reverse("prescription-pdf", args=[photo.pk])).status_code == 200
    assert alice_client.get(reverse("prescription-qr", args=[photo.pk])).status_code == 404


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_not_bobs_does_not_exist(client, bob, prescription, view):
    client.force_login(bob)
    assert client.get(reverse(view, args=[prescription.pk])).status_code == 404
    assert client.get(reverse(view, args=[uuid.uuid4()])).status_code == 404
    assert not AuditEvent.objects.filter(kind="prescription.pdf").exists()


@pytest.mark.parametrize("view", VIEWS)
def test_a_stranger_signs_in_first(client, prescription, view):
    assert client.get(reverse(view, args=[prescription.pk])).status_code == 302


@pytest.mark.parametrize("view", VIEWS)
def test_a_restricted_one_is_not_opened_for_a_parent(client, view):
    mother = factories.alice_parent()
    restricted = factories.prescription(factories.leo(), restricted=True)
    client.force_login(mother)
    session = client.session
    session["patient"] = str(factories.leo().pk)
    session.save()
    assert client.get(reverse(view, args=[restricted.pk])).status_code == 404
