"""Stands for the pharmacy's software, of another make: Python's own library and nothing of the portal's.

`pharmacy_software.py FACTS.json ACT…` reads the newest message of the mailbox by IMAP, takes it into its file, and
prints as JSON what it understood. Then it does each ACT through the operator's mail server, in order:

    processed        the receipt of software that has taken the message
    error CODE TEXT  the receipt of software that could not
    displayed        the receipt of a person who has read it
    answer TEXT      an answer, with a PDF
    close TEXT       the last word: an answer that ends the conversation
"""

import hashlib
import imaplib
import io
import json
import re
import smtplib
import ssl
import sys
import time
import zipfile
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from xml.etree import ElementTree

PATIENCE = 20
RIM = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
PATIENT_OF_A_DOCUMENT = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
CDA = "{urn:hl7-org:v3}"


def blank_page() -> bytes:
    """The smallest PDF."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    ]
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"xref\n0 4\n0000000000 65535 f \n%strailer\n<</Root 1 0 R/Size 4>>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        len(made),
    )


def main(facts: dict, acts: list[str]) -> None:
    mail, sender = newest(facts)
    print(json.dumps(taken_in(mail) | {"return_path": sender}))
    while acts:
        act = acts.pop(0)
        if act == "processed":
            send(facts, receipt(facts, mail, "automatic-action/MDN-sent-automatically; processed"))
        elif act == "error":
            code, text = acts.pop(0), acts.pop(0)
            send(facts, receipt(facts, mail, "automatic-action/MDN-sent-automatically; processed/error", code, text))
        elif act == "displayed":
            send(facts, receipt(facts, mail, "manual-action/MDN-sent-manually; displayed"))
        else:
            send(facts, answer(facts, mail, acts.pop(0), is_last=act == "close"))


def tls(facts: dict) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=facts["ca"])
    context.load_cert_chain(facts["certificate"], facts["key"])
    return context


# --- Receiving ------------------------------------------------------------------------------------------------------
def newest(facts: dict) -> tuple[EmailMessage, str]:
    with imaplib.IMAP4("127.0.0.1", facts["imap_port"]) as mailbox:
        mailbox.starttls(tls(facts))
        mailbox.authenticate("EXTERNAL", lambda _challenge: b"")
        mailbox.select("INBOX")
        uids, until = [], time.monotonic() + PATIENCE
        while len(uids) < facts["expected"] and time.monotonic() < until:
            mailbox.noop()
            uids = mailbox.uid("SEARCH", "ALL")[1][0].split()
        content = mailbox.uid("FETCH", uids[-1].decode(), "(BODY[])")[1][0][1]
    mail = message_from_bytes(content, policy=policy.default)
    return mail, parseaddr(mail["Return-Path"])[1]


def taken_in(mail: EmailMessage) -> dict:
    files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    pdf = next(content for name, content in files.items() if name.lower().endswith(".pdf"))
    archive = zipfile.ZipFile(io.BytesIO(next(c for name, c in files.items() if name.upper() == "IHE_XDM.ZIP")))
    return {
        "subject": mail["Subject"],
        "headers": {name: mail[name] for name in ("X-MSS-NIL", "X-MSS-CODECDA", "X-MSS-INS")},
        "text": mail.get_body(("plain",)).get_content(),
        "pdf": pdf[:5].decode(),
        **in_archive(archive),
    }


def in_archive(archive: zipfile.ZipFile) -> dict:
    """Refuses what METADATA.XML does not describe as it is."""
    metadata = ElementTree.fromstring(archive.read("IHE_XDM/SUBSET01/METADATA.XML"))
    found = {"documents": [], "patients": []}
    for entry in metadata.iter(f"{RIM}ExtrinsicObject"):
        slots = {slot.get("name"): slot.findtext(f".//{RIM}Value") for slot in entry.iter(f"{RIM}Slot")}
        content = archive.read(f"IHE_XDM/SUBSET01/{slots['URI']}")
        assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == slots["hash"].lower(), "hash"
        assert len(content) == int(slots["size"]), "size"
        found["patients"] += [
            identifier.get("value").split("^")[0]
            for identifier in entry.iter(f"{RIM}ExternalIdentifier")
            if identifier.get("identificationScheme") == PATIENT_OF_A_DOCUMENT
        ]
        document = ElementTree.fromstring(content)
        found["documents"].append(document.find(f"{CDA}code").get("code"))
    return found


# --- Sending --------------------------------------------------------------------------------------------------------
def begun(facts: dict, mail: EmailMessage, subject: str) -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["Subject"], made["Date"] = facts["address"], subject, formatdate()
    made["To"] = parseaddr(mail["Disposition-Notification-To"])[1]
    made["Message-ID"] = make_msgid(domain="logiciel.pharmacie.test")
    return made


def receipt(facts: dict, mail: EmailMessage, disposition: str, code: str = "", text: str = "") -> EmailMessage:
    """As the Interoperability Framework asks: words, the notification, the whole message it speaks of."""
    subject = f"[KO Intégration système !][{code}] {mail['Subject']}" if code else f"Lu : {mail['Subject']}"
    made = begun(facts, mail, subject)
    made["Auto-Submitted"] = "auto-replied"
    made.set_content(text or "Bien reçu.")
    made.make_mixed()
    made.replace_header("Content-Type", 'multipart/report; report-type="disposition-notification"')
    notification = EmailMessage(policy=policy.SMTP)
    lines = [
        "Reporting-UA: Autre Logiciel; 3.1",
        f"Original-Recipient: rfc822; {facts['address']}",
        f"Final-Recipient: rfc822; {facts['address']}",
        f"Original-Message-ID: {mail['Message-ID']}",
        f"Disposition: {disposition}",
        *([f"Error: {code}^{text}"] if code else []),
    ]
    notification.set_payload("\r\n".join(lines) + "\r\n")
    notification["Content-Type"] = "message/disposition-notification"
    original = EmailMessage(policy=policy.SMTP)
    original.set_content(mail)
    made.attach(notification)
    made.attach(original)
    return made


def answer(facts: dict, mail: EmailMessage, text: str, *, is_last: bool) -> EmailMessage:
    made = begun(facts, mail, f"Re: {mail['Subject']}")
    made["In-Reply-To"] = made["References"] = mail["Message-ID"]
    if is_last:
        made["X-MSS-MES"] = "FIN"
    made.set_content(f"<p>{text}</p><blockquote>{mail.get_body(('plain',)).get_content()}</blockquote>", subtype="html")
    if not is_last:
        made.add_attachment(blank_page(), maintype="application", subtype="pdf", filename="conseils.pdf")
    return made


def send(facts: dict, mail: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", facts["smtp_port"]) as operator:
        operator.starttls(context=tls(facts))
        operator.ehlo()
        content = re.sub(rb"\r?\n", b"\r\n", mail.as_bytes())
        operator.sendmail(facts["address"], [mail["To"]], content)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2:])
