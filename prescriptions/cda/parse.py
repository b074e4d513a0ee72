"""From bytes to the root of a CDA document. Refusals are in words; prescriptions.untrusted_xml bounds what is read."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prescriptions import untrusted_xml
from prescriptions.cda.node import CdaError, Node
from prescriptions.cda.xml import HL7
from prescriptions.untrusted_xml import XmlRefused

# {code of XmlRefused: (sentence, code of CdaError)}
REFUSALS = {
    "too-large": (gettext_lazy("le document dépasse 10 Mo. Envoyez une ordonnance par document."), "too-large"),
    "too-many": (gettext_lazy("ce document a trop d’éléments pour une ordonnance."), "too-large"),
    "too-deep": (gettext_lazy("ce document est trop profond ou trop long pour une ordonnance."), "too-large"),
    "not-xml": (gettext_lazy("ce n’est pas un document XML en UTF-8."), "invalid"),
    "encoding": (gettext_lazy("l’encodage de ce document n’est pas pris : envoyez-le en UTF-8."), "invalid"),
    "unreadable": (
        gettext_lazy("ce n’est pas du XML lisible. Demandez à l’expéditeur de l’envoyer à nouveau."),
        "invalid",
    ),
    "dtd": (gettext_lazy("ce document a une définition de type (DTD) : un document CDA n’en a pas."), "dtd"),
}


def parse(data: bytes) -> Node:
    """The ClinicalDocument in these bytes. Raises CdaError."""
    try:
        root = untrusted_xml.root_of(data)
    except XmlRefused as refused:
        sentence, code = REFUSALS[refused.code]
        raise CdaError("", str(sentence), code) from None
    if root.tag != f"{{{HL7}}}ClinicalDocument":
        raise CdaError("", _("ce n’est pas un document médical CDA (ClinicalDocument)."), "not-a-document")
    return Node(root)
