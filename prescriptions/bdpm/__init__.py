"""Reads the files of the public medicines database (BDPM). Writes nothing, knows no table.

Source: base-donnees-publique.medicaments.gouv.fr, « Contenu et format des fichiers téléchargeables », which the
files do not follow everywhere (FILES). No header, no quoting, tab separated; each has its own encoding and line ends.
"""

from prescriptions.bdpm.extraction import Extraction, read_folder
from prescriptions.bdpm.facts import Group, Medicine, Presentation
from prescriptions.bdpm.files import FILES, BadFile, Source

__all__ = ["FILES", "BadFile", "Extraction", "Group", "Medicine", "Presentation", "Source", "read_folder"]
