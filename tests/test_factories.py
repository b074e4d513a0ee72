"""The cast stands: real rows, real keys, and the doors open for whom they should."""

import pytest
from django.core.exceptions import ObjectDoesNotExist

from prescriptions.models import Prescription
from sharing.models import Share
from sharing.states import ShareStatus
from tests import factories


def test_everybody_signs_in_and_is_found_again(alice, bob, chloe, dan, emma):
    assert factories.alice() == alice and factories.chloe() == chloe
    assert chloe.pharmacy_members.get().pharmacy.mailbox
    assert dan.is_staff and emma.prescriber.rpps.startswith("99")
    assert factories.patient_of(alice).full_name == "Alice Moreau"
    with pytest.raises(ObjectDoesNotExist):
        factories.patient_of(chloe)


def test_alice_enters_leos_space_but_bob_does_not(leo, alice, bob):
    child = factories.prescription(leo)
    assert list(Prescription.objects.seen_by(alice)) == [child]
    assert not Prescription.objects.seen_by(bob).exists()


def test_numbers_have_the_right_keys(alice_patient):
    assert factories.ins_with_key("2790351215189") == "279035121518989"
    assert factories.with_luhn("01000230") == "010002301"
    assert alice_patient.mss_address.startswith(alice_patient.ins)


@pytest.mark.parametrize("status", list(ShareStatus))
def test_a_share_stands_in_any_state(alice, status):
    made = factories.share(status=status)
    assert Share.objects.get(pk=made.pk).events.last().status == status


def test_photo_and_dispensing(alice, prescription):
    photo = factories.photo_prescription()
    assert photo.number is None and photo.documents.get().content.startswith(b"\x89PNG")
    assert factories.dispensing(prescription).lines.count() == prescription.lines.count() == 1
