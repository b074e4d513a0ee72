"""What an eP-MED-DM 2024.01 document must hold (ANS schema and schematrons), checked on each kind of prescription."""

import base64
from datetime import timedelta
from functools import cache

import pytest
from django.utils import timezone, translation

from prescriptions import cda
from prescriptions.code import qr
from prescriptions.files import documents
from prescriptions.files.kept import keep
from prescriptions.models import Prescription
from tests import factories
from tests.prescriptions.cda_cases import CASES, NAMESPACES, Look, prescription

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

MEDICINE = "//c:section[c:templateId/@root='1.2.250.1.213.1.1.2.171']/c:entry/c:substanceAdministration"
DEVICE = "//c:section[c:templateId/@root='1.2.250.1.213.1.1.2.222']/c:entry/c:supply"
XPATH = {"namespaces": NAMESPACES}
OBSERVATION = "c:entryRelationship[@typeCode='COMP']/c:observation"


@pytest.fixture(autouse=True)
def _alice(db):
    factories.alice()


@cache
def content_of(case: str) -> bytes:
    """Drawing the PDF inside takes time: once for each kind."""
    return cda.write(prescription(case))


@cache
def paper() -> bytes:
    """A PDF as those inside are."""
    return bytes(documents.for_message(prescription("text"))[0].content)


def written(case: str, **fields) -> Look:
    """With changes: around a PDF that does not say them."""
    if not fields:
        return Look(content_of(case))
    made = prescription(case, **fields)
    keep(made, kind="message", position=0, content_type="application/pdf", make=paper)
    return Look(cda.write(made))


# --- Every document ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=CASES)
def look(request):
    return written(request.param)


def test_it_declares_what_it_conforms_to(look):
    assert look("/c:ClinicalDocument/c:templateId/@root") == [
        "2.16.840.1.113883.2.8.2.1",
        "1.2.250.1.213.1.1.1.1",
        "1.3.6.1.4.1.19376.1.9.1.1.1",
        "1.3.6.1.4.1.19376.1.5.3.1.1.1",
        "1.2.250.1.213.1.1.1.39",
    ]
    assert look("/c:ClinicalDocument/c:templateId/@extension") == ["2024.01"]
    assert look("/c:ClinicalDocument/c:code/@code") == ["57833-6"]


def test_each_reference_points_at_words_and_no_place_is_named_twice(look):
    places = look("//@ID")
    assert len(places) == len(set(places))
    pointed_at = {value.removeprefix("#") for value in look("//c:reference/@value | //pharm:reference/@value")}
    assert pointed_at <= set(places)
    assert set(look("//@referencedObject")) <= set(places)
    said = {place.get("ID"): "".join(place.itertext()).strip() for place in look.elements("//c:text//*[@ID]")}
    assert all(said[place] or place == "copie" for place in pointed_at)


def test_no_identifier_is_given_twice(look):
    roots = look("//c:section/c:id/@root | //c:entry//c:id/@root | /c:ClinicalDocument/c:id/@root")
    assert len(roots) == len(set(roots))


def test_the_body_has_a_prescription_the_code_and_the_pdf(look):
    sections = look("//c:structuredBody/c:component/c:section/c:code/@code")
    assert {"57828-6", "46264-8"} & set(sections)
    assert sections[0] == "57723-9"
    assert sections[-1] == "55108-5"
    assert look("//c:section[c:templateId/@root='1.2.250.1.213.1.1.2.243']/c:title") == ["Copie du document"]


def test_each_line_says_what_the_framework_makes_mandatory(look):
    for entry in look.elements(MEDICINE):
        codes = entry.xpath(f"{OBSERVATION}/c:code/@code", **XPATH)
        assert codes == ["MED-574", "GEN-180", "GEN-295", "GEN-181", "GEN-179"]
        assert len(entry.xpath("c:repeatNumber/@value", **XPATH)) == 1
        assert entry.xpath("c:entryRelationship/c:act[@moodCode='DEF']/c:code/@code", **XPATH)[0] in "GN"
        times = entry.xpath("c:effectiveTime/@xsi:type", **XPATH)
        assert times == [] or times[0] == "IVL_TS"
    for entry in look.elements(DEVICE):
        codes = entry.xpath(f"{OBSERVATION}/c:code/@code", **XPATH)
        assert codes[:4] == ["MED-574", "GEN-180", "GEN-295", "GEN-181"]
        assert len(entry.xpath("c:effectiveTime", **XPATH)) == 1
        assert len(entry.xpath("c:repeatNumber/@value", **XPATH)) == 1


