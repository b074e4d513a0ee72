"""IHE_XDM.ZIP of one CDA document and its copy in PDF, as ITI-32 lays it out. The same gives the same bytes."""

import io
import zipfile
from html import escape

from prescriptions.cda import Header
from sharing.xdm.metadata import Submission, metadata

FOLDER = "IHE_XDM/SUBSET01"
DOCUMENT, COPY = "DOC00001.XML", "DOC00001.PDF"
ANY_DAY = (1980, 1, 1, 0, 0, 0)  # a ZIP must say one; the real times are in the metadata

# XHTML Basic: what a person opens who has no software for the rest.
INDEX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML Basic 1.1//EN" "http://www.w3.org/TR/xhtml-basic/xhtml-basic11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr">
<head><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>Émetteur : Ordolien, portail patient.</p>
<p><a href="README.TXT">README.TXT</a></p>
<ul>
{links}
</ul>
</body>
</html>
"""
LINK = '<li><a href="{folder}/{name}">{words}</a></li>'

# In ASCII: there is nothing in it to say how it is encoded.
README = """EMETTEUR
Ordolien, portail patient, pour le compte du patient nomme dans le document.

APPLICATION
Nom : Ordolien
Version : {version}
Editeur : Ordolien

INSTRUCTIONS
INDEX.HTM s'ouvre dans un navigateur et mene a chaque document.
Un logiciel qui connait le profil IHE XDM lit IHE_XDM/SUBSET01/METADATA.XML.

ARBORESCENCE
INDEX.HTM                       ce qui est joint, avec des liens
README.TXT                      ce fichier
IHE_XDM/SUBSET01/METADATA.XML   metadonnees (ebRIM 3.0)
IHE_XDM/SUBSET01/DOC00001.XML   document de sante (CDA R2)
"""
README_COPY = "IHE_XDM/SUBSET01/DOC00001.PDF   le meme document, a lire ou a imprimer (PDF)\n"


def write(content: bytes, header: Header, submission: Submission, *, copy: bytes | None, version: str) -> bytes:
    """`content`: the CDA document, `header` what cda.read_header says of it; `copy`: the same as a PDF.

    The copy is not a document of the set: no metadata, the CDA holds it already (docs/decisions.md).
    """
    files = {
        "INDEX.HTM": _index(header, copy),
        "README.TXT": (README + README_COPY * bool(copy)).format(version=version).replace("\n", "\r\n").encode("ascii"),
        f"{FOLDER}/METADATA.XML": metadata(content, header, submission, DOCUMENT),
        f"{FOLDER}/{DOCUMENT}": content,
    }
    return _zip(files | ({f"{FOLDER}/{COPY}": copy} if copy else {}))


def _index(header: Header, copy: bytes | None) -> bytes:
    title = escape(header.title or header.type.name)
    links = [LINK.format(folder=FOLDER, name=DOCUMENT, words=f"{title} (CDA)")]
    if copy:
        links.append(LINK.format(folder=FOLDER, name=COPY, words=f"{title} (PDF)"))
    return INDEX.format(title=title, links="\n".join(links)).encode()


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, ANY_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, content)
    return out.getvalue()
