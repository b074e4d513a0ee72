"""What an incoming mail says, read without trust: bounded in size, parts and depth, no markup kept, never a guess.

Python's older parser (compat32) on purpose: it never raises on what a stranger wrote.
"""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from html.parser import HTMLParser

PARTS_MAX = 50
DEPTH_MAX = 10
TEXT_MAX = 200_000  # characters looked at
HEADER_MAX = 20_000

MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,296}>")  # visible ASCII: no database takes a NUL
_ADDRESS = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>\s*$|^\s*([^<>\s\"]+@[^<>\s\"]+)\s*$")
_HISTORY = re.compile(
    r"^\s*(?:-{2,}\s*(?:message d.origine|original message|message transféré)"
    r"|_{10,}\s*$"
    r"|(?:le|on)\s.{4,200}\s(?:a écrit|wrote)\s*:\s*$"
    r"|(?:de|from)\s*:\s.{0,200}@)",
    re.IGNORECASE,
)
# The same over two lines: one that was too long, and the headings of Outlook, which need not say an address.
_WRAPPED = re.compile(r"^\s*(?:le|on)\s(?=.*\d).{4,300}\s(?:a écrit|wrote)\s*:\s*$", re.IGNORECASE)
_FROM = re.compile(r"^\s*\*?(?:de|from)\s*:", re.IGNORECASE)
_SENT = re.compile(r"^\s*\*?(?:envoyé|sent|date|objet|subject)\s*:", re.IGNORECASE)
_AWAY = re.compile(r"\s*(?:réponse automatique|automatic reply|out of office|absence du bureau)\b", re.IGNORECASE)


class Unreadable(Exception):
    """Too many parts, too deep: kept for the back office, not read."""


@dataclass(frozen=True)
class Mail:
    sender: str  # address of From, lower case; empty when it is not one
    sender_name: str  # the label beside it, decoded; anybody may write anything there
    return_path: str  # empty for a report
    subject: str  # decoded
    references: list[str]  # In-Reply-To first, then References from the last one
    text: str
    is_automatic: bool
    is_last_word: bool  # the professional ends the conversation (ECO.2.2.8)
    message: Message


def read(content: bytes) -> Mail:
    """Raises Unreadable."""
    message = _parse(content)
    subject = decoded(_header(message, "Subject"))
    return Mail(
        sender=_sender(message),
        sender_name=_label(_header(message, "From")),
        return_path=_address(_header(message, "Return-Path")),
        subject=subject,
        references=_references(message),
        text=words_of(message),
        is_automatic=_is_automatic(message, subject),
        is_last_word=_header(message, "X-MSS-MES").strip().upper() == "FIN" or subject.strip() == "[FIN]",
        message=message,
    )


def _parse(content: bytes) -> Message:
    if len(re.findall(rb"multipart/|message/", content[:5_000_000], re.IGNORECASE)) > PARTS_MAX * 2:
        raise Unreadable("too-many-parts")  # before Python's parser, which calls itself at each level
    message = message_from_bytes(content, policy=policy.compat32)
    if _count(message, depth=0) > PARTS_MAX:
        raise Unreadable("too-many-parts")
    return message


def _count(message: Message, depth: int) -> int:
    if depth > DEPTH_MAX:
        raise Unreadable("too-deep")
    inside = message.get_payload() if message.is_multipart() else []
    return 1 + sum(_count(part, depth + 1) for part in inside)


def _header(message: Message, name: str) -> str:
    return str(message.get(name, ""))[:HEADER_MAX]


def decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError):
        return value


def _address(value: str) -> str:
    found = _ADDRESS.search(value)
    return (found[1] or found[2]).lower() if found else ""


def _sender(message: Message) -> str:
    """Of two From, servers and people may each believe another one: neither is."""
    return _address(_header(message, "From")) if len(message.get_all("From", [])) == 1 else ""


def _is_automatic(message: Message, subject: str) -> bool:
    """RFC 3834, and what older software says instead."""
    if _header(message, "Auto-Submitted").lower().split(";")[0].strip() not in {"", "no"}:
        return True
    is_bulk = _header(message, "Precedence").strip().lower() in {"auto_reply", "bulk", "junk"}
    return is_bulk or "X-Autoreply" in message or "X-Autorespond" in message or _AWAY.match(subject) is not None