@pytest.mark.parametrize("case", CASES)
def test_the_same_rows_give_the_same_bytes_in_any_language(case):
    made = prescription(case)
    with translation.override("fr"):
        first = cda.write(made)
    with translation.override("en"):
        assert cda.write(Prescription.objects.get(pk=made.pk)) == first
    factories.dispensing(made)
    assert cda.write(Prescription.objects.get(pk=made.pk)) == first


# --- The header -------------------------------------------------------------------------------------------------------


def test_the_patient_has_a_qualified_identity():
    patient, look = factories.alice_patient(), written("text")
    role = "//c:recordTarget/c:patientRole"
    assert look(f"{role}/c:id/@extension") == [patient.ins]
    assert look(f"{role}/c:id/@root") == [patient.ins_oid]
    assert look(f"{role}/c:telecom/@value") == [f"mailto:{patient.mss_address}"]
    assert look(f"{role}//c:family") == ["Moreau", "Moreau"]
    assert look(f"{role}//c:given") == ["Alice Jeanne", "Alice", "Alice"]
    assert look(f"{role}//c:administrativeGenderCode/@code") == ["F"]
    assert look(f"{role}//c:birthTime/@value") == ["19880314"]
    assert look(f"{role}//c:birthplace//c:county") == ["75056"]


def test_the_prescriber_has_a_number_a_speciality_and_a_structure():
    emma, look = factories.emma().prescriber, written("text")
    role = "//c:author/c:assignedAuthor"
    assert look(f"{role}/c:id/@extension") == [f"8{emma.rpps}"]
    assert look(f"{role}/c:code/@code") == ["G15_10/SM54"]
    assert look(f"{role}/c:representedOrganization/c:id/@extension") == [f"1{emma.structure_finess}"]
    assert look(f"{role}/c:representedOrganization/c:name") == ["Cabinet médical des Tilleuls"]
    assert look(f"{role}/c:addr/*") == ["12", "rue des Tilleuls", "69003", "Lyon", "FRANCE"]
    assert look(f"{role}/c:telecom/@value") == ["tel:+33199001234", "mailto:emma@ordolien.test"]
    assert look("//c:legalAuthenticator//c:id/@extension")[0] == f"8{emma.rpps}"


def test_a_trait_that_is_not_known_is_said_to_be_so():
    patient = factories.patient("2550699099001", birth_name="N", given_names="Zoé", birth_date="1955-06-01")
    look = written("text", patient=patient)
    assert look("//c:administrativeGenderCode/@code") == ["UN"]
    assert look("//c:birthplace//c:county/@nullFlavor") == ["UNK"]


def test_what_is_not_known_of_a_practice_is_left_out():
    author = factories.prescriber(address="Lieu-dit Le Bourg", postcode="", phone="", email="")
    look = written("text", prescriber=author)
    assert look("//c:author//c:assignedAuthor/c:addr/*") == ["Lieu-dit Le Bourg", "Lyon", "FRANCE"]
    assert look("//c:author//c:assignedAuthor/c:telecom/@nullFlavor") == ["UNK"]
    mailed = written("text", prescriber=factories.prescriber(phone=""))
    assert mailed("//c:author//c:assignedAuthor/c:telecom/@value") == ["mailto:emma@ordolien.test"]


@pytest.mark.parametrize(
    ("profession", "speciality", "code"),
    [
        ("10", "SM54", "G15_10/SM54"),
        ("10", "394802001", "G15_10"),
        ("40", "SM54", "G15_40"),
        ("60", "SI01", "G15_60/SI01"),
        ("50", "", "G15_50"),
        ("99", "SM54", "312"),
    ],
)
def test_a_profession_is_one_the_framework_lists(profession, speciality, code):
    author = factories.prescriber(profession_code=profession, speciality_code=speciality)
    assert written("text", prescriber=author)("//c:author//c:assignedAuthor/c:code/@code") == [code]


