"""The rules of the RFCs for every mail that leaves: `violations(mail)` names what it breaks. Looks at bytes only.

RFC 5322 (headers, lines), 2045-2049 (MIME), 2047 (encoded words), 2369 and 2919 (lists), 8058 (one click), 3834
(automatic mail), 6376, 8301 and 8463 (signatures). Each test mail passes here: see conftest.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.policy import EmailPolicy
from email.utils import parsedate_to_datetime
from functools import lru_cache
from quopri import decodestring
from typing import Any
from urllib.parse import urlsplit

_ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")
_AT_MOST_ONCE = (
    *("Sender", "Reply-To", "Cc", "Bcc", "In-Reply-To", "References", "List-Id", "List-Unsubscribe", "List-Help"),
    *(
        "List-Unsubscribe-Post",
        "List-Post",
        "List-Owner",
        "List-Archive",
        "Auto-Submitted",
        "Precedence",
        "Feedback-ID",
    ),
)
_SIGNED = (*_ONCE, "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post")  #: where the mail has them
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)>")
_LIST_ID = re.compile(r"([^<>]*\s|\"([^\"\\]|\\.)*\"\s)?<[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+>", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]+)\?([bqBQ])\?([^?\s]*)\?=")


class _Remembering(EmailPolicy):
    """The default policy, which reads a header anew whenever it is asked for; most are the same in every mail."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return _read(name, value)


_read = lru_cache(maxsize=1024)(policy.default.header_fetch_parse)
_POLICY = _Remembering()


def violations(mail: bytes) -> list[str]:
    """One line each; empty for a mail that keeps the rules."""
    return [*_bytes(mail), *_headers(mail), *_words(mail), *_mime(mail), *_list(mail), *_signatures(mail)]


def fields(mail: bytes) -> list[tuple[str, str]]:
    """(name, value with its folds) of each header, as they stand."""
    head = mail.partition(b"\r\n\r\n")[0].decode("latin-1")
    lines = re.split(r"\r\n(?![ \t])", head)
    return [(name, value.removeprefix(" ")) for name, _, value in (line.partition(":") for line in lines)]


def values(mail: bytes, name: str) -> list[str]:
    """Unfolded."""
    return [re.sub(r"\r\n(?=[ \t])", "", value) for found, value in fields(mail) if found.lower() == name.lower()]


def _bytes(mail: bytes) -> Iterator[str]:
    without = mail.replace(b"\r\n", b"")
    if b"\r" in without or b"\n" in without:
        yield "5322 2.3: a bare CR or LF"
    if b"\0" in mail:
        yield "5322 2.2: a NUL"
    if max(map(len, mail.split(b"\r\n"))) > 998:
        yield "5322 2.1.1: a line of more than 998 bytes"
    if not mail.endswith(b"\r\n"):
        yield "5321 4.1.1.4: does not end in CRLF"
    if not mail.isascii():
        yield "2045 2.7: 8-bit bytes, which a server may not take"


def _headers(mail: bytes) -> Iterator[str]:
    for name in _ONCE:
        if len(values(mail, name)) != 1:
            yield f"5322 3.6: {len(values(mail, name))} times {name}"
    for name in _AT_MOST_ONCE:
        if len(values(mail, name)) > 1:
            yield f"5322 3.6, 2369: {name} more than once"
    for name, value in fields(mail):
        if not re.fullmatch(r"[!-9;-~]+", name):
            yield f"5322 2.2: {name!r} is no name of a header"
        if any(not line.strip() for line in value.split("\r\n")[1:]):
            yield f"5322 2.2.3: {name} has a line of blanks only"
    if values(mail, "Auto-Submitted") != ["auto-generated"]:
        yield "3834 5: not Auto-Submitted: auto-generated"
    yield from _identity(mail)


def _identity(mail: bytes) -> Iterator[str]:
    for value in values(mail, "Message-ID"):
        if not _MESSAGE_ID.fullmatch(value):
            yield f"5322 3.6.4: Message-ID {value}"
    for value in values(mail, "Date"):
        if not re.search(r" [+-]\d{4}$", value) or parsedate_to_datetime(value).tzinfo is None:
            yield f"5322 3.3: Date {value}"


