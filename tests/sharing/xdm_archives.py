"""Archives as other software may make them, written from the standard and not with `xdm.write`."""

import hashlib
import io
import zipfile
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared" / "testdata" / "cda"
INS, OID = "279035121518989", "1.2.250.1.213.1.4.10"
CDA = b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>"
FOLDER = "IHE_XDM/SUBSET01"

METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<ns3:SubmitObjectsRequest xmlns:ns3="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
    xmlns:ns2="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">
  <ns2:RegistryObjectList>
    <ns2:RegistryPackage id="set">
      <ns2:ExternalIdentifier id="s1" registryObject="set" value="{ins}^^^&amp;{oid}&amp;ISO^NH"
        identificationScheme="urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"/>
    </ns2:RegistryPackage>
    {documents}
  </ns2:RegistryObjectList>
</ns3:SubmitObjectsRequest>"""

DOCUMENT = """<ns2:ExtrinsicObject id="doc" mimeType="{mime}"
      objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">
      <ns2:Slot name="URI"><ns2:ValueList><ns2:Value>{uri}</ns2:Value></ns2:ValueList></ns2:Slot>
      <ns2:Slot name="size"><ns2:ValueList><ns2:Value>{size}</ns2:Value></ns2:ValueList></ns2:Slot>
      <ns2:Slot name="hash"><ns2:ValueList><ns2:Value>{hash}</ns2:Value></ns2:ValueList></ns2:Slot>
      <ns2:Name><ns2:LocalizedString value="{title}"/></ns2:Name>
      <ns2:Classification id="c1" classificationScheme="urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
        classifiedObject="doc" nodeRepresentation="57833-6"/>
      <ns2:ExternalIdentifier id="e1" registryObject="doc" value="{ins}^^^&amp;{oid}&amp;ISO^NH"
        identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"/>
      <ns2:ExternalIdentifier id="e2" registryObject="doc" value="1.2.3.4"
        identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"/>
    </ns2:ExtrinsicObject>"""


def document(content: bytes = CDA, **changes) -> str:
    said = {
        "uri": "DOC00001.XML",
        "mime": "text/xml",
        "title": "Prescription",
        "ins": INS,
        "oid": OID,
        "size": len(content),
        "hash": hashlib.sha1(content).hexdigest(),
    }
    return DOCUMENT.format(**said | changes)


def metadata(*documents: str, ins: str = INS, oid: str = OID) -> bytes:
    return METADATA.format(ins=ins, oid=oid, documents="\n".join(documents)).encode()


def zipped(files: dict[str, bytes] | list[tuple], **how) -> bytes:
    """Names may be ZipInfo."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, content)
    return out.getvalue()


def archive(content: bytes = CDA, *, folder: str = FOLDER, extra: dict | None = None, **changes) -> bytes:
    files = {f"{folder}/METADATA.XML": metadata(document(content, **changes)), f"{folder}/DOC00001.XML": content}
    return zipped(files | (extra or {}))
