"""Conditions of prescription and dispensing (CIS_CPD), in plain words where it is simple; others keep their own.

CSP R5132-21 and following for lists I and II, R5132-29 to -33 for narcotics, R5121-77 for restricted prescription.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

SPECIALISTS = re.compile(r"prescription réservée aux spécialistes(?: et services| en)? (?P<who>.+)")
RENEWERS = re.compile(r"renouvellement de la prescription réservée? aux spécialistes en (?P<who>.+)")
LIMITED = re.compile(r"prescription limitée à (?P<time>.+)")
BY_PARTS = re.compile(r"délivrance fractionnée de (?P<time>\d+ jours)")
# The file writes specialities in capitals, without accents.
ACCENTS = {
    "anesthesie": "anesthésie",
    "cancerologie": "cancérologie",
    "esthetique": "esthétique",
    "geriatrie": "gériatrie",
    "gynecologie": "gynécologie",
    "diabetologie": "diabétologie",
    "hematologie": "hématologie",
    "hepato/gastro": "hépato-gastro",
    "enterologie": "entérologie",
    "laryngologie": "laryngologie",
    "medecine": "médecine",
    "medicale": "médicale",
    "metaboliques": "métaboliques",
    "neonatale": "néonatale",
    "neonatologie": "néonatologie",
    "nephrologie": "néphrologie",
    "neuropediatrie": "neuropédiatrie",
    "obstetrique": "obstétrique",
    "orthopedique": "orthopédique",
    "pediatrie": "pédiatrie",
    "reanimation": "réanimation",
}


@dataclass(frozen=True)
class Condition:
    title: str
    sentence: str = ""


def say_conditions(texts: list[str]) -> list[Condition]:
    """In the order of the file; specialities, which come one a row, are told together and last."""
    prescribers = [found["who"] for text in texts if (found := SPECIALISTS.fullmatch(text))]
    renewers = [found["who"] for text in texts if (found := RENEWERS.fullmatch(text))]
    others = [text for text in texts if not (SPECIALISTS.fullmatch(text) or RENEWERS.fullmatch(text))]
    said = [_say(text) for text in others]
    if prescribers:
        said.append(Condition(_("Prescrit par certains spécialistes"), _specialities(prescribers)))
    if renewers:
        said.append(Condition(_("Renouvelé par certains spécialistes"), _specialities(renewers)))
    return list(dict.fromkeys(said))


def _specialities(names: list[str]) -> str:
    said = ", ".join(dict.fromkeys(_speciality(name) for name in names))
    return said[:1].upper() + said[1:] + "."


def _speciality(name: str) -> str:
    said = name.lower()
    for plain, accented in ACCENTS.items():
        said = said.replace(plain, accented)
    return said


def _say(text: str) -> Condition:
    if found := LIMITED.fullmatch(text):
        title = _("Prescription limitée à %(time)s") % {"time": found["time"]}
        return Condition(title, _("Au-delà, il faut une nouvelle ordonnance."))
    if found := BY_PARTS.fullmatch(text):
        title = _("Remis pour %(time)s à la fois") % {"time": found["time"]}
        return Condition(title, _("Sauf si le prescripteur a écrit de tout remettre en une fois."))
    known = _known().get(text.replace("’", "'").lower())
    return Condition(*known) if known else Condition(text[:1].upper() + text[1:])


def _known() -> dict[str, tuple[str, str]]:
    """The publisher's text in lower case → a title, a sentence."""
    on_prescription = _("Sur ordonnance")
    return {
        "liste i": (
            _("Sur ordonnance (liste I)"),
            _("Il ne se renouvelle que si le prescripteur l’a écrit."),
        ),
        "liste ii": (
            _("Sur ordonnance (liste II)"),
            _("Il peut être renouvelé, sauf si le prescripteur l’a exclu."),
        ),
        "médicament soumis à prescription médicale": (on_prescription, ""),
        "stupéfiants": (
            _("Stupéfiant"),
            _("Prescrit pour 28 jours au plus, délivré selon des règles plus strictes."),
        ),
        "prescription en toutes lettres sur ordonnance sécurisée": (
            _("Ordonnance sécurisée"),
            _("Les doses et la durée y sont écrites en toutes lettres."),
        ),
        "chevauchement interdit sauf mention expresse du prescripteur portée sur l'ordonnance": (
            _("Une ordonnance à la fois"),
            _("Deux ordonnances ne couvrent pas la même période, sauf si le prescripteur l’a écrit."),
        ),
        "médicament nécessitant une surveillance particulière pendant le traitement": (
            _("Suivi pendant le traitement"),
            _("Une surveillance particulière est prévue avec le médecin."),
        ),
        "réservé à l'usage hospitalier": (
            _("Réservé à l’hôpital"),
            _("Il est donné à l’hôpital et ne se retire pas en pharmacie de ville."),
        ),
        "prescription hospitalière": (
            _("Prescrit à l’hôpital"),
            _("Seul un médecin qui exerce à l’hôpital peut le prescrire."),
        ),
        "prescription initiale hospitalière": (_("Première ordonnance faite à l’hôpital"), ""),
        "prescription initiale hospitalière annuelle": (
            _("Première ordonnance faite à l’hôpital"),
            _("Elle y est refaite chaque année."),
        ),
        "prescription initiale hospitalière semestrielle": (
            _("Première ordonnance faite à l’hôpital"),
            _("Elle y est refaite tous les six mois."),
        ),
        "prescription initiale hospitalière trimestrielle": (
            _("Première ordonnance faite à l’hôpital"),
            _("Elle y est refaite tous les trois mois."),
        ),
        "prescription initiale réservée à certains spécialistes": (
            _("Première ordonnance faite par un spécialiste"),
            "",
        ),
        "prescription initiale annuelle réservée à certains spécialistes": (
            _("Première ordonnance faite par un spécialiste"),
            _("Elle est refaite chaque année."),
        ),
        "prescription initiale semestrielle réservée à certains spécialistes": (
            _("Première ordonnance faite par un spécialiste"),
            _("Elle est refaite tous les six mois."),
        ),
    }
