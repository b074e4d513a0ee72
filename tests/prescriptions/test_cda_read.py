"""Reading a CDA document: what `write` makes comes back whole, what others make is taken or refused by name."""

import base64
import codecs
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from functools import cache

import pytest
from django.utils import timezone
from lxml import etree

from prescriptions import cda
from prescriptions.intake import filing
from tests import factories
from tests.prescriptions.cda_cases import CASES, NAMESPACES, medicine, prescription

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# What this document has no place for: the registry's own facts, and the acts that it only says in words.
NOT_CARRIED = {"source", "first_dispensing_before", "lap_certification", "opposed"}
ORDER = {"medicine": 0, "device": 1}


@pytest.fixture(autouse=True)
def _alice(db):
    factories.alice()


@cache
def content_of(case: str) -> bytes:
    return cda.write(prescription(case))


def changed(case: str, *changes: tuple[str, str]) -> bytes:
    """A written document with pieces of its text replaced, each of which must be there."""
    text = content_of(case).decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text.encode()


def without(case: str, path: str) -> bytes:
    root = etree.fromstring(content_of(case))
    found = root.xpath(path, namespaces=NAMESPACES)
    assert found
    for element in found:
        element.getparent().remove(element)
    return etree.tostring(root)


def facts_of(draft) -> dict:
    return {name: value for name, value in asdict(draft).items() if name not in NOT_CARRIED}


# --- There and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_what_was_written_comes_back(case):
    made = prescription(case)
    deposit = cda.read(cda.write(made))
    sent, got = facts_of(filing.draft_of(made)), facts_of(deposit.draft)
    lines = sorted(sent.pop("lines"), key=lambda line: ORDER.get(line["kind"], 2))
    for line, read in zip(lines, got.pop("lines"), strict=True):
        assert read.pop("dosage") in (line.pop("dosage"), [])
        assert read == line
    assert got == sent
    assert deposit.version == "2024.01"
    assert deposit.pdf.startswith(b"%PDF-1.4")


@pytest.mark.parametrize("case", ["as needed", "tapering", "weekly", "secured"])
def test_a_plain_dosage_comes_back_coded(case):
    made = prescription(case)
    line = cda.read(cda.write(made)).draft.lines[0]
    assert line.dosage == made.lines.get().dosage
    assert line.dosage_text == made.lines.get().dosage_text


def test_a_dosage_that_is_not_plain_comes_back_as_words():
    dosage = {
        "timing": {"repeat": {"when": ["MORN"]}},
        "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "gélule"}}],
    }
    made = factories.prescription(lines=[medicine("FER 80 mg", dosage)])
    line = cda.read(cda.write(made)).draft.lines[0]
    assert line.dosage == []
    assert line.dosage_text == "2\u00a0gélules le matin."


def test_who_it_is_for_and_who_wrote_it_come_back():
    alice, emma = factories.alice_patient(), factories.emma().prescriber
    replaced = factories.prescriber(given_name="Pierre", family_name="Joli", title="Pr")
    deposit = cda.read(cda.write(prescription("text", replaced_prescriber=replaced)))
    patient, prescriber = deposit.patient, deposit.prescriber
    assert (patient.ins, patient.ins_oid) == (alice.ins, alice.ins_oid)
    assert (patient.birth_name, patient.given_names, patient.sex) == ("Moreau", "Alice Jeanne", "F")
    assert (patient.birth_date, patient.birth_place) == (date(1988, 3, 14), "75056")
    assert (prescriber.rpps, prescriber.full_name) == (emma.rpps, "Dr Emma Rousseau")
    assert (prescriber.profession_code, prescriber.speciality_code) == ("10", "SM54")
    assert (prescriber.structure_finess, prescriber.structure_name) == (emma.structure_finess, emma.structure_name)
    assert (prescriber.address, prescriber.postcode, prescriber.town) == ("12 rue des Tilleuls", "69003", "Lyon")
    assert (deposit.replaced.full_name, deposit.replaced.rpps) == ("Pr Pierre Joli", replaced.rpps)


def test_acts_alone_come_back_as_their_pdf():
    made = factories.prescription(lines=[factories.nursing()])
    deposit = cda.read(cda.write(made))
    assert deposit.version == "N1"
    assert deposit.draft.lines == []
    assert deposit.draft.number == made.number
    assert deposit.pdf.startswith(b"%PDF-")
    assert deposit.patient.ins == factories.alice_patient().ins


# --- Documents of others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoilt", [codecs.BOM_UTF8, b"\n ", codecs.BOM_UTF8 + b"\n"])
def test_a_byte_order_mark_or_a_line_break_in_front_is_nothing(spoilt):
    assert cda.read(spoilt + content_of("text")).draft == cda.read(content_of("text")).draft


def test_a_reference_may_lack_its_hash():
    data = changed("coded", ('value="#med-001-substitution"', 'value="med-001-substitution"'))
    assert cda.read(data).draft.lines[0].no_substitution == "MTE"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Non (Marge thérapeutique étroite)", "MTE"),
        ("Non : enfant de moins de 6 ans", "EFG"),
        ("Contre-indication à l’excipient lactose", "CIF"),
    ],
)
def test_the_reason_not_to_substitute_may_be_in_words(words, code):
    data = changed("coded", ("Non (MTE : marge thérapeutique étroite)", words))
    assert cda.read(data).draft.lines[0].no_substitution == code


