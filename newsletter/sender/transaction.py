"""One SMTP transaction: what is written of a mail, and what the server replied."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from newsletter.errors import DeliveryError
from newsletter.sender.phase import Phase
from newsletter.sender.pipelining import PipeliningLevel
from newsletter.sender.replies import Reply
from newsletter.types import Mail


class Refusal(NamedTuple):
    """A no of the server, and what it was said to."""

    reply: Reply
    phase: Phase


class SmtpTransaction:
    """A mail on the wire. Its sender waits for `envelope_taken`, writes the body, and waits for `answered`."""

    def __init__(self, commands: tuple[bytes, bytes], mail: Mail, loop: asyncio.AbstractEventLoop) -> None:
        self.commands = commands  #: MAIL and RCPT
        self.mail = mail
        self.sealed = mail.sealed
        self.body = mail.body if mail.sealed or mail.body.endswith(b"\r\n") else mail.body + b"\r\n"
        self.level = PipeliningLevel.PLAIN
        self.ahead = False  #: its envelope was written before the reply to the last mail's dot
        self.unwritten: list[tuple[Phase, bytes]] = []  #: commands that wait for the reply to the one before
        self.dropped: frozenset[str] = frozenset()  #: parameters that were refused, and left out then
        self.error: Refusal | None = None  #: the first in its envelope
        self.doubtful = False  #: its dot was written: if the connection is lost now, nobody can know
        self.over = False
        self.envelope_taken: asyncio.Future[DeliveryError | None] = loop.create_future()  #: None: it was
        self.answered: asyncio.Future[Reply | DeliveryError] = loop.create_future()

    @property
    def stuffed(self) -> bytes:
        """The body as DATA wants it (RFC 5321 4.5.2), without the last dot."""
        if self.sealed:
            return self.body
        stuffed = self.body.replace(b"\r\n.", b"\r\n..")
        return b"." + stuffed if stuffed.startswith(b".") else stuffed

    @property
    def cut(self) -> int:
        """Where the last chunk begins, for BDAT: the last line is withheld until the ledger knows."""
        return self.body.rfind(b"\n", 0, -1) + 1

    def envelope(self, reset: bool) -> list[tuple[Phase, bytes]]:
        """Return the commands before the body; `reset`: an envelope may have been left behind."""
        if self.level is PipeliningLevel.CHUNKS:
            last = Phase.BDAT, b"BDAT %d\r\n" % self.cut
        else:
            last = Phase.DATA, b"DATA\r\n"
        mail, recipient = self.commands
        commands = [(Phase.MAIL, mail), (Phase.RCPT, recipient), last]
        return [(Phase.RSET, b"RSET\r\n"), *commands] if reset else commands

    def take_envelope(self) -> None:
        """Let the sender go on to the body."""
        if not self.envelope_taken.done():
            self.envelope_taken.set_result(None)

    def end(self, result: Reply | DeliveryError) -> None:
        """Give the result to the sender, at once or when it next waits for something."""
        self.over = True
        if not self.envelope_taken.done():
            self.envelope_taken.set_result(result if isinstance(result, DeliveryError) else None)
        if not self.answered.done():
            self.answered.set_result(result)