def test_a_title_stands_behind_the_name_and_a_civility_before():
    names = {
        title: written("text", prescriber=factories.prescriber(title=title))(
            "//c:author//c:name/*[1] | //c:author//c:suffix"
        )
        for title in ("Dr", "Mme", "Pr.", "Maître")
    }
    assert names["Dr"] == ["Emma", "DR"]
    assert names["Mme"] == ["MME"]
    assert names["Pr."] == ["Emma", "PR"]
    assert names["Maître"] == ["Emma"]


def test_it_has_its_number_and_how_long_it_is_valid():
    made = prescription("text")
    look = Look(cda.write(made))
    act = "//c:documentationOf/c:serviceEvent[@classCode='ACT']"
    assert look(f"{act}/c:id/@extension") == [made.number]
    assert look(f"{act}/c:id/@root") == ["1.2.250.1.215.500.1.1"]
    assert look(f"{act}/c:effectiveTime/*/@value") == [f"{made.authored_on:%Y%m%d}", f"{made.valid_until:%Y%m%d}"]
    assert written("bizone")(f"{act}/c:effectiveTime/c:high/@nullFlavor") == ["UNK"]


def test_written_today_it_says_at_what_time():
    today = prescription("text", authored_on=timezone.localdate())
    filed = timezone.localtime(today.created_at)
    assert Look(cda.write(today))("/c:ClinicalDocument/c:effectiveTime/@value") == [f"{filed:%Y%m%d%H%M%S%z}"]
    before = timezone.localdate() - timedelta(days=3)
    assert written("text")("/c:ClinicalDocument/c:effectiveTime/@value") == [f"{before:%Y%m%d}"]


def test_sub_types_and_confidentiality_are_said():
    events = "//c:documentationOf/c:serviceEvent[@classCode='INFO']/c:code/@code"
    assert written("bizone")(events) == ["MED-1096", "MED-1097", "MED-1132", "MED-1159"]
    assert written("bizone")("//c:confidentialityCode/@code") == ["R"]
    assert written("text")(events) == []
    assert written("text")("//c:confidentialityCode/@code") == ["N"]


def test_a_locum_names_whom_they_replace():
    replaced = factories.prescriber(given_name="Pierre", family_name="Joli")
    look = written("text", replaced_prescriber=replaced)
    assert look("//c:participant[@typeCode='CON']//c:family") == ["Joli"]
    assert look("//c:participant[@typeCode='CON']/c:functionCode/@code") == ["CORRE"]
    assert look("//c:participant[@typeCode='CON']/c:associatedEntity/c:id/@extension") == [f"8{replaced.rpps}"]


def test_a_named_dispenser_is_named():
    assert written("secured")("//c:participant[@typeCode='PRF']//c:scopingOrganization/c:name") == [
        "Pharmacie du Marché, Lyon"
    ]


def test_one_that_replaces_another_is_the_next_version_of_it():
    first = prescription("text")
    second = Look(cda.write(prescription("text", replaces=first)))
    root = "/c:ClinicalDocument"
    assert second(f"{root}/c:versionNumber/@value") == ["2"]
    assert second(f"{root}/c:setId/@root") == Look(cda.write(first))(f"{root}/c:setId/@root")
    assert second(f"{root}/c:relatedDocument/c:parentDocument/c:id/@root") == [cda.document_id(first)]
    assert second(f"{root}/c:id/@root") != [cda.document_id(first)]


# --- Medicines --------------------------------------------------------------------------------------------------------


def test_a_medicine_has_its_codes():
    look = written("coded")
    code = f"{MEDICINE}//c:manufacturedMaterial/c:code"
    assert look(f"{code}/@code") == ["63107752"]
    assert look(f"{code}/@codeSystemName") == ["CIS"]
    assert look(f"{code}/c:translation/@codeSystemName") == ["MV", "CIP", "UCD"]
    assert look(f"{code}/c:translation/@code") == ["MV00002306", "3400933516390", "3400890000011"]
    assert look(f"{MEDICINE}//c:supply/c:quantity/@value") == ["3"]
    assert look(f"{MEDICINE}//c:supply/c:quantity/@unit") == ["30009000"]
    assert look(f"{MEDICINE}/c:effectiveTime/*/@value") == ["20261101", "20270129"]
    assert look(f"{MEDICINE}/c:repeatNumber/@value") == ["2"]


