"""Identifiers of the French health system: their shape and their key. `why_not_…` returns a Reason or None.

A sentence never repeats the number. NIR: python-stdnum. A right key proves that a number was copied without a mistake,
never that it was allotted.
"""

import re
import secrets

from django.utils.translation import gettext as _
from stdnum import ean, luhn
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fr import nir
from stdnum.iso7064 import mod_37_36

from portal.reasons import Reason

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: said and read without mistake
NUMBER_LENGTH = 18  # as the one specimen that is public, 01S2TBPZ2JCNZZYGHZ; its own rule is not public
SEPARATORS = re.compile(r"[\s\0.\-\u2010-\u2015\u00b7_/]+")


def compact(text: str) -> str:
    """Upper case, without the spaces, dots and dashes people put in; nor NUL, which PostgreSQL does not take."""
    return SEPARATORS.sub("", text).upper()


# --- The prescription's number ----------------------------------------------------------------------------------------


def normalise_number(text: str) -> str:
    """The form a prescription number is stored and searched in. Nothing is read into it: it is opaque."""
    return compact(text)


def new_prescription_number() -> str:
    """85 random bits and a check character of ours (ISO 7064, modulus 33,32 on Crockford's alphabet)."""
    drawn = "".join(secrets.choice(CROCKFORD) for _ in range(NUMBER_LENGTH - 1))
    return drawn + mod_37_36.calc_check_digit(drawn, CROCKFORD)


def why_not_number(text: str) -> Reason | None:
    """10 to 26 letters and digits: loose on purpose, the national rule (SEL-SFG-023) is not public.

    26 is what a signed code of 255 characters carries.
    """
    if re.fullmatch(r"[0-9A-Z]{10,26}", normalise_number(text)):
        return None
    return Reason(
        "number-shape",
        _(
            "Un numéro d’ordonnance compte 10 à 26 lettres et chiffres (le plus souvent 18). "
            "Recopiez-le tel qu’il est écrit sous le code."
        ),
    )


# --- People, structures, products -------------------------------------------------------------------------------------


def why_not_ins(text: str) -> Reason | None:
    """Matricule INS: 13 characters and a key of 2. Corsica is 2A or 2B; a month above 12 exists and is accepted."""
    try:
        nir.validate(compact(text))
    except InvalidChecksum:
        return Reason(
            "ins-key", _("La clé de ce matricule INS (ses deux derniers chiffres) ne correspond pas. Vérifiez-le.")
        )
    except ValidationError:
        return Reason(
            "ins-shape",
            _("Un matricule INS compte 15 chiffres, clé comprise. En Corse, deux d’entre eux s’écrivent 2A ou 2B."),
        )
    return None


def why_not_rpps(text: str) -> Reason | None:
    """11 digits, Luhn. A warning for whoever reads existing data: fictitious numbers in circulation fail the key."""
    number = compact(text)
    if not re.fullmatch(r"[0-9]{11}", number):
        return Reason("rpps-shape", _("Un numéro RPPS compte 11 chiffres."))
    if not luhn.is_valid(number):
        return Reason("rpps-key", _("Le dernier chiffre de ce numéro RPPS ne correspond pas aux autres. Vérifiez-le."))
    return None


def why_not_finess(text: str) -> Reason | None:
    """9 characters, Luhn. In Corsica the letter counts as A = 1, B = 2 (not confirmed by an official text)."""
    number = compact(text)
    if not re.fullmatch(r"[0-9][0-9AB][0-9]{7}", number):
        return Reason("finess-shape", _("Un numéro FINESS compte 9 chiffres (2A ou 2B au début en Corse)."))
    if not luhn.is_valid(number.replace("A", "1").replace("B", "2")):
        return Reason(
            "finess-key", _("Le dernier chiffre de ce numéro FINESS ne correspond pas aux autres. Vérifiez-le.")
        )
    return None


def why_not_cip13(text: str) -> Reason | None:
    """3400, a digit, the CIP7, an EAN-13 key."""
    number = compact(text)
    if not re.fullmatch(r"3400[0-9]{9}", number):
        return Reason("cip13-shape", _("Un code CIP13 compte 13 chiffres et commence par 3400."))
    if not ean.is_valid(number):
        return Reason("cip13-key", _("Le dernier chiffre de ce code CIP13 ne correspond pas aux autres. Vérifiez-le."))
    return None


def why_not_lpp(text: str) -> Reason | None:
    if re.fullmatch(r"[0-9]{7}", compact(text)):
        return None
    return Reason("lpp-shape", _("Un code LPP compte 7 chiffres."))
