"""A clock that tests move, and a transport that keeps its mails in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.errors import HostDown
from newsletter.sender import Begin, Connection
from newsletter.testing.samples import NOON
from newsletter.types import Mail


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        """Move on by the arguments of a timedelta: `days=7`."""
        self.now += timedelta(**by)


@dataclass(slots=True)
class MemoryTransport:
    """A transport that keeps its mails. `answer` is called before one is taken and may raise any DeliveryError."""

    answer: Callable[[Mail], None] = lambda mail: None  # noqa: ARG005
    mails: list[Mail] = field(default_factory=list)
    down: bool = False
    ahead: int = 1

    async def open(self) -> Connection:
        if self.down:
            raise HostDown("memory: connection refused")
        return self

    async def send(self, mail: Mail, begin: Begin) -> str:
        self.answer(mail)
        await begin()
        self.mails.append(mail)
        return "250 kept"

    async def close(self) -> None:
        """Nothing to close."""
