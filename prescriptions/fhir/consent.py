"""The patient's objection to prescribers reading what is dispensed, said at deposit (CSP R4071-3).

`Consent`, status active, provision.type deny, category IDSCL (information disclosure, v3-ActCode) or none. A denial of
something else is refused: passing it over would be taking the patient for silent.
"""

from django.utils.translation import gettext as _

from prescriptions.fhir.codes import codes_of
from prescriptions.fhir.shelf import Shelf

DISCLOSURE = "IDSCL"


def is_opposed(shelf: Shelf) -> bool:
    denials = [
        consent
        for consent in shelf.of("Consent")
        if consent.text("status") == "active" and consent.text("provision", "type") == "deny"
    ]
    for consent in denials:
        categories = consent.items("category")
        if categories and DISCLOSURE not in codes_of(categories):
            raise consent.get("category").refuse(
                _("seule l’opposition à la consultation des délivrances (IDSCL) est prise ici."), "consent-unknown"
            )
    return bool(denials)
