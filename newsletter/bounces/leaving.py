"""Leaving by mail: the mailto of List-Unsubscribe, and the mail that somebody's mail program writes to it.

bounces+TOKEN@papers.example.org, subject "unsubscribe TOKEN"    iOS writes its own subject, others lose the address

The token decides, and nothing else: neither From nor any words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import quote, unquote

from newsletter.bounces.autoreply import replied
from newsletter.bounces.mime_parser import ParsedReport
from newsletter.errors import TokenError
from newsletter.tokens import Purpose, Tokens

MOST_ASKS = 30
LONGEST_LINE = 1_000
MOST_LINES = 20  #: of the text: a forwarded mail has its headers there
WORD = "unsubscribe"

_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "x-forwarded-to")
_IN_ADDRESS = re.compile(r"(?i)[+=-]([a-z2-7]{18,29})@")
#: "Re:", "Fwd:", "AW:", "Subject:" of a forwarded mail, "[EXTERNAL]", "***SPAM***"
_BEFORE = re.compile(r"(?:\s|[^\W\d_]{1,9} ?[:：]|\[[^\]]{0,30}\]|\*{1,5}[^*]{0,30}\*{1,5})*")
_QUOTED = re.compile(r"[>|\s]*")
_FORWARDED_TO = re.compile(r"[^\W\d_]{1,9} ?[:：]")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{16,300}")


class LeaveByMail:
    """The address to leave by. `address` "": no mailbox is read, and none is offered.

    `delimiter` "": the address takes no token, the subject alone holds it.
    """

    def __init__(self, address: str, delimiter: str, tokens: Tokens) -> None:
        local, _, domain = address.rpartition("@")
        self._local = quote(local + delimiter, safe="+!$*") if address else ""
        self._rest = f"@{domain}?subject={WORD}%20"
        self._in_address = bool(delimiter)
        self._tokens = tokens

    def mailto(self, subscriber: int) -> str:
        """The URI for a person, always the same; "" where there is no mailbox."""
        if not self._local:
            return ""
        token = self._tokens.leaving(subscriber)
        return f"mailto:{self._local}{token if self._in_address else ''}{self._rest}{token}"

    def leaving(self, asks: Iterable[str]) -> set[int]:
        """The people whose tokens are among these."""
        return {number for ask in asks for number in self._read(ask)}

    def _read(self, ask: str) -> Iterator[int]:
        try:
            yield self._tokens.read_leaving(ask)
        except TokenError:
            try:  # of mails that went out before tokens were good in any case
                yield int(self._tokens.read(Purpose.UNSUBSCRIBE, ask)[0])
            except (TokenError, ValueError, IndexError):
                return


def asks_to_leave(mail: ParsedReport) -> tuple[str, ...]:
    """What may be tokens of somebody who wants to leave. None of a mail that a program wrote as an answer."""
    by_apple = mail.header("x-apple-unsubscribe").strip().lower() == "true"  # which calls it "auto-replied"
    if mail.header("return-path").strip() == "<>" or (replied(mail) and not by_apple):
        return ()
    return tuple(dict.fromkeys(islice(_asks(mail), MOST_ASKS)))


def _asks(mail: ParsedReport) -> Iterator[str]:
    for name in _TO:
        yield from _in_addresses(mail.header(name))
    yield from _in_line(mail.header("subject"))
    for line in mail.notice.lstrip().split("\n")[:MOST_LINES]:
        plain = line[_end(_QUOTED, line) :]
        yield from _in_line(plain)
        if _FORWARDED_TO.match(plain):
            yield from _in_addresses(plain)


def _in_addresses(text: str) -> Iterator[str]:
    yield from _IN_ADDRESS.findall(unquote(text[: 4 * LONGEST_LINE]))


def _in_line(text: str) -> Iterator[str]:
    """Find the token after the word; mail programs break and join lines at any blank, also within it."""
    line = unquote(text[:LONGEST_LINE])
    line = line[_end(_BEFORE, line) :]
    if line[: len(WORD)].casefold() != WORD:
        return
    words = line[len(WORD) :].lstrip(" \t\n:+=-_\"'<([").split()
    for some in dict.fromkeys((1, 2, 3, 4, len(words))):
        token = "".join(words[:some]).rstrip(".,;:!\"'>)]")
        if _TOKEN.fullmatch(token):
            yield token


def _end(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0