def test_another_reason_not_to_substitute_is_told_to_the_pharmacist():
    line = cda.read(changed("coded", ("Non (MTE : marge thérapeutique étroite)", "Non (souhait)"))).draft.lines[0]
    assert line.no_substitution == ""
    assert line.dispenser_note == "Non substituable : Non (souhait)"


def test_codes_that_say_another_dose_than_the_words_are_left():
    data = changed("secured", ('<low value="1" unit="{gelule}">', '<low value="2" unit="{gelule}">'))
    line = cda.read(data).draft.lines[0]
    assert line.dosage == []
    assert line.dosage_text == "1 gélule 2 fois par jour"


def test_codes_that_say_another_rhythm_than_the_words_are_left():
    data = changed("secured", ('<period value="12" unit="h">', '<period value="8" unit="h">'))
    assert cda.read(data).draft.lines[0].dosage == []


def test_every_eight_hours_called_three_times_a_day_is_three_times_a_day():
    data = changed("as needed", (' institutionSpecified="true"', ""), ("3 fois par jour", "3 fois/j"))
    repeat = cda.read(data).draft.lines[0].dosage[0]["timing"]["repeat"]
    assert repeat == {"frequency": 3, "period": 1, "periodUnit": "d"}


def test_without_those_words_every_eight_hours_stays_so():
    data = changed("as needed", (' institutionSpecified="true"', ""), ("3 fois par jour", "toutes les 8 heures"))
    repeat = cda.read(data).draft.lines[0].dosage[0]["timing"]["repeat"]
    assert repeat == {"frequency": 1, "period": 8, "periodUnit": "h"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<maxDoseQuantity>", "<rateQuantity><low value='1'/><high value='2'/></rateQuantity><maxDoseQuantity>"),
        (
            'codeSystem="0.4.0.127.0.16.1.1.2.1" codeSystemName="EDQM"><originalText>',
            'codeSystem="1.2.3"><originalText>',
        ),
        ("si besoin<", "si douleur<"),
        ('xsi:type="PIVL_TS"', 'xsi:type="EIVL_TS"'),
    ],
)
def test_a_part_that_is_not_understood_leaves_the_whole_to_the_words(old, new):
    flat = " ".join(content_of("as needed").decode().split()).replace("> <", "><")
    flat = flat.replace("<th>Posologie</th>", "<th>Ce qu’il faut</th>")  # no column says it all
    assert old in flat
    line = cda.read(flat.replace(old, new).encode()).draft.lines[0]
    assert line.dosage == []
    assert "1 comprimé à 2 comprimés, 3 fois par jour" in line.dosage_text
    assert "au plus 6 comprimés par jour" in line.dosage_text


def test_a_table_may_call_its_column_posology():
    data = changed("text", ('ID="med-001-posologie"', 'ID="autre"'))
    assert cda.read(data).draft.lines[0].dosage_text == "1 gélule matin, midi et soir pendant 6 jours"


def test_a_name_may_be_only_in_the_narrative():
    data = without("infusion", "//c:manufacturedMaterial/c:name")
    assert cda.read(data).draft.lines[0].name == "Perfusion"


def test_a_pregnancy_is_kept_in_the_comment():
    pregnancy = (
        '<entry><observation><code code="11449-6"/><value xsi:type="CE" code="77386006"/></observation></entry>'
        "</section></component></structuredBody>"
    )
    flat = content_of("text").decode().rpartition("</section>")
    data = (flat[0] + pregnancy + flat[2].partition("</structuredBody>")[2]).encode()
    assert cda.read(data).draft.comment == "Grossesse en cours."


def test_a_pack_that_is_not_listed_is_a_pack():
    """EDQM counts in hundreds of packs."""
    data = changed("coded", ('unit="30009000"', 'unit="30099999"'), ('value="#med-001-quantite"', 'value="#nowhere"'))
    assert cda.read(data).draft.lines[0].quantity_unit == "conditionnement"


def test_renewals_without_a_limit_are_none_that_can_be_counted():
    data = changed("text", ('<repeatNumber value="0"/>', '<repeatNumber nullFlavor="NI"/>'))
    assert cda.read(data).draft.lines[0].renewals == 0


def test_without_a_pdf_it_is_still_taken():
    deposit = cda.read(without("text", "//c:component[c:section/c:code/@code='55108-5']"))
    assert deposit.pdf is None
    assert len(deposit.draft.lines) == 1


def test_an_identity_with_a_wrong_key_is_none():
    ins = factories.alice_patient().ins
    assert cda.read(changed("text", (f'extension="{ins}"', f'extension="{ins[:-2]}00"'))).patient is None


def test_what_the_rows_have_no_place_for_is_kept():
    source = cda.read(content_of("text")).draft.source
    assert source["format"] == "cda"
    assert source["number"] == cda.read(content_of("text")).draft.number
    assert source["prescriber"]["family_name"] == "Rousseau"


