"""manage.py import_prescriptions: what can be taken goes in once; the rest is one line a file, and a status."""

import json

import pytest
from django.core.management import CommandError, call_command

from prescriptions.models import Patient, Prescriber, Prescription
from tests import factories
from tests.prescriptions import bundles
from tests.prescriptions.bundles import bundle, medicine

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    return write


@pytest.fixture
def people(alice_patient, emma):
    return {"patient": alice_patient.ins, "prescriber": emma.prescriber.rpps}


def test_files_go_in_for_who_is_named(folder, people, alice_patient, emma, capsys):
    files = [folder("a.json", bundle()), folder("b.json", bundle(medicine("RAMIPRIL 5 mg")))]
    call_command("import_prescriptions", *files, **people)
    names = {p.lines.get().name for p in alice_patient.prescriptions.filter(prescriber=emma.prescriber)}
    assert names == {"PARACETAMOL 500 mg gélule", "RAMIPRIL 5 mg"}
    assert "enregistrées\xa0: 2. Déjà connues\xa0: 0. Fichiers refusés\xa0: 0." in capsys.readouterr().out


def test_a_patient_may_be_named_by_id(folder, alice_patient, emma):
    call_command(
        "import_prescriptions",
        folder("a.json", bundle()),
        patient=str(alice_patient.pk),
        prescriber=emma.prescriber.rpps,
    )
    assert alice_patient.prescriptions.count() == 1


def test_again_makes_nothing_new(folder, people, capsys):
    first = folder("a.json", bundle())
    other_layout = folder("b.json", json.dumps(bundle(), indent=4, sort_keys=True).encode())
    for _time in range(2):
        call_command("import_prescriptions", first, other_layout, **people)
    assert Prescription.objects.count() == 1
    assert "enregistrées\xa0: 0. Déjà connues\xa0: 2." in capsys.readouterr().out


def test_a_bad_file_is_one_line_and_the_others_go_in(folder, people, capsys):
    files = [
        folder("bon.json", bundle()),
        folder("texte.json", b"Bonjour"),
        folder("brouillon.json", bundle(medicine(status="draft"))),
        folder("bon2.json", bundle(medicine("RAMIPRIL 5 mg"))),
        "/nowhere/perdu.json",
    ]
    with pytest.raises(CommandError) as told:
        call_command("import_prescriptions", *files, **people)
    assert told.value.returncode == 1 and "Les autres sont enregistrés" in str(told.value)
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(" : ")[0] for line in errors] == ["texte.json", "brouillon.json", "perdu.json"]
    assert errors[1].startswith("brouillon.json : entry[0].resource.status : ")
    assert Prescription.objects.count() == 2


def test_a_folder_no_file_or_an_empty_one_is_said_plainly(folder, people, capsys, tmp_path):
    empty = folder("vide.json", b"")
    with pytest.raises(CommandError):
        call_command("import_prescriptions", str(tmp_path), str(tmp_path / "absent.json"), empty, **people)
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path.name} : c’est un dossier. Nommez ses fichiers, par exemple dossier/*.json.",
        "absent.json : ce fichier n’existe pas. Vérifiez son nom et son dossier.",
        "vide.json : le fichier est vide. Exportez-le à nouveau.",
    ]


def test_a_file_with_one_bad_line_leaves_nothing_behind(folder, people):
    mixed = bundle(bundles.numbered("01AAAAAAAAAA"), bundles.numbered("court", id="line-2"))
    with pytest.raises(CommandError):
        call_command("import_prescriptions", folder("mixed.json", mixed), **people)
    assert not Prescription.objects.exists()


def test_a_number_already_taken_is_one_line(folder, people, capsys):
    files = [
        folder("a.json", bundle(bundles.numbered("01AAAAAAAAAA"))),
        folder("b.json", bundle(bundles.numbered("01AAAAAAAAAA", authoredOn="2026-11-19"))),
    ]
    with pytest.raises(CommandError):
        call_command("import_prescriptions", *files, **people)
    assert capsys.readouterr().err.startswith("b.json : Ce numéro est déjà celui d’une autre ordonnance")


def whole(ins, rpps):
    request = medicine(subject={"reference": "Patient/alice"}, requester={"reference": "Practitioner/emma"})
    return bundle(request, bundles.alice_as_fhir(ins), *bundles.emma_as_fhir(rpps))


def test_a_file_that_names_its_people_needs_nobody_named(folder):
    ins, rpps = factories.ins_with_key("2880375056123"), factories.with_luhn("9900000101")
    call_command("import_prescriptions", folder("a.json", whole(ins, rpps)))
    filed = Prescription.objects.get()
    assert (filed.patient.ins, filed.patient.birth_name, filed.patient.birth_date) == (ins, "MOREAU", "1988-03-14")
    assert (filed.prescriber.rpps, filed.prescriber.structure_finess) == (rpps, "699900015")
    assert Patient.objects.count() == Prescriber.objects.count() == 1


def test_a_file_for_somebody_else_is_refused(folder, bob_patient, emma, capsys):
    file = folder("a.json", whole(factories.ins_with_key("2880375056123"), emma.prescriber.rpps))
    with pytest.raises(CommandError):
        call_command("import_prescriptions", file, patient=bob_patient.ins)
    error = capsys.readouterr().err
    assert "entry[1].resource : le fichier est pour un autre patient" in error and bob_patient.ins not in error
    assert not Prescription.objects.exists()


def test_nobody_named_nobody_known(folder, capsys):
    with pytest.raises(CommandError):
        call_command("import_prescriptions", folder("a.json", bundle()))
    assert "Nommez le patient" in capsys.readouterr().err
    for option in ({"patient": "999"}, {"prescriber": "99900000000"}):
        with pytest.raises(CommandError):
            call_command("import_prescriptions", folder("a.json", bundle()), **option)
