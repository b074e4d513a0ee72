"""What the public database writes in capitals and in the law's words, said to a patient."""

from decimal import Decimal

import pytest
from django.utils import translation

from prescriptions.medicine import lookup, wording
from prescriptions.medicine.catalogue import CataloguedPresentation
from prescriptions.medicine.conditions import say_conditions
from prescriptions.medicine.spelling import plain_form, plain_name, plain_pack, plain_substance
from tests.prescriptions import bdpm_files as source


@pytest.mark.parametrize(
    ("official", "plain"),
    [
        ("AMLODIPINE BIOGARAN 5 mg, gélule", "Amlodipine Biogaran 5\u00a0mg, gélule"),
        ("DOLIPRANE 2,4 POUR CENT SANS SUCRE, suspension", "Doliprane 2,4\u00a0% sans sucre, suspension"),
        ("SKENAN L.P. 10 mg, gélule", "Skenan L.P. 10\u00a0mg, gélule"),
        ("VENLAFAXINE EG LABO LP 75 mg", "Venlafaxine EG Labo LP 75\u00a0mg"),
        ("CHLORURE DE SODIUM 0,9 % BIOLUZ", "Chlorure de Sodium 0,9\u00a0% Bioluz"),
        ("AMOXICILLINE/ACIDE CLAVULANIQUE BGR 1 g/125 mg", "Amoxicilline/acide Clavulanique BGR 1\u00a0g/125\u00a0mg"),
        ("A 313 200 000 UI POUR CENT, pommade", "A 313 200 000\u00a0UI pour cent, pommade"),
        ("GEL LARMES, gel ophtalmique", "Gel Larmes, gel ophtalmique"),
        ("MERCURIUS BOIRON, entre 4CH et 30CH", "Mercurius Boiron, entre 4CH et 30CH"),
        ("", ""),
    ],
)
def test_names(official, plain):
    assert plain_name(official) == plain


@pytest.mark.parametrize(
    ("official", "plain"),
    [
        ("RANITIDINE (CHLORHYDRATE DE)", "Chlorhydrate de ranitidine"),
        ("IBUPROFÈNE (LYSINATE D')", "Lysinate d’ibuprofène"),
        ("RISÉDRONIQUE (ACIDE)", "Acide risédronique"),
        ("MAGNÉSIUM (LACTATE DE) DIHYDRATÉ", "Lactate de magnésium dihydraté"),
        ("LIVÈCHE (RACINE DE) (POUDRE DE)", "Poudre de racine de livèche"),
        ("UROKINASE (MAMMIFERE/HUMAIN/URINE)", "Urokinase (mammifere/humain/urine)"),
        ("FACTEUR X DE COAGULATION HUMAIN", "Facteur X de coagulation humain"),
        ("IODURE (131I) DE SODIUM", "Iodure (131I) de sodium"),
        ("PARACÉTAMOL", "Paracétamol"),
    ],
)
def test_substances(official, plain):
    assert plain_substance(official) == plain


@pytest.mark.parametrize(
    ("official", "plain"),
    [
        ("1 flacon(s) en verre de 60 ml", "1 flacon en verre de 60 ml"),
        ("3 flacon(s) de 2,5 ml", "3 flacons de 2,5 ml"),
        ("plaquette(s) PVC de 30 comprimé(s)", "Plaquettes PVC de 30 comprimés"),
        ("8 sachet(s) de 1 dispositif(s)", "8 sachets de 1 dispositif"),
        ("1 flacon avec applicateur nasal(aux)", "1 flacon avec applicateur nasal"),
        ("sans rien à accorder", "Sans rien à accorder"),
    ],
)
def test_packs(official, plain):
    assert plain_pack(official) == plain


def test_a_form_is_not_left_between_two_genders():
    assert plain_form("comprimé effervescent(e)") == "comprimé effervescent"


# --- Conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "title", "sentence"),
    [
        ("liste I", "Sur ordonnance (liste I)", "que si le prescripteur l’a écrit"),
        ("liste II", "Sur ordonnance (liste II)", "sauf si le prescripteur l’a exclu"),
        ("stupéfiants", "Stupéfiant", "28 jours au plus"),
        ("prescription limitée à 4 semaines", "Prescription limitée à 4 semaines", "une nouvelle ordonnance"),
        ("prescription limitée à 7 jours ou 28 jours", "Prescription limitée à 7 jours ou 28 jours", "nouvelle"),
        ("délivrance fractionnée de 7 jours", "Remis pour 7 jours à la fois", "en une fois"),
        ("réservé à l'usage HOSPITALIER", "Réservé à l’hôpital", "pharmacie de ville"),
        ("réservé à l’usage HOSPITALIER", "Réservé à l’hôpital", "pharmacie de ville"),
        ("prescription initiale hospitalière annuelle", "Première ordonnance faite à l’hôpital", "chaque année"),
        ("à ne prendre que sur instructions", "À ne prendre que sur instructions", ""),
    ],
)
def test_a_condition(text, title, sentence):
    [said] = say_conditions([text])
    assert said.title == title and sentence in said.sentence


def test_specialities_are_told_together_with_their_accents():
    said = say_conditions(
        [
            "prescription réservée aux spécialistes et services ONCOLOGIE MEDICALE",
            "liste I",
            "prescription réservée aux spécialistes et services HEPATO/GASTRO-ENTEROLOGIE",
            "renouvellement de la prescription réservé aux spécialistes en PEDIATRIE",
        ]
    )
    assert [(one.title, one.sentence) for one in said[1:]] == [
        ("Prescrit par certains spécialistes", "Oncologie médicale, hépato-gastro-entérologie."),
        ("Renouvelé par certains spécialistes", "Pédiatrie."),
    ]


