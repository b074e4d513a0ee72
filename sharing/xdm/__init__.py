"""The IHE XDM archive of MSSanté (IHE_XDM.ZIP): documents of one patient and the metadata that say what they are.

`read` takes one from anywhere and trusts nothing of it; `write` makes the one that leaves.

Shapes: IHE ITI TF-2 §3.32 (Distribute Document Set on Media), TF-3 §4 (ebRIM metadata); ANS, volet « Échange de
documents de santé » and its mapping of CDA headers to XDS metadata.
"""

from sharing.xdm.archive import Archive, ArchivedDocument, NotAnArchive
from sharing.xdm.metadata import Submission
from sharing.xdm.read import read
from sharing.xdm.write import write

__all__ = ["Archive", "ArchivedDocument", "NotAnArchive", "Submission", "read", "write"]