def _label(value: str) -> str:
    return decoded(value.rpartition("<")[0]).strip(' "')


def _references(message: Message) -> list[str]:
    answered = MESSAGE_ID.findall(_header(message, "In-Reply-To"))
    earlier = MESSAGE_ID.findall(_header(message, "References"))
    return list(dict.fromkeys([*answered, *reversed(earlier)]))[:50]


# --- Words ----------------------------------------------------------------------------------------------------------
def words_of(message: Message) -> str:
    """The plain text, else the page without its markup; without the history below it."""
    parts = [part for part in own_parts(message) if part.get_content_disposition() != "attachment"]
    for kind, said in (("text/plain", _text), ("text/html", lambda page: _without_markup(_text(page)))):
        part = next((part for part in parts if part.get_content_type() == kind), None)
        words = without_history(said(part)) if part is not None else ""
        if words:
            return words
    return ""


def own_parts(message: Message):
    """Not those of a message inside the message: those are somebody else's words."""
    if message.get_content_maintype() == "message":
        return
    if not message.is_multipart():
        yield message
        return
    for part in message.get_payload():
        yield from own_parts(part)


def file_name(part: Message) -> str:
    """A plain name: no folder, nothing that is not printed or turns the writing round. Empty when it has none."""
    try:
        said = decoded(part.get_filename() or "")
    except (LookupError, UnicodeError, ValueError, TypeError, AttributeError):  # RFC 2231 gone wrong
        return ""
    last = re.split(r"[/\\]", said)[-1]
    return re.sub(r"\s+", " ", "".join(c for c in last if c.isprintable() and c not in '<>:"|?*')).strip(" .")


def _text(part: Message) -> str:
    content = part.get_payload(decode=True) or b""
    try:
        return content[: TEXT_MAX * 4].decode(part.get_content_charset("utf-8"), "replace")[:TEXT_MAX]
    except (LookupError, ValueError):  # a charset nobody knows, or no name of one
        return content[:TEXT_MAX].decode("utf-8", "replace")


class _Words(HTMLParser):
    """Text only; quotations, scripts and styles are left out."""

    SILENT = frozenset({"script", "style", "head", "title", "blockquote", "template"})
    BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "table"})

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag, attrs):
        self._silent += tag in self.SILENT
        if tag in self.BREAKS:
            self.said.append("\n")

    def handle_endtag(self, tag):
        self._silent = max(0, self._silent - (tag in self.SILENT))

    def handle_data(self, data):
        if not self._silent:
            self.said.append(re.sub(r"\s+", " ", data))


def _without_markup(page: str) -> str:
    reader = _Words()
    reader.feed(page)
    reader.close()
    return "".join(reader.said)


def without_history(text: str) -> str:
    """Up to where the earlier message begins; what is written below it or between its lines is kept."""
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.rstrip() for line in text.split("\n")]
    headings = [_heading_at(lines, number) for number in range(len(lines))]
    end = next((number for number, length in enumerate(headings) if length), len(lines))
    return _own(lines[:end]) or _own(_without_headings(lines, headings))


def _heading_at(lines: list[str], number: int) -> int:
    """How many lines, from this one, say whose the earlier message was."""
    line, following = lines[number], "".join(lines[number + 1 : number + 2])
    if _HISTORY.match(line):
        return 1
    if _HISTORY.match(following):  # this one is still the answer's
        return 0
    is_two = _WRAPPED.match(f"{line} {following}"[:HEADER_MAX]) or (_FROM.match(line) and _SENT.match(following))
    return 2 if is_two else 0


def _without_headings(lines: list[str], headings: list[int]) -> list[str]:
    left_out = {number + more for number, length in enumerate(headings) for more in range(length)}
    return [line for number, line in enumerate(lines) if number not in left_out]


def _own(lines: list[str]) -> str:
    kept = "\n".join(line for line in lines if not line.lstrip().startswith(">"))
    return re.sub(r"\n{3,}", "\n\n", kept).strip()