def test_what_is_said_twice_is_said_once():
    assert len(say_conditions(["liste I", "liste I"])) == 1 and say_conditions([]) == []


# --- Money, routes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"rates": ["65 %"], "price": Decimal("4.77")}, "Remboursé à 65\u00a0% · 4,77\u00a0€"),
        ({"rates": ["65 %"], "price": Decimal("1004.50")}, "Remboursé à 65\u00a0% · 1\u00a0004,50\u00a0€"),
        ({"rates": ["30 %", "65 %"], "price": None}, "Remboursé à 30\u00a0%, 65\u00a0%"),
        (
            {"rates": ["100 %"], "price": Decimal("9"), "in_some_cases": True},
            "Remboursé à 100\u00a0%, dans certains cas seulement · 9,00\u00a0€",
        ),
        ({"rates": [], "price": None}, "Non remboursé en pharmacie"),
        ({"rates": [], "price": Decimal("12.5")}, "12,50\u00a0€"),
    ],
)
def test_what_is_paid_back(facts, said):
    assert wording.say_refund(CataloguedPresentation(**facts)) == said


def test_routes_in_plain_words_where_there_are_some():
    assert wording.say_routes(["orale", "sublinguale"]) == "par la bouche, sous la langue"
    assert wording.say_routes(["périneurale"]) == "périneurale"


# --- A whole medicine -------------------------------------------------------------------------------------------------


def say(codes) -> wording.MedicineWords:
    return wording.say(lookup.find(codes))


def test_a_medicine_said(catalogue):
    said = say({"cis": source.GENERIC})
    assert (said.name, said.official_name) == ("Imaginol Essai 5\u00a0mg, gélule", "IMAGINOL ESSAI 5 mg, gélule")
    assert (said.form, said.how) == ("", "par la bouche"), "the name says the form"
    [substance] = said.substances
    assert substance.name == "Chlorhydrate d’imaginol"
    assert f"{substance.dose}, {substance.acting}" == "5,6 mg dans une gélule, soit 5 mg (imaginol)"
    assert [pack.label for pack in said.packs] == ["1 flacon de 30 gélules", "3 flacons de 30 gélules"]
    assert [pack.cip13 for pack in said.gone_packs] == [source.OLD_30]
    assert said.generics[0].originals[0].name == "Fictaval 5\u00a0mg, gélule" and said.generics[0].count == ""
    assert said.source == "Base de données publique des médicaments, ANSM, mise à jour du 15\u00a0juin 2022."
    assert said.remarks == []


def test_the_original_says_so_and_the_orphan_names_its_group(catalogue):
    [group] = say({"cis": source.ORIGINAL}).generics
    assert "médicament d’origine" in group.sentence and group.count == "1 autre médicament du même groupe"
    tables = source.rows()
    tables["CIS_GENER_bdpm"] = tables["CIS_GENER_bdpm"][1:]
    catalogue(tables)
    [group] = say({"cis": source.GENERIC}).generics
    assert "Son groupe\u00a0: IMAGINOL 5 mg - FICTAVAL 5 mg, gélule." in group.sentence


@pytest.mark.parametrize(
    ("published_on", "day", "said"),
    [
        (None, "30/04/2022", "Ses faits les plus récents sont du 30\u00a0avril 2022."),
        (None, "", "ANSM, reprise ici le"),
    ],
)
def test_without_a_date_of_publication_none_is_made_up(catalogue, published_on, day, said):
    tables = source.rows()
    for row in tables["CIS_CIP_bdpm"]:
        row[5] = day
    catalogue(tables, published_on=published_on)
    assert said in say({"cis": source.GENERIC}).source


def test_what_one_should_know_comes_first(catalogue):
    assert [(one.kind, one.title) for one in say({"cis": source.OTHER}).remarks] == [
        ("wait", "Non commercialisé"),
        ("info", "Autorisation abrogée"),
    ]
    assert [one.title for one in say({"cis": source.NARCOTIC}).remarks] == ["Surveillance renforcée"]


@pytest.mark.parametrize(
    ("kind", "state", "title"),
    [
        ("1", "stop", "Rupture de stock"),
        ("2", "wait", "Tension d’approvisionnement"),
        ("3", "stop", "Arrêt de commercialisation"),
        ("4", "ready", "De nouveau disponible"),
    ],
)
def test_a_shortage(catalogue, kind, state, title):
    catalogue(source.rows() | {"CIS_CIP_Dispo_Spec": [source.shortage(kind=kind, code=source.GENERIC_30)]})
    [remark] = say({"cis": source.GENERIC}).remarks
    assert (remark.kind, remark.title) == (state, title)
    assert "Cela concerne\u00a0: 1 flacon de 30 gélules." in remark.text and "3\u00a0juin 2022" in remark.text
    assert remark.url.startswith("https://ansm.sante.fr/")


def test_homeopathy_says_so(catalogue):
    tables = source.rows()
    tables["CIS_bdpm"][0][5] = "Enreg homéo (Proc. Nat.)"
    catalogue(tables)
    assert say({"cis": source.ORIGINAL}).nature == "médicament homéopathique"


def test_in_english_the_database_keeps_its_words(catalogue):
    with translation.override("en"):
        said = say({"cis": source.NARCOTIC})
    assert said.official_name.startswith("MORPHEDON") and said.substances[0].name == "Sulfate de morphine"