def test_free_text_has_words_and_no_code():
    look = written("magistral")
    assert look(f"{MEDICINE}//c:manufacturedMaterial/c:code/@nullFlavor") == ["NA"]
    assert look(f"{MEDICINE}//c:manufacturedMaterial/c:name") == ["Préparation : 30 g de diprosone"]
    assert look(f"{MEDICINE}//pharm:formCode/pharm:originalText") == ["pommade"]


def test_a_dosage_that_is_not_plain_is_in_the_prescribers_words():
    look = written("text")
    assert look(f"{MEDICINE}/c:doseQuantity") == []
    assert look(f"{MEDICINE}/c:templateId/@root")[-1] == "1.3.6.1.4.1.19376.1.5.3.1.4.7.1"
    assert "1.3.6.1.4.1.19376.1.9.1.3.6" not in look(f"{MEDICINE}/c:templateId/@root")
    assert look("//*[@ID='med-001-posologie']") == ["1 gélule matin, midi et soir pendant 6 jours"]


def test_a_plain_dosage_is_coded_and_said():
    look = written("as needed")
    assert look(f"{MEDICINE}/c:templateId/@root")[-2:] == [
        "1.3.6.1.4.1.19376.1.9.1.3.6",
        "1.3.6.1.4.1.19376.1.5.3.1.4.7.1",
    ]
    assert look(f"{MEDICINE}/c:effectiveTime/@xsi:type") == ["IVL_TS", "PIVL_TS"]
    assert look(f"{MEDICINE}/c:effectiveTime/c:period/@value") == ["8"]
    assert look(f"{MEDICINE}/c:effectiveTime/@institutionSpecified") == ["true"]
    assert look(f"{MEDICINE}/c:doseQuantity/*/@value") == ["1", "2"]
    assert look(f"{MEDICINE}/c:doseQuantity//@code") == ["15054000", "15054000"]
    assert look(f"{MEDICINE}/c:routeCode/@code") == ["20053000"]
    assert look(f"{MEDICINE}/c:maxDoseQuantity/*/@value") == ["6", "1"]
    assert look("//*[@ID='med-001-pas-1']") == ["1 comprimé à 2 comprimés, 3 fois par jour"]
    assert look("//*[@ID='med-001-precondition']") == ["si besoin"]


def test_a_dosage_in_steps_has_an_entry_for_each_step():
    look = written("tapering")
    assert look(f"{MEDICINE}/c:templateId/@root")[-1] == "1.3.6.1.4.1.19376.1.5.3.1.4.8"
    assert look(f"{MEDICINE}/c:doseQuantity") == []
    step = f"{MEDICINE}/c:entryRelationship/c:substanceAdministration"
    assert look(f"{MEDICINE}/c:entryRelationship/c:sequenceNumber/@value") == ["1", "2", "3"]
    assert look(f"{step}//c:period/@value") == ["8", "12", "1"]
    assert look(f"{step}//c:width/@value") == ["4", "4", "4"]
    assert look(f"{step}/c:doseQuantity/c:low/@value") == ["2", "1", "0.5"]
    assert look(f"{step}//c:manufacturedMaterial/c:code/@nullFlavor") == ["NA"] * 3


def test_once_a_week_is_on_a_day_of_the_week():
    look = written("weekly")
    assert look(f"{MEDICINE}/c:effectiveTime/@alignment") == ["DW"]
    assert look(f"{MEDICINE}/c:effectiveTime/c:period/@unit") == ["wk"]
    assert look("//*[@ID='med-001-frequence-1']") == ["1 fois par semaine, le mardi"]


def test_what_must_not_be_substituted_says_why():
    look = written("coded")
    assert look(f"{MEDICINE}/c:entryRelationship/c:act[@moodCode='DEF']/c:code/@code") == ["N"]
    assert look("//*[@ID='med-001-substitution']") == ["Non (MTE : marge thérapeutique étroite)"]


def test_a_mixture_says_what_it_is_made_of():
    look = written("infusion")
    assert look(f"{MEDICINE}//pharm:ingredient/@classCode") == ["IACT", "MMAT", "ACTI", "MMAT"]
    assert look(f"{MEDICINE}//pharm:name") == ["Glucose 5 %", "Chlorure de potassium"]
    assert look("//c:td[.//@ID='med-001-composant-1']") == [
        "Perfusion- Glucose 5 % 500 mL (solvant)- Chlorure de potassium 2 g"
    ]


