"""A mail that came back, taken apart within limits: headers, readable texts, reports, and the mail it is about.

The standard library parses; hostile input costs at most what the limits below allow.
"""

from __future__ import annotations

import re
from codecs import lookup
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from html import unescape
from itertools import islice

MOST_BYTES = 10 * 2**20  #: of one report; the rest is not read
MOST_PARTS = 100
MOST_LINES = 200_000  #: of one report; ten megabytes in base64 have 140,000
MOST_NESTED = 200  #: mentions of a boundary or a mail within; more are read as one plain text
MOST_COMPARED = 5_000_000  #: lines times boundaries: each line may have to be held against all of them
LONGEST_TEXT = 100_000  #: characters of one part
LONGEST_HEADER = 4_000
MOST_HEADERS = 1_000
LONGEST_TRACE = 2_000_000

#: Where the mail that came back begins in a text: a header that no notice has, at the start of a line.
_RETURNED = re.compile(
    r"(?im)^>? ?(?:Received|Return-Path|DKIM-Signature|ARC-Seal|X-Received|X-Originating-IP|X-Google-[\w-]{1,40}|"
    r"Delivered-To|X-HmXmrOriginalRecipient|X-Apparently-To):"
)
_RULE = re.compile(
    r"(?im)^[-=_* ]{2,80}.{0,40}(?:original (?:message|mail|e-mail)|copy of (?:the|your) (?:message|mail)|"
    r"header of the original|unsent message|message headers?|returned message|returned mail|message text follows)|"
    r"^(?:original message (?:follows|headers)|message headers follow|included is a copy|below is a copy)\b"
)
_QUOTED = re.compile(r"(?im)^> ?(?:Final-Recipient|Subject|Message-Id|Reporting-MTA) ?:")
_BLOCK = re.compile(r"(?i)<(style|script|head)\b")
_BREAK = re.compile(r"(?i)<(?:br|/?p|/?div|/?tr|/?td|/?li|/?h[1-6]|/?table|hr)\b[^<>]{0,500}>")
_TAG = re.compile(r"<[!/?]?[a-zA-Z][\w:-]{0,40}(?:\s[^<>]{0,2000})?/?>")
_MENTION = re.compile(rb"(?i)boundary(?:\*\d{0,9}\*?)?\s*=|message/rfc822")
_EMPTY_LINES = re.compile(rb"\n{3,}")  #: in a delivery report each of them would begin a new group of fields
_NO_CHARSETS = ("utf-7", "punycode", "unicode-escape", "raw-unicode-escape")  #: slow, or make halves of characters
_FIELDS = ("message/delivery-status", "message/global-delivery-status")
_HEADERS = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")


@dataclass(frozen=True, slots=True)
class ParsedReport:
    """The parts of a report. All text is Unicode with "\\n" lines."""

    headers: dict[str, str]  #: of the report, by lower-case name; a name that comes twice has its lines joined
    notice: str  #: what it tells people, up to the mail that came back
    fields: tuple[str, ...]  #: parts of RFC 3464
    feedback: tuple[str, ...]  #: parts of RFC 5965
    returned: str  #: headers of the mail that came back, as far as they are there
    carried: Message | None  #: another mail that is attached
    trace: str  #: everything

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


def parse_report(data: bytes) -> ParsedReport:
    """Take a report apart. Raises only what the standard library does on a mail that it cannot parse."""
    data = _few_lines(_EMPTY_LINES.sub(b"\n\n", data[:MOST_BYTES].replace(b"\r\n", b"\n").lstrip()))
    if data.startswith((b"From ", b">From ")):  # of an mbox
        data = data.partition(b"\n")[2]
    nested = len(_MENTION.findall(data))
    if nested > MOST_NESTED or nested * data.count(b"\n") > MOST_COMPARED:
        head, _, body = data.partition(b"\n\n")
        data = re.sub(rb"(?im)^Content-Type:.*(?:\n[ \t].*)*", b"Content-Type: text/plain", head) + b"\n\n" + body
    return sort_parts(message_from_bytes(data, policy=_BOUNDED))


def _few_lines(data: bytes) -> bytes:
    return b"\n".join(data.split(b"\n", MOST_LINES)[:MOST_LINES])


def sort_parts(message: Message) -> ParsedReport:
    """Sort the parts of a mail that the standard library has parsed."""
    return _PartSorter(message).sorted()


class _Bounded(Compat32):
    """Reads headers that say how to read the part, as far as anybody writes them: each parameter costs all the rest."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:LONGEST_HEADER] if name.lower().startswith("content-") else value


_BOUNDED = _Bounded()


class _PartSorter:
    """Sorts the parts of one mail."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._texts: list[str] = []
        self._pages: list[str] = []
        self._fields: list[str] = []
        self._feedback: list[str] = []
        self._returned: list[str] = []
        self._trace: list[str] = [_head(message)]
        self._carried: Message | None = None
        self._left = MOST_PARTS

    def sorted(self) -> ParsedReport:
        self._sort(self._message, top=True)
        notice, rest = _cut("\n".join(self._texts or self._pages)[:LONGEST_TEXT])
        returned = "\n\n".join([*self._returned, rest])
        return ParsedReport(
            headers=headers_of(_head(self._message)),
            notice=notice,
            fields=tuple(self._fields),
            feedback=tuple(self._feedback),
            returned=returned[:LONGEST_TEXT],
            carried=self._carried,
            trace="\n".join(self._trace)[:LONGEST_TRACE],
        )

    def _sort(self, part: Message, top: bool = False) -> None:
        self._left -= 1
        if self._left < 0:
            return
        kind = part.get_content_type()
        if kind in _FIELDS:
            self._keep(self._fields, _report(part))
        elif kind == "message/feedback-report":
            self._keep(self._feedback, _report(part))
        elif kind in _HEADERS:
            self._keep(self._returned, _text(part))
        elif kind == "message/rfc822" or (kind == "message/global" and not top):
            self._return(part)
        elif part.is_multipart():
            for inner in _parts(part):
                self._sort(inner)
        elif kind == "text/html":
            self._keep(self._pages, _plain(_text(part)))
        elif kind.startswith("text/") or top:
            self._keep(self._texts, _text(part))

    def _keep(self, where: list[str], text: str) -> None:
        where.append(text)
        self._trace.append(text)

    def _return(self, part: Message) -> None:
        """Keep of the mail that came back its headers, and for the trace its texts."""
        inner = _parts(part)
        if not inner:
            self._keep(self._returned, _text(part))
        for mail in inner[:1]:
            self._carried = self._carried or mail
            self._keep(self._returned, _head(mail))
            self._trace += [_text(leaf) for leaf in _leaves(mail, self._left)]


