"""What a run needs of the ledger: the mails to send, and what is written down of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from newsletter.sender.circuit_breaker import Trip
from newsletter.sender.rate_limit import Gate, Lane
from newsletter.types import Delivery, Mail, Outcome

Handle = TypeVar("Handle")  #: the ledger's own hold on a delivery; a run only hands it back


def domain_of(address: str) -> str:
    """Return the domain of a recipient; lanes and pauses go by it."""
    return address.rpartition("@")[2].lower()


@dataclass(slots=True, eq=False)
class Job(Generic[Handle]):
    """One mail to send, and how far it came."""

    handle: Handle
    delivery: Delivery
    mail: Mail
    hung_up: int = 0  #: how often a server did, in place of an answer, when it was alone
    moved: int = 0  #: how often it went to a new connection because a server had enough of the last one
    asked: bool = False  #: the ledger was asked to mark it as begun
    begun: bool = False  #: it is marked: the last dot may be out
    domain: str = field(init=False)
    lane: Lane = field(init=False)  #: of its domain; the queue sets it

    def __post_init__(self) -> None:
        self.domain = domain_of(self.mail.recipient)


class Work(Protocol[Handle]):
    """What a run needs of the ledger."""

    async def claim(self, gate: Gate, most: int) -> Sequence[Job[Handle]]:
        """Claim the next mails that the gate lets in; empty when nothing is due."""
        ...

    async def comes_back(self) -> float:
        """Return the seconds until the first one that a gate sent away comes back; inf: there is none."""
        ...

    async def begin(self, handle: Handle) -> None:
        """Mark a mail as begun, durably when it returns; raises Withdrawn when it must not go out."""
        ...

    async def take_back(self, handle: Handle) -> None:
        """Take the mark back: what was perhaps begun was certainly not sent, and may begin again."""
        ...

    def settle(self, handle: Handle, delivery: Delivery) -> asyncio.Future[Outcome]:
        """Write down what became of it; durable when the future is done, and before anything that begins later."""
        ...

    async def hand_back(self, jobs: Sequence[Job[Handle]], wait: timedelta) -> None:
        """Make what was not tried due later; a run waits for it as if the gate had sent it away."""
        ...

    async def pause(self, trip: Trip, jobs: Sequence[Job[Handle]]) -> None:
        """Send nothing to a domain for a while, or nothing at all; `jobs` are those of it in memory."""
        ...
