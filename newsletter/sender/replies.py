"""What an SMTP server says, and what follows from it. Pure.

| phase | 2xx | 4xx | 5xx | 421 | lost, silent or out of step |
|---|---|---|---|---|---|
| connect, ehlo, starttls, auth | go on | HostDown | HostDown | HostDown | HostDown |
| mail | go on | Deferred | HostDown: it is the sender that is refused | HostDown | HostDown |
| rcpt | go on | Deferred | Refused or SenderRefused | HostDown | HostDown |
| data (354 goes on), bdat | go on | Deferred | Refused or SenderRefused | HostDown | HostDown |
| dot, also for the last chunk | accepted | Deferred | Refused or SenderRefused | HostDown | Uncertain |

Refused where the server speaks of this reader, SenderRefused where it speaks of us or of anything else (verdict.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from newsletter.bounces.addresses import names_sender
from newsletter.errors import Deferred, DeliveryError, HostDown, Refused, SenderRefused
from newsletter.sender.phase import Phase
from newsletter.sender.verdict import About, about
from newsletter.types import Mail

LINE = 8192  #: bytes of one line of a reply
REPLY = 4 * LINE  #: bytes of a whole reply: an EHLO has a few hundred
_STATUS = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_ORDER = re.compile(rb"pipelin|synchroni[sz]", re.IGNORECASE)


class Garbled(Exception):
    """What came is no reply of SMTP."""


class Reply(NamedTuple):
    """One answer of a server, whole."""

    code: int
    text: bytes  #: of all lines, without their codes, with "\\n" between them

    @property
    def good(self) -> bool:
        return 200 <= self.code < 300

    @property
    def words(self) -> str:
        return readable(f"{self.code} {self.text.decode('utf-8', 'replace')}")

    @property
    def status(self) -> str:
        """The enhanced status code, where it agrees with the code."""
        found = _STATUS.match(self.text)
        return found[0].decode() if found and found[0][:1] == b"%d" % (self.code // 100) else ""

    @property
    def about_order(self) -> bool:
        """Whether it refuses how we write rather than what we say."""
        return (
            self.code in (500, 502, 503)
            or self.status in ("5.5.0", "5.5.1")
            or (self.code >= 500 and _ORDER.search(self.text) is not None)
        )


class Replies:
    """Cuts what arrives into replies."""

    def __init__(self) -> None:
        self._rest = b""  #: of a line that has not ended
        self._lines: list[bytes] = []  #: of a reply that goes on
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Yield all that are whole now. Then it raises Garbled for what cannot be a reply, or one that does not end."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if reply := self._take(line):
                yield reply
        if len(self._rest) > LINE:
            raise Garbled("a line of a reply does not end")

    def _take(self, line: bytes) -> Reply | None:
        code, mark = line[:3], line[3:4]
        if not (code.isdigit() and b"200" <= code <= b"599" and mark in (b" ", b"-", b"\r", b"")):
            raise Garbled(f"not a reply: {readable(line.decode('utf-8', 'replace'))[:100]}")
        text = line[4:].rstrip()
        if mark != b"-" and not self._lines:
            return Reply(int(code), text)
        self._lines.append(text)
        self._size += len(line)
        if self._size > REPLY:
            raise Garbled("a reply does not end")
        if mark == b"-":
            return None
        lines, self._lines, self._size = self._lines, [], 0
        return Reply(int(code), b"\n".join(lines))


def goes_along(reply: Reply, phase: Phase) -> bool:
    """Say whether the server goes along."""
    return reply.code == 354 if phase is Phase.DATA else reply.good


def error_for(reply: Reply, phase: Phase, mail: Mail | None = None) -> DeliveryError | None:
    """Look a reply up in the table at the top; None where the server goes along. `mail` tells whom words may name."""
    if goes_along(reply, phase):
        return None
    told = (reply.words, reply.code, reply.status, phase)
    if reply.code == 421 or (phase is Phase.MAIL and reply.code >= 500):
        return HostDown(*told)
    if reply.code < 500:
        return Deferred(*told)
    if about(*told) is not About.READER or (mail and names_sender(reply.words, mail.sender, mail.recipient)):
        return SenderRefused(*told)
    return Refused(*told)


def out_of_step(reply: Reply, phase: Phase) -> bool:
    """Say whether no server means this: who reads it has lost count of the replies."""
    return reply.good if phase is Phase.DATA else 300 <= reply.code < 400


def readable(text: str) -> str:
    """One line, of 300 characters at most, that any store can keep."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8", "replace").split())[:300]
