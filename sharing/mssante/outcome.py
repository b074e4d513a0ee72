"""What came of sending one message, and what a server's words mean at each stage (RFC 5321, RFC 3463)."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    CONNECT = "connect"
    TLS = "tls"
    EHLO = "ehlo"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    SENT_DOT = "sent-dot"  # the final dot has begun to leave: from here on a silence may hide a success
    DONE = "done"


class Kind(StrEnum):
    SENT = "sent"
    TEMPORARY = "temporary"  # nothing was accepted; later it may be
    RECIPIENT = "recipient"  # this message to this mailbox is refused for good, by a server that takes others
    REFUSED = "refused"  # refused for good, but perhaps everybody is: the server has not shown that it takes anyone
    CONFIGURATION = "configuration"  # the operator or ourselves: nobody's message would pass
    UNKNOWN = "unknown"  # all was sent and nothing came back


@dataclass(frozen=True)
class SendOutcome:
    stage: Stage
    code: str  # "550 5.1.1", or a short word: timeout, dropped, tls… Never the server's text, which may quote people
    kind: Kind


@dataclass(frozen=True)
class Reply:
    """A server's answer. `code` -1: it was not SMTP."""

    code: int
    text: str = ""

    @property
    def enhanced(self) -> str:
        """RFC 3463: "5.1.1", or nothing."""
        found = re.match(r"([245]\.\d{1,3}\.\d{1,3})\b", self.text)
        return found[1] if found else ""

    @property
    def said(self) -> str:
        return "garbage" if self.code < 0 else f"{self.code} {self.enhanced}".strip()

    def is_positive(self) -> bool:
        return 200 <= self.code < 300

    def is_permanent(self) -> bool:
        return 500 <= self.code < 600


ABOUT_SIZE = {"5.2.3", "5.3.4"}
ABOUT_US = re.compile(r"5\.5\.\d+|5\.7\.(0|8|9|10|11|14|30)|5\.3\.[^4].*")  # protocol, authentication, system
CODES_ABOUT_US = {500, 501, 502, 503, 504, 521, 530, 534, 535, 538, 555}


def judge(stage: Stage, reply: Reply) -> Kind:
    """What a refusal means. A success is told by its caller: only there is it known what was asked."""
    if not reply.is_permanent():
        return Kind.UNKNOWN if stage == Stage.SENT_DOT and not 400 <= reply.code < 500 else Kind.TEMPORARY
    if stage in {Stage.CONNECT, Stage.TLS, Stage.EHLO, Stage.AUTH}:
        return Kind.CONFIGURATION
    if reply.enhanced in ABOUT_SIZE or (stage != Stage.RCPT and reply.code == 552):
        return Kind.RECIPIENT
    if stage == Stage.MAIL or _speaks_of_us(reply):
        return Kind.CONFIGURATION
    return Kind.REFUSED


def _speaks_of_us(reply: Reply) -> bool:
    if reply.enhanced:
        return ABOUT_US.fullmatch(reply.enhanced) is not None
    return reply.code in CODES_ABOUT_US
