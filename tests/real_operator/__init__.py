"""A real MSSanté operator of another make: Exim takes and reports, Dovecot holds the mailboxes.

Both run unprivileged on free ports of this machine, ask everybody for a certificate of a throw-away authority, refuse
those on its list, and end with the tests. Exim was unpacked by .ci/setup, Dovecot installed.
"""

import grp
import os
import pwd
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sharing.demo import certificates
from sharing.demo.certificates import PORTAL, Certificates
from tests import servers

HERE = Path(__file__).parent
ACCOUNT = "Debian-exim"  # Exim's binary asks for it by name; root runs both servers as it
REVOKED = "revoked"  # file name of a certificate on the list
QUEUE_SECONDS = 10
DOVECOT = Path("/usr/sbin/dovecot")


@dataclass(frozen=True)
class RealOperator:
    certificates: Certificates
    folder: Path
    smtp_port: int
    clear_port: int  # here encryption is not offered
    imap_port: int
    account: pwd.struct_passwd

    def settings(self) -> dict:
        """What makes the portal speak to it."""
        known = self.certificates
        return {
            "MSSANTE_SMTP_HOST": "127.0.0.1",
            "MSSANTE_SMTP_PORT": self.smtp_port,
            "MSSANTE_SMTP_TLS": "starttls",
            "MSSANTE_SMTP_TIMEOUT": 20,
            "MSSANTE_IMAP_HOST": "127.0.0.1",
            "MSSANTE_IMAP_PORT": self.imap_port,
            "MSSANTE_CA": str(known.ca),
            "MSSANTE_CRL": str(known.crl),
            "MSSANTE_CLIENT_CERT": str(known.certificate(PORTAL)),
            "MSSANTE_CLIENT_KEY": str(known.key(PORTAL)),
        }

    def empty_mailboxes(self) -> None:
        """Once nothing is on its way any more."""
        until, pause = time.monotonic() + QUEUE_SECONDS, threading.Event()
        while self.queue() and time.monotonic() < until:
            pause.wait(0.01)
        for mailbox in (self.folder / "mail").iterdir():
            shutil.rmtree(mailbox)

    def put_into_mailbox(self, name: str, content: bytes) -> bytes:
        """Beside Exim, as it would arrive; what Dovecot will give."""
        folder = self.folder / "mail" / name / "Maildir"
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "new" / f"{time.time_ns()}.beside").write_bytes(content)
        _give(self.folder / "mail" / name, self.account)
        return content

    def mailbox_certificate(self, address: str) -> str:
        """The name of the files of the certificate that opens this mailbox."""
        local_part = address.partition("@")[0]
        if not self.certificates.certificate(local_part).exists():
            certificates.issue(self.certificates, local_part)
        return local_part

    def queue(self) -> list[str]:
        """Ids of the messages that Exim still has to deliver."""
        return [file.name.removesuffix("-H") for file in (self.folder / "spool" / "input").glob("*-H")]

    def forget_queue(self) -> None:
        self._exim("-Mrm", *self.queue())

    def run_queue(self) -> None:
        """Tries now what waits, and says to its sender that it does."""
        self._exim("-qff")

    def _exim(self, *words: str) -> None:
        command = [self.folder / "exim4", "-C", self.folder / "exim.conf", *words]
        servers.run_to_end(command, _other_than_us(self.account), self.folder)


@contextmanager
def running() -> Iterator[RealOperator]:
    account = _account()
    with servers.folder_for("ordolien-operator-", owner=account) as folder:
        known = certificates.ready_in(folder / "tls")
        operator = RealOperator(known, folder, *(servers.free_port() for _ in range(3)), account)
        _prepare(operator)
        exim = [folder / "exim4", "-C", folder / "exim.conf", "-bdf", "-q1m"]
        dovecot = [DOVECOT, "-F", "-c", folder / "dovecot.conf"]
        with (
            servers.child(dovecot, _other_than_us(account), folder, signal.SIGTERM) as mailboxes,
            servers.child(exim, _other_than_us(account), folder, signal.SIGTERM) as mail_server,
        ):
            servers.wait_for_port(mailboxes, operator.imap_port)
            servers.wait_for_port(mail_server, operator.smtp_port)
            yield operator


def _account() -> pwd.struct_passwd:
    try:
        known = pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise servers.ServerMissing(f"There is no account {ACCOUNT} here (`make test` makes it).") from None
    return known if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _other_than_us(account: pwd.struct_passwd) -> pwd.struct_passwd | None:
    return account if account.pw_uid != os.geteuid() else None


def _prepare(operator: RealOperator) -> None:
    known, folder = operator.certificates, operator.folder
    certificates.issue(known, PORTAL, file=REVOKED)
    crl = certificates.write_crl(known, known.folder / "revoked.crl", revoked=[REVOKED])
    (known.folder / "ca-and-crl.pem").write_bytes(known.ca.read_bytes() + crl.read_bytes())
    for name in ("spool", "mail"):
        (folder / name).mkdir()
    shutil.copy(_exim(), folder / "exim4")  # wherever the project is, the account must reach it
    for name in ("exim.conf", "dovecot.conf"):
        (folder / name).write_text(_filled_in((HERE / name).read_text(), operator))
    _give(folder, operator.account)


def _exim() -> Path:
    found = Path(sys.prefix) / "exim4" / "exim4"
    if not (found.exists() and DOVECOT.exists()):
        raise servers.ServerMissing("Exim or Dovecot is missing: `make test` brings both.")
    return found


def _filled_in(template: str, operator: RealOperator) -> str:
    words = {
        "FOLDER": operator.folder,
        "USER": operator.account.pw_name,
        "GROUP": grp.getgrgid(operator.account.pw_gid).gr_name,
        "SMTP_PORT": operator.smtp_port,
        "CLEAR_PORT": operator.clear_port,
        "IMAP_PORT": operator.imap_port,
    }
    return re.sub(r"@([A-Z_]+)@", lambda found: str(words[found[1]]), template)


def _give(folder: Path, account: pwd.struct_passwd) -> None:
    if os.geteuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, account.pw_uid, account.pw_gid)
