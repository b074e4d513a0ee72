"""A medicine of the public database, said to a patient in the active language. Nothing is added to what it says."""

from dataclasses import dataclass
from datetime import date

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import moments
from prescriptions.bdpm.facts import Shortage, Substance
from prescriptions.medicine.catalogue import CataloguedPresentation, GenericMember
from prescriptions.medicine.conditions import Condition, say_conditions
from prescriptions.medicine.lookup import Generics, Medicine, Relative
from prescriptions.medicine.spelling import plain_form, plain_name, plain_pack, plain_substance

SOLD = "déclaration de commercialisation"


@dataclass(frozen=True)
class Remark:
    """For components/notice.html."""

    kind: str
    title: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class SubstanceWords:
    name: str
    dose: str  # « 168 mg dans un comprimé »
    acting: str  # « soit 150 mg (ranitidine base) »; empty when it is the same
    element: str  # only where the medicine has several ("comprimé jaune")


@dataclass(frozen=True)
class PackWords:
    label: str
    cip13: str
    is_sold: bool
    refund: str


@dataclass(frozen=True)
class GenericWords:
    sentence: str
    originals: list[Relative]
    others: list[Relative]
    count: str  # « 23 autres médicaments du même groupe »


@dataclass(frozen=True)
class MedicineWords:
    cis: str
    name: str
    official_name: str
    form: str  # empty when the name says it
    how: str  # « par la bouche »
    nature: str  # « médicament homéopathique »; empty for most
    holder: str
    remarks: list[Remark]
    substances: list[SubstanceWords]
    conditions: list[Condition]
    packs: list[PackWords]
    gone_packs: list[PackWords]
    generics: list[GenericWords]
    notice_url: str
    source: str


def say(medicine: Medicine) -> MedicineWords:
    packs = sorted(map(_say_pack, medicine.presentations), key=lambda pack: not pack.is_sold)
    return MedicineWords(
        cis=medicine.cis,
        name=plain_name(medicine.name),
        official_name=medicine.name,
        form="" if plain_form(medicine.form) in medicine.name else plain_form(medicine.form),
        how=say_routes(medicine.routes),
        nature=_nature(medicine.procedure),
        holder=medicine.holder,
        remarks=[*_shortages(medicine), *_standing(medicine)],
        substances=_say_substances(medicine.substances),
        conditions=say_conditions(medicine.conditions),
        packs=[pack for pack in packs if pack.is_sold],
        gone_packs=[pack for pack in packs if not pack.is_sold],
        generics=[_say_generics(found) for found in medicine.generics],
        notice_url=medicine.notice_url,
        source=_source(medicine),
    )


# --- What it is -------------------------------------------------------------------------------------------------------


def say_routes(routes: list[str]) -> str:
    """« par la bouche, sous la langue »; a route without plain words keeps the publisher's."""
    plain = {
        "orale": _("par la bouche"),
        "sublinguale": _("sous la langue"),
        "cutanée": _("sur la peau"),
        "transdermique": _("à travers la peau"),
        "ophtalmique": _("dans l’œil"),
        "auriculaire": _("dans l’oreille"),
        "nasale": _("dans le nez"),
        "inhalée": _("à inhaler"),
        "rectale": _("par le rectum"),
        "vaginale": _("dans le vagin"),
        "intraveineuse": _("en injection dans une veine"),
        "intramusculaire": _("en injection dans un muscle"),
        "sous-cutanée": _("en injection sous la peau"),
    }
    return ", ".join(plain.get(route, route) for route in routes)


def _nature(procedure: str) -> str:
    kinds = {
        "enreg homéo": _("médicament homéopathique"),
        "enreg phyto": _("médicament à base de plantes"),
        "autorisation d'importation parallèle": _("médicament importé d’un autre pays européen"),
    }
    said = procedure.lower().replace("’", "'")
    return next((kind for start, kind in kinds.items() if said.startswith(start)), "")


def _say_substances(substances: list[Substance]) -> list[SubstanceWords]:
    """One entry a substance (nature SA), with the part of it that acts (FT) where the file gives one."""
    acting = {(part.element, part.link): part for part in substances if part.nature == "FT"}
    several = len({part.element for part in substances}) > 1
    return [
        SubstanceWords(
            name=plain_substance(part.name),
            dose=_dose(part),
            acting=_acting(part, acting.get((part.element, part.link))),
            element=part.element if several else "",
        )
        for part in substances
        if part.nature == "SA"
    ]


def _dose(part: Substance) -> str:
    if not part.dose or not part.per:
        return part.dose
    return _("%(dose)s dans %(per)s") % {"dose": part.dose, "per": part.per}


def _acting(part: Substance, base: Substance | None) -> str:
    if base is None or not base.dose or base.dose == part.dose:
        return ""
    name = plain_substance(base.name)
    name = name[:1].lower() + name[1:]
    if not part.dose:
        return f"{_dose(base)} ({name})"
    return _("soit %(dose)s (%(substance)s)") % {"dose": base.dose, "substance": name}


