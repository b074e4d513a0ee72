"""A backup is a folder: the database as it was at one instant, and a manifest that says how to know it again.

Everything the site keeps is in the database (documents and photos too, sealed). The keys that open it are never in a
backup: whoever takes one alone reads no name, no matricule, no document; whoever restores it needs the same
ORDOLIEN_FIELD_KEYS and ORDOLIEN_BLIND_INDEX_KEY. What is prescribed is in clear beside pseudonyms: encrypt the folder
all the same before it leaves the machine (docs/operations/backups.md).
"""

from portal.backup.manifest import CannotRestore
from portal.backup.run import backup, compare, restore

__all__ = ["CannotRestore", "backup", "compare", "restore"]
