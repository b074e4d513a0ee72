"""What an archive holds, once read."""

from dataclasses import dataclass


class NotAnArchive(ValueError):
    """`code` is stable, for programs; `read` lists them. It never repeats a value of the archive."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class ArchivedDocument:
    content: bytes  # of the size and hash that the metadata announce
    content_type: str  # as the metadata say it, in lower case: text/xml, application/pdf…
    title: str
    type_code: str  # typeCode, a LOINC code as a rule; "" when not said
    unique_id: str


@dataclass(frozen=True)
class Archive:
    patient_ins: str  # matricule with its key
    patient_ins_oid: str
    documents: tuple[ArchivedDocument, ...]