def _say_generics(found: Generics) -> GenericWords:
    is_original = found.role == GenericMember.Role.ORIGINAL
    if is_original:
        sentence = _("C’est un médicament d’origine. Des génériques peuvent le remplacer : ils ont la même substance.")
    elif found.originals:
        sentence = _("C’est un générique : il a la même substance que le médicament d’origine.")
    else:
        sentence = _("C’est un générique. Son groupe : %(group)s.") % {"group": found.label}
    return GenericWords(
        sentence=sentence,
        originals=[] if is_original else _plain(found.originals),
        others=_plain(found.others),
        count=_count(len(found.others)),
    )


def _count(others: int) -> str:
    said = ngettext("%(count)s autre médicament du même groupe", "%(count)s autres médicaments du même groupe", others)
    return said % {"count": others} if others else ""


def _plain(relatives: list[Relative]) -> list[Relative]:
    return [Relative(relative.cis, plain_name(relative.name)) for relative in relatives]


# --- What is sold -----------------------------------------------------------------------------------------------------


def _say_pack(found: CataloguedPresentation) -> PackWords:
    return PackWords(
        label=plain_pack(found.label),
        cip13=found.cip13,
        is_sold=found.is_active and found.state.lower() == SOLD,
        refund=say_refund(found),
    )


def say_refund(found: CataloguedPresentation) -> str:
    """« Remboursé à 65 %, 2,18 € »"""
    if not found.rates:
        return _("Non remboursé en pharmacie") if found.price is None else _euros(found.price)
    said = _("Remboursé à %(rates)s") % {"rates": ", ".join(found.rates).replace(" %", "\u00a0%")}
    if found.in_some_cases:
        said = _("%(refund)s, dans certains cas seulement") % {"refund": said}
    return said if found.price is None else f"{said} · {_euros(found.price)}"


def _euros(price) -> str:
    return f"{number_format(price, 2, force_grouping=True)}\u00a0€"


# --- What one should know ---------------------------------------------------------------------------------------------


def _standing(medicine: Medicine) -> list[Remark]:
    said = []
    if not medicine.is_marketed:
        text = _("La base des médicaments le dit non commercialisé. Votre pharmacien sait s’il en reste.")
        said.append(Remark("wait", _("Non commercialisé"), text))
    if medicine.status and medicine.status.lower() != "autorisation active":
        said.append(
            Remark("info", medicine.status, _("C’est l’état de son autorisation dans la base des médicaments."))
        )
    if medicine.is_watched:
        text = _("Les autorités le suivent de plus près. Sa notice porte un triangle noir.")
        said.append(Remark("info", _("Surveillance renforcée"), text))
    return said


def _shortages(medicine: Medicine) -> list[Remark]:
    labels = {pack.cip13: plain_pack(pack.label) for pack in medicine.presentations}
    return [_say_shortage(found, labels) for found in medicine.shortages or ()]


def _say_shortage(found: Shortage, labels: dict[str, str]) -> Remark:
    kind, title, sentence = {
        1: ("stop", _("Rupture de stock"), _("Il manque en ce moment.")),
        2: ("wait", _("Tension d’approvisionnement"), _("Il peut être plus long à trouver.")),
        3: ("stop", _("Arrêt de commercialisation"), _("Il n’est plus fabriqué ou plus vendu.")),
        4: ("ready", _("De nouveau disponible"), _("Il manquait, il revient en pharmacie.")),
    }[found.kind]
    facts = [sentence]
    if found.cip13:
        facts.append(_("Cela concerne : %(pack)s.") % {"pack": labels.get(found.cip13, found.cip13)})
    if found.back:
        facts.append(_("Remise à disposition : %(day)s.") % {"day": _day(found.back)})
    if found.updated or found.since:
        facts.append(_("Signalé à l’ANSM, au %(day)s.") % {"day": _day(found.updated or found.since)})
    return Remark(kind, title, " ".join(facts), found.page)


def _day(iso: str) -> str:
    return moments.full_date(date.fromisoformat(iso))


def _source(medicine: Medicine) -> str:
    """The attribution that the Licence Ouverte asks for, with its date."""
    edition = medicine.edition
    if edition.published_on:
        return _("Base de données publique des médicaments, ANSM, mise à jour du %(day)s.") % {
            "day": moments.full_date(edition.published_on)
        }
    if edition.facts_until:
        return _("Base de données publique des médicaments, ANSM. Ses faits les plus récents sont du %(day)s.") % {
            "day": moments.full_date(edition.facts_until)
        }
    return _("Base de données publique des médicaments, ANSM, reprise ici le %(day)s.") % {
        "day": moments.full_date(edition.became_current_at)
    }