def headers_of(text: str) -> dict[str, str]:
    """Return headers by lower-case name, unfolded and decoded; lines that are none are passed over."""
    found: dict[str, list[str]] = {}
    for line in unfolded(text[:LONGEST_TEXT].lstrip("\n").partition("\n\n")[0]).split("\n")[:MOST_HEADERS]:
        name, colon, value = line.partition(":")
        if colon and name and not set(" \t<>@") & set(name.rstrip()):
            found.setdefault(name.strip().lower(), []).append(_decoded(value.strip()[:LONGEST_HEADER]))
    return {name: "\n".join(values) for name, values in found.items()}


def unfolded(text: str) -> str:
    """Join continuation lines to their first line."""
    return re.sub(r"\n[ \t]+", " ", text)


def _cut(text: str) -> tuple[str, str]:
    """Cut a text into the notice and what comes back below it."""
    if _QUOTED.search(text):  # somebody forwarded the report
        text = re.sub(r"(?m)^> ?", "", text)
    places = [found.start() for pattern in (_RETURNED, _RULE) if (found := pattern.search(text))]
    place = min((place for place in places if text[:place].strip()), default=len(text))
    return text[:place], text[place:]


def _parts(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _leaves(part: Message, most: int) -> Iterator[Message]:
    waiting: list[Message] = [part]
    while waiting and most > 0:
        most -= 1
        message = waiting.pop()
        inner = _parts(message)
        waiting += reversed(inner)
        if not inner:
            yield message


def _head(part: Message) -> str:
    lines = (f"{name}: {value}"[:LONGEST_TEXT] for name, value in islice(part.raw_items(), MOST_HEADERS))
    return "\n".join(_unicode(line.encode("utf-8", "surrogateescape"), "") for line in lines)


def _report(part: Message) -> str:
    """Return the fields of a report as they stand; the standard library has made a list of blocks of them."""
    inner = _parts(part)
    if not inner:
        return _text(part)
    text = "\n\n".join(f"{_head(block)}\n\n{_text(block)}".strip() for block in inner)
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding not in ("base64", "quoted-printable"):
        return text
    again = Message()
    again["Content-Transfer-Encoding"] = encoding
    again.set_payload(text)
    return _text(again)


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return _unicode(payload[: 4 * LONGEST_TEXT], part.get_content_charset() or "")[:LONGEST_TEXT]


def _unicode(data: bytes, charset: str) -> str:
    """Decode by the charset, by UTF-8, or byte by byte."""
    plain = charset.lower() in ("", "us-ascii", "ascii", "utf-8")
    japanese = ("iso2022_jp",) if plain and b"\x1b$" in data else ()
    for codec in (*japanese, _codec(charset), "utf-8"):
        try:
            text = data.decode(codec)
        except (LookupError, ValueError):
            continue
        return text.replace("\r\n", "\n").replace("\r", "\n")
    return data.decode("latin-1").replace("\r\n", "\n")


def _codec(charset: str) -> str:
    """Return the codec of a charset; UTF-7 is what some servers call plain ASCII."""
    try:
        return "ascii" if "utf-7" in charset or lookup(charset).name in _NO_CHARSETS else charset
    except (LookupError, ValueError):
        return charset


def _decoded(value: str) -> str:
    if "=?" not in value:
        return value
    try:
        words: Sequence[tuple[bytes | str, str | None]] = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(word if isinstance(word, str) else _unicode(word, charset or "") for word, charset in words)


def _plain(html: str) -> str:
    """Return the readable text of a page; an address in angle brackets is none of its tags."""
    html = _BREAK.sub("\n", _without_comments("".join(_shown(html))))
    return unescape(_TAG.sub("", html)).replace("\xa0", " ")


def _without_comments(html: str) -> str:
    """The page without comments; one that does not end is text."""
    parts, place = [], 0
    while (start := html.find("<!--", place)) >= 0 and (end := html.find("-->", start + 4)) >= 0:
        parts.append(html[place:start])
        place = end + 3
    return "".join([*parts, html[place:]])


def _shown(html: str) -> Iterator[str]:
    """Yield what a browser shows of a page; a block that is never closed ends it."""
    lower, place = html.lower(), 0
    while block := _BLOCK.search(html, place):
        yield html[place : block.start()]
        place = lower.find(f"</{block[1].lower()}", block.end())
        if place < 0:
            return
    yield html[place:]