def test_a_secured_prescription_says_its_quantities_in_words():
    assert "cinquante-six gélules" in written("secured")("//*[@ID='med-001-lettres']")[0]
    assert written("text")("//*[@ID='med-001-lettres']") == []


# --- The rest ---------------------------------------------------------------------------------------------------------


def test_a_device_has_its_lpp_code_and_how_long_it_is_rented():
    look = written("device")
    assert look(f"{DEVICE}//c:translation[@codeSystemName='LPP']/@code") == ["1215702"]
    assert look(f"{DEVICE}/c:expectedUseTime/c:width/@value") == ["60"]
    assert look(f"{DEVICE}/c:quantity/@value") == ["1"]
    assert look(f"{DEVICE}[1]/{OBSERVATION}/c:value/@value")[:4] == ["false", "true", "false", "true"]


def test_acts_that_the_document_has_no_entry_for_are_in_words():
    look = written("mixed")
    assert look("//c:section/c:code/@code") == ["57723-9", "57828-6", "46264-8", "55112-7", "55108-5"]
    assert look("//*[@ID='acte-001']") == ["Pansement simple, un jour sur deux"]
    assert look("//*[@ID='acte-002']") == ["NFS, plaquettes"]
    assert look("//*[@ID='commentaire']") == ["Revenir dans un mois<avec> les résultats & le carnet"]


def test_weight_and_height_are_measures():
    look = written("infusion")
    assert look("//c:organizer/c:component/c:observation/c:value/@value") == ["62.5", "170"]
    assert look("//c:organizer/c:component/c:observation/c:value/@unit") == ["kg", "cm"]
    assert look("//*[@ID='poids']") == ["62,5 kg"]


def test_it_carries_the_pdf_of_the_message_and_the_code():
    made = prescription("text")
    look = Look(cda.write(made))
    pdf = look("//c:observationMedia[@ID='copie-pdf']/c:value")[0]
    assert base64.b64decode(pdf) == bytes(documents.for_message(made)[0].content)
    png = look("//c:observationMedia[@ID='code-2d']/c:value")[0]
    assert base64.b64decode(png) == qr.png(qr.text_of(made))
    assert look("//c:observationMedia[@ID='code-2d']/c:value/@mediaType") == ["image/png"]


PHYSIOTHERAPY, BIOLOGY = {"kind": "physiotherapy", "name": "Rééducation"}, {"kind": "biology", "name": "NFS"}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([factories.nursing()], "PRESC-INF"),
        ([PHYSIOTHERAPY], "PRESC-KINE"),
        ([BIOLOGY, BIOLOGY], "PRESC-BIO"),
        ([factories.nursing(), PHYSIOTHERAPY], "57832-8"),
        ([factories.nursing(), BIOLOGY], "57828-6"),
    ],
)
def test_acts_alone_are_a_pdf_in_its_envelope(lines, code):
    made = factories.prescription(lines=lines)
    content = cda.write(made)
    look = Look(content)
    assert look("/c:ClinicalDocument/c:code/@code") == [code] == [cda.type_of(made)["code"]]
    assert look("//c:serviceEvent[c:performer]/c:code/@code") == [code]
    assert cda.read(content).version == "N1"
    assert "1.2.250.1.213.1.1.1.39" not in look("/c:ClinicalDocument/c:templateId/@root")
    assert base64.b64decode(look("//c:nonXMLBody/c:text")[0]).startswith(b"%PDF-")


def test_what_was_kept_is_given_again():
    made = prescription("text")
    first = cda.document_of(made)
    made.patient.birth_name = "AUTRE"
    made.patient.save()
    assert cda.document_of(made) == first
    [row] = made.documents.filter(kind="cda")
    assert (bytes(row.content), row.content_type) == (first, "text/xml")


@pytest.mark.parametrize("provenance", ["document", "upload"])
def test_only_the_registry_is_written(provenance):
    with pytest.raises(ValueError, match="registry"):
        cda.write(factories.prescription(provenance=provenance))


def test_what_xml_cannot_hold_does_not_stop_it():
    look = written("text", lines=[factories.amoxicillin(name="AMOXICILLINE\x0b 500 mg <gélule> & co\x1f")])
    assert look(f"{MEDICINE}//c:manufacturedMaterial/c:name") == ["AMOXICILLINE 500 mg <gélule> & co"]