def _words(mail: bytes) -> Iterator[str]:
    for name, value in fields(mail):
        if "=?" not in value or name == "DKIM-Signature":
            continue
        if re.search(r'"[^"]*=\?[^"]*\?=[^"]*"', value):
            yield f"2047 5: an encoded word in a quoted string of {name}"
        for found in _WORD.finditer(value):
            if len(found[0]) > 75:
                yield f"2047 2: an encoded word of {len(found[0])} characters in {name}"
            data = b64decode(found[3]) if found[2] in "bB" else decodestring(found[3].replace("_", " "))
            try:
                data.decode(found[1])
            except (UnicodeDecodeError, LookupError):
                yield f"2047 5: an encoded word in {name} cuts a character"
        for line in f"{name}: {value}".split("\r\n"):
            if _WORD.search(line) and len(line) > 76:
                yield f"2047 2: a line of {name} with an encoded word has {len(line)} characters"


def _mime(mail: bytes) -> Iterator[str]:
    message = message_from_bytes(mail, policy=_POLICY)
    assert isinstance(message, EmailMessage)
    yield from (f"defect: {defect!r}" for part in message.walk() for defect in part.defects)
    if values(mail, "MIME-Version") != ["1.0"]:
        yield "2045 4: no MIME-Version: 1.0"
    if message.get_content_type() != "multipart/alternative":
        yield f"2046 5.1.4: {message.get_content_type()} instead of multipart/alternative"
        return
    parts = list(message.iter_parts())
    if [part.get_content_type() for part in parts] != ["text/plain", "text/html"]:
        yield "2046 5.1.4: not text first and HTML last"
    boundary = f"--{message.get_boundary()}".encode()
    if mail.partition(b"\r\n\r\n")[2].count(boundary) != len(parts) + 1:
        yield "2046 5.1.1: the boundary stands in a body"
    for part in parts:
        yield from _part(part)


def _part(part: MIMEPart) -> Iterator[str]:
    if part.get_content_charset() != "utf-8":
        yield f"2045 5.2: {part.get_content_type()} without a charset"
    encoding = part["Content-Transfer-Encoding"]
    raw = str(part.get_payload())
    longest = max(map(len, raw.replace("\r\n", "\n").split("\n")))
    if encoding in ("quoted-printable", "base64") and longest > 76:
        yield f"2045 6.7: a line of {longest} characters in {encoding}"
    if encoding == "quoted-printable" and re.search(r"[ \t]\r?\n|=(?![0-9A-F]{2}|\r?\n)", raw):
        yield "2045 6.7: not quoted-printable"
    if encoding not in ("quoted-printable", "base64", "7bit"):
        yield f"2045 6: {encoding}"


def _list(mail: bytes) -> Iterator[str]:
    for value in values(mail, "List-Id"):
        if not _LIST_ID.fullmatch(value) or "localhost" in value:
            yield f"2919 3: List-Id {value}"
    for name in ("List-Unsubscribe", "List-Help", "List-Owner", "List-Archive"):
        for value in values(mail, name):
            if "=?" in value or not re.fullmatch(r"<[!-;=?-~]+>(, *<[!-;=?-~]+>)*", value):
                yield f"2369 2: {name} {value}"
    if any(value != "NO" and not value.startswith("<") for value in values(mail, "List-Post")):
        yield "2369 3.4: List-Post"
    if values(mail, "List-Id"):
        yield from _one_click(mail)


def _one_click(mail: bytes) -> Iterator[str]:
    ways = re.findall(r"<([^>]*)>", "".join(values(mail, "List-Unsubscribe")))
    web = [way for way in ways if way.startswith("http")]
    if not ways or len(web) > 1:
        yield "8058 3.1: not one HTTPS address in List-Unsubscribe"
    wanted = ["List-Unsubscribe=One-Click"] if urlsplit("".join(web[:1])).scheme == "https" else []
    if values(mail, "List-Unsubscribe-Post") != wanted:
        yield f"8058 3.1: List-Unsubscribe-Post is not {wanted}"


def _signatures(mail: bytes) -> Iterator[str]:
    for value in values(mail, "DKIM-Signature"):
        pairs = (tag.partition("=") for tag in value.split(";"))
        tags = {name.strip(): re.sub(r"\s", "", its) for name, _, its in pairs}
        signed = [name.lower() for name in tags["h"].split(":")]
        if tags["c"].partition("/")[0] != "relaxed" or "l" in tags or not tags["a"].endswith("-sha256"):
            yield f"6376, 8301: {value}"
        for name in _SIGNED:
            if len(values(mail, name)) > signed.count(name.lower()):
                yield f"6376 5.4, 8058 4: {name} is not signed"
        if signed.count("from") != 2:
            yield "6376 8.15: From is not named once more than there is"
