"""A pharmacy's report of what it delivered (eDISP-MED), written here as the framework's example is."""

from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from prescriptions import cda
from prescriptions.cda.xml import E, P, templates
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def prescription():
    factories.alice()
    return factories.prescription(lines=[factories.amoxicillin(), factories.levothyrox()])


def report(prescription, *supplies, code="60593-1") -> bytes:
    document = E.ClinicalDocument(
        E.code(code=code),
        E.effectiveTime(value="20261124093000+0100"),
        E.recordTarget(
            E.patientRole(
                E.id(extension=prescription.patient.ins, root=prescription.patient.ins_oid),
                E.patient(E.name(E.family("Moreau", qualifier="BR"))),
            )
        ),
        E.author(E.assignedAuthor(E.assignedAuthoringDevice(E.softwareName("Logiciel d’officine")))),
        E.author(
            E.assignedAuthor(
                E.id(root="1.2.250.1.71.4.2.1", extension="899000000018"),
                E.assignedPerson(E.name(E.given("Chloé"), E.family("Lefèvre"))),
                E.representedOrganization(
                    E.id(root="1.2.250.1.71.4.2.2", extension="1699900106"), E.name("Pharmacie du Marché")
                ),
            )
        ),
        E.inFulfillmentOf(E.order(E.id(root=cda.document_id(prescription)))),
        E.documentationOf(E.serviceEvent(E.effectiveTime(E.low(value="20261123180000+0100")))),
        E.component(
            E.structuredBody(
                E.component(E.section(templates("1.2.250.1.213.1.1.2.236"), [E.entry(each) for each in supplies]))
            )
        ),
    )
    return etree.tostring(document)


def supply(line, *more, quantity="2") -> etree._Element:
    return E.supply(
        templates("1.2.250.1.213.1.1.3.204"),
        E.quantity(value=quantity, unit="30009000"),
        E.product(
            E.manufacturedProduct(
                E.manufacturedMaterial(
                    E.code(E.translation(code="3400933516390", codeSystem="1.2.250.1.213.2.3.2")),
                    E.name("GÉNÉRIQUE 500 mg"),
                    E.lotNumberText("L1"),
                    P.expirationTime(value="20281231"),
                )
            )
        ),
        E.entryRelationship(
            E.substanceAdministration(templates("1.2.250.1.213.1.1.3.90"), E.id(root=cda.line_id(line)))
        ),
        list(more),
    )


def test_it_says_who_delivered_what_and_when(prescription):
    line = prescription.lines.first()
    substitution = E.entryRelationship(E.act(templates("1.2.250.1.213.1.1.3.206"), E.code(code="G")))
    told = cda.read_dispensing(report(prescription, supply(line, substitution)))
    assert told.dispensed_on == date(2026, 11, 23)
    assert told.patient.ins == prescription.patient.ins
    assert (told.pharmacist.rpps, told.pharmacist.structure_finess) == ("99000000018", "699900106")
    [delivered] = told.lines
    assert (delivered.name, delivered.codes) == ("GÉNÉRIQUE 500 mg", {"cip13": "3400933516390"})
    assert (delivered.quantity, delivered.quantity_unit, delivered.lot) == (Decimal(2), "boîte", "L1")
    assert (delivered.expires_on, delivered.substitution) == (date(2028, 12, 31), "G")


def test_it_points_at_our_document_and_at_its_lines(prescription):
    lines = list(prescription.lines.all())
    told = cda.read_dispensing(report(prescription, *map(supply, reversed(lines))))
    assert told.prescriptions == (cda.document_id(prescription),)
    assert [each.item for each in told.lines] == [cda.line_id(line) for line in reversed(lines)]
    written = cda.write(prescription).decode()
    assert all(f'<id root="{cda.line_id(line)}"/>' in written for line in lines)


def test_what_is_no_report_is_refused(prescription):
    with pytest.raises(cda.CdaError) as refused:
        cda.read_dispensing(cda.write(prescription))
    assert refused.value.code == "not-a-report"


@pytest.mark.parametrize("quantity", ["0", "-1", "deux"])
def test_a_quantity_that_is_none_is_refused_by_name(prescription, quantity):
    with pytest.raises(cda.CdaError, match="supply/quantity"):
        cda.read_dispensing(report(prescription, supply(prescription.lines.first(), quantity=quantity)))


def test_a_report_of_nothing_is_refused(prescription):
    with pytest.raises(cda.CdaError, match="ne délivre rien"):
        cda.read_dispensing(report(prescription))
