"""What a run needs of the ledger: the mails to send, and what is written down of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from newsletter.sender.circuit_breaker import Trip
from newsletter.sender.rate_limit import Gate
from newsletter.types import Delivery, Mail, Outcome

Handle = TypeVar("Handle")  #: the ledger's own hold on a delivery; a run only hands it back


def domain_of(address: str) -> str:
    """Of a recipient; lanes and pauses go by it."""
    return address.rpartition("@")[2].lower()


@dataclass(slots=True, eq=False)
class Job(Generic[Handle]):
    """One mail to send."""

    handle: Handle
    delivery: Delivery
    mail: Mail
    hung_up: int = 0  #: how often a server did, in place of an answer, when it was alone

    @property
    def domain(self) -> str:
        return domain_of(self.mail.recipient)


class Work(Protocol[Handle]):
    """What a run needs of the ledger. Engine provides it."""

    async def claim(self, gate: Gate, most: int) -> Sequence[Job[Handle]]:
        """The next mails that the gate lets in; empty when nothing is due."""
        ...

    async def comes_back(self) -> float:
        """Seconds until the first one that a gate sent away comes back; inf: there is none."""
        ...

    async def begin(self, handle: Handle) -> None:
        """Durable when it returns; raises Withdrawn when the mail must not go out."""
        ...

    async def take_back(self, handle: Handle) -> None:
        """What was perhaps begun was certainly not sent: it may begin again."""
        ...

    def settle(self, handle: Handle, delivery: Delivery) -> asyncio.Future[Outcome]:
        """Write down what became of it; durable when the future is done, and before anything that begins later."""
        ...

    async def hand_back(self, jobs: Sequence[Job[Handle]], wait: timedelta) -> None:
        """They were not tried, and are due later; a run waits for them as if the gate had sent them away."""
        ...

    async def pause(self, trip: Trip, jobs: Sequence[Job[Handle]]) -> None:
        """Send nothing to a domain for a while, or nothing at all; `jobs` are those of it in memory."""
        ...


class Flight(Generic[Handle]):
    """One mail on its way: how far the ledger was asked."""

    __slots__ = ("_handle", "_work", "asked", "begun")

    def __init__(self, work: Work[Handle], handle: Handle) -> None:
        self._work = work
        self._handle = handle
        self.asked = False
        self.begun = False  #: the last dot may be out

    async def begin(self) -> None:
        self.asked = True
        await self._work.begin(self._handle)
        self.begun = True

    async def take_back(self) -> None:
        if self.asked:
            await self._work.take_back(self._handle)
