"""A mail on its way: what is written of it, and what was heard."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from newsletter.errors import DeliveryError
from newsletter.sender.pipelining import Rung
from newsletter.sender.replies import Phase, Reply
from newsletter.types import Mail


class Refusal(NamedTuple):
    """A no of the server, and what it was said to."""

    reply: Reply
    phase: Phase


class Letter:
    """Its sender waits for `going`, writes the body, and waits for `accepted`."""

    def __init__(self, steps: tuple[bytes, bytes], mail: Mail, loop: asyncio.AbstractEventLoop) -> None:
        self.steps = steps  #: MAIL and RCPT
        self.sealed = mail.sealed
        self.body = mail.body if mail.sealed or mail.body.endswith(b"\r\n") else mail.body + b"\r\n"
        self.rung = Rung.PLAIN
        self.ahead = False  #: its envelope was written before the reply to the last mail's dot
        self.unsaid: list[tuple[Phase, bytes]] = []  #: commands that wait for the reply to the one before
        self.error: Refusal | None = None  #: the first in its envelope
        self.doubtful = False  #: its dot was written: if the connection is lost now, nobody can know
        self.over = False
        self.going: asyncio.Future[DeliveryError | None] = loop.create_future()  #: None: its envelope was taken
        self.accepted: asyncio.Future[Reply | DeliveryError] = loop.create_future()

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

    def go(self) -> None:
        """Its envelope was taken."""
        if not self.going.done():
            self.going.set_result(None)

    def end(self, result: Reply | DeliveryError) -> None:
        """Its sender hears the result at once or, where it waits for nothing, when it will."""
        self.over = True
        if not self.going.done():
            self.going.set_result(result if isinstance(result, DeliveryError) else None)
        if not self.accepted.done():
            self.accepted.set_result(result)
