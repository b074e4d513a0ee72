"""The ANS's own examples, every version: taken, shown with the words of their authors, filed as « Document seul »."""

from datetime import date
from decimal import Decimal

import pytest

from portal.reasons import Refused
from prescriptions import cda, words
from prescriptions.intake.received import file_received
from prescriptions.models import Patient
from tests import factories
from tests.conftest import SHARED_MATERIAL

FOLDER = SHARED_MATERIAL / "cda"
PRESCRIPTIONS = sorted(FOLDER.glob("eP-MED-DM_*.xml"))
BED = "lit médical, lit + 135 kg, forfait de livraison du lit et accessoires"


@pytest.fixture(params=PRESCRIPTIONS, ids=lambda file: file.stem)
def file(request):
    return request.param


def test_the_examples_are_there():
    assert len(PRESCRIPTIONS) >= 5


def test_each_is_taken_whole(file):
    deposit = cda.read(file.read_bytes())
    draft = deposit.draft
    assert deposit.version == file.stem.split("_")[1]
    assert draft.number == "01S2TBPZ2JCNZZYGHZ"
    assert draft.authored_on in (date(2021, 12, 1), date(2023, 12, 1))
    assert draft.valid_until > draft.authored_on
    assert {"MED-1094", "MED-1095", "MED-1159"} <= set(draft.flags)
    assert (draft.weight_kg, draft.height_cm) == (Decimal(55), Decimal(170))
    assert draft.named_pharmacy == "Pharmacie SAMPAIX"
    assert draft.comment.endswith("Grossesse en cours.")
    assert [line.kind for line in draft.lines] == ["medicine", "medicine", "device"]
    assert (deposit.pdf is None) == (deposit.version == "2022.01")


def test_its_people_are_named(file):
    deposit = cda.read(file.read_bytes())
    patient = deposit.patient
    assert (patient.ins, patient.ins_oid) == ("279035121518989", "1.2.250.1.213.1.4.10")
    assert (patient.birth_name, patient.given_names) == ("PAT-TROIS", "DOMINIQUE MARIE-LOUISE")
    assert (patient.birth_date, patient.birth_place, patient.sex) == (date(1979, 3, 28), "51215", "F")
    assert deposit.prescriber.full_name == "Dr Romain PIOU"
    assert deposit.prescriber.rpps == "01234567897"
    assert deposit.prescriber.structure_finess == "750512345"
    assert deposit.replaced.full_name == "Dr Pierre JOLI"


def test_its_lines_are_read(file):
    paracetamol, ointment, bed = cda.read(file.read_bytes()).draft.lines
    assert paracetamol.name == "PARACETAMOL MYLAN 500 mg, comprimé"
    assert paracetamol.codes == {"cis": "63107752", "mv": "MV00002306", "cip13": "3400933516390"}
    assert (paracetamol.duration_days, paracetamol.renewals, paracetamol.no_substitution) == (6, 3, "MTE")
    assert (paracetamol.quantity, paracetamol.quantity_unit) == (Decimal(2), "boîte")
    assert paracetamol.instructions == "A prendre au cours d'un repas"
    assert ointment.name == "Préparation magistrale : 30g de diprosone, 70g de Cérat Frais de Galien"
    assert (ointment.quantity, ointment.quantity_unit) == (Decimal(1), "tube")
    assert bed.name == BED
    assert (bed.codes, bed.duration_days, bed.renewals) == ({"lpp": "1215702"}, 60, 0)


def test_a_dosage_whose_codes_contradict_its_words_is_shown_in_words(file):
    """The codes say one tablet, the words one to two; every day, the words twice a day."""
    paracetamol, ointment, _bed = cda.read(file.read_bytes()).draft.lines
    assert paracetamol.dosage == ointment.dosage == []
    assert "3 fois/j à partir du 01/12/202" in paracetamol.dosage_text
    assert "pendant 4 jours" in paracetamol.dosage_text
    assert ointment.dosage_text.startswith("2 applications")
    if file.stem.endswith("_PosoStruct"):
        assert paracetamol.dosage_text.startswith("1 cp à 2 cp, 3 fois/j")
        assert paracetamol.dosage_text.endswith("Voie orale, au plus 4 par jour")


@pytest.mark.django_db
def test_each_is_filed_and_shown_faithfully(file):
    traits = cda.read(file.read_bytes()).patient
    patient = Patient.objects.create(
        ins=traits.ins,
        ins_oid=traits.ins_oid,
        birth_name=traits.birth_name,
        given_names=traits.given_names,
        birth_date=traits.birth_date.isoformat(),
    )
    filed = file_received(patient=patient, content=file.read_bytes(), by="system:test")
    assert (filed.provenance, filed.number) == ("document", None)
    assert filed.source["number"] == "01S2TBPZ2JCNZZYGHZ"
    said = [words.say_line(line) for line in filed.lines.all()]
    assert [line.is_own_text for line in said] == [True, True, False]
    assert said[0].renewals == "Renouvelable 3 fois"
    assert "Dr Romain PIOU" in filed.comment
    kinds = [document.content_type for document in filed.documents.all()]
    assert kinds == (["text/xml"] if "2022.01" in file.stem else ["application/pdf", "text/xml"])


def test_the_report_of_dispensing_is_told_apart():
    with pytest.raises(cda.CdaError) as refused:
        cda.read((FOLDER / "eDISP-MED_2024.01.xml").read_bytes())
    assert refused.value.code == "dispensing-report"


def test_the_report_of_dispensing_is_read():
    report = cda.read_dispensing((FOLDER / "eDISP-MED_2024.01.xml").read_bytes())
    assert report.dispensed_on == date(2024, 12, 25)
    assert (report.pharmacist.family_name, report.pharmacist.structure_finess) == ("DELIVE", "750512345")
    assert report.pharmacist.structure_name == "Pharmacie du village"
    assert report.prescriptions == ("1.2.250.1.213.1.1.1.39.1.1",)
    paracetamol, ointment = report.lines
    assert paracetamol.name.startswith("PARACETAMOL VIATRIS 500 mg")
    assert paracetamol.codes == {"cip13": "3400933516390"}
    assert (paracetamol.quantity, paracetamol.quantity_unit, paracetamol.lot) == (Decimal(2), "boîte", "12345")
    assert (paracetamol.expires_on, paracetamol.substitution) == (date(2032, 12, 31), "G")
    assert paracetamol.item == "AADC9C14-F1CA-4177-B2C8-A5178D5B3CA0"
    assert paracetamol.note.startswith("J'ai averti le patient")
    assert ointment.name.startswith("Préparation magistrale : 30g de diprosone")
    assert ointment.quantity_unit == "récipient"
    assert (ointment.substitution, ointment.item) == ("", "BBDC9C14-F1CA-4177-B2C8-A5178D5B3DB1")


@pytest.mark.django_db
def test_one_for_somebody_else_is_refused(file):
    with pytest.raises(Refused, match="other-patient"):
        file_received(patient=factories.alice_patient(), content=file.read_bytes(), by="system:test")
