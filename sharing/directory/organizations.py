"""An Organization of the Annuaire Santé (profile as-organization, FHIR R4) as a row of our listing.

A contact e-mail may stand beside the mailbox: only a `telecom` of type MSSANTE whose metadata say ORG, and that is not
on the red list, is one. The FINESS number of the establishment (FINEG) counts, not the legal entity's (FINEJ).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sharing.directory.annuaire import PHARMACY_SECTORS, SECTORS
from sharing.directory.extraction import ADDRESS
from sharing.directory.finess import number_of
from sharing.directory.listed import NAMELESS, Listed, postcode_and_town, said, street, tidy

IDNST = "urn:oid:1.2.250.1.71.4.2.2"
METADATA = "as-ext-mailbox-mss-metadata"
EMAIL_TYPE = "fr-core-contact-point-email-type"
STREET = "iso21090-ADXP-"


@dataclass(frozen=True)
class Box:
    address: str
    service: str
    is_paperless: bool
    rank: int | None


def is_pharmacy(organization: dict) -> bool:
    codings = (one for kind in _list(organization, "type") for one in _list(kind, "coding"))
    return any(one.get("system") == SECTORS and one.get("code") in PHARMACY_SECTORS for one in codings)


def finess_of(organization: dict) -> str:
    """Of the establishment; "" when it gives only a legal entity's, or none."""
    identifiers = _list(organization, "identifier")
    for one in identifiers:
        if "FINEG" in _codes(one.get("type")) and (number := number_of(_text(one, "value"))):
            return number
    kinds = {code for one in identifiers for code in _codes(one.get("type"))}
    if "FINEJ" in kinds:
        return ""
    values = (_text(one, "value") for one in identifiers if one.get("system") == IDNST)
    return next((number_of(value[1:]) for value in values if len(value) == 10 and value[0] == "1"), "")


def listed(organization: dict, finess: str) -> Listed:
    """Without a position and without mailboxes: those come from `boxes`."""
    address = next(iter(_list(organization, "address")), {})
    postcode, town = _postcode_and_town(address)
    phones = [one for one in _list(organization, "telecom") if one.get("system") == "phone"]
    phone = min(phones, key=lambda one: _rank(one) or 99, default={})
    aliases = [alias for alias in organization.get("alias") or [] if isinstance(alias, str)]
    return Listed(
        finess=finess,
        name=said(_text(organization, "name"))[:160] or NAMELESS,
        address=_street(address)[:200],
        postcode=postcode,
        town=town[:100],
        department=_department(finess, postcode),
        phone=tidy(_text(phone, "value"))[:20],
        sign=said(aliases[0])[:160] if aliases else "",
    )


def boxes(organization: dict) -> Iterator[Box | None]:
    """Each organisational mailbox; None for one that must not be used (red list)."""
    for telecom in _list(organization, "telecom"):
        told = _extension(telecom, METADATA)
        if telecom.get("system") != "email" or told is None or not _is_secure(telecom):
            continue
        if "ORG" not in _codes((_extension(told, "type") or {}).get("valueCodeableConcept")):
            continue
        address = tidy(_text(telecom, "value")).lower()
        if (_extension(told, "listeRouge") or {}).get("valueBoolean") is True:
            yield None
        elif ADDRESS.fullmatch(address) and len(address) <= 254:
            yield Box(
                address,
                tidy(_text(_extension(told, "service") or {}, "valueString")),
                (_extension(told, "digitization") or {}).get("valueBoolean") is True,
                _rank(telecom),
            )


def _is_secure(telecom: dict) -> bool:
    """Only MSSANTE when the type is said; the metadata are enough when it is not."""
    kind = _extension(telecom, EMAIL_TYPE)
    return kind is None or (kind.get("valueCoding") or {}).get("code") == "MSSANTE"


# --- Address --------------------------------------------------------------------------------------------------------
def _postcode_and_town(address: dict) -> tuple[str, str]:
    """The town sometimes comes with its postcode in front."""
    postcode, town = postcode_and_town(_text(address, "city"))
    told = _text(address, "postalCode").strip()
    return (told if re.fullmatch(r"\d{5}", told) else postcode), town


def _street(address: dict) -> str:
    parts = next(iter(_list(address, "_line")), {})
    number, kind, name = (
        _text(_extension(parts, STREET + part) or {}, "valueString")
        for part in ("houseNumber", "streetNameType", "streetNameBase")
    )
    if name:
        return street(number, "", kind, name)
    lines = [line for line in address.get("line") or [] if isinstance(line, str)]
    return said(lines[0]) if lines else ""


def _department(finess: str, postcode: str) -> str:
    """A FINESS number begins with the department, except overseas, where the postcode tells."""
    return postcode[:3] if finess[:2] in {"97", "98"} else finess[:2]


# --- Out of JSON that others wrote ----------------------------------------------------------------------------------
def _list(holder, name: str) -> list[dict]:
    value = holder.get(name) if isinstance(holder, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(holder: dict, name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _codes(concept) -> set[str]:
    return {_text(one, "code") for one in _list(concept, "coding")}


def _extension(holder: dict, name: str) -> dict | None:
    return next((one for one in _list(holder, "extension") if _text(one, "url").endswith(name)), None)


def _rank(telecom: dict) -> int | None:
    rank = telecom.get("rank")
    return rank if isinstance(rank, int) and rank > 0 else None
