"""The local MSSanté operator of the demo and the tests: real SMTP over STARTTLS, for certificates it knows only.

It files what it accepts into one Maildir a mailbox, carries mail both ways, and sends delivery reports (RFC 3461).
Every address of its domains exists, but those beginning with `inconnu` (refused at once) and `rebond` (accepted, then
reported as failed). Whose certificate it is says from which addresses it may send.
"""

import asyncio
import re
import ssl
import threading
from email.utils import format_datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP
from django.conf import settings
from django.utils import timezone

from portal import maildir
from sharing.demo import dsn
from sharing.demo.certificates import PHARMACIES, PORTAL, Certificates

MAX_BYTES = 25 * 1024 * 1024  # what Mon espace santé takes for a citizen
UNKNOWN, BOUNCING = "inconnu", "rebond"
START_SECONDS = 10


class Operator:
    """`with Operator(certificates, mailboxes) as operator:` listens on `operator.port`, in a thread of its own."""

    def __init__(self, certificates: Certificates, mailboxes: Path, *, port: int = 0):
        self.certificates, self.mailboxes, self.port = certificates, mailboxes, port

    def start(self) -> "Operator":
        """Raises OSError when the port is taken."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="operator", daemon=True)
        self._thread.start()
        try:
            self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(START_SECONDS)
        except OSError:
            self._end_loop()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _listen(self):
        context = _server_tls(self.certificates)
        return await self._loop.create_server(lambda: self._conversation(context), "127.0.0.1", self.port)

    def _conversation(self, context) -> "Conversation":
        return Conversation(
            PostOffice(self.mailboxes),
            data_size_limit=MAX_BYTES,
            enable_SMTPUTF8=False,
            hostname=settings.MSSANTE_DOMAIN,
            ident="ESMTP",
            tls_context=context,
            require_starttls=True,
            loop=self._loop,
        )

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(START_SECONDS)
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()

    def __enter__(self) -> "Operator":
        return self.start()

    def __exit__(self, *_error) -> None:
        self.stop()


def settings_for(operator: Operator) -> dict:
    """What makes the portal speak to this operator: names and values of the settings."""
    known = operator.certificates
    return {
        "MSSANTE_SMTP_HOST": "127.0.0.1",
        "MSSANTE_SMTP_PORT": operator.port,
        "MSSANTE_SMTP_TLS": "starttls",
        "MSSANTE_CA": str(known.ca),
        "MSSANTE_CRL": str(known.crl),
        "MSSANTE_CLIENT_CERT": str(known.certificate(PORTAL)),
        "MSSANTE_CLIENT_KEY": str(known.key(PORTAL)),
        "MSSANTE_MAILBOXES": operator.mailboxes,
    }


def _server_tls(known: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=known.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(known.certificate("operator"), known.key("operator"))
    return context


class Conversation(SMTP):
    """aiosmtpd knows no delivery reports: their parameters are taken out before it reads the command."""

    async def smtp_MAIL(self, arg):
        arg, asked = _take(arg, "RET", "ENVID")
        if re.fullmatch(r"FROM:\s*<>.*", arg or "", re.IGNORECASE):  # a report answers to nobody
            arg = "FROM:<nobody@" + settings.MSSANTE_DOMAIN + ">"
        await super().smtp_MAIL(arg)
        self.envelope.envid = asked.get("ENVID", "")

    async def smtp_RCPT(self, arg):
        arg, asked = _take(arg, "NOTIFY", "ORCPT")
        before = len(self.envelope.rcpt_tos)
        await super().smtp_RCPT(arg)
        if len(self.envelope.rcpt_tos) > before:
            self.envelope.rcpt_options.append(asked.get("NOTIFY", "").upper())


def _take(arg: str | None, *names: str) -> tuple[str | None, dict]:
    asked = {}

    def note(found):
        asked[found[1].upper()] = found[2]
        return ""

    return arg and re.sub(rf"(?i) ({'|'.join(names)})=(\S+)", note, arg), asked


class PostOffice:
    """aiosmtpd's handler."""

    def __init__(self, mailboxes: Path):
        self.mailboxes = mailboxes

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        kept = [line for line in responses[:-1] if not line.startswith("250-AUTH")]
        return [*kept, "250-ENHANCEDSTATUSCODES", "250-DSN", "250 HELP"]

    async def handle_MAIL(self, server, session, envelope, address, options):
        if not _may_send_from(_who(session), address):
            return "550 5.7.1 This certificate does not send from this address"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        local, _at, domain = address.lower().rpartition("@")
        if not _is_ours(domain):
            return "550 5.7.1 Domain not in the white list"
        if local.startswith(UNKNOWN):
            return "550 5.1.1 Unknown mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._file_all, envelope)
        return "250 2.0.0 Filed"

    def _file_all(self, envelope) -> None:
        for address, notify in zip(envelope.rcpt_tos, envelope.rcpt_options, strict=True):
            bounces = address.startswith(BOUNCING)
            if not bounces:
                maildir.file_message(self.mailboxes, address, _trace(envelope) + envelope.content)
            if "NEVER" not in notify and ("FAILURE" if bounces else "SUCCESS") in notify:
                self._report(envelope, address, failed=bounces)

    def _report(self, envelope, address: str, *, failed: bool) -> None:
        report = dsn.compose(
            to=envelope.mail_from,
            about=address,
            envid=envelope.envid,
            original=envelope.content,
            action="failed" if failed else "delivered",
            status="5.1.1" if failed else "2.0.0",
            by=settings.MSSANTE_DOMAIN,
        )
        maildir.file_message(self.mailboxes, envelope.mail_from, report)


def _who(session) -> str:
    """The common name in the client's certificate."""
    subject = (session.ssl or {}).get("peercert", {}).get("subject", ())
    return dict(pair for names in subject for pair in names).get("commonName", "")


def _may_send_from(who: str, address: str) -> bool:
    domain = address.lower().rpartition("@")[2]
    is_portal = domain == settings.MSSANTE_PATIENT_DOMAIN or address.lower() == settings.MSSANTE_PORTAL_ADDRESS
    return is_portal if who == PORTAL else who == PHARMACIES and _is_ours(domain) and not is_portal


def _is_ours(domain: str) -> bool:
    ours = (settings.MSSANTE_DOMAIN, settings.MSSANTE_PATIENT_DOMAIN)
    return domain in ours or domain.endswith(f".{settings.MSSANTE_DOMAIN}")


def _trace(envelope) -> bytes:
    now = format_datetime(timezone.localtime())
    return (
        f"Return-Path: <{envelope.mail_from}>\r\nReceived: by {settings.MSSANTE_DOMAIN} with ESMTPS;\r\n\t{now}\r\n"
    ).encode()