# --- Refused, by name -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "old", "new", "path"),
    [
        ("coded", '<repeatNumber value="2"/>', '<repeatNumber value="deux"/>', "substanceAdministration/repeatNumber"),
        ("coded", '<repeatNumber value="2"/>', '<repeatNumber value="900"/>', "substanceAdministration/repeatNumber"),
        ("coded", '<low value="20261101"/>', '<low value="2026"/>', "effectiveTime/low"),
        ("coded", '<high value="20270129"/>', '<high value="20260101"/>', "substanceAdministration/effectiveTime"),
        ("coded", 'code="63107752"', 'code="63 107 752 ?"', "manufacturedMaterial/code"),
        ("coded", '<quantity value="3"', '<quantity value="0"', "supply/quantity"),
        ("device", '<width value="60" unit="d"/>', '<width value="60" unit="lune"/>', "expectedUseTime/width"),
        ("infusion", 'value="62.5" unit="kg"', 'value="62.5" unit="st"', "organizer/component[1]/observation"),
        ("text", 'extension="01TEST', 'extension="?', "serviceEvent/id"),
        ("text", "JVBERi0", "????", "observationMedia/value"),
    ],
)
def test_what_cannot_be_taken_names_its_element(case, old, new, path):
    with pytest.raises(cda.CdaError) as refused:
        cda.read(changed(case, (old, new)))
    assert refused.value.path.startswith("ClinicalDocument/")
    assert refused.value.path.endswith(path)
    assert refused.value.sentence
    assert new not in str(refused.value)


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(cda.CdaError, match="manufacturedMaterial"):
        cda.read(changed("text", ("<name>AMOXICILLINE", f"<name>{'A' * 500}")))


def test_nothing_prescribed_is_refused():
    data = without("text", "//c:component[c:section/c:code/@code='57828-6']")
    with pytest.raises(cda.CdaError, match="aucune ligne"):
        cda.read(data)


def test_a_report_of_dispensing_is_no_prescription():
    with pytest.raises(cda.CdaError) as refused:
        cda.read(changed("text", ('<code code="57833-6"', '<code code="60593-1"')))
    assert refused.value.code == "dispensing-report"


def test_another_document_is_no_prescription():
    data = changed("text", ("1.2.250.1.213.1.1.1.39", "1.2.250.1.213.1.1.1.55"))
    with pytest.raises(cda.CdaError) as refused:
        cda.read(data)
    assert refused.value.code == "not-a-prescription"


# --- Hostile ----------------------------------------------------------------------------------------------------------

ROOT = b'<ClinicalDocument xmlns="urn:hl7-org:v3">'
BOMB = b"""<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>""" + ROOT + b"&b;</ClinicalDocument>"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.4",
        b"{}",
        b"<ClinicalDocument>",
        b"<ClinicalDocument/>",
        b'<html xmlns="http://www.w3.org/1999/xhtml"/>',
        b"\x00\x01\x02",
        BOMB,
        b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd">' + ROOT + b"</ClinicalDocument>",
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + ROOT + b"&f;</ClinicalDocument>",
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x>',
        b'<?xml version="1.0" encoding="EBCDIC-CP-FR"?><x/>',
        ROOT + b"<a>" * 150 + b"</a>" * 150 + b"</ClinicalDocument>",
        ROOT + b"<a/>" * 250_000 + b"</ClinicalDocument>",
        ROOT + b"<a " + b" ".join(b'b%d=""' % n for n in range(450_000)) + b"/></ClinicalDocument>",
        ROOT + b"<a>" + b"x" * 2_000_000 + b"</a></ClinicalDocument>",
        ROOT + b"x" * (10 * 1024 * 1024) + b"</ClinicalDocument>",
        ROOT + b"&nbsp;</ClinicalDocument>",
        ROOT + b"</ClinicalDocument>",
    ],
    ids=range(20),
)
def test_it_is_refused_quickly_and_in_words(data):
    start = timezone.now()
    with pytest.raises(cda.CdaError) as refused:
        cda.read(data)
    assert refused.value.sentence
    assert (timezone.now() - start).total_seconds() < 2


def test_two_hundred_lines_are_the_most():
    text = content_of("text").decode()
    start, end = text.index("<entry>", text.index("57828-6")), text.index("</section>", text.index("57828-6"))
    with pytest.raises(cda.CdaError, match="200"):
        cda.read((text[:start] + text[start:end] * 201 + text[end:]).encode())


def test_a_wrapped_picture_is_no_pdf():
    made = cda.write(factories.prescription(lines=[factories.nursing()]))
    picture = base64.b64encode(factories.picture(600, 800))
    start, end = made.index(b'representation="B64">') + len(b'representation="B64">'), made.index(b"</text>")
    with pytest.raises(cda.CdaError, match="nonXMLBody/text"):
        cda.read(made[:start] + picture + made[end:])


def test_a_measure_in_other_units_is_the_same():
    data = changed("infusion", ('value="170" unit="cm"', 'value="1.7" unit="m"'))
    assert cda.read(data).draft.height_cm == Decimal("170.0")
